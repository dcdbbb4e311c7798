// SPDX-License-Identifier: Apache-2.0
//
// The typed values of condition operators: numbers, dates and addresses, read the same way from
// policies and from requests.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace trivet::policy {

// "3600", "-1.5", "1e3". No blanks, no "inf".
std::optional<double> parse_number(std::string_view text);

// Milliseconds since 1970, from a date of ISO 8601 ("2024-05", "2024-05-06",
// "2024-05-06T07:08:09.5Z", "…+02:00", 't' and 'z' in either case) or from whole seconds since
// 1970: a number without '-' and 'T' is seconds, never a year. Dates beyond what 64 bits hold
// become the furthest that they do.
std::optional<std::int64_t> parse_date_ms(std::string_view text);

// An address block. IPv4 is kept as its IPv4-mapped IPv6 form, so both kinds compare in one way.
struct IpNetwork {
  std::array<std::uint8_t, 16> bytes{};
  int prefix_bits = 128;
  bool contains(const IpNetwork& address) const;
};

// "10.0.0.0/8", "10.1.2.3" (one address), "2001:db8::/32", "::ffff:10.1.2.3".
std::optional<IpNetwork> parse_ip_network(std::string_view text);

}  // namespace trivet::policy
