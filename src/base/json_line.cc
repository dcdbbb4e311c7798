// SPDX-License-Identifier: Apache-2.0
#include "base/json_line.h"

#include <fmt/format.h>

#include <utility>

#include "base/uri.h"

namespace trivet {
namespace {

constexpr std::size_t kUsualBytes = 640;

// The bytes of the character of UTF-8 that `text` begins with; 0 where it begins with none.
std::size_t character_size(std::string_view text) {
  for (std::size_t size = 1; size <= 4 && size <= text.size(); ++size) {
    if (is_valid_utf8(text.substr(0, size))) {
      return size;
    }
  }
  return 0;
}

void quote(std::string_view text, std::string& out) {
  out += '"';
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (static_cast<unsigned char>(c) >= 0x80) {
      const std::size_t size = character_size(text.substr(at));
      out += size == 0 ? "\\ufffd" : text.substr(at, size);
      at += size == 0 ? 0 : size - 1;
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

std::string json_quoted(std::string_view text) {
  std::string out;
  quote(text, out);
  return out;
}

void JsonLine::add(std::string_view name, std::string_view text) {
  begin(name);
  quote(text, text_);
}

void JsonLine::add_thousandths(std::string_view name, std::int64_t thousandths) {
  add_written(name, fmt::format("{}", static_cast<double>(thousandths) / 1000.0));
}

void JsonLine::add_written(std::string_view name, std::string_view json) {
  begin(name);
  text_ += json;
}

void JsonLine::begin(std::string_view name) {
  if (text_.empty()) {
    text_.reserve(kUsualBytes);
  }
  text_ += text_.empty() ? '{' : ',';
  quote(name, text_);
  text_ += ':';
}

std::string JsonLine::str() && {
  std::string out = std::exchange(text_, std::string());
  out += out.empty() ? "{}" : "}";
  return out;
}

}  // namespace trivet
