// SPDX-License-Identifier: Apache-2.0
#include "api/json_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "api/error_map.h"
#include "api/json_limits.h"
#include "base/bytes.h"

namespace trivet::api {
namespace {

using nlohmann::json;

constexpr std::size_t kFaultsCountedMax = 20;
constexpr int kDepthMax = 64;

std::string small_initial(std::string text) {
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') {
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  }
  return text;
}

// Recursion of a parser, of a writer and of destructors ends here.
bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool is_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_text) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        is_text = false;
      }
    } else if (c == '"') {
      is_text = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDepthMax) {
        return true;
      }
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

// Beside the body everything is text, and a parameter comes as the list of its values.
const json& single(const json& node, Place place) {
  return place == Place::kQuery && node.is_array() ? node.front() : node;
}

std::string_view type_name(const json& node) {
  switch (node.type()) {
    case json::value_t::object:
      return "START_OBJECT";
    case json::value_t::array:
      return "START_ARRAY";
    case json::value_t::boolean:
      return node.get<bool>() ? "TRUE_VALUE" : "FALSE_VALUE";
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float:
      return "NUMBER_VALUE";
    case json::value_t::string:
    case json::value_t::null:
    case json::value_t::binary:
    case json::value_t::discarded:
      break;
  }
  return "STRING_VALUE";
}

std::string shown_list(const json& node) {
  std::string out = "[";
  for (const json& item : node) {
    out += out.size() > 1 ? ", " : "";
    out += item.is_string() ? item.get_ref<const std::string&>() : std::string("...");
    if (out.size() > kShownBytesMax) {
      break;
    }
  }
  return quoted_start(out) + "]";
}

}  // namespace

// What was sent beside the body has the form of JSON too, so that there is one way to read.
struct JsonReader::Document {
  json body = json::object();
  json labels = json::object();
  json query = json::object();
  json headers = json::object();
  json payload;
  std::vector<const json*> at;  // the objects that are open; the first is the body
};

JsonReader::JsonReader(const JsonRequest& request, const ServiceInfo& service, Body body)
    : request_(request), service_(service), document_(std::make_unique<Document>()) {
  for (const auto& [name, value] : request.labels) {
    document_->labels[name] = value;
  }
  for (const auto& [name, value] : request.query) {
    json& values = document_->query[name];
    if (values.is_null()) {
      values = json::array();
    }
    values.push_back(value);
  }
  if (body == Body::kRaw) {
    document_->payload = std::string(request.body);
  } else {
    parse_body(request.body);
  }
  document_->at.push_back(&document_->body);
}

JsonReader::~JsonReader() = default;

void JsonReader::parse_body(std::string_view body) {
  if (body.empty()) {
    return;
  }
  if (is_too_deep(body)) {
    fault("The body is nested too deep.");
    return;
  }
  json parsed = json::parse(body, nullptr, false);
  if (parsed.is_discarded()) {
    fault("Could not parse request body into json.");
  } else if (!parsed.is_object()) {
    fault("Start of structure or map found where not expected.");
  } else {
    document_->body = std::move(parsed);
  }
}

const json* JsonReader::find(const JsonMember& member) const {
  const auto in = [](const json& object, std::string_view name) -> const json* {
    const auto it = object.find(name);
    return it == object.end() || it->is_null() ? nullptr : &*it;
  };
  switch (member.place) {
    case Place::kBody:
      return in(*document_->at.back(), member.name);
    case Place::kLabel:
      return in(document_->labels, member.wire);
    case Place::kQuery:
      return in(document_->query, member.wire);
    case Place::kPayload:
      return &document_->payload;
    case Place::kHeader:
      break;
  }
  const std::string_view value = net::find_header(*request_.headers, member.wire);
  if (value.empty()) {
    return nullptr;
  }
  json& kept = document_->headers[std::string(member.wire)];
  kept = std::string(value);
  return &kept;
}

