// SPDX-License-Identifier: Apache-2.0
#include "api/rds/windows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/rds/common.h"

namespace trivet::api::rds {
namespace {

constexpr int kDay = 24 * 60;
constexpr int kWeek = 7 * kDay;
constexpr int kLengthMin = 30;
// The hours from which AWS draws in most of its Regions: 03:00 to 11:00.
constexpr int kNightBegin = 3 * 60;
constexpr int kNightSlots = 16;
constexpr std::array<std::string_view, 7> kDays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

// Minutes from the beginning of the day or the week; `end` may be before `begin`: over midnight.
struct Span {
  int begin = 0;
  int length = 0;
};

std::optional<int> two_digits(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 2 || !is_digit(text[0]) || !is_digit(text[1])) {
    return std::nullopt;
  }
  return (text[0] - '0') * 10 + (text[1] - '0');
}

// "hh24:mi"
std::optional<int> minute_of_day(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') {
    return std::nullopt;
  }
  const auto hour = two_digits(text.substr(0, 2));
  const auto minute = two_digits(text.substr(3));
  if (!hour || !minute || *hour > 23 || *minute > 59) {
    return std::nullopt;
  }
  return *hour * 60 + *minute;
}

// "ddd:hh24:mi"
std::optional<int> minute_of_week(std::string_view text) {
  if (text.size() != 9 || text[3] != ':') {
    return std::nullopt;
  }
  const auto* day = std::find(kDays.begin(), kDays.end(), text.substr(0, 3));
  const auto minute = minute_of_day(text.substr(4));
  if (day == kDays.end() || !minute) {
    return std::nullopt;
  }
  return static_cast<int>(day - kDays.begin()) * kDay + *minute;
}

std::optional<Span> span_of(const std::string& text, std::optional<int> (*read)(std::string_view),
                            int period) {
  const std::size_t dash = text.find('-');
  if (dash == std::string::npos) {
    return std::nullopt;
  }
  const auto begin = read(std::string_view(text).substr(0, dash));
  const auto end = read(std::string_view(text).substr(dash + 1));
  if (!begin || !end) {
    return std::nullopt;
  }
  return Span{*begin, (*end - *begin + period) % period};
}

bool overlap(const Span& backup, const Span& maintenance) {
  for (int day = -1; day <= 7; ++day) {  // the windows of the days around, and those over midnight
    const int begin = day * kDay + backup.begin;
    for (const int shift : {0, kWeek}) {
      const int other = maintenance.begin - shift;
      if (begin < other + maintenance.length && other < begin + backup.length) {
        return true;
      }
    }
  }
  return false;
}

std::string clock_text(int minute) {
  return fmt::format("{:02}:{:02}", minute / 60 % 24, minute % 60);
}

std::string backup_text(const Span& span) {
  return clock_text(span.begin) + "-" + clock_text(span.begin + span.length);
}

std::string maintenance_text(const Span& span) {
  const int end = (span.begin + span.length) % kWeek;
  return fmt::format("{}:{}-{}:{}", kDays[static_cast<std::size_t>(span.begin / kDay)],
                     clock_text(span.begin), kDays[static_cast<std::size_t>(end / kDay)],
                     clock_text(end));
}

Span night_slot(int day, std::uint64_t slot) {
  return {day * kDay + kNightBegin + static_cast<int>(slot % kNightSlots) * kLengthMin, kLengthMin};
}

Result<Span> read_window(const std::string& text, bool is_backup) {
  const std::string lower = to_lower(text);
  const auto span =
      is_backup ? span_of(lower, minute_of_day, kDay) : span_of(lower, minute_of_week, kWeek);
  const std::string_view name = is_backup ? "backup" : "maintenance";
  if (!span) {
    return bad_value(
        fmt::format("Invalid {} window format: {}. Should be specified as a range {} "
                    "(24H Clock UTC).",
                    name, text, is_backup ? "hh24:mi-hh24:mi" : "ddd:hh24:mi-ddd:hh24:mi"));
  }
  if (span->length < kLengthMin) {
    return bad_value(fmt::format("The {} window must be at least 30 minutes.", name));
  }
  if (!is_backup && span->length > kDay) {
    return bad_value("The maintenance window must not be longer than 24 hours.");
  }
  return *span;
}

}  // namespace

Result<Windows> choose_windows(const std::optional<std::string>& backup,
                               const std::optional<std::string>& maintenance,
                               const std::function<std::uint64_t(std::uint64_t)>& random_below) {
  std::optional<Span> backup_span;
  std::optional<Span> maintenance_span;
  if (backup) {
    TRIVET_TRY(backup_span, read_window(*backup, true));
  }
  if (maintenance) {
    TRIVET_TRY(maintenance_span, read_window(*maintenance, false));
  }
  if (backup_span && maintenance_span && overlap(*backup_span, *maintenance_span)) {
    return bad_combination("The backup window and maintenance window must not overlap.");
  }
  const std::uint64_t first = random_below(kNightSlots);
  const int day = static_cast<int>(random_below(7));
  for (std::uint64_t i = 0; i < kNightSlots && !backup_span; ++i) {
    const Span slot = night_slot(0, first + i);
    if (!maintenance_span || !overlap(slot, *maintenance_span)) {
      backup_span = slot;
    }
  }
  for (std::uint64_t i = 0; i < kNightSlots && !maintenance_span && backup_span; ++i) {
    const Span slot = night_slot(day, first + 1 + i);
    if (!overlap(*backup_span, slot)) {
      maintenance_span = slot;
    }
  }
  if (!backup_span || !maintenance_span) {
    return bad_combination(
        "The window given leaves no half hour of the night for the other: give both.");
  }
  return Windows{backup ? *backup : backup_text(*backup_span),
                 maintenance ? to_lower(*maintenance) : maintenance_text(*maintenance_span)};
}

}  // namespace trivet::api::rds
