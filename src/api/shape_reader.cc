// SPDX-License-Identifier: Apache-2.0
#include "api/shape_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "api/error_map.h"
#include "base/iso8601.h"

namespace trivet::api {
namespace {

constexpr std::size_t kConstraintFaultsMax = 20;
constexpr std::size_t kQuotedMax = 256;

// AWS writes the path of a member with small initials: "tags.1.member.key".
std::string lower_initial(std::string text) {
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') {
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  }
  return text;
}

std::string quoted(const std::string& value) {
  if (value.size() <= kQuotedMax) {
    return value;
  }
  std::size_t end = kQuotedMax;
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0U) == 0x80) {
    --end;  // not in the middle of a character
  }
  return value.substr(0, end) + "...";
}

std::string joined(std::span<const std::string_view> values) {
  std::string out;
  for (const std::string_view value : values) {
    out.append(out.empty() ? "" : ", ").append(value);
  }
  return out;
}

}  // namespace

ShapeReader::ShapeReader(const QueryParams& params, const ServiceInfo& service)
    : params_(params),
      service_(service),
      is_counting_(service.kind == ServiceKind::kIam || service.kind == ServiceKind::kSts) {}

void ShapeReader::read(const Member& member, std::string& out) {
  const std::string* value = find_value(member);
  if (value != nullptr && check_length(member, *value)) {
    out = *value;
  }
}

// The models limit secrets by length alone; a secret's value must not come back in a message.
void ShapeReader::read(const Member& member, SecretString& out) {
  const std::string* value = find_value(member);
  if (value == nullptr) {
    return;
  }
  const std::int64_t length = count_characters(*value);
  const Limits& limits = member.limits;
  if (limits.max != Limits::kNone && length > limits.max) {
    fault_constraint(member, nullptr,
                     "Member must have length less than or equal to " + std::to_string(limits.max));
    return;
  }
  if (limits.min != Limits::kNone && length < limits.min) {
    fault_constraint(
        member, nullptr,
        "Member must have length greater than or equal to " + std::to_string(limits.min));
    return;
  }
  out = SecretString(*value);
}

template <typename T>
void ShapeReader::read_integer(const Member& member, T& out) {
  const std::string* value = find_value(member);
  if (value == nullptr) {
    return;
  }
  T number = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (error != std::errc() || end != value->data() + value->size()) {
    fault_type(member, *value, "integer");
    return;
  }
  const Limits& limits = member.limits;
  if (limits.max != Limits::kNone && number > limits.max) {
    fault_constraint(member, value,
                     "Member must have value less than or equal to " + std::to_string(limits.max));
    return;
  }
  if (limits.min != Limits::kNone && number < limits.min) {
    fault_constraint(
        member, value,
        "Member must have value greater than or equal to " + std::to_string(limits.min));
    return;
  }
  out = number;
}

void ShapeReader::read(const Member& member, std::int32_t& out) {
  read_integer(member, out);
}
void ShapeReader::read(const Member& member, std::int64_t& out) {
  read_integer(member, out);
}

void ShapeReader::read(const Member& member, double& out) {
  const std::string* value = find_value(member);
  if (value == nullptr) {
    return;
  }
  double number = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (error != std::errc() || end != value->data() + value->size() || !std::isfinite(number)) {
    fault_type(member, *value, "double");
    return;
  }
  out = number;
}

void ShapeReader::read(const Member& member, bool& out) {
  const std::string* value = find_value(member);
  if (value == nullptr) {
    return;
  }
  // Hand-written clients send True and 1 to AWS and are understood.
  if (*value == "true" || *value == "True" || *value == "1") {
    out = true;
  } else if (*value == "false" || *value == "False" || *value == "0") {
    out = false;
  } else {
    fault_type(member, *value, "boolean");
  }
}

void ShapeReader::read(const Member& member, WallTime& out) {
  const std::string* value = find_value(member);
  if (value == nullptr) {
    return;
  }
  const auto time = parse_iso8601(*value);
  if (!time) {
    fault_type(member, *value, "timestamp");
    return;
  }
  out = *time;
}

const std::string* ShapeReader::find_value(const Member& member) {
  std::string name = full_wire(member.wire);
  const std::string* value = params_.find(name);
  if (value == nullptr) {
    require(member);
    return nullptr;
  }
  used_.push_back(std::move(name));
  return value;
}

void ShapeReader::require(const Member& member) {
  if (member.required) {
    fault_missing(member);
  }
}

bool ShapeReader::find_structure(const Member& member) {
  if (params_.has_prefix(full_wire(member.wire) + ".")) {
    return true;
  }
  require(member);
  return false;
}

