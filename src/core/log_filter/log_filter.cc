// SPDX-License-Identifier: Apache-2.0
#include "core/log_filter/log_filter.h"

#include <algorithm>

namespace trivet::log_filter {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// AWS wants quotes around anything but letters, digits and underscores.
bool is_term_text(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

Error bad(std::string_view why) {
  return make_error(Errc::kInvalidArgument, "Invalid filter pattern: " + std::string(why));
}

// Reads a term at `at`, quoted or not, and moves behind it.
Result<std::string> take_term(std::string_view pattern, std::size_t& at) {
  std::string out;
  if (at < pattern.size() && pattern[at] == '"') {
    for (++at; at < pattern.size() && pattern[at] != '"'; ++at) {
      if (pattern[at] == '\\' && at + 1 < pattern.size()) {
        ++at;
      }
      out += pattern[at];
    }
    if (at == pattern.size()) {
      return bad("a quote is not closed");
    }
    ++at;
  } else {
    while (at < pattern.size() && is_term_text(pattern[at])) {
      out += pattern[at++];
    }
  }
  if (out.empty() || (at < pattern.size() && !is_blank(pattern[at]))) {
    return bad("terms with other characters than letters, digits and underscores need quotes");
  }
  return out;
}

}  // namespace

bool Filter::matches(std::string_view message) const {
  const auto is_in = [&](const std::string& term) {
    return message.find(term) != std::string_view::npos;
  };
  return std::all_of(all.begin(), all.end(), is_in) &&
         std::none_of(none.begin(), none.end(), is_in) &&
         (any.empty() || !all.empty() || std::any_of(any.begin(), any.end(), is_in));
}

Result<Filter> parse(std::string_view pattern) {
  Filter out;
  std::size_t at = 0;
  while (at < pattern.size()) {
    const char c = pattern[at];
    if (is_blank(c)) {
      ++at;
      continue;
    }
    if (c == '{' || c == '[' || c == '%') {
      return bad("patterns for JSON, for columns and regular expressions are not built");
    }
    std::vector<std::string>& terms = c == '-' ? out.none : c == '?' ? out.any : out.all;
    at += c == '-' || c == '?' ? 1U : 0U;
    TRIVET_TRY(std::string term, take_term(pattern, at));
    terms.push_back(std::move(term));
  }
  return out;
}

}  // namespace trivet::log_filter
