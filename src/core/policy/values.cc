// SPDX-License-Identifier: Apache-2.0
#include "core/policy/values.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace trivet::policy {
namespace {

// Reads all of `text` as `digits_min` to `digits_max` digits of a number in [low, high].
std::optional<std::int64_t> read_digits(std::string_view text, std::size_t digits_max,
                                        std::int64_t low, std::int64_t high) {
  if (text.empty() || text.size() > digits_max) {
    return std::nullopt;
  }
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.front() == '-' ||
      value < low || value > high) {
    return std::nullopt;
  }
  return value;
}

// Days since 1970-01-01 of a proleptic Gregorian date; `day` may be past the month's end.
std::int64_t days_from_civil(std::int64_t year, std::int64_t month, std::int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

// The next field up to `separator`, which is taken off as well.
std::string_view take(std::string_view& text, char separator) {
  const auto at = text.find(separator);
  const std::string_view field = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  return field;
}

// "Z", "", "+02:00", "-0530" is not legal, "+02" is. In milliseconds.
std::optional<std::int64_t> read_zone(std::string_view zone) {
  if (zone.empty() || zone == "Z" || zone == "z") {
    return 0;
  }
  if (zone.front() != '+' && zone.front() != '-') {
    return std::nullopt;
  }
  const std::int64_t sign = zone.front() == '-' ? -1 : 1;
  zone.remove_prefix(1);
  const std::string_view hours_text = take(zone, ':');
  const auto hours = read_digits(hours_text, 2, 0, 23);
  const auto minutes = zone.empty() ? std::optional<std::int64_t>(0) : read_digits(zone, 2, 0, 59);
  if (!hours || !minutes || hours_text.size() != 2 || (!zone.empty() && zone.size() != 2)) {
    return std::nullopt;
  }
  return sign * (*hours * 60 + *minutes) * 60'000;
}

// "07", "07:08", "07:08:09.5+02:00": milliseconds since midnight UTC.
std::optional<std::int64_t> read_time(std::string_view text) {
  if (text.empty()) {
    return 0;
  }
  const auto zone_at = text.find_first_of("Zz+-");
  const auto zone = read_zone(zone_at == std::string_view::npos ? "" : text.substr(zone_at));
  std::string_view rest = text.substr(0, zone_at);
  const auto hour = read_digits(take(rest, ':'), 2, 0, 23);
  const std::string_view minute_text = take(rest, ':');
  const auto minute =
      minute_text.empty() ? std::optional<std::int64_t>(0) : read_digits(minute_text, 2, 0, 59);
  std::int64_t millis = 0;
  if (!rest.empty()) {
    const auto second = read_digits(take(rest, '.'), 2, 0, 59);
    if (!second || rest.size() > 9) {
      return std::nullopt;
    }
    millis = *second * 1000;
    std::int64_t unit = 100;
    for (const char c : rest) {
      if (c < '0' || c > '9') {
        return std::nullopt;
      }
      millis += (c - '0') * unit;
      unit /= 10;
    }
  }
  if (!zone || !hour || !minute) {
    return std::nullopt;
  }
  return (*hour * 60 + *minute) * 60'000 + millis - *zone;
}

std::optional<std::int64_t> read_iso_date(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) {
    text.remove_prefix(1);
  }
  const auto t = text.find_first_of("Tt");
  std::string_view date = text.substr(0, t);
  const auto year = read_digits(take(date, '-'), 9, 0, 292'278'993);
  const std::string_view month_text = take(date, '-');
  const auto month =
      month_text.empty() ? std::optional<std::int64_t>(1) : read_digits(month_text, 2, 1, 12);
  const auto day = date.empty() ? std::optional<std::int64_t>(1) : read_digits(date, 2, 1, 31);
  const auto time = read_time(t == std::string_view::npos ? "" : text.substr(t + 1));
  // The earliest year that fits in 64 bits of milliseconds, as in Java.
  if (!year || !month || !day || !time || (is_negative && *year > 292'275'054)) {
    return std::nullopt;
  }
  constexpr std::int64_t kMillisOfDay = 86'400'000;
  constexpr std::int64_t kDaysMax = INT64_MAX / kMillisOfDay - 2;  // the two are for time and zone
  const std::int64_t days = days_from_civil(is_negative ? -*year : *year, *month, *day);
  return std::clamp(days, -kDaysMax, kDaysMax) * kMillisOfDay + *time;
}

struct Ip {
  std::array<std::uint8_t, 16> bytes{};
  bool is_v4 = false;
};

