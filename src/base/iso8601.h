// SPDX-License-Identifier: Apache-2.0
//
// The three date forms of AWS, all UTC.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace trivet {

std::string format_iso8601(WallTime t);         // 2026-01-02T03:04:05Z
std::string format_iso8601_millis(WallTime t);  // 2026-01-02T03:04:05.678Z
std::string format_amz_date(WallTime t);        // 20260102T030405Z
// Real calendar dates only, seconds ≤ 59.
std::optional<WallTime> parse_iso8601(
    std::string_view text);  // with or without a fraction; 'Z' needed
std::optional<WallTime> parse_amz_date(std::string_view text);  // exactly 16 characters

}  // namespace trivet
