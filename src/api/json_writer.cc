// SPDX-License-Identifier: Apache-2.0
#include "api/json_writer.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/assert.h"
#include "base/bytes.h"

namespace trivet::api {

void JsonWriter::separate() {
  if (!is_first_ && !has_key_) {
    out_ += ',';
  }
  is_first_ = false;
  has_key_ = false;
}

void JsonWriter::open_object() {
  separate();
  out_ += '{';
  closers_ += '}';
  is_first_ = true;
}

void JsonWriter::open_array() {
  separate();
  out_ += '[';
  closers_ += ']';
  is_first_ = true;
}

void JsonWriter::close() {
  TRIVET_ASSERT(!closers_.empty() && !has_key_);
  out_ += closers_.back();
  closers_.pop_back();
  is_first_ = false;
}

void JsonWriter::key(std::string_view name) {
  text(name);
  out_ += ':';
  has_key_ = true;
}

void JsonWriter::text(std::string_view value) {
  separate();
  out_ += nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void JsonWriter::literal(std::string_view value) {
  separate();
  out_ += value;
}

void put_value(JsonWriter& json, const std::string& value) {
  json.text(value);
}
void put_value(JsonWriter& json, const SecretString& value) {
  json.text(value.reveal());
}
void put_value(JsonWriter& json, std::int32_t value) {
  json.literal(std::to_string(value));
}
void put_value(JsonWriter& json, std::int64_t value) {
  json.literal(std::to_string(value));
}
void put_value(JsonWriter& json, double value) {
  char text[32];
  const auto result =
      std::to_chars(text, text + sizeof text, value);  // the shortest that reads back
  json.literal(std::string_view(text, static_cast<std::size_t>(result.ptr - text)));
}
void put_value(JsonWriter& json, bool value) {
  json.literal(value ? "true" : "false");
}
void put_value(JsonWriter& json, WallTime value) {
  put_value(json, static_cast<double>(to_ms(value)) / 1000.0);
}

void put_blob(JsonWriter& json, std::string_view name, const std::optional<std::string>& bytes) {
  if (bytes) {
    json.key(name);
    json.text(to_base64(*bytes));
  }
}

}  // namespace trivet::api