std::optional<std::array<std::uint8_t, 4>> parse_v4(std::string_view text) {
  std::array<std::uint8_t, 4> out{};
  for (std::size_t i = 0; i < 4; ++i) {
    const auto dot = text.find('.');
    if ((dot == std::string_view::npos) != (i == 3)) {
      return std::nullopt;
    }
    const std::string_view field = text.substr(0, dot);
    const auto value = read_digits(field, 3, 0, 255);
    if (!value || (field.size() > 1 && field.front() == '0')) {
      return std::nullopt;
    }
    out[i] = static_cast<std::uint8_t>(*value);
    text.remove_prefix(i == 3 ? text.size() : dot + 1);
  }
  return out;
}

// The 16-bit groups of one side of "::". A dotted IPv4 address may be the last.
bool read_groups(std::string_view text, std::array<std::uint8_t, 16>& out, std::size_t& count) {
  count = 0;
  while (!text.empty()) {
    const auto colon = text.find(':');
    const std::string_view field = text.substr(0, colon);
    if (colon == std::string_view::npos && field.find('.') != std::string_view::npos) {
      const auto v4 = parse_v4(field);
      if (!v4 || count > 12) {
        return false;
      }
      for (const std::uint8_t byte : *v4) {
        out[count++] = byte;
      }
      return true;
    }
    unsigned value = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value, 16);
    if (field.empty() || field.size() > 4 || error != std::errc() ||
        end != field.data() + field.size() || count > 14) {
      return false;
    }
    out[count++] = static_cast<std::uint8_t>(value >> 8);
    out[count++] = static_cast<std::uint8_t>(value & 0xFF);
    if (colon == std::string_view::npos) {
      return true;
    }
    text.remove_prefix(colon + 1);
    if (text.empty()) {
      return false;  // a single ':' at the end
    }
  }
  return true;
}

std::optional<std::array<std::uint8_t, 16>> parse_v6(std::string_view text) {
  std::array<std::uint8_t, 16> head{};
  std::array<std::uint8_t, 16> tail{};
  std::size_t head_size = 0;
  std::size_t tail_size = 0;
  const auto gap = text.find("::");
  if (gap == std::string_view::npos) {
    if (!read_groups(text, head, head_size) || head_size != 16) {
      return std::nullopt;
    }
    return head;
  }
  if (!read_groups(text.substr(0, gap), head, head_size) ||
      !read_groups(text.substr(gap + 2), tail, tail_size) || head_size + tail_size > 14) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < tail_size; ++i) {
    head[16 - tail_size + i] = tail[i];
  }
  return head;
}

std::optional<Ip> parse_ip(std::string_view text) {
  if (text.find(':') != std::string_view::npos) {
    const auto v6 = parse_v6(text);
    return v6 ? std::optional<Ip>({*v6, false}) : std::nullopt;
  }
  const auto v4 = parse_v4(text);
  if (!v4) {
    return std::nullopt;
  }
  Ip out{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, true};
  for (std::size_t i = 0; i < 4; ++i) {
    out.bytes[12 + i] = (*v4)[i];
  }
  return out;
}

}  // namespace

std::optional<double> parse_number(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) {
    text.remove_prefix(1);
  }
  if (text.empty() || text.find_first_not_of("0123456789+-.eE") != std::string_view::npos) {
    return std::nullopt;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::int64_t> parse_date_ms(std::string_view text) {
  if (text.find_first_of("Tt-") != std::string_view::npos) {
    return read_iso_date(text);
  }
  const auto seconds = read_digits(text, 19, 0, INT64_MAX);
  if (!seconds) {
    return std::nullopt;
  }
  return *seconds > INT64_MAX / 1000 ? INT64_MAX : *seconds * 1000;
}

bool IpNetwork::contains(const IpNetwork& address) const {
  if (address.prefix_bits < prefix_bits) {
    return false;
  }
  for (int bit = 0; bit < prefix_bits; bit += 8) {
    const auto i = static_cast<std::size_t>(bit / 8);
    const int used = prefix_bits - bit < 8 ? prefix_bits - bit : 8;
    const auto mask = static_cast<std::uint8_t>(0xFF << (8 - used));
    if (((bytes[i] ^ address.bytes[i]) & mask) != 0) {
      return false;
    }
  }
  return true;
}

std::optional<IpNetwork> parse_ip_network(std::string_view text) {
  const auto slash = text.find('/');
  const auto ip = parse_ip(text.substr(0, slash));
  if (!ip) {
    return std::nullopt;
  }
  IpNetwork out{ip->bytes, 128};
  if (slash != std::string_view::npos) {
    const auto bits = read_digits(text.substr(slash + 1), 3, 0, ip->is_v4 ? 32 : 128);
    if (!bits) {
      return std::nullopt;
    }
    out.prefix_bits = static_cast<int>(*bits) + (ip->is_v4 ? 96 : 0);
  }
  return out;
}

}  // namespace trivet::policy
