// SPDX-License-Identifier: Apache-2.0
//
// Reads the members of a request shape out of Query parameters and checks them as AWS does. The
// generated parsers call it member by member; it collects what is wrong and words it as the service
// would: RDS and EC2 name the first fault, IAM and STS count all of them in one ValidationError.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/pattern.h"
#include "api/query_params.h"
#include "api/service_info.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace trivet::api {

// What the model says of a value. Lengths are in characters.
struct Limits {
  static constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::min();
  std::int64_t min = kNone;  // of the number, the length or the count of items
  std::int64_t max = kNone;
  const Pattern* pattern = nullptr;
  std::span<const std::string_view> values;  // not empty: the only ones allowed
};

struct Member {
  std::string_view name;  // the model's name: "UserName"
  std::string_view wire;  // as it is sent
  bool required = false;
  Limits limits;
  // Lists only: the wire name of an item ("" when the list is flat) and the limits of each.
  std::string_view item;
  Limits item_limits;
};

// For one request, on one thread. `params` outlives it.
class ShapeReader {
 public:
  ShapeReader(const QueryParams& params, const ServiceInfo& service);

  void read(const Member& member, std::string& out);
  void read(const Member& member, std::int32_t& out);
  void read(const Member& member, std::int64_t& out);
  void read(const Member& member, double& out);
  void read(const Member& member, bool& out);
  void read(const Member& member, WallTime& out);
  void read(const Member& member, SecretString& out);
  // A structure; found by its read_members(ShapeReader&, T&).
  template <typename T>
  void read(const Member& member, T& out) {
    if (!find_structure(member)) {
      return;
    }
    enter(member.wire, member.name);
    read_members(*this, out);
    leave();
  }
  template <typename T>
  void read(const Member& member, std::optional<T>& out) {
    constexpr bool kIsStructure = std::is_class_v<T> && !std::is_same_v<T, std::string> &&
                                  !std::is_same_v<T, SecretString> && !std::is_same_v<T, WallTime>;
    if (kIsStructure ? find_structure(member) : find_value(member) != nullptr) {
      read(member, out.emplace());
    }
  }
  template <typename T>
  void read(const Member& member, std::vector<T>& out) {
    const List list = find_list(member);
    for (const int index : list.indices) {
      const std::string wire = list.prefix + std::to_string(index);
      const std::string name =
          std::string(member.name) + "." + std::to_string(out.size() + 1) + ".member";
      read(Member{.name = name, .wire = wire, .required = true, .limits = member.item_limits},
           out.emplace_back());
    }
  }

  // EC2 refuses what it does not know; the others ignore it.
  void refuse_unknown();
  // The error that AWS would answer with, if something was wrong.
  Status finish() const;

 private:
  struct List {
    std::string prefix;  // relative to the current structure, up to the number
    std::vector<int> indices;
  };
  // nullptr and, when it is required, a fault.
  const std::string* find_value(const Member& member);
  bool find_structure(const Member& member);
  List find_list(const Member& member);
  void require(const Member& member);
  void enter(std::string_view wire, std::string_view name);
  void leave();
  std::string full_wire(std::string_view wire) const { return wire_prefix_ + std::string(wire); }

  bool check_length(const Member& member, const std::string& value);
  template <typename T>
  void read_integer(const Member& member, T& out);
  void fault_missing(const Member& member);
  void fault_type(const Member& member, const std::string& value, std::string_view type);
  void fault_constraint(const Member& member, const std::string* value,
                        const std::string& constraint);
  void fault(std::string_view code, std::string message);
  std::string path_of(const Member& member) const;

  const QueryParams& params_;
  const ServiceInfo& service_;
  bool is_counting_;  // IAM and STS
  std::string wire_prefix_;
  std::string name_prefix_;
  std::vector<std::pair<std::size_t, std::size_t>> outer_;  // lengths of the prefixes to go back to
  std::vector<std::string> used_;               // names of parameters that a member took
  std::vector<std::string> constraint_faults_;  // IAM and STS
  std::optional<Error> first_fault_;            // anything that is not a constraint
};

}  // namespace trivet::api
