// SPDX-License-Identifier: Apache-2.0
//
// Records as lines of text, without their end of line. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "model/audit.h"

namespace trivet::audit {

// {"time":"…","kind":"login","verdict":"accepted|refused","reason":…}
std::string audit_line(const LoginRecord& record);
// {"time":"…","kind":"api","verdict":"done|refused|denied|rejected|failed",…}
std::string audit_line(const ApiRecord& record);
// {"time":"…","kind":"dropped","records":N}: that many could not be written.
std::string dropped_line(WallTime at, std::uint64_t count);

// RDS's line of a refused login, and behind it what RDS does not say:
// 2025-09-22T12:02:30,806 [ERROR] Failed to … Code: InvalidToken) [expired: expired 12 s ago; …]
std::string error_log_line(const LoginRecord& record);

}  // namespace trivet::audit
