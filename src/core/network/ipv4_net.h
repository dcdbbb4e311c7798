// SPDX-License-Identifier: Apache-2.0
//
// IPv4 networks in CIDR notation and addresses in them, as far as subnets need them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace trivet::network {

// Host bits of `address` are zero. Plain value.
struct Ipv4Net {
  std::uint32_t address = 0;
  int prefix = 0;  // 0..32

  std::uint64_t size() const { return std::uint64_t{1} << (32 - prefix); }
  std::string str() const;
  bool contains(const Ipv4Net& other) const;
  bool contains(std::uint32_t one) const { return contains(Ipv4Net{one, 32}); }
  std::uint32_t last() const { return address + static_cast<std::uint32_t>(size() - 1); }
  bool overlaps(const Ipv4Net& other) const { return contains(other) || other.contains(*this); }
  friend bool operator==(const Ipv4Net&, const Ipv4Net&) = default;
};

// "10.0.1.0/24", four decimal numbers without leading zeros. Host bits are cut off, as EC2 does it
// ("100.68.0.18/18" is 100.68.0.0/18).
std::optional<Ipv4Net> parse_ipv4_net(std::string_view text);
// "10.0.1.17"; and back.
std::optional<std::uint32_t> parse_ipv4(std::string_view text);
std::string ipv4_text(std::uint32_t address);

// AWS keeps the first four addresses of a subnet (network, router, DNS, future use) and the last.
bool is_reserved(const Ipv4Net& subnet, std::uint32_t address);
// The lowest address of the subnet that is neither reserved nor taken, or the highest.
std::optional<std::uint32_t> lowest_free(const Ipv4Net& subnet,
                                         const std::set<std::uint32_t>& taken);
std::optional<std::uint32_t> highest_free(const Ipv4Net& subnet,
                                          const std::set<std::uint32_t>& taken);

// "2001:db8::/32" and the like, well formed? (Only rules of security groups name such networks.)
bool is_ipv6_net(std::string_view text);

}  // namespace trivet::network
