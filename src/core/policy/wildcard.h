// SPDX-License-Identifier: Apache-2.0
//
// Patterns of policies: '*' and '?', variables ${…}, and ARNs matched part by part. Matching never
// backtracks further than the last '*', so that no pattern can make it exponential. What a variable
// is replaced with is literal: a '*' in a tag's value is a star, not a wildcard.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trivet::policy {

// Context keys of a request: lower-case name → values. An empty list is the same as no key.
using Context = std::map<std::string, std::vector<std::string>, std::less<>>;

// A compiled pattern: units below 0x100 are literal bytes.
using Glob = std::u16string;
inline constexpr char16_t kAnyChar = 0x100;  // '?': one character, also of several UTF-8 bytes
inline constexpr char16_t kAnyRun = 0x101;   // '*': any run, also none

// Time: at most pattern × text; linear where there is one '*'.
bool glob_match(std::u16string_view pattern, std::string_view text);

enum class Match { kNo, kYes, kUnresolved };  // kUnresolved: a variable has no value

// A text with wildcards or variables in it. Plain value; immutable after compile.
class Template {
 public:
  struct Options {
    bool wildcards = true;
    bool variables = false;
    bool ignore_case = false;  // ASCII
  };
  static Template compile(std::string_view text, Options options);

  // `text` must be lower case already when ignore_case was set (see fold).
  Match match(std::string_view text, const Context& context) const;
  bool has_variables() const { return has_variables_; }

 private:
  struct Piece {
    bool is_variable = false;
    Glob glob;         // !is_variable
    std::string name;  // is_variable: lower case
    std::optional<std::string> fallback;
  };
  void add_unit(char16_t unit);
  void add_variable(std::string_view inside);
  void keep_prefix();

  std::vector<Piece> pieces_;
  // What every match begins with; all of it where there are neither wildcards nor variables.
  std::string prefix_;
  bool is_literal_ = false;
  bool has_variables_ = false;
  bool ignore_case_ = false;
};

// arn:partition:service:region:account:resource, cut at the first five colons. Views into the text.
struct ArnText {
  explicit ArnText(std::string_view text);
  std::string_view whole;
  std::array<std::string_view, 6> parts;
  bool is_arn = false;  // six parts, the first "arn"
};

// A Resource entry or an Arn* condition value. Plain value.
class ArnPattern {
 public:
  // Where variables are replaced: nowhere (version 2008-10-17), in the resource part, or
  // everywhere.
  enum class Variables { kNone, kResourcePart, kEverywhere };
  static ArnPattern compile(std::string_view text, Variables variables);

  // Part by part; a wildcard stays inside its part, missing parts at the end match anything. Right
  // for Allow: nothing matches that its author cannot have meant.
  Match match_narrow(const ArnText& text, const Context& context) const;
  // As match_narrow, or as one glob over the whole text: AWS lets a '*' at the end of a part run
  // over colons. Right for Deny.
  Match match_wide(const ArnText& text, const Context& context) const;
  // Fewer than six parts, and not a lone "*".
  bool is_short() const { return !parts_.empty() && parts_.size() < 6; }
  bool ends_with_star() const { return ends_with_star_; }
  bool has_variables() const { return whole_.has_variables(); }

 private:
  std::vector<Template> parts_;  // empty for a lone "*"
  bool ends_with_star_ = false;
  Template whole_;
};

}  // namespace trivet::policy
