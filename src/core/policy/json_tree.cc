// SPDX-License-Identifier: Apache-2.0
#include "core/policy/json_tree.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>

namespace trivet::policy {
namespace {

constexpr std::size_t kDepthMax = 16;
constexpr std::size_t kMembersMax = 1000;

// Builds the tree from the parser's events. Pointers in open_ stay valid: while a node is open,
// only its innermost open descendant grows.
class TreeBuilder {
 public:
  using Json = nlohmann::json;

  bool null() { return add({}); }
  bool boolean(bool value) {
    return add({.kind = JsonNode::Kind::kBool, .text = value ? "true" : "false"});
  }
  bool number_integer(Json::number_integer_t value) { return number(std::to_string(value)); }
  bool number_unsigned(Json::number_unsigned_t value) { return number(std::to_string(value)); }
  bool number_float(Json::number_float_t, const std::string& written) { return number(written); }
  bool string(std::string& value) {
    return add({.kind = JsonNode::Kind::kString, .text = std::move(value)});
  }
  bool binary(Json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open({.kind = JsonNode::Kind::kObject}); }
  bool start_array(std::size_t) { return open({.kind = JsonNode::Kind::kArray}); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string& name) {
    std::vector<std::string>& names = open_.back()->names;
    if (names.size() == kMembersMax) {
      result.fault = JsonFault::kTooDeepOrWide;
      return false;
    }
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      result.fault = JsonFault::kDuplicateName;
      return false;
    }
    names.push_back(std::move(name));
    return true;
  }

  template <typename Exception>
  bool parse_error(std::size_t, const std::string&, const Exception&) {
    result.fault = JsonFault::kNotJson;
    return false;
  }

  JsonResult result;

 private:
  bool number(std::string text) {
    return add({.kind = JsonNode::Kind::kNumber, .text = std::move(text)});
  }

  bool add(JsonNode node) {
    if (open_.empty()) {
      result.root = std::move(node);
    } else {
      open_.back()->items.push_back(std::move(node));
    }
    return true;
  }

  bool open(JsonNode node) {
    if (open_.size() == kDepthMax) {
      result.fault = JsonFault::kTooDeepOrWide;
      return false;
    }
    add(std::move(node));
    open_.push_back(open_.empty() ? &*result.root : &open_.back()->items.back());
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  std::vector<JsonNode*> open_;
};

}  // namespace

const JsonNode* JsonNode::member(std::string_view name) const {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? nullptr : &items[static_cast<std::size_t>(found - names.begin())];
}

JsonResult parse_json(std::string_view text) {
  TreeBuilder builder;
  if (!nlohmann::json::sax_parse(text, &builder)) {
    builder.result.root.reset();
  }
  return std::move(builder.result);
}

}  // namespace trivet::policy
