// SPDX-License-Identifier: Apache-2.0
//
// What trivet-sandbox is told. It is started by the daemon alone, with these descriptors open:
//
//   1, 2   where the function's output goes
//   3      a unix socket: the listening socket of the Runtime API goes out as SCM_RIGHTS, or the
//          text of what failed; it is closed when bubblewrap has taken over
//   4      bubblewrap's arguments, each ended by a NUL: what is in them (credentials) must not be
//          seen in a list of processes
//   5      the seccomp program
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace trivet::sandbox {

inline constexpr int kControlFd = 3;
inline constexpr int kArgumentsFd = 4;
inline constexpr int kSeccompFd = 5;

struct Options {
  std::int32_t parent = 0;           // the daemon's process id: we end with it
  std::string bubblewrap;            // absolute
  std::vector<std::string> cgroups;  // folders whose cgroup.procs we write ourselves into
  std::string netns;                 // to enter; empty: a new one with loopback alone
  // Whom to become. Not given: we are not root, so everything happens in a user namespace.
  std::optional<std::uint32_t> uid;
  std::vector<std::string> layers;  // two or more, a later one wins; stacked at `layers_at`
  std::string layers_at;
  std::string tmp_image;  // a file with an ext4 file system, mounted at `tmp_at`; empty: none
  std::string tmp_at;
  std::uint16_t port = 9001;         // of the Runtime API, on 127.0.0.1
  std::uint64_t data_bytes = 0;      // of private memory of one process; 0: no limit
  std::uint64_t processes = 1'024;   // and threads
  std::vector<std::string> command;  // what bubblewrap runs
};

// `arguments` without the program's name. kInvalidArgument.
Result<Options> parse_options(const std::vector<std::string>& arguments);

}  // namespace trivet::sandbox
