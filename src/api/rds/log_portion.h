// SPDX-License-Identifier: Apache-2.0
//
// Whole lines out of what was read of a log file. Only for this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace trivet::api::rds {

// AWS's: a portion is 1 MB at most, and 10,000 lines when no number is asked for.
inline constexpr std::size_t kPortionBytesMax = std::size_t{1} << 20;
inline constexpr std::int32_t kPortionLinesMax = 10'000;

struct LogPortion {
  std::string text;     // UTF-8: what is none is shown as '?'
  std::size_t end = 0;  // of the portion in what was read, in bytes
};

// The first lines. A last line without an end is left for the next portion, unless there is nothing
// else.
LogPortion head_of(std::string_view data, std::int32_t lines);
// The last lines; the first of `data` may be half a line when `is_cut`.
LogPortion tail_of(std::string_view data, std::int32_t lines, bool is_cut);

}  // namespace trivet::api::rds
