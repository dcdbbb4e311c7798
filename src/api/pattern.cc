// SPDX-License-Identifier: Apache-2.0
#include "api/pattern.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace trivet::api {
namespace {

// Reads one code point of valid UTF-8 and moves `at` behind it.
char32_t next_character(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  int more = 0;
  char32_t out = lead;
  if (lead >= 0xF0) {
    more = 3, out = lead & 0x07U;
  } else if (lead >= 0xE0) {
    more = 2, out = lead & 0x0FU;
  } else if (lead >= 0xC0) {
    more = 1, out = lead & 0x1FU;
  }
  for (; more > 0 && at < text.size(); --more) {
    out = out << 6 | (static_cast<unsigned char>(text[at++]) & 0x3FU);
  }
  return out;
}

bool contains(std::span<const CodeRange> ranges, char32_t c) {
  const auto it =
      std::upper_bound(ranges.begin(), ranges.end(), c,
                       [](char32_t value, const CodeRange& range) { return value < range.first; });
  return it != ranges.begin() && c <= std::prev(it)->last;
}

// The set of steps that the matcher can be in at once.
class Threads {
 public:
  explicit Threads(const Pattern& pattern)
      : pattern_(pattern), seen_(pattern.steps.size(), false) {}

  // Adds `step` and what can be reached from it without a character.
  void add(std::size_t step) {
    pending_.push_back(step);
    while (!pending_.empty()) {
      const std::size_t current = pending_.back();
      pending_.pop_back();
      if (seen_[current]) {
        continue;
      }
      seen_[current] = true;
      const PatternStep& at = pattern_.steps[current];
      switch (at.kind) {
        case PatternStep::Kind::kSplit:
          pending_.push_back(at.second);
          pending_.push_back(at.first);
          break;
        case PatternStep::Kind::kJump:
          pending_.push_back(at.first);
          break;
        case PatternStep::Kind::kClass:
          steps_.push_back(current);
          break;
        case PatternStep::Kind::kMatch:
          matched_ = true;
      }
    }
  }
  void clear() {
    std::fill(seen_.begin(), seen_.end(), false);
    steps_.clear();
    matched_ = false;
  }
  const std::vector<std::size_t>& steps() const { return steps_; }
  bool matched() const { return matched_; }

 private:
  const Pattern& pattern_;
  std::vector<bool> seen_;
  std::vector<std::size_t> pending_;
  std::vector<std::size_t> steps_;
  bool matched_ = false;
};

}  // namespace

bool matches(const Pattern& pattern, std::string_view text) {
  Threads current(pattern);
  Threads next(pattern);
  Threads* now = &current;
  Threads* then = &next;
  now->add(0);
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_character(text, at);
    then->clear();
    for (const std::size_t step : now->steps()) {
      if (contains(pattern.classes[pattern.steps[step].first], c)) {
        then->add(step + 1);
      }
    }
    if (then->steps().empty() && !then->matched()) {
      return false;
    }
    std::swap(now, then);
  }
  return now->matched();
}

std::int64_t count_characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; });
}

}  // namespace trivet::api
