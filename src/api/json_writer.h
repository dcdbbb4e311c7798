// SPDX-License-Identifier: Apache-2.0
//
// How the members of an answer become JSON: an append-only writer and the functions that generated
// code calls. What is not set is left out. Times are seconds since 1970 with a fraction, as AWS's
// JSON protocols have them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "base/time.h"

namespace trivet::api {

// Thread-compatible. Requires: every open has its close before take(); inside of an object each
// value has a key.
class JsonWriter {
 public:
  void open_object();
  void open_array();
  void close();
  void key(std::string_view name);
  void text(std::string_view value);     // bytes that are no UTF-8 are replaced
  void literal(std::string_view value);  // a number, true, false
  std::string take() { return std::move(out_); }

 private:
  void separate();
  std::string out_;
  std::string closers_;
  bool is_first_ = true;
  bool has_key_ = false;
};

// What an empty list or map becomes.
enum class Empty { kLeftOut, kKept };

void put_value(JsonWriter& json, const std::string& value);
void put_value(JsonWriter& json, const SecretString& value);
void put_value(JsonWriter& json, std::int32_t value);
void put_value(JsonWriter& json, std::int64_t value);
void put_value(JsonWriter& json, double value);
void put_value(JsonWriter& json, bool value);
void put_value(JsonWriter& json, WallTime value);
// A structure; its write(JsonWriter&, const T&) writes the members.
template <typename T>
void put_value(JsonWriter& json, const T& value) {
  json.open_object();
  write(json, value);
  json.close();
}

template <typename T>
void put(JsonWriter& json, std::string_view name, const T& value) {
  json.key(name);
  put_value(json, value);
}
template <typename T>
void put(JsonWriter& json, std::string_view name, const std::optional<T>& value) {
  if (value) {
    put(json, name, *value);
  }
}
template <typename T>
void put(JsonWriter& json, std::string_view name, const std::vector<T>& values, Empty empty) {
  if (values.empty() && empty == Empty::kLeftOut) {
    return;
  }
  json.key(name);
  json.open_array();
  for (const T& value : values) {
    put_value(json, value);
  }
  json.close();
}
template <typename T>
void put(JsonWriter& json, std::string_view name, const std::map<std::string, T>& values,
         Empty empty) {
  if (values.empty() && empty == Empty::kLeftOut) {
    return;
  }
  json.key(name);
  json.open_object();
  for (const auto& [key, value] : values) {
    put(json, key, value);
  }
  json.close();
}
void put_blob(JsonWriter& json, std::string_view name, const std::optional<std::string>& bytes);

}  // namespace trivet::api
