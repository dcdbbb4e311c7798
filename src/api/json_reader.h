// SPDX-License-Identifier: Apache-2.0
//
// Reads the members of a request shape out of a JSON call and checks them as AWS does. The
// generated parsers call it member by member. Everything that is wrong with values is counted and
// comes in one ValidationException (Lambda) or InvalidParameterException (CloudWatch Logs); what
// has the wrong type or no form at all is a SerializationException.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/json_request.h"
#include "api/service_info.h"
#include "api/shape_reader.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace trivet::api {

enum class Place { kBody, kLabel, kQuery, kHeader, kPayload };

struct JsonMember {
  std::string_view name;  // the model's; in a body also the key
  std::string_view wire;  // the parameter's, the label's or the header's name
  Place place = Place::kBody;
  bool required = false;
  Limits limits;
  Limits item_limits;  // lists and maps: of each value
  Limits key_limits;   // maps
  bool is_blob = false;
};

// For one request, on one thread. `request` outlives it.
class JsonReader {
 public:
  enum class Body { kJson, kRaw };

  JsonReader(const JsonRequest& request, const ServiceInfo& service, Body body);
  ~JsonReader();
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;

  template <typename T>
  void read(const JsonMember& member, T& out) {
    if (const nlohmann::json* node = find(member)) {
      read_node(*node, member, out);
    } else if (member.required) {
      fault_missing(member);
    }
  }
  template <typename T>
  void read(const JsonMember& member, std::optional<T>& out) {
    if (const nlohmann::json* node = find(member)) {
      read_node(*node, member, out.emplace());
    } else if (member.required) {
      fault_missing(member);
    }
  }

  // The error that AWS would answer with, if something was wrong.
  Status finish() const;

 private:
  struct Document;

  void read_node(const nlohmann::json& node, const JsonMember& member, std::string& out);
  void read_node(const nlohmann::json& node, const JsonMember& member, std::int32_t& out);
  void read_node(const nlohmann::json& node, const JsonMember& member, std::int64_t& out);
  void read_node(const nlohmann::json& node, const JsonMember& member, double& out);
  void read_node(const nlohmann::json& node, const JsonMember& member, bool& out);
  void read_node(const nlohmann::json& node, const JsonMember& member, WallTime& out);
  void read_node(const nlohmann::json& node, const JsonMember& member, SecretString& out);
  // A structure; found by its read_members(JsonReader&, T&).
  template <typename T>
  void read_node(const nlohmann::json& node, const JsonMember& member, T& out) {
    if (enter(node, member)) {
      read_members(*this, out);
      leave();
    }
  }
  template <typename T>
  void read_node(const nlohmann::json& node, const JsonMember& member, std::vector<T>& out) {
    const std::vector<const nlohmann::json*> items = items_of(node, member);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const std::string name = std::string(member.name) + "." + std::to_string(i + 1) + ".member";
      read_node(*items[i], JsonMember{.name = name}, out.emplace_back());
    }
    check_items(node, member);
  }
  template <typename T>
  void read_node(const nlohmann::json& node, const JsonMember& member,
                 std::map<std::string, T>& out) {
    for (const auto& [key, value] : entries_of(node, member)) {
      const std::string name = std::string(member.name) + "." + key;
      read_node(*value, JsonMember{.name = name}, out[key]);
    }
    check_entries(node, member);
  }

  // nullptr when it was not sent (null counts as that).
  const nlohmann::json* find(const JsonMember& member) const;
  bool enter(const nlohmann::json& node, const JsonMember& member);
  void leave();
  std::vector<const nlohmann::json*> items_of(const nlohmann::json& node, const JsonMember& member);
  std::vector<std::pair<std::string, const nlohmann::json*>> entries_of(const nlohmann::json& node,
                                                                        const JsonMember& member);
  void check_items(const nlohmann::json& node, const JsonMember& member);
  void check_entries(const nlohmann::json& node, const JsonMember& member);
  template <typename T>
  void read_integer(const nlohmann::json& node, const JsonMember& member, T& out);
  template <typename T>
  void check_range(const JsonMember& member, const Limits& limits, T number);
  void check_count(const nlohmann::json& node, const JsonMember& member);

  void parse_body(std::string_view body);
  void fault_missing(const JsonMember& member);
  void fault_type(std::string_view have, std::string_view want);
  void fault_constraint(const JsonMember& member, std::string_view shown,
                        const std::string& constraint);
  void fault(std::string message);
  std::string path_of(const JsonMember& member) const;

  const JsonRequest& request_;
  const ServiceInfo& service_;
  const std::unique_ptr<Document> document_;
  std::string name_prefix_;
  std::vector<std::size_t> outer_;  // lengths of the prefix to go back to
  std::vector<std::string> constraint_faults_;
  std::optional<Error> first_fault_;  // anything that is not a constraint
};

}  // namespace trivet::api
