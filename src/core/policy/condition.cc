// SPDX-License-Identifier: Apache-2.0
#include "core/policy/condition.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"

namespace trivet::policy {
namespace {

using Family = Operator::Family;
using Relation = Operator::Relation;

struct NamedOperator {
  std::string_view name;
  Family family;
  Relation relation;
  bool is_negated;
};

constexpr std::array<NamedOperator, 27> kOperators = {{
    {"StringEquals", Family::kString, Relation::kEqual, false},
    {"StringNotEquals", Family::kString, Relation::kEqual, true},
    {"StringEqualsIgnoreCase", Family::kStringIgnoreCase, Relation::kEqual, false},
    {"StringNotEqualsIgnoreCase", Family::kStringIgnoreCase, Relation::kEqual, true},
    {"StringLike", Family::kLike, Relation::kEqual, false},
    {"StringNotLike", Family::kLike, Relation::kEqual, true},
    {"NumericEquals", Family::kNumeric, Relation::kEqual, false},
    {"NumericNotEquals", Family::kNumeric, Relation::kEqual, true},
    {"NumericLessThan", Family::kNumeric, Relation::kLess, false},
    {"NumericLessThanEquals", Family::kNumeric, Relation::kLessOrEqual, false},
    {"NumericGreaterThan", Family::kNumeric, Relation::kGreater, false},
    {"NumericGreaterThanEquals", Family::kNumeric, Relation::kGreaterOrEqual, false},
    {"DateEquals", Family::kDate, Relation::kEqual, false},
    {"DateNotEquals", Family::kDate, Relation::kEqual, true},
    {"DateLessThan", Family::kDate, Relation::kLess, false},
    {"DateLessThanEquals", Family::kDate, Relation::kLessOrEqual, false},
    {"DateGreaterThan", Family::kDate, Relation::kGreater, false},
    {"DateGreaterThanEquals", Family::kDate, Relation::kGreaterOrEqual, false},
    {"Bool", Family::kBool, Relation::kEqual, false},
    {"BinaryEquals", Family::kBinary, Relation::kEqual, false},
    {"IpAddress", Family::kIp, Relation::kEqual, false},
    {"NotIpAddress", Family::kIp, Relation::kEqual, true},
    {"ArnEquals", Family::kArn, Relation::kEqual, false},
    {"ArnLike", Family::kArn, Relation::kEqual, false},
    {"ArnNotEquals", Family::kArn, Relation::kEqual, true},
    {"ArnNotLike", Family::kArn, Relation::kEqual, true},
    {"Null", Family::kNull, Relation::kEqual, false},
}};

template <typename T>
bool compare(const T& given, const T& limit, Relation relation) {
  switch (relation) {
    case Relation::kEqual:
      return given == limit;
    case Relation::kLess:
      return given < limit;
    case Relation::kLessOrEqual:
      return given <= limit;
    case Relation::kGreater:
      return given > limit;
    case Relation::kGreaterOrEqual:
      return given >= limit;
  }
  return false;
}

// "true" or "false" in any case.
std::optional<bool> parse_bool(std::string_view text) {
  if (equals_ignoring_case(text, "true")) {
    return true;
  }
  if (equals_ignoring_case(text, "false")) {
    return false;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Operator> parse_operator(std::string_view name) {
  Operator out;
  constexpr std::string_view kAny = "ForAnyValue:";
  constexpr std::string_view kAll = "ForAllValues:";
  constexpr std::string_view kIfExists = "IfExists";
  if (name.starts_with(kAny)) {
    out.set = Operator::Set::kForAnyValue;
    name.remove_prefix(kAny.size());
  } else if (name.starts_with(kAll)) {
    out.set = Operator::Set::kForAllValues;
    name.remove_prefix(kAll.size());
  }
  if (name.ends_with(kIfExists)) {
    out.if_exists = true;
    name.remove_suffix(kIfExists.size());
  }
  const auto found = std::find_if(kOperators.begin(), kOperators.end(),
                                  [name](const NamedOperator& op) { return op.name == name; });
  if (found == kOperators.end() || (found->family == Family::kNull && out.if_exists)) {
    return std::nullopt;
  }
  out.family = found->family;
  out.relation = found->relation;
  out.is_negated = found->is_negated;
  return out;
}

Condition Condition::compile(Operator op, std::string_view key,
                             const std::vector<std::string>& values, bool has_variables) {
  Condition out;
  out.op_ = op;
  out.key_ = to_lower(key);
  for (const std::string& text : values) {
    Value value;
    value.text = text;
    switch (op.family) {
      case Family::kString:
      case Family::kStringIgnoreCase:
      case Family::kLike:
        value.pattern =
            Template::compile(text, {.wildcards = op.family == Family::kLike,
                                     .variables = has_variables,
                                     .ignore_case = op.family == Family::kStringIgnoreCase});
        break;
      case Family::kArn:
        value.arn = ArnPattern::compile(text, has_variables ? ArnPattern::Variables::kEverywhere
                                                            : ArnPattern::Variables::kNone);
        break;
      case Family::kNumeric:
        value.number = parse_number(text);
        break;
      case Family::kDate:
        value.date_ms = parse_date_ms(text);
        break;
      case Family::kIp:
        value.network = parse_ip_network(text);
        break;
      case Family::kBool:
      case Family::kBinary:
      case Family::kNull:
        break;
    }
    out.values_.push_back(std::move(value));
  }
  return out;
}

Condition::Answer Condition::value_matches(const Value& value, const std::string& given,
                                           const Context& context) const {
  const auto answer = [](bool is_match) { return is_match ? Answer::kYes : Answer::kNo; };
  // A variable without a value equals nothing; that it also differs from nothing is not said.
  const auto matched = [this](Match match) {
    return match == Match::kYes                            ? Answer::kYes
           : match == Match::kUnresolved && op_.is_negated ? Answer::kUnreadable
                                                           : Answer::kNo;
  };
  switch (op_.family) {
    case Family::kString:
    case Family::kLike:
      return matched(value.pattern.match(given, context));
    case Family::kStringIgnoreCase:
      return matched(value.pattern.match(to_lower(given), context));
    case Family::kArn:
      return matched(value.arn.match_narrow(ArnText(given), context));
    case Family::kNumeric: {
      const auto number = parse_number(given);
      return !number ? Answer::kUnreadable
                     : answer(value.number && compare(*number, *value.number, op_.relation));
    }
    case Family::kDate: {
      const auto date = parse_date_ms(given);
      return !date ? Answer::kUnreadable
                   : answer(value.date_ms && compare(*date, *value.date_ms, op_.relation));
    }
    case Family::kIp: {
      const auto address = parse_ip_network(given);
      return !address ? Answer::kUnreadable
                      : answer(value.network && value.network->contains(*address));
    }
    case Family::kBool: {
      const auto flag = parse_bool(given);
      return !flag ? Answer::kUnreadable : answer(parse_bool(value.text) == flag);
    }
    case Family::kBinary:
      return answer(value.text == given && from_base64(given).has_value());
    case Family::kNull:
      break;
  }
  return Answer::kNo;
}

Condition::Answer Condition::any_value_matches(const std::string& given,
                                               const Context& context) const {
  for (const Value& value : values_) {
    const Answer answer = value_matches(value, given, context);
    if (answer != Answer::kNo) {
      return answer;
    }
  }
  return Answer::kNo;
}

bool Condition::holds(const Context& context, bool on_error) const {
  const auto found = context.find(key_);
  const bool is_present = found != context.end() && !found->second.empty();
  if (op_.family == Family::kNull) {
    return std::any_of(values_.begin(), values_.end(), [is_present](const Value& value) {
      return parse_bool(value.text) == !is_present;
    });
  }
  if (!is_present) {
    if (op_.if_exists || op_.set == Operator::Set::kForAllValues) {
      return true;
    }
    return op_.is_negated && op_.set == Operator::Set::kNone;
  }
  // Without a set operator a negated condition must hold for every value of the request, as
  // ForAllValues; a positive one for any.
  const bool needs_all = op_.set == Operator::Set::kForAllValues ||
                         (op_.set == Operator::Set::kNone && op_.is_negated);
  for (const std::string& given : found->second) {
    const Answer answer = any_value_matches(given, context);
    if (answer == Answer::kUnreadable) {
      return on_error;
    }
    const bool holds_here = (answer == Answer::kYes) != op_.is_negated;
    if (holds_here != needs_all) {
      return holds_here;
    }
  }
  return needs_all;
}

}  // namespace trivet::policy
