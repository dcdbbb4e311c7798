// SPDX-License-Identifier: Apache-2.0
#include "core/network/host_plan.h"

#include <algorithm>

#include "core/network/group_rules.h"

namespace trivet::network {
namespace {

// Names of the host's ends of all installations on it begin so.
constexpr const char* kAnyUplink = "\"tv*\"";

// Who is on the host is in no group.
bool is_for_hosts(const SecurityGroupRule& rule) {
  return rule.group_id.empty() && !rule.is_egress;
}

bool admits_this_host(const SecurityGroupRule& rule, std::uint16_t port) {
  const auto net = parse_ipv4_net(rule.cidr_v4);
  const bool is_tcp = rule.protocol == "-1" || rule.protocol == "tcp";
  const bool is_for_port = rule.protocol == "-1" || (rule.port_min.value_or(0) <= port &&
                                                     rule.port_max.value_or(port) >= port);
  return is_for_hosts(rule) && net && net->contains(*parse_ipv4("127.0.0.1")) && is_tcp &&
         is_for_port;
}

std::string endpoint_chain(const std::string& name, const HostEndpoint& endpoint) {
  std::string out = "  chain " + name + " {\n";
  for (const SecurityGroupRule& rule : endpoint.ingress) {
    const auto match = is_for_hosts(rule) ? rule_match(rule) : std::nullopt;
    if (endpoint.is_public && match) {
      out += "    " + *match + "accept\n";
    }
  }
  return out + "    drop\n  }\n";
}

// On the sending side: there a packet's process is known.
std::string access_chains(const HostAccess& access) {
  std::string chains;
  std::string jumps;
  std::size_t number = 0;
  for (const HostEndpoint& endpoint : access.endpoints) {
    const std::string name = "endpoint_" + std::to_string(++number);
    chains += endpoint_chain(name, endpoint);
    jumps += "    ip daddr " + endpoint.address + " tcp dport " + std::to_string(endpoint.port) +
             " jump " + name + "\n";
  }
  chains +=
      "  chain output {\n    type filter hook output priority filter; policy accept;\n"
      "    oifname != \"lo\" accept\n    ct state established,related accept\n"
      "    meta mark " +
      std::to_string(access.exempt_mark) + " accept\n";
  if (!access.exempt_source.empty()) {
    chains += "    ip saddr " + access.exempt_source + " meta skuid " +
              std::to_string(access.exempt_source_uid) + " accept\n";
  }
  for (const std::uint32_t uid : access.exempt_uids) {
    chains += "    meta skuid " + std::to_string(uid) + " accept\n";
  }
  return chains + jumps + "  }\n";
}

std::string uplink_chains(const HostNames& names, const HostOptions& options) {
  const std::string ours = "\"" + names.uplinks + "*\"";
  std::string out =
      "  chain input {\n    type filter hook input priority filter; policy accept;\n    iifname " +
      ours + " ct state established,related accept\n    iifname " + ours + " drop\n  }\n";
  out +=
      "  chain forward {\n    type filter hook forward priority filter; policy accept;\n"
      "    iifname " +
      ours + " oifname " + kAnyUplink + " drop\n    oifname " + ours + " ct state new drop\n";
  if (!options.was_forwarding) {
    out += std::string("    iifname != ") + kAnyUplink + " oifname != " + kAnyUplink + " drop\n";
  }
  out +=
      "  }\n  chain postrouting {\n    type nat hook postrouting priority srcnat;\n"
      "    ip saddr " +
      names.link_net + " oifname != " + ours + " masquerade\n  }\n";
  return out;
}

}  // namespace

std::string host_rules(const HostNames& names, const HostOptions& options,
                       const HostAccess& access) {
  const std::string table = "table inet " + names.table;
  std::string out = table + "\ndelete " + table + "\n";
  if (!options.has_uplinks && !access.is_enforced) {
    return out;
  }
  out += table + " {\n";
  out += options.has_uplinks ? uplink_chains(names, options) : "";
  out += access.is_enforced ? access_chains(access) : "";
  return out + "}\n";
}

std::set<std::string> shut_out(const HostAccess& access) {
  std::set<std::string> out;
  for (const HostEndpoint& endpoint : access.endpoints) {
    const bool is_let_in =
        endpoint.is_public &&
        std::any_of(endpoint.ingress.begin(), endpoint.ingress.end(),
                    [&](const auto& rule) { return admits_this_host(rule, endpoint.port); });
    if (access.is_enforced && !is_let_in) {
      out.insert(endpoint.cluster);
    }
  }
  return out;
}

}  // namespace trivet::network
