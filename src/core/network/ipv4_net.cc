// SPDX-License-Identifier: Apache-2.0
#include "core/network/ipv4_net.h"

#include <algorithm>
#include <charconv>
#include <vector>

namespace trivet::network {
namespace {

// A decimal number up to `max` without sign or leading zeros.
std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t max) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > max ||
      (text.size() > 1 && text.front() == '0')) {
    return std::nullopt;
  }
  return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  for (std::size_t end = text.find(separator); end != std::string_view::npos;
       end = text.find(separator, begin)) {
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

std::uint32_t mask_of(int prefix) {
  return prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix);
}

bool is_ipv6_group(std::string_view group) {
  return !group.empty() && group.size() <= 4 && std::all_of(group.begin(), group.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

// The groups of one side of "::".
std::optional<std::size_t> count_ipv6_groups(std::string_view side) {
  if (side.empty()) {
    return 0;
  }
  const auto groups = split(side, ':');
  if (!std::all_of(groups.begin(), groups.end(), is_ipv6_group)) {
    return std::nullopt;
  }
  return groups.size();
}

}  // namespace

std::string Ipv4Net::str() const {
  return ipv4_text(address) + "/" + std::to_string(prefix);
}

bool Ipv4Net::contains(const Ipv4Net& other) const {
  return prefix <= other.prefix && (other.address & mask_of(prefix)) == address;
}

std::optional<std::uint32_t> parse_ipv4(std::string_view text) {
  const auto parts = split(text, '.');
  if (parts.size() != 4) {
    return std::nullopt;
  }
  std::uint32_t address = 0;
  for (const std::string_view part : parts) {
    const auto byte = parse_number(part, 255);
    if (!byte) {
      return std::nullopt;
    }
    address = address << 8 | *byte;
  }
  return address;
}

std::string ipv4_text(std::uint32_t address) {
  std::string out;
  for (const int shift : {24, 16, 8, 0}) {
    out += std::to_string((address >> shift) & 255) + (shift == 0 ? "" : ".");
  }
  return out;
}

std::optional<Ipv4Net> parse_ipv4_net(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    return std::nullopt;
  }
  const auto prefix = parse_number(text.substr(slash + 1), 32);
  const auto address = parse_ipv4(text.substr(0, slash));
  if (!prefix || !address) {
    return std::nullopt;
  }
  const int bits = static_cast<int>(*prefix);
  return Ipv4Net{.address = *address & mask_of(bits), .prefix = bits};
}

bool is_reserved(const Ipv4Net& subnet, std::uint32_t address) {
  return address < subnet.address + 4 || address >= subnet.last();
}

std::optional<std::uint32_t> lowest_free(const Ipv4Net& subnet,
                                         const std::set<std::uint32_t>& taken) {
  for (std::uint64_t at = std::uint64_t{subnet.address} + 4; at < subnet.last(); ++at) {
    if (!taken.contains(static_cast<std::uint32_t>(at))) {
      return static_cast<std::uint32_t>(at);
    }
  }
  return std::nullopt;
}

std::optional<std::uint32_t> highest_free(const Ipv4Net& subnet,
                                          const std::set<std::uint32_t>& taken) {
  for (std::uint64_t at = subnet.last(); at > std::uint64_t{subnet.address} + 4; --at) {
    const auto candidate = static_cast<std::uint32_t>(at - 1);
    if (!taken.contains(candidate)) {
      return candidate;
    }
  }
  return std::nullopt;
}

bool is_ipv6_net(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || !parse_number(text.substr(slash + 1), 128)) {
    return false;
  }
  const std::string_view address = text.substr(0, slash);
  const std::size_t gap = address.find("::");
  if (gap == std::string_view::npos) {
    return count_ipv6_groups(address) == std::size_t{8};
  }
  const auto left = count_ipv6_groups(address.substr(0, gap));
  const auto right = count_ipv6_groups(address.substr(gap + 2));
  return left && right && *left + *right <= 7;
}

}  // namespace trivet::network
