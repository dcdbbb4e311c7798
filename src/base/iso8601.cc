// SPDX-License-Identifier: Apache-2.0
#include "base/iso8601.h"

#include <fmt/format.h>

#include <algorithm>

namespace trivet {
namespace {

struct Fields {
  int year, month, day, hour, minute, second, millis;
};

Fields fields_of(WallTime t) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<Millis> time(t - day);
  return {static_cast<int>(date.year()),
          static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day())),
          static_cast<int>(time.hours().count()),
          static_cast<int>(time.minutes().count()),
          static_cast<int>(time.seconds().count()),
          static_cast<int>(time.subseconds().count())};
}

std::optional<WallTime> to_wall_time(const Fields& f) {
  const std::chrono::year_month_day date(std::chrono::year(f.year),
                                         std::chrono::month(static_cast<unsigned>(f.month)),
                                         std::chrono::day(static_cast<unsigned>(f.day)));
  if (!date.ok() || f.hour > 23 || f.minute > 59 || f.second > 59) {
    return std::nullopt;
  }
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(f.hour) +
         std::chrono::minutes(f.minute) + std::chrono::seconds(f.second) + Millis(f.millis);
}

// Reads exactly `count` digits at `at`; -1 when they are not all digits.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) {
    return -1;
  }
  int value = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') {
      return -1;
    }
    value = value * 10 + (c - '0');
  }
  return value;
}

bool has_negative(const Fields& f) {
  return f.year < 0 || f.month < 0 || f.day < 0 || f.hour < 0 || f.minute < 0 || f.second < 0 ||
         f.millis < 0;
}

}  // namespace

std::string format_iso8601(WallTime t) {
  const Fields f = fields_of(t);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", f.year, f.month, f.day, f.hour,
                     f.minute, f.second);
}

// By hand: each record of a login has it.
std::string format_iso8601_millis(WallTime t) {
  const Fields f = fields_of(t);
  std::string out = "0000-00-00T00:00:00.000Z";
  const auto put = [&out](std::size_t last, int number) {
    for (; number > 0; number /= 10) {
      out[last--] = static_cast<char>('0' + number % 10);
    }
  };
  put(3, std::min(f.year, 9999));
  put(6, f.month);
  put(9, f.day);
  put(12, f.hour);
  put(15, f.minute);
  put(18, f.second);
  put(22, f.millis);
  return out;
}

std::string format_amz_date(WallTime t) {
  const Fields f = fields_of(t);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", f.year, f.month, f.day, f.hour, f.minute,
                     f.second);
}

std::optional<WallTime> parse_iso8601(std::string_view text) {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || text.back() != 'Z') {
    return std::nullopt;
  }
  Fields f{digits(text, 0, 4),
           digits(text, 5, 2),
           digits(text, 8, 2),
           digits(text, 11, 2),
           digits(text, 14, 2),
           digits(text, 17, 2),
           0};
  if (text.size() > 20) {
    const std::string_view fraction = text.substr(20, text.size() - 21);
    if (text[19] != '.' || fraction.empty() || fraction.size() > 9) {
      return std::nullopt;
    }
    std::string three(fraction.substr(0, 3));
    three.resize(3, '0');
    f.millis = digits(fraction, 0, fraction.size()) < 0 ? -1 : digits(three, 0, 3);
  }
  if (has_negative(f)) {
    return std::nullopt;
  }
  return to_wall_time(f);
}

std::optional<WallTime> parse_amz_date(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') {
    return std::nullopt;
  }
  const Fields f{digits(text, 0, 4),
                 digits(text, 4, 2),
                 digits(text, 6, 2),
                 digits(text, 9, 2),
                 digits(text, 11, 2),
                 digits(text, 13, 2),
                 0};
  if (has_negative(f)) {
    return std::nullopt;
  }
  return to_wall_time(f);
}

}  // namespace trivet
