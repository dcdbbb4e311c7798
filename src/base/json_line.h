// SPDX-License-Identifier: Apache-2.0
//
// A JSON object on one line, written field by field: for records of which there is one a login or
// a call, where building the object in memory first costs several times as much. All other JSON is
// nlohmann's.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace trivet {

// `text` in quotes. Control characters, quotes and backslashes are escaped; what is no UTF-8
// (others' error messages may hold anything) becomes U+FFFD, or the whole line could not be read.
std::string json_quoted(std::string_view text);

// Not thread-safe. A name is added once, and needs no escapes.
class JsonLine {
 public:
  void add(std::string_view name, std::string_view text);
  template <std::integral Number>
    requires(!std::same_as<Number, bool>)
  void add(std::string_view name, Number number) {
    add_written(name, std::to_string(number));
  }
  // Divided by 1000: microseconds as milliseconds.
  void add_thousandths(std::string_view name, std::int64_t thousandths);
  // `json` is a JSON value.
  void add_written(std::string_view name, std::string_view json);
  // The object. This one is empty again.
  std::string str() &&;

 private:
  void begin(std::string_view name);

  std::string text_;
};

}  // namespace trivet
