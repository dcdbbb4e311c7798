// SPDX-License-Identifier: Apache-2.0
#include "core/policy/inspect.h"

#include <algorithm>

#include "base/bytes.h"
#include "core/policy/json_tree.h"
#include "core/policy/raw_document.h"

namespace trivet::policy {
namespace {

// Walks over a text that is known to be JSON, counting lines and columns.
class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) {}
  bool at_end() const { return at_ >= text_.size(); }
  char next() const { return text_[at_]; }
  TextPosition position() const { return position_; }

  void step() {
    const char c = text_[at_++];
    const bool is_inside_character = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
    position_.column += is_inside_character ? 0 : 1;
    if (c == '\n') {
      ++position_.line;
      position_.column = 1;
    }
  }
  // Passes a string that begins here; returns what is between its quotes, escapes as written.
  std::string_view string() {
    step();
    const std::size_t begin = at_;
    while (!at_end() && next() != '"') {
      if (next() == '\\') {
        step();
      }
      if (!at_end()) {
        step();
      }
    }
    const std::string_view inside = text_.substr(begin, at_ - begin);
    if (!at_end()) {
      step();
    }
    return inside;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  TextPosition position_;
};

void add_once(std::vector<std::string>& keys, std::string_view key) {
  const bool is_there = std::any_of(keys.begin(), keys.end(), [key](const std::string& each) {
    return equals_ignoring_case(each, key);
  });
  if (!is_there) {
    keys.emplace_back(key);
  }
}

void add_variables(std::vector<std::string>& keys, std::string_view text) {
  for (auto at = text.find("${"); at != text.npos; at = text.find("${", at + 2)) {
    const auto end = text.find('}', at);
    if (end == text.npos) {
      return;
    }
    std::string_view name = text.substr(at + 2, end - at - 2);
    name = name.substr(0, name.find(','));
    while (name.ends_with(' ')) {
      name.remove_suffix(1);
    }
    if (name.size() > 1) {  // ${*}, ${?} and ${$} are characters
      add_once(keys, name);
    }
  }
}

}  // namespace

std::vector<StatementSpan> statement_spans(std::string_view text) {
  std::vector<StatementSpan> spans;
  if (!parse_json(text).root) {
    return spans;
  }
  Walker walker(text);
  int depth = 0;
  int statement_depth = 0;  // where a '{' begins a statement; 0: not inside Statement
  TextPosition begin;
  while (!walker.at_end()) {
    const char c = walker.next();
    if (c == '"') {
      const std::string_view inside = walker.string();
      statement_depth = depth == 1 && inside == "Statement" ? 1 : statement_depth;
      continue;
    }
    if (c == '[' && depth == 1 && statement_depth == 1) {
      statement_depth = 2;
    }
    if (c == '{' && statement_depth != 0 && depth == statement_depth) {
      begin = walker.position();
    }
    walker.step();
    depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
    if (c == '}' && statement_depth != 0 && depth == statement_depth) {
      spans.push_back({begin, walker.position()});
    }
    if (depth == 1 && (c == ',' || c == ']')) {
      statement_depth = 0;
    }
  }
  return spans;
}

Result<std::vector<std::string>> context_keys(std::string_view text) {
  TRIVET_TRY(const RawPolicy raw, read_raw_policy(text));
  std::vector<std::string> keys;
  for (const RawStatement& statement : raw.statements) {
    for (const RawCondition& condition : statement.conditions) {
      add_once(keys, condition.key);
      for (const std::string& value : condition.values) {
        add_variables(keys, value);
      }
    }
    for (const auto* resources : {&statement.resource, &statement.not_resource}) {
      for (const std::string& resource : resources->value_or(std::vector<std::string>())) {
        add_variables(keys, resource);
      }
    }
  }
  return keys;
}

}  // namespace trivet::policy
