// SPDX-License-Identifier: Apache-2.0
#include "cli/command_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

namespace trivet::cli {
namespace {

// A word that is further from a command, or more than a third of it, was not meant as it.
constexpr std::size_t kNearMax = 2;
constexpr std::size_t kPart = 3;

// How many letters must be put, taken or replaced to make the one of the other.
std::size_t distance(std::string_view one, std::string_view other) {
  std::vector<std::size_t> row(other.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < one.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < other.size(); ++j) {
      const std::size_t replaced = diagonal + (one[i] == other[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string unknown_command(std::string_view word, const std::vector<std::string>& names) {
  std::string nearest;
  std::size_t least = std::clamp(word.size() / kPart, std::size_t{1}, kNearMax) + 1;
  for (const std::string& name : names) {
    const std::size_t found = distance(word, name);
    if (found < least) {
      least = found;
      nearest = name;
    }
  }
  if (word.empty() || least == 0) {
    return "";
  }
  return fmt::format("trivet: there is no command '{}'{}. `trivet --help` lists them\n", word,
                     nearest.empty() ? "" : fmt::format(" (is '{}' meant?)", nearest));
}

}  // namespace trivet::cli
