// SPDX-License-Identifier: Apache-2.0
#include "service/security_group_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <tuple>

#include "base/bytes.h"
#include "core/network/ipv4_net.h"

namespace trivet::service {
namespace {

constexpr std::size_t kRulesMax = 60;  // AWS's quota for each direction of a group

Error bad_rule_value(std::string message) {
  return aws_fault(Errc::kInvalidArgument, "InvalidParameterValue", std::move(message));
}

// "TCP" and "6" are "tcp".
Result<std::string> protocol_name(const std::string& text) {
  const std::string lower = to_lower(text);
  if (lower == "tcp" || lower == "6") {
    return std::string("tcp");
  }
  if (lower == "udp" || lower == "17") {
    return std::string("udp");
  }
  if (lower == "icmp" || lower == "1") {
    return std::string("icmp");
  }
  if (lower == "icmpv6" || lower == "58") {
    return std::string("icmpv6");
  }
  if (lower == "-1" || lower == "all") {
    return std::string("-1");
  }
  int number = -1;
  const auto [end, error] = std::from_chars(lower.data(), lower.data() + lower.size(), number);
  if (error != std::errc() || end != lower.data() + lower.size() || number < 0 || number > 255) {
    return bad_rule_value(
        fmt::format("Invalid value '{}' for IP protocol. Unknown protocol.", text));
  }
  return std::to_string(number);
}

Status check_ports(SecurityGroupRule& rule) {
  const bool has_ports = rule.protocol == "tcp" || rule.protocol == "udp";
  const bool is_icmp = rule.protocol == "icmp" || rule.protocol == "icmpv6";
  if (!has_ports && !is_icmp) {
    rule.port_min.reset();
    rule.port_max.reset();
    return ok();
  }
  if (!rule.port_min || !rule.port_max) {
    return aws_fault(Errc::kInvalidArgument, "MissingParameter",
                     fmt::format("The request must contain the parameters fromPort and toPort for "
                                 "protocol {}",
                                 rule.protocol));
  }
  const std::int32_t lowest = is_icmp ? -1 : 0;
  const std::int32_t highest = is_icmp ? 255 : 65535;
  for (const std::int32_t port : {*rule.port_min, *rule.port_max}) {
    if (port < lowest || port > highest) {
      return bad_rule_value(fmt::format(
          "Invalid value '{}' for portRange. Must specify both from and to ports with {}.", port,
          rule.protocol));
    }
  }
  if (has_ports && *rule.port_min > *rule.port_max) {
    return bad_rule_value(fmt::format("Invalid {} port range ({},{})", rule.protocol,
                                      *rule.port_min, *rule.port_max));
  }
  return ok();
}

Status check_peer(SecurityGroupRule& rule) {
  const int peers =
      static_cast<int>(!rule.cidr_v4.empty()) + static_cast<int>(!rule.cidr_v6.empty()) +
      static_cast<int>(!rule.prefix_list_id.empty()) + static_cast<int>(!rule.group_id.empty());
  if (peers != 1) {
    return aws_fault(Errc::kInvalidArgument, "MissingParameter",
                     "The request must contain a source: a CIDR, a prefix list or a group");
  }
  if (!rule.prefix_list_id.empty()) {
    return aws_fault(Errc::kInvalidArgument, "NotImplemented",
                     "Prefix lists in security groups are not implemented.");
  }
  if (!rule.cidr_v4.empty()) {
    const auto net = network::parse_ipv4_net(rule.cidr_v4);
    if (!net) {
      return bad_rule_value(fmt::format("CIDR block {} is malformed", rule.cidr_v4));
    }
    rule.cidr_v4 = net->str();
  }
  if (!rule.cidr_v6.empty() && !network::is_ipv6_net(rule.cidr_v6)) {
    return bad_rule_value(fmt::format("CIDR block {} is malformed", rule.cidr_v6));
  }
  return ok();
}

auto identity(const SecurityGroupRule& rule) {
  return std::tie(rule.is_egress, rule.protocol, rule.port_min, rule.port_max, rule.cidr_v4,
                  rule.cidr_v6, rule.prefix_list_id, rule.group_id);
}

Error duplicate(const SecurityGroupRule& rule) {
  const std::string& peer = !rule.cidr_v4.empty()   ? rule.cidr_v4
                            : !rule.cidr_v6.empty() ? rule.cidr_v6
                                                    : rule.group_id;
  const std::string ports = rule.port_min && rule.port_max
                                ? fmt::format("{}, from port: {}, to port: {}", rule.protocol,
                                              *rule.port_min, *rule.port_max)
                                : std::string(rule.protocol == "-1" ? "ALL" : rule.protocol);
  return aws_fault(
      Errc::kAlreadyExists, "InvalidPermission.Duplicate",
      fmt::format("the specified rule \"peer: {}, {}, ALLOW\" already exists", peer, ports));
}

}  // namespace

SecurityGroupRule egress_to_everywhere(std::string id) {
  SecurityGroupRule rule;
  rule.id = std::move(id);
  rule.is_egress = true;
  rule.protocol = "-1";
  rule.cidr_v4 = "0.0.0.0/0";
  return rule;
}

Status check_rules(std::vector<SecurityGroupRule>& rules) {
  if (rules.empty()) {
    return aws_fault(Errc::kInvalidArgument, "MissingParameter",
                     "The request must contain the parameter ipPermissions");
  }
  for (SecurityGroupRule& rule : rules) {
    if (rule.protocol.empty()) {
      return aws_fault(Errc::kInvalidArgument, "MissingParameter",
                       "The request must contain the parameter ipProtocol");
    }
    TRIVET_TRY(rule.protocol, protocol_name(rule.protocol));
    TRIVET_CHECK_OK(check_ports(rule));
    TRIVET_CHECK_OK(check_peer(rule));
    if (rule.description.size() > 255) {
      return bad_rule_value(
          "Invalid rule description. Rule descriptions may have at most 255 characters.");
    }
  }
  return ok();
}

bool says_the_same(const SecurityGroupRule& a, const SecurityGroupRule& b) {
  return identity(a) == identity(b);
}

Status add_rules(SecurityGroup& group, const std::vector<SecurityGroupRule>& rules) {
  for (const SecurityGroupRule& rule : rules) {
    const bool is_there =
        std::any_of(group.rules.begin(), group.rules.end(),
                    [&](const SecurityGroupRule& other) { return says_the_same(other, rule); });
    if (is_there) {
      return duplicate(rule);
    }
    group.rules.push_back(rule);
  }
  const auto egress = static_cast<std::size_t>(
      std::count_if(group.rules.begin(), group.rules.end(),
                    [](const SecurityGroupRule& rule) { return rule.is_egress; }));
  if (egress > kRulesMax || group.rules.size() - egress > kRulesMax) {
    return aws_fault(Errc::kInvalidArgument, "RulesPerSecurityGroupLimitExceeded",
                     "The maximum number of rules per security group has been reached.");
  }
  return ok();
}

}  // namespace trivet::service
