// SPDX-License-Identifier: Apache-2.0
#include "api/json_limits.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

namespace trivet::api {
namespace {

using nlohmann::json;

std::string listed(std::span<const std::string_view> values) {
  std::string out;
  for (const std::string_view value : values) {
    out.append(out.empty() ? "" : ", ").append(value);
  }
  return out;
}

}  // namespace

std::string quoted_start(std::string_view value) {
  if (value.size() <= kShownBytesMax) {
    return std::string(value);
  }
  std::size_t end = kShownBytesMax;
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0U) == 0x80) {
    --end;  // not in the middle of a character
  }
  return std::string(value.substr(0, end)) + "...";
}

// AWS's words for what a value must be, in AWS's order.
std::vector<std::string> wanted_of(const Limits& limits) {
  std::vector<std::string> out;
  if (!limits.values.empty()) {
    out.push_back("Member must satisfy enum value set: [" + listed(limits.values) + "]");
  }
  if (limits.max != Limits::kNone) {
    out.push_back("Member must have length less than or equal to " + std::to_string(limits.max));
  }
  if (limits.min != Limits::kNone) {
    out.push_back("Member must have length greater than or equal to " + std::to_string(limits.min));
  }
  if (limits.pattern != nullptr) {
    out.push_back("Member must satisfy regular expression pattern: " +
                  std::string(limits.pattern->text));
  }
  return out;
}

bool is_among(const Limits& limits, std::string_view value) {
  return limits.values.empty() ||
         std::find(limits.values.begin(), limits.values.end(), value) != limits.values.end();
}
bool is_short_enough(const Limits& limits, std::int64_t length) {
  return limits.max == Limits::kNone || length <= limits.max;
}
bool is_long_enough(const Limits& limits, std::int64_t length) {
  return limits.min == Limits::kNone || length >= limits.min;
}

bool satisfies(const Limits& limits, std::string_view value) {
  const std::int64_t length = count_characters(value);
  return is_among(limits, value) && is_short_enough(limits, length) &&
         is_long_enough(limits, length) &&
         (limits.pattern == nullptr || matches(*limits.pattern, value));
}

bool item_satisfies(const Limits& limits, const json& item) {
  if (item.is_string()) {
    return satisfies(limits, item.get_ref<const std::string&>());
  }
  if (item.is_number()) {
    const double number = item.get<double>();
    return (limits.max == Limits::kNone || number <= static_cast<double>(limits.max)) &&
           (limits.min == Limits::kNone || number >= static_cast<double>(limits.min));
  }
  return true;
}

std::string all_of_wanted(const Limits& limits) {
  std::string out = "Member must satisfy constraint: [";
  for (const std::string& wanted : wanted_of(limits)) {
    out += wanted + ", ";
  }
  return out + "Member must not be null]";
}

}  // namespace trivet::api