void JsonReader::read_node(const json& node, const JsonMember& member, std::string& out) {
  const json& value = single(node, member.place);
  if (!value.is_string()) {
    fault_type(type_name(value), "String");
    return;
  }
  const std::string& text = value.get_ref<const std::string&>();
  if (member.is_blob && member.place == Place::kBody) {
    auto bytes = from_base64(text);
    if (!bytes) {
      fault("Unable to parse request: '" + std::string(member.name) + "' is not valid base64.");
      return;
    }
    out = std::move(*bytes);
    return;
  }
  if (member.is_blob) {
    out = text;
    return;
  }
  const std::int64_t length = count_characters(text);
  const Limits& limits = member.limits;
  const bool holds[] = {is_among(limits, text), is_short_enough(limits, length),
                        is_long_enough(limits, length),
                        limits.pattern == nullptr || matches(*limits.pattern, text)};
  const bool is_asked[] = {!limits.values.empty(), limits.max != Limits::kNone,
                           limits.min != Limits::kNone, limits.pattern != nullptr};
  const std::vector<std::string> wanted = wanted_of(limits);
  std::size_t next = 0;
  for (std::size_t i = 0; i < std::size(holds); ++i) {
    if (is_asked[i] && !holds[i]) {
      fault_constraint(member, "'" + quoted_start(text) + "'", wanted[next]);
    }
    next += is_asked[i] ? 1 : 0;
  }
  out = text;
}

// A secret's value must not come back in a message.
void JsonReader::read_node(const json& node, const JsonMember& member, SecretString& out) {
  const json& value = single(node, member.place);
  if (!value.is_string()) {
    fault_type(type_name(value), "String");
    return;
  }
  const std::string& text = value.get_ref<const std::string&>();
  if (!satisfies(member.limits, text)) {
    fault_constraint(member, "", all_of_wanted(member.limits));
    return;
  }
  out = SecretString(text);
}

template <typename T>
void JsonReader::check_range(const JsonMember& member, const Limits& limits, T number) {
  std::string shown;
  if constexpr (std::is_floating_point_v<T>) {
    shown = json(number).dump();
  } else {
    shown = std::to_string(number);
  }
  if (limits.max != Limits::kNone && number > static_cast<T>(limits.max)) {
    fault_constraint(member, "'" + shown + "'",
                     "Member must have value less than or equal to " + std::to_string(limits.max));
  }
  if (limits.min != Limits::kNone && number < static_cast<T>(limits.min)) {
    fault_constraint(
        member, "'" + shown + "'",
        "Member must have value greater than or equal to " + std::to_string(limits.min));
  }
}

template <typename T>
void JsonReader::read_integer(const json& node, const JsonMember& member, T& out) {
  const std::string_view want = sizeof(T) == 4 ? "Integer" : "Long";
  const json& value = single(node, member.place);
  T number = 0;
  if (value.is_string() && member.place != Place::kBody) {
    const std::string& text = value.get_ref<const std::string&>();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
      fault_type("STRING_VALUE", want);
      return;
    }
  } else if (value.is_number_unsigned() || value.is_number_integer()) {
    const bool is_large =
        value.is_number_unsigned() &&
        value.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<T>::max());
    if (is_large || (!value.is_number_unsigned() &&
                     value.get<std::int64_t>() < std::int64_t{std::numeric_limits<T>::min()})) {
      fault("A number of the request is out of range: '" + std::string(member.name) + "'.");
      return;
    }
    number = value.get<T>();
  } else {
    fault_type(type_name(value), want);
    return;
  }
  check_range(member, member.limits, number);
  out = number;
}

void JsonReader::read_node(const json& node, const JsonMember& member, std::int32_t& out) {
  read_integer(node, member, out);
}
void JsonReader::read_node(const json& node, const JsonMember& member, std::int64_t& out) {
  read_integer(node, member, out);
}

void JsonReader::read_node(const json& node, const JsonMember& member, double& out) {
  if (!node.is_number() || !std::isfinite(node.get<double>())) {
    fault_type(type_name(node), "Double");
    return;
  }
  out = node.get<double>();
  check_range(member, member.limits, out);
}

void JsonReader::read_node(const json& node, const JsonMember& member, bool& out) {
  const json& value = single(node, member.place);
  if (value.is_boolean()) {
    out = value.get<bool>();
  } else if (member.place != Place::kBody && (value == "true" || value == "false")) {
    out = value == "true";
  } else {
    fault_type(type_name(value), "Boolean");
  }
}

// Seconds since 1970, with a fraction.
void JsonReader::read_node(const json& node, const JsonMember&, WallTime& out) {
  constexpr double kSecondsMax = 253'402'300'800.0;  // the year 10000
  if (!node.is_number() || !(std::abs(node.get<double>()) < kSecondsMax)) {
    fault_type(type_name(node), "Timestamp");
    return;
  }
  out = wall_time_from_ms(static_cast<std::int64_t>(std::llround(node.get<double>() * 1000.0)));
}

bool JsonReader::enter(const json& node, const JsonMember& member) {
  if (!node.is_object()) {
    fault_type(type_name(node), "Object");
    return false;
  }
  document_->at.push_back(&node);
  outer_.push_back(name_prefix_.size());
  name_prefix_.append(small_initial(std::string(member.name))).append(".");
  return true;
}

