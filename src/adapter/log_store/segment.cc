// SPDX-License-Identifier: Apache-2.0
#include "adapter/log_store/segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace trivet::log_store {
namespace {

// Reads a number up to `behind` and moves `at` past it.
bool take_number(std::string_view text, std::size_t& at, char behind, std::int64_t& out) {
  const char* const begin = text.data() + at;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, out);
  if (error != std::errc() || stop == begin || stop == end || *stop != behind) {
    return false;
  }
  at = static_cast<std::size_t>(stop - text.data()) + 1;
  return true;
}

}  // namespace

std::string Segment::file_name() const {
  if (!is_full) {
    return fmt::format("{:010}.log", number);
  }
  return fmt::format("{:010}_{}_{}_{}_{}_{}.log", number, bytes, events, to_ms(first), to_ms(last),
                     to_ms(ingested));
}

void Segment::count(WallTime at, WallTime when) {
  ++events;
  first = std::min(first, at);
  last = std::max(last, at);
  ingested = std::max(ingested, when);
}

std::string encode_record(WallTime at, WallTime ingested, std::string_view message) {
  return fmt::format("{} {} {}\n{}\n", to_ms(at), to_ms(ingested), message.size(), message);
}

std::vector<Record> parse_records(std::string_view text) {
  std::vector<Record> out;
  std::size_t at = 0;
  while (at < text.size()) {
    Record record{.offset = static_cast<std::int64_t>(at)};
    std::int64_t when = 0;
    std::int64_t ingested = 0;
    std::int64_t length = 0;
    if (!take_number(text, at, ' ', when) || !take_number(text, at, ' ', ingested) ||
        !take_number(text, at, '\n', length) || length < 0 ||
        static_cast<std::uint64_t>(length) >= text.size() - at ||
        text[at + static_cast<std::size_t>(length)] != '\n') {
      break;
    }
    record.message = text.substr(at, static_cast<std::size_t>(length));
    record.at = wall_time_from_ms(when);
    record.ingested = wall_time_from_ms(ingested);
    at += static_cast<std::size_t>(length) + 1;
    record.end = static_cast<std::int64_t>(at);
    out.push_back(record);
  }
  return out;
}

std::optional<Segment> parse_file_name(std::string_view name) {
  if (!name.ends_with(".log")) {
    return std::nullopt;
  }
  std::string text(name.substr(0, name.size() - 4));
  text += '_';
  std::array<std::int64_t, 6> numbers{};
  std::size_t at = 0;
  std::size_t count = 0;
  while (at < text.size() && count < numbers.size()) {
    if (!take_number(text, at, '_', numbers[count])) {
      return std::nullopt;
    }
    ++count;
  }
  if (at != text.size() || (count != 1 && count != numbers.size())) {
    return std::nullopt;
  }
  Segment out{.number = numbers[0]};
  if (count == numbers.size()) {
    out.bytes = numbers[1];
    out.events = numbers[2];
    out.first = wall_time_from_ms(numbers[3]);
    out.last = wall_time_from_ms(numbers[4]);
    out.ingested = wall_time_from_ms(numbers[5]);
    out.is_full = true;
  }
  return out;
}

}  // namespace trivet::log_store
