// SPDX-License-Identifier: Apache-2.0
//
// Unpacks a zip archive of a stranger's into a folder of ours: nothing is written outside of it, no
// links are made, and what it may grow to is counted while it is written, whatever the archive says
// of itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace trivet::code_store {

struct UnpackLimits {
  std::int64_t bytes_max = 0;  // of all files together, unpacked
  std::int64_t entries_max = 100'000;
};

// The bytes of all files. `folder` exists, is empty and nobody else writes to it; after an error it
// holds a part. Files become 0644, or 0755 where the archive says that somebody may execute them,
// folders 0755: functions run as users of their own. Errors: kInvalidArgument in AWS's words where
// it has some; kUnavailable when the disk does not take it.
Result<std::int64_t> unpack(std::string_view archive, const std::string& folder,
                            const UnpackLimits& limits);

}  // namespace trivet::code_store
