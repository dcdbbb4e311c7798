// SPDX-License-Identifier: Apache-2.0
//
// What the model says of values in JSON, and AWS's words for it. Used by json_reader.cc only.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "api/shape_reader.h"

namespace trivet::api {

// How much of a value a message shows.
inline constexpr std::size_t kShownBytesMax = 256;
std::string quoted_start(std::string_view value);

// What a value must be: a sentence for each limit that there is, in AWS's order (enumeration,
// longest, shortest, pattern).
std::vector<std::string> wanted_of(const Limits& limits);
// The same in one sentence, as AWS says it of an item of a list.
std::string all_of_wanted(const Limits& limits);

bool is_among(const Limits& limits, std::string_view value);
bool is_short_enough(const Limits& limits, std::int64_t length);
bool is_long_enough(const Limits& limits, std::int64_t length);
bool satisfies(const Limits& limits, std::string_view value);
// Texts by length and pattern, numbers by range; others always.
bool item_satisfies(const Limits& limits, const nlohmann::json& item);

}  // namespace trivet::api
