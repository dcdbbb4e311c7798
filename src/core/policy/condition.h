// SPDX-License-Identifier: Apache-2.0
//
// One line of a Condition block: operator, key, values. Operators and keys of a block are ANDed,
// values ORed, values of negated operators ANDed (reference_policies_condition). Values are read
// once, when the policy is parsed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/policy/values.h"
#include "core/policy/wildcard.h"

namespace trivet::policy {

// What an operator's name says. "ForAnyValue:StringNotLikeIfExists" is {kLike, kEqual, negated,
// kForAnyValue, if_exists}.
struct Operator {
  enum class Family {
    kString,
    kStringIgnoreCase,
    kLike,
    kNumeric,
    kDate,
    kBool,
    kBinary,
    kIp,
    kArn,
    kNull
  };
  enum class Relation { kEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };
  enum class Set { kNone, kForAnyValue, kForAllValues };
  Family family = Family::kString;
  Relation relation = Relation::kEqual;
  bool is_negated = false;
  Set set = Set::kNone;
  bool if_exists = false;
};

// nullopt for an unknown name; names are case-sensitive. "NullIfExists" does not exist.
std::optional<Operator> parse_operator(std::string_view name);

// A parsed condition line. Plain value; immutable after compile.
class Condition {
 public:
  // `has_variables`: ${…} in String* and Arn* values are replaced (version 2012-10-17).
  static Condition compile(Operator op, std::string_view key,
                           const std::vector<std::string>& values, bool has_variables);

  // `on_error` is the answer where a value of the request cannot be read as the operator needs it:
  // false for an Allow statement, true for a Deny statement.
  bool holds(const Context& context, bool on_error) const;
  const std::string& key() const { return key_; }  // lower case

 private:
  struct Value {
    std::string text;
    Template pattern;                     // kString, kStringIgnoreCase, kLike
    ArnPattern arn;                       // kArn
    std::optional<double> number;         // kNumeric; nullopt matches nothing
    std::optional<std::int64_t> date_ms;  // kDate
    std::optional<IpNetwork> network;     // kIp
  };
  enum class Answer { kNo, kYes, kUnreadable };
  Answer any_value_matches(const std::string& given, const Context& context) const;
  Answer value_matches(const Value& value, const std::string& given, const Context& context) const;

  Operator op_;
  std::string key_;
  std::vector<Value> values_;
};

}  // namespace trivet::policy
