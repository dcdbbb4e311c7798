// SPDX-License-Identifier: Apache-2.0
//
// Starts trivet-sandbox and waits until it has become bubblewrap.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"

namespace trivet::sandbox {

struct LaunchPlan {
  std::string program;                 // path of trivet-sandbox
  std::vector<std::string> arguments;  // its own (sandbox/options.h), with the command at the end
  std::vector<std::string> bubblewrap_arguments;
  int seccomp_fd = -1;               // the caller's; left as it is
  std::optional<std::uint32_t> uid;  // who may open /dev/stdout again; not given: we ourselves
};

// A sandbox that runs.
struct Launched {
  pid_t pid = -1;
  Fd pidfd;      // readable when it has ended
  Fd listening;  // 127.0.0.1:9001 inside
  Fd output;     // standard output and error, to be read without blocking
};

// It ends with the thread that calls this, so that thread must live as long as sandboxes do.
// kInternal with the step that failed, kTimeout. Nothing is left running on an error.
Result<Launched> launch(const LaunchPlan& plan, Millis deadline);

}  // namespace trivet::sandbox
