// SPDX-License-Identifier: Apache-2.0
#include "adapter/mysql/sql_text.h"

#include "base/assert.h"

namespace trivet::mysql {

std::string quote(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') {
      out += c;
    }
    if (c == '\0') {
      out += "\\0";
      continue;
    }
    out += c;
  }
  out += '\'';
  return out;
}

std::string quote_name(std::string_view name) {
  std::string out = "`";
  for (const char c : name) {
    if (c == '`') {
      out += c;
    }
    out += c;
  }
  out += '`';
  return out;
}

std::string quote_account(std::string_view user, std::string_view host) {
  return quote(user) + "@" + quote(host);
}

std::string bind(std::string_view pattern, std::initializer_list<std::string_view> values) {
  std::string out;
  const auto* value = values.begin();
  for (const char c : pattern) {
    if (c != '?') {
      out += c;
      continue;
    }
    TRIVET_ASSERT(value != values.end());
    out += *value;
    ++value;
  }
  TRIVET_ASSERT(value == values.end());
  return out;
}

}  // namespace trivet::mysql
