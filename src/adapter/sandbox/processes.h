// SPDX-License-Identifier: Apache-2.0
//
// What /proc says of a process and all that descend from it.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace trivet::sandbox {

// Resident memory of `pid` and its descendants, shared pages counted for each; 0 when it is gone.
std::int64_t resident_bytes_below(pid_t pid);

}  // namespace trivet::sandbox