void JsonReader::leave() {
  document_->at.pop_back();
  name_prefix_.resize(outer_.back());
  outer_.pop_back();
}

void JsonReader::check_count(const json& node, const JsonMember& member) {
  const auto count = static_cast<std::int64_t>(node.size());
  if (!is_short_enough(member.limits, count)) {
    fault_constraint(
        member,
        "'" + (node.is_array() ? shown_list(node) : std::to_string(count) + " entries") + "'",
        "Member must have length less than or equal to " + std::to_string(member.limits.max));
  }
  if (!is_long_enough(member.limits, count)) {
    fault_constraint(
        member, "'[]'",
        "Member must have length greater than or equal to " + std::to_string(member.limits.min));
  }
}

std::vector<const json*> JsonReader::items_of(const json& node, const JsonMember& member) {
  std::vector<const json*> out;
  if (!node.is_array()) {
    fault_type(type_name(node), "List");
    return out;
  }
  check_count(node, member);
  if (!is_short_enough(member.limits, static_cast<std::int64_t>(node.size()))) {
    return out;
  }
  for (const json& item : node) {
    if (item.is_null()) {
      fault_constraint(member, "'[null]'", all_of_wanted(member.item_limits));
      return {};
    }
    out.push_back(&item);
  }
  return out;
}

std::vector<std::pair<std::string, const json*>> JsonReader::entries_of(const json& node,
                                                                        const JsonMember& member) {
  std::vector<std::pair<std::string, const json*>> out;
  if (!node.is_object()) {
    fault_type(type_name(node), "Map");
    return out;
  }
  check_count(node, member);
  if (!is_short_enough(member.limits, static_cast<std::int64_t>(node.size()))) {
    return out;
  }
  for (const auto& [key, value] : node.items()) {
    if (value.is_null()) {
      fault_constraint(member, "", "Map value must satisfy constraint: [Member must not be null]");
      return {};
    }
    out.emplace_back(key, &value);
  }
  return out;
}

void JsonReader::check_items(const json& node, const JsonMember& member) {
  const bool are_good =
      !node.is_array() || std::all_of(node.begin(), node.end(), [&](const json& item) {
        return item_satisfies(member.item_limits, item);
      });
  if (!are_good) {
    fault_constraint(member, "'" + shown_list(node) + "'", all_of_wanted(member.item_limits));
  }
}

// Values of a map may be secrets (environment variables): only keys are shown.
void JsonReader::check_entries(const json& node, const JsonMember& member) {
  if (!node.is_object()) {
    return;
  }
  for (const auto& [key, value] : node.items()) {
    if (!satisfies(member.key_limits, key)) {
      fault_constraint(member, "'{" + quoted_start(key) + "=...}'",
                       "Map keys" + all_of_wanted(member.key_limits).substr(6));
    }
    if (!item_satisfies(member.item_limits, value)) {
      fault_constraint(member, "'{" + quoted_start(key) + "=...}'",
                       "Map value" + all_of_wanted(member.item_limits).substr(6));
    }
  }
}

std::string JsonReader::path_of(const JsonMember& member) const {
  return name_prefix_ + small_initial(std::string(member.name));
}

void JsonReader::fault_missing(const JsonMember& member) {
  fault_constraint(member, "null", "Member must not be null");
}

void JsonReader::fault_type(std::string_view have, std::string_view want) {
  fault(std::string(have) + " can not be converted to " + (want.starts_with("A") ? "an " : "a ") +
        std::string(want));
}

void JsonReader::fault_constraint(const JsonMember& member, std::string_view shown,
                                  const std::string& constraint) {
  if (constraint_faults_.size() < kFaultsCountedMax) {
    constraint_faults_.push_back("Value " + std::string(shown) + (shown.empty() ? "" : " ") +
                                 "at '" + path_of(member) +
                                 "' failed to satisfy constraint: " + constraint);
  }
}

void JsonReader::fault(std::string message) {
  if (!first_fault_) {
    first_fault_ = aws_fault(Errc::kInvalidArgument, "SerializationException", std::move(message));
  }
}

Status JsonReader::finish() const {
  if (first_fault_) {
    return *first_fault_;
  }
  if (constraint_faults_.empty()) {
    return ok();
  }
  return aws_fault(
      Errc::kInvalidArgument,
      service_.kind == ServiceKind::kLogs ? "InvalidParameterException" : "ValidationException",
      validation_message(constraint_faults_));
}

}  // namespace trivet::api
