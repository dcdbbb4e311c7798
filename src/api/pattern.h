// SPDX-License-Identifier: Apache-2.0
//
// The regular expressions of the AWS models, as small programs that tools/generate_shapes.py
// compiles. Matching is of the whole text, by code points, in time linear in the text: std::regex
// recurses once for each character, which a policy document of 100 kB turns into a stack overflow.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace trivet::api {

// Code points from `first` to `last`, both included. A class is a sorted list of them.
struct CodeRange {
  char32_t first = 0;
  char32_t last = 0;
};

struct PatternStep {
  enum class Kind : std::uint8_t { kClass, kSplit, kJump, kMatch };
  Kind kind = Kind::kMatch;
  std::uint16_t first = 0;   // kClass: number of the class; kSplit, kJump: a step
  std::uint16_t second = 0;  // kSplit: the other step
};

struct Pattern {
  std::string_view text;  // as the model writes it, for error messages
  std::span<const PatternStep> steps;
  std::span<const std::span<const CodeRange>> classes;
};

// Requires: `text` is valid UTF-8.
bool matches(const Pattern& pattern, std::string_view text);
// The code points of valid UTF-8.
std::int64_t count_characters(std::string_view text);

}  // namespace trivet::api
