// SPDX-License-Identifier: Apache-2.0
#include "core/network/group_rules.h"

#include <cstdint>

#include "core/network/ipv4_net.h"

namespace trivet::network {
namespace {

constexpr std::int32_t kPortMax = 65535;

std::optional<std::string> peer_match(const SecurityGroupRule& rule) {
  const std::string side = rule.is_egress ? "ip daddr " : "ip saddr ";
  if (!rule.group_id.empty()) {
    return side + "@" + set_name(rule.group_id) + " ";
  }
  const auto net = parse_ipv4_net(rule.cidr_v4);
  if (!net) {
    return std::nullopt;  // an IPv6 network, or a prefix list
  }
  return net->prefix == 0 ? "" : side + net->str() + " ";
}

std::string port_match(const SecurityGroupRule& rule) {
  const std::int32_t lowest = rule.port_min.value_or(0);
  const std::int32_t highest = rule.port_max.value_or(kPortMax);
  if (lowest <= 0 && highest >= kPortMax) {
    return "meta l4proto " + rule.protocol + " ";
  }
  return rule.protocol + " dport " + std::to_string(lowest) +
         (lowest == highest ? "" : "-" + std::to_string(highest)) + " ";
}

// EC2 keeps an ICMP rule's type and code where others have ports; -1 is any.
std::string icmp_match(const SecurityGroupRule& rule) {
  const std::int32_t type = rule.port_min.value_or(-1);
  const std::int32_t code = rule.port_max.value_or(-1);
  if (type < 0) {
    return "meta l4proto icmp ";
  }
  return "icmp type " + std::to_string(type) + " " +
         (code < 0 ? "" : "icmp code " + std::to_string(code) + " ");
}

}  // namespace

std::string set_name(const std::string& group_id) {
  std::string name = "group_";
  for (const char c : group_id) {
    const bool is_plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += is_plain ? c : '_';
  }
  return name;
}

std::optional<std::string> rule_match(const SecurityGroupRule& rule) {
  const auto peer = peer_match(rule);
  if (!peer || rule.protocol == "icmpv6") {
    return std::nullopt;
  }
  if (rule.protocol == "-1") {
    return peer;
  }
  if (rule.protocol == "tcp" || rule.protocol == "udp") {
    return *peer + port_match(rule);
  }
  return *peer +
         (rule.protocol == "icmp" ? icmp_match(rule) : "meta l4proto " + rule.protocol + " ");
}

}  // namespace trivet::network