ShapeReader::List ShapeReader::find_list(const Member& member) {
  // "X.Item.N", "X.member.N" (what other generations of SDKs send), or "X.N" for a flat list.
  List out;
  out.prefix =
      std::string(member.wire) + "." + (member.item.empty() ? "" : std::string(member.item) + ".");
  if (!member.item.empty() && !params_.has_prefix(full_wire(out.prefix))) {
    out.prefix = std::string(member.wire) + ".member.";
  }
  auto indices = params_.indices(full_wire(out.prefix));
  if (!indices) {
    fault(indices.error().fault, indices.error().message);
    return out;
  }
  out.indices = std::move(*indices);
  const auto count = static_cast<std::int64_t>(out.indices.size());
  std::string name = full_wire(member.wire);
  const bool is_sent_empty = params_.find(name) != nullptr;  // botocore sends an empty list as "X="
  if (is_sent_empty) {
    used_.push_back(std::move(name));
  }
  if (count == 0 && !is_sent_empty) {
    require(member);
    return out;
  }
  const std::string shown = "[" + std::to_string(count) + " items]";
  if (member.limits.max != Limits::kNone && count > member.limits.max) {
    fault_constraint(
        member, &shown,
        "Member must have length less than or equal to " + std::to_string(member.limits.max));
    out.indices.clear();
  } else if (member.limits.min != Limits::kNone && count < member.limits.min) {
    fault_constraint(
        member, &shown,
        "Member must have length greater than or equal to " + std::to_string(member.limits.min));
  } else if (count == 0 && member.required) {
    fault_missing(member);
  }
  return out;
}

void ShapeReader::enter(std::string_view wire, std::string_view name) {
  outer_.emplace_back(wire_prefix_.size(), name_prefix_.size());
  wire_prefix_.append(wire).append(".");
  name_prefix_.append(lower_initial(std::string(name))).append(".");
}

void ShapeReader::leave() {
  wire_prefix_.resize(outer_.back().first);
  name_prefix_.resize(outer_.back().second);
  outer_.pop_back();
}

bool ShapeReader::check_length(const Member& member, const std::string& value) {
  const Limits& limits = member.limits;
  if (!limits.values.empty() &&
      std::find(limits.values.begin(), limits.values.end(), value) == limits.values.end()) {
    fault_constraint(member, nullptr,
                     "Member must satisfy enum value set: [" + joined(limits.values) + "]");
    return false;
  }
  const std::int64_t length = count_characters(value);
  bool is_good = true;
  if (limits.max != Limits::kNone && length > limits.max) {
    fault_constraint(member, &value,
                     "Member must have length less than or equal to " + std::to_string(limits.max));
    is_good = false;
  }
  if (limits.min != Limits::kNone && length < limits.min) {
    fault_constraint(
        member, &value,
        "Member must have length greater than or equal to " + std::to_string(limits.min));
    is_good = false;
  }
  if (limits.pattern != nullptr && !matches(*limits.pattern, value)) {
    fault_constraint(
        member, &value,
        "Member must satisfy regular expression pattern: " + std::string(limits.pattern->text));
    is_good = false;
  }
  return is_good;
}

std::string ShapeReader::path_of(const Member& member) const {
  return name_prefix_ + lower_initial(std::string(member.name));
}

void ShapeReader::fault_missing(const Member& member) {
  if (is_counting_) {
    fault_constraint(member, nullptr, "Member must not be null");
    return;
  }
  fault("MissingParameter", "The request must contain the parameter " + full_wire(member.wire));
}

void ShapeReader::fault_type(const Member& member, const std::string& value,
                             std::string_view type) {
  const std::string name = full_wire(member.wire);
  if (is_counting_) {
    fault("MalformedInput",
          "Invalid " + std::string(type) + " value '" + quoted(value) + "' for " + name);
    return;
  }
  fault("InvalidParameterValue", "Value (" + quoted(value) + ") for parameter " + name +
                                     " is invalid. Expected a value of type " + std::string(type) +
                                     ".");
}

void ShapeReader::fault_constraint(const Member& member, const std::string* value,
                                   const std::string& constraint) {
  if (is_counting_) {
    if (constraint_faults_.size() < kConstraintFaultsMax) {
      constraint_faults_.push_back(
          "Value " + (value == nullptr ? "" : "'" + quoted(*value) + "' ") + "at '" +
          path_of(member) + "' failed to satisfy constraint: " + constraint);
    }
    return;
  }
  fault("InvalidParameterValue",
        (value == nullptr ? "The value" : "Value (" + quoted(*value) + ")") + " for parameter " +
            full_wire(member.wire) + " is invalid. " + constraint + ".");
}

void ShapeReader::fault(std::string_view code, std::string message) {
  if (!first_fault_) {
    first_fault_ = aws_fault(Errc::kInvalidArgument, code, std::move(message));
  }
}

void ShapeReader::refuse_unknown() {
  if (service_.kind != ServiceKind::kEc2) {
    return;
  }
  std::sort(used_.begin(), used_.end());
  for (const auto& [name, value] : params_.all()) {
    if (name != "Action" && name != "Version" &&
        !std::binary_search(used_.begin(), used_.end(), name)) {
      fault("UnknownParameter", "The parameter " + quoted(name) + " is not recognized");
      return;
    }
  }
}

Status ShapeReader::finish() const {
  if (first_fault_) {
    return *first_fault_;
  }
  if (constraint_faults_.empty()) {
    return ok();
  }
  return aws_fault(Errc::kInvalidArgument, "ValidationError",
                   validation_message(constraint_faults_));
}

}  // namespace trivet::api
