// SPDX-License-Identifier: Apache-2.0
#include "base/json_line.h"

#include <fmt/format.h>

#include <algorithm>
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
  while (!text.empty()) {
    const auto special = std::find_if(text.begin(), text.end(), [](unsigned char at) {
      return at < 0x20 || at >= 0x7f || at == '"' || at == '\\';
    });
    const auto plain = static_cast<std::size_t>(special - text.begin());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) {
      break;
    }
    const auto c = static_cast<unsigned char>(text.front());
    std::size_t size = 1;
    if (c >= 0x80) {
      size = character_size(text);
      out += size == 0 ? "\\ufffd" : text.substr(0, size);
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += text.front();
    } else {
      out += fmt::format("\\u{:04x}", unsigned{c});
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
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
  constexpr std::size_t kDigits = 3;
  std::string text = std::to_string(thousandths < 0 ? -thousandths : thousandths);
  text.insert(0, text.size() > kDigits ? 0 : kDigits + 1 - text.size(), '0');
  text.insert(text.size() - kDigits, 1, '.');
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') {
    text.pop_back();
  }
  add_written(name, thousandths < 0 ? "-" + text : text);
}

void JsonLine::add_written(std::string_view name, std::string_view json) {
  begin(name);
  text_ += json;
}

void JsonLine::begin(std::string_view name) {
  if (text_.empty()) {
    text_.reserve(kUsualBytes);
  }
  text_ += text_.empty() ? "{\"" : ",\"";
  text_ += name;
  text_ += "\":";
}

std::string JsonLine::str() && {
  std::string out = std::exchange(text_, std::string());
  out += out.empty() ? "{}" : "}";
  return out;
}

}  // namespace trivet
