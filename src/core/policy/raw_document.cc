// SPDX-License-Identifier: Apache-2.0
#include "core/policy/raw_document.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "core/policy/condition.h"
#include "core/policy/json_tree.h"

namespace trivet::policy {
namespace {

using Kind = JsonNode::Kind;

Error syntax_errors() {
  return malformed_policy(std::string(kSyntaxErrors));
}

template <std::size_t N>
bool has_only(const JsonNode& object, const std::array<std::string_view, N>& names) {
  return std::all_of(object.names.begin(), object.names.end(), [&names](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  });
}

// Absent is well; anything but a string is not.
bool read_string(const JsonNode* node, std::string& out) {
  if (node == nullptr) {
    return true;
  }
  out = node->text;
  return node->kind == Kind::kString;
}

// A string or a list of strings. Absent leaves `out` without a value.
bool read_strings(const JsonNode* node, std::optional<std::vector<std::string>>& out) {
  if (node == nullptr) {
    return true;
  }
  out.emplace();
  if (node->kind == Kind::kString) {
    out->push_back(node->text);
    return true;
  }
  for (const JsonNode& item : node->items) {
    if (item.kind != Kind::kString) {
      return false;
    }
    out->push_back(item.text);
  }
  return node->kind == Kind::kArray;
}

bool read_principals(const JsonNode* node, std::optional<RawPrincipals>& out) {
  if (node == nullptr) {
    return true;
  }
  out.emplace();
  if (node->kind == Kind::kString) {
    out->emplace_back("*", node->text);
    return node->text == "*";
  }
  if (node->kind != Kind::kObject || node->items.empty()) {
    return false;
  }
  constexpr std::array<std::string_view, 4> kKinds = {"AWS", "Service", "Federated",
                                                      "CanonicalUser"};
  if (!has_only(*node, kKinds)) {
    return false;
  }
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    std::optional<std::vector<std::string>> values;
    if (!read_strings(&node->items[i], values) || values->empty()) {
      return false;
    }
    for (std::string& value : *values) {
      out->emplace_back(node->names[i], std::move(value));
    }
  }
  return true;
}

bool is_scalar(const JsonNode& node) {
  return node.kind == Kind::kString || node.kind == Kind::kBool || node.kind == Kind::kNumber;
}

bool read_condition_values(const JsonNode& node, std::vector<std::string>& out) {
  if (is_scalar(node)) {
    out.push_back(node.text);
    return true;
  }
  for (const JsonNode& item : node.items) {
    if (!is_scalar(item)) {
      return false;
    }
    out.push_back(item.text);
  }
  return node.kind == Kind::kArray;
}

bool read_conditions(const JsonNode* node, std::vector<RawCondition>& out) {
  if (node == nullptr) {
    return true;
  }
  if (node->kind != Kind::kObject) {
    return false;
  }
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    const JsonNode& keys = node->items[i];
    // AWS lets an unknown operator pass while nothing is in it.
    if (keys.kind != Kind::kObject || (!keys.items.empty() && !parse_operator(node->names[i]))) {
      return false;
    }
    for (std::size_t j = 0; j < keys.items.size(); ++j) {
      RawCondition condition{node->names[i], keys.names[j], {}};
      if (!read_condition_values(keys.items[j], condition.values)) {
        return false;
      }
      out.push_back(std::move(condition));
    }
  }
  return true;
}

bool read_statement(const JsonNode& node, RawStatement& out) {
  constexpr std::array<std::string_view, 9> kElements = {"Sid",       "Effect",       "Action",
                                                         "NotAction", "Resource",     "NotResource",
                                                         "Principal", "NotPrincipal", "Condition"};
  if (node.kind != Kind::kObject || !has_only(node, kElements) ||
      (node.member("Action") != nullptr && node.member("NotAction") != nullptr) ||
      (node.member("Resource") != nullptr && node.member("NotResource") != nullptr) ||
      (node.member("Principal") != nullptr && node.member("NotPrincipal") != nullptr)) {
    return false;
  }
  return read_string(node.member("Sid"), out.sid) &&
         read_string(node.member("Effect"), out.effect) &&
         (equals_ignoring_case(out.effect, "Allow") || equals_ignoring_case(out.effect, "Deny")) &&
         read_strings(node.member("Action"), out.action) &&
         read_strings(node.member("NotAction"), out.not_action) &&
         read_strings(node.member("Resource"), out.resource) &&
         read_strings(node.member("NotResource"), out.not_resource) &&
         read_principals(node.member("Principal"), out.principal) &&
         read_principals(node.member("NotPrincipal"), out.not_principal) &&
         read_conditions(node.member("Condition"), out.conditions);
}

}  // namespace

Error malformed_policy(std::string message) {
  return aws_fault(Errc::kInvalidArgument, "MalformedPolicyDocument", std::move(message));
}

Result<RawPolicy> read_raw_policy(std::string_view text) {
  const JsonResult json = parse_json(text);
  constexpr std::array<std::string_view, 3> kElements = {"Version", "Id", "Statement"};
  if (!json.root || json.root->kind != Kind::kObject || !has_only(*json.root, kElements)) {
    return syntax_errors();
  }
  RawPolicy out;
  if (const JsonNode* version = json.root->member("Version")) {
    if (version->kind != Kind::kString ||
        (version->text != "2012-10-17" && version->text != "2008-10-17")) {
      return syntax_errors();
    }
    out.version = version->text;
  }
  const JsonNode* statements = json.root->member("Statement");
  if (statements == nullptr || !read_string(json.root->member("Id"), out.id)) {
    return syntax_errors();
  }
  const bool is_list = statements->kind == Kind::kArray;
  const std::size_t count = is_list ? statements->items.size() : 1;
  for (std::size_t i = 0; i < count; ++i) {
    out.statements.emplace_back();
    if (!read_statement(is_list ? statements->items[i] : *statements, out.statements.back())) {
      return syntax_errors();
    }
  }
  if (out.statements.empty()) {
    return syntax_errors();
  }
  return out;
}

}  // namespace trivet::policy
