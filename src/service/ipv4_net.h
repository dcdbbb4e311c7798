// SPDX-License-Identifier: Apache-2.0
//
// IPv4 networks in CIDR notation, as far as subnets need them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace trivet::service {

// Host bits of `address` are zero. Plain value.
struct Ipv4Net {
  std::uint32_t address = 0;
  int prefix = 0;  // 0..32

  std::uint64_t size() const { return std::uint64_t{1} << (32 - prefix); }
  std::string str() const;
  bool contains(const Ipv4Net& other) const;
  bool overlaps(const Ipv4Net& other) const { return contains(other) || other.contains(*this); }
  friend bool operator==(const Ipv4Net&, const Ipv4Net&) = default;
};

// "10.0.1.0/24", four decimal numbers without leading zeros. Host bits are cut off, as EC2 does it
// ("100.68.0.18/18" is 100.68.0.0/18).
std::optional<Ipv4Net> parse_ipv4_net(std::string_view text);
// "2001:db8::/32" and the like, well formed? (Only rules of security groups name such networks.)
bool is_ipv6_net(std::string_view text);

}  // namespace trivet::service
