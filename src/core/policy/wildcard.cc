// SPDX-License-Identifier: Apache-2.0
#include "core/policy/wildcard.h"

#include "base/bytes.h"

namespace trivet::policy {
namespace {

char16_t unit_of(char c) {
  return static_cast<char16_t>(static_cast<unsigned char>(c));
}

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

// The number of bytes of the character at `at`; 0 inside a character, where '?' must not begin.
std::size_t character_size(std::string_view text, std::size_t at) {
  if (is_continuation(text[at])) {
    return 0;
  }
  std::size_t size = 1;
  while (at + size < text.size() && size < 4 && is_continuation(text[at + size])) {
    ++size;
  }
  return size;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') {
    text.remove_prefix(1);
  }
  while (!text.empty() && text.back() == ' ') {
    text.remove_suffix(1);
  }
  return text;
}

// Cuts at the first five colons that are not inside ${…}: variable names have colons of their own.
std::vector<std::string_view> split_pattern(std::string_view text) {
  std::vector<std::string_view> out;
  std::size_t start = 0;
  bool is_in_variable = false;
  for (std::size_t i = 0; i < text.size() && out.size() < 5; ++i) {
    if (text.substr(i).starts_with("${")) {
      is_in_variable = true;
    } else if (text[i] == '}') {
      is_in_variable = false;
    } else if (text[i] == ':' && !is_in_variable) {
      out.push_back(text.substr(start, i - start));
      start = i + 1;
    }
  }
  out.push_back(text.substr(start));
  return out;
}

}  // namespace

bool glob_match(std::u16string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::u16string_view::npos;  // the last '*' passed
  std::size_t retry = 0;                         // where its run ends so far
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == kAnyRun) {
      star = p++;
      retry = t;
      continue;
    }
    if (p < pattern.size()) {
      const std::size_t step = pattern[p] == kAnyChar           ? character_size(text, t)
                               : pattern[p] == unit_of(text[t]) ? std::size_t{1}
                                                                : std::size_t{0};
      if (step != 0) {
        ++p;
        t += step;
        continue;
      }
    }
    if (star == std::u16string_view::npos) {
      return false;
    }
    p = star + 1;
    t = ++retry;
  }
  while (p < pattern.size() && pattern[p] == kAnyRun) {
    ++p;
  }
  return p == pattern.size();
}

void Template::add_unit(char16_t unit) {
  if (pieces_.empty() || pieces_.back().is_variable) {
    pieces_.emplace_back();
  }
  pieces_.back().glob += unit;
}

void Template::add_variable(std::string_view inside) {
  // ${*}, ${?} and ${$} are how a policy writes these characters.
  if (inside == "*" || inside == "?" || inside == "$") {
    add_unit(unit_of(inside.front()));
    return;
  }
  Piece piece;
  piece.is_variable = true;
  const auto comma = inside.find(',');
  piece.name = to_lower(trim(inside.substr(0, comma)));
  if (comma != std::string_view::npos) {
    const std::string_view fallback = trim(inside.substr(comma + 1));
    if (fallback.size() >= 2 && fallback.front() == '\'' && fallback.back() == '\'') {
      piece.fallback = std::string(fallback.substr(1, fallback.size() - 2));
    }
  }
  pieces_.push_back(std::move(piece));
  has_variables_ = true;
}

Template Template::compile(std::string_view text, Options options) {
  Template out;
  out.ignore_case_ = options.ignore_case;
  const std::string folded = options.ignore_case ? to_lower(text) : std::string(text);
  // Names keep no case anyway; a fallback is folded where it is put in.
  for (std::size_t i = 0; i < folded.size(); ++i) {
    if (options.variables && text.substr(i).starts_with("${")) {
      const auto end = text.find('}', i);
      if (end != std::string_view::npos) {
        out.add_variable(text.substr(i + 2, end - i - 2));
        i = end;
        continue;
      }
    }
    const char c = folded[i];
    out.add_unit(options.wildcards && c == '*'   ? kAnyRun
                 : options.wildcards && c == '?' ? kAnyChar
                                                 : unit_of(c));
  }
  out.keep_prefix();
  return out;
}

void Template::keep_prefix() {
  is_literal_ = !has_variables_;
  if (pieces_.empty() || pieces_.front().is_variable) {
    return;
  }
  for (const char16_t unit : pieces_.front().glob) {
    if (unit > 0xFF) {
      is_literal_ = false;
      return;
    }
    prefix_ += static_cast<char>(unit);
  }
}

Match Template::match(std::string_view text, const Context& context) const {
  if (is_literal_) {
    return prefix_ == text ? Match::kYes : Match::kNo;
  }
  if (!text.starts_with(prefix_)) {
    return Match::kNo;  // whatever its variables are
  }
  if (!has_variables_) {
    const std::u16string_view glob = pieces_.empty() ? std::u16string_view() : pieces_[0].glob;
    return glob_match(glob, text) ? Match::kYes : Match::kNo;
  }
  Glob glob;
  for (const Piece& piece : pieces_) {
    if (!piece.is_variable) {
      glob += piece.glob;
      continue;
    }
    const auto found = context.find(piece.name);
    // A key with several values has no one value to put here.
    const bool is_single = found != context.end() && found->second.size() == 1;
    if (!is_single && !piece.fallback) {
      return Match::kUnresolved;
    }
    const std::string& value = is_single ? found->second.front() : *piece.fallback;
    for (const char c : ignore_case_ ? to_lower(value) : value) {
      glob += unit_of(c);
    }
  }
  return glob_match(glob, text) ? Match::kYes : Match::kNo;
}

ArnText::ArnText(std::string_view text) : whole(text) {
  for (std::size_t i = 0; i < 5; ++i) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) {
      return;
    }
    parts[i] = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  parts[5] = text;
  is_arn = parts[0] == "arn";
}

ArnPattern ArnPattern::compile(std::string_view text, Variables variables) {
  ArnPattern out;
  out.whole_ = Template::compile(text, {.variables = variables != Variables::kNone});
  out.ends_with_star_ = text.ends_with('*');
  if (text == "*") {
    return out;
  }
  const auto parts = split_pattern(text);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool replaces =
        variables == Variables::kEverywhere || (variables == Variables::kResourcePart && i == 5);
    out.parts_.push_back(Template::compile(parts[i], {.variables = replaces}));
  }
  return out;
}

Match ArnPattern::match_narrow(const ArnText& text, const Context& context) const {
  if (parts_.empty()) {
    return Match::kYes;
  }
  if (!text.is_arn) {
    return Match::kNo;
  }
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const Match match = parts_[i].match(text.parts[i], context);
    if (match != Match::kYes) {
      return match;
    }
  }
  return Match::kYes;
}

Match ArnPattern::match_wide(const ArnText& text, const Context& context) const {
  const Match narrow = match_narrow(text, context);
  return narrow == Match::kYes ? narrow : whole_.match(text.whole, context);
}

}  // namespace trivet::policy
