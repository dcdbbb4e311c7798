// SPDX-License-Identifier: Apache-2.0
//
// JSON as a policy needs it: members keep their order, numbers their text, and a name that appears
// twice in one object is an error instead of the last one winning.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trivet::policy {

struct JsonNode {
  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };
  Kind kind = Kind::kNull;
  std::string text;                // string, number as written, "true" or "false"
  std::vector<JsonNode> items;     // array elements, or values of the members
  std::vector<std::string> names;  // objects: items[i] is named names[i]

  // Requires nothing; nullptr when this is no object or has no such member.
  const JsonNode* member(std::string_view name) const;
};

enum class JsonFault { kNotJson, kDuplicateName, kTooDeepOrWide };

struct JsonResult {
  std::optional<JsonNode> root;  // absent when there is a fault
  JsonFault fault = JsonFault::kNotJson;
};

// At most 16 levels deep and 1000 members in one object.
JsonResult parse_json(std::string_view text);

}  // namespace trivet::policy
