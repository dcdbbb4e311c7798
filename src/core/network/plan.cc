// SPDX-License-Identifier: Apache-2.0
#include "core/network/plan.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "core/network/group_rules.h"

namespace trivet::network {
namespace {

// Interfaces with the same groups share their chains.
using GroupSet = std::vector<std::string>;

GroupSet group_set(const NetworkInterface& interface) {
  GroupSet groups = interface.group_ids;
  std::sort(groups.begin(), groups.end());
  return groups;
}

std::string comma_list(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) {
    out += (out.empty() ? "" : ", ") + item;
  }
  return out;
}

// A set or map, which may not have an empty list of elements.
std::string elements(const std::vector<std::string>& items) {
  return items.empty() ? "" : "    elements = { " + comma_list(items) + " }\n";
}

std::vector<std::string> plan_addresses(const Picture& picture) {
  std::set<std::string> out;
  for (const Subnet& subnet : picture.subnets) {
    if (const auto net = parse_ipv4_net(subnet.cidr)) {
      out.insert(router_address(subnet) + "/" + std::to_string(net->prefix));
    }
  }
  if (const std::string dns = dns_address(picture.vpc); !dns.empty()) {
    out.insert(dns + "/32");
  }
  for (const NetworkInterface& interface : picture.interfaces) {
    if (is_served_here(interface)) {
      out.insert(interface.address + "/32");
    }
  }
  out.insert(std::string(kApiAddress) + "/32");
  return {out.begin(), out.end()};
}

// The routes of a subnet, the longest prefix first, as EC2 chooses.
std::vector<std::pair<Ipv4Net, bool>> ordered_routes(const Picture& picture,
                                                     const std::string& subnet_id) {
  std::vector<std::pair<Ipv4Net, bool>> routes;
  if (const RouteTable* table = table_of(picture, subnet_id)) {
    for (const Route& route : table->routes) {
      if (const auto net = parse_ipv4_net(route.destination)) {
        const bool is_active =
            !picture.gateway_id.empty() && route.gateway_id == picture.gateway_id;
        routes.emplace_back(*net, is_active);
      }
    }
  }
  std::sort(routes.begin(), routes.end(), [](const auto& a, const auto& b) {
    return a.first.prefix != b.first.prefix ? a.first.prefix > b.first.prefix
                                            : a.first.address < b.first.address;
  });
  return routes;
}

class Ruleset {
 public:
  Ruleset(const Picture& picture, const PlanOptions& options)
      : picture_(picture), options_(options) {}

  std::string text() {
    add_group_sets();
    add_interfaces();
    add_routes();
    add_base_chains();
    // Made, so that it can be deleted, and made anew: one transaction.
    return "table inet trivet\ndelete table inet trivet\ntable inet trivet {\n" + declarations_ +
           chains_ + "}\n" + map_elements_;
  }

 private:
  void add_group_sets() {
    std::map<std::string, std::vector<std::string>> members;
    for (const SecurityGroup& group : picture_.groups) {
      members[group.id];
    }
    for (const NetworkInterface& interface : picture_.interfaces) {
      for (const std::string& id : interface.group_ids) {
        members[id].push_back(interface.address);
      }
    }
    for (auto& [id, addresses] : members) {
      std::sort(addresses.begin(), addresses.end());
      declarations_ +=
          "  set " + set_name(id) + " {\n    type ipv4_addr\n" + elements(addresses) + "  }\n";
    }
  }

  // What may go out of an interface returns to the base chain, what may come in is accepted.
  void add_interfaces() {
    std::map<GroupSet, std::size_t> numbers;
    std::vector<std::string> known;
    std::vector<std::string> egress;
    std::vector<std::string> ingress;
    for (const NetworkInterface& interface : picture_.interfaces) {
      const auto [it, is_new] = numbers.emplace(group_set(interface), numbers.size() + 1);
      const std::string number = std::to_string(it->second);
      if (is_new) {
        add_chain("out_" + number, it->first, true);
        add_chain("in_" + number, it->first, false);
      }
      known.push_back(interface.address);
      egress.push_back(interface.address + " : jump out_" + number);
      ingress.push_back(interface.address + " : jump in_" + number);
    }
    declarations_ += "  set interfaces {\n    type ipv4_addr\n" + elements(known) + "  }\n";
    add_map("egress", "type ipv4_addr : verdict", egress);
    add_map("ingress", "type ipv4_addr : verdict", ingress);
  }

  void add_chain(const std::string& name, const GroupSet& group_ids, bool is_egress) {
    chains_ += "  chain " + name + " {\n";
    for (const SecurityGroup& group : picture_.groups) {
      if (std::find(group_ids.begin(), group_ids.end(), group.id) == group_ids.end()) {
        continue;
      }
      for (const SecurityGroupRule& rule : group.rules) {
        const auto match = rule.is_egress == is_egress ? rule_match(rule) : std::nullopt;
        if (match) {
          chains_ += "    " + *match + (is_egress ? "return\n" : "accept\n");
        }
      }
    }
    chains_ += "    drop\n  }\n";
  }

  void add_routes() {
    std::vector<std::string> routes;
    std::vector<std::string> open;
    for (const Subnet& subnet : picture_.subnets) {
      const auto net = parse_ipv4_net(subnet.cidr);
      if (!net) {
        continue;
      }
      const std::string name = "routes_" + std::to_string(routes.size() + 1);
      chains_ += "  chain " + name + " {\n";
      for (const auto& [destination, is_active] : ordered_routes(picture_, subnet.id)) {
        chains_ += (destination.prefix == 0 ? "    " : "    ip daddr " + destination.str() + " ") +
                   std::string(is_active ? "accept\n" : "drop\n");
      }
      chains_ += "    drop\n  }\n";
      routes.push_back(net->str() + " : jump " + name);
      if (has_way_out(picture_, subnet.id)) {
        open.push_back(net->str());
      }
    }
    add_map("routes", "type ipv4_addr : verdict\n    flags interval", routes);
    declarations_ +=
        "  set with_way_out {\n    type ipv4_addr\n    flags interval\n" + elements(open) + "  }\n";
  }

  // Elements that jump are added when the chains are there.
  void add_map(const std::string& name, const std::string& type,
               const std::vector<std::string>& items) {
    declarations_ += "  map " + name + " {\n    " + type + "\n  }\n";
    if (!items.empty()) {
      map_elements_ += "add element inet trivet " + name + " { " + comma_list(items) + " }\n";
    }
  }

  void add_base_chains() {
    chains_ +=
        "  chain input {\n    type filter hook input priority filter; policy drop;\n"
        "    iifname \"lo\" accept\n    ct state established,related accept\n"
        "    ct state invalid drop\n";
    if (const std::string dns = dns_address(picture_.vpc); !dns.empty()) {
      // Security groups do not filter what goes to the VPC's resolver.
      chains_ +=
          "    iifname \"br0\" ip daddr " + dns + " meta l4proto { tcp, udp } th dport 53 accept\n";
    }
    // Only interfaces of functions send, and each is known by its address: nothing that runs
    // behind one can make packets from another.
    chains_ +=
        "    iifname != \"br0\" drop\n    ip saddr != @interfaces drop\n"
        "    ip saddr vmap @egress\n    ip daddr " +
        std::string(kApiAddress) + " tcp dport " + std::to_string(options_.api_port) +
        " ip saddr @with_way_out accept\n    ip daddr vmap @ingress\n  }\n";
    chains_ +=
        "  chain forward {\n    type filter hook forward priority filter; policy drop;\n"
        "    ct state established,related accept\n    ct state invalid drop\n"
        "    iifname != \"br0\" drop\n    ip saddr != @interfaces drop\n"
        "    ip saddr vmap @egress\n    oifname \"br0\" ip daddr vmap @ingress\n"
        "    oifname \"up0\" ip daddr " +
        unreachable() +
        " drop\n    oifname \"up0\" ip saddr vmap @routes\n  }\n"
        "  chain postrouting {\n    type nat hook postrouting priority srcnat;\n"
        "    oifname \"up0\" masquerade\n  }\n";
  }

  // Through no gateway: what is in a VPC, and link-local addresses, where a cloud's machines have
  // the service that hands out their credentials.
  std::string unreachable() const {
    std::string out = "{ 169.254.0.0/16";
    std::vector<Ipv4Net> nets;
    for (const std::string& text : options_.vpc_networks) {
      const auto net = parse_ipv4_net(text);
      const bool is_covered =
          net && std::any_of(nets.begin(), nets.end(),
                             [&](const Ipv4Net& other) { return other.contains(*net); });
      if (net && !is_covered) {
        std::erase_if(nets, [&](const Ipv4Net& other) { return net->contains(other); });
        nets.push_back(*net);
      }
    }
    for (const Ipv4Net& net : nets) {
      out += ", " + net.str();
    }
    return out + " }";
  }

  const Picture& picture_;
  const PlanOptions& options_;
  std::string declarations_;
  std::string chains_;
  std::string map_elements_;
};

}  // namespace

Picture outside_picture() {
  const std::string id(kOutside);
  Picture out;
  out.vpc.id = id;
  out.vpc.cidr = "169.254.76.0/22";  // in no VPC's network either
  Subnet subnet;
  subnet.id = id;
  subnet.vpc_id = id;
  subnet.cidr = out.vpc.cidr;
  out.subnets = {subnet};
  SecurityGroupRule everything_out;
  everything_out.is_egress = true;
  everything_out.protocol = "-1";
  everything_out.cidr_v4 = "0.0.0.0/0";
  SecurityGroup group;
  group.id = outside_group_id();
  group.vpc_id = id;
  group.rules = {everything_out};
  out.groups = {group};
  RouteTable table;
  table.vpc_id = id;
  table.association_id = id;
  table.routes = {{"0.0.0.0/0", id}};
  out.route_tables = {table};
  out.gateway_id = id;
  return out;
}

std::string outside_group_id() {
  return "sg-outside";
}

const RouteTable* table_of(const Picture& picture, const std::string& subnet_id) {
  const RouteTable* main = nullptr;
  for (const RouteTable& table : picture.route_tables) {
    if (std::any_of(table.associations.begin(), table.associations.end(),
                    [&](const auto& entry) { return entry.subnet_id == subnet_id; })) {
      return &table;
    }
    main = table.association_id.empty() ? main : &table;
  }
  return main;
}

bool has_way_out(const Picture& picture, const std::string& subnet_id) {
  const auto routes = ordered_routes(picture, subnet_id);
  return std::any_of(routes.begin(), routes.end(),
                     [](const auto& route) { return route.first.prefix == 0 && route.second; });
}

std::string dns_address(const Vpc& vpc) {
  const auto net = parse_ipv4_net(vpc.cidr);
  return net && vpc.dns_support ? ipv4_text(net->address + 2) : "";
}

std::string router_address(const Subnet& subnet) {
  const auto net = parse_ipv4_net(subnet.cidr);
  return net ? ipv4_text(net->address + 1) : "";
}

bool is_served_here(const NetworkInterface& interface) {
  return interface.owner.starts_with("db/") || interface.owner.starts_with("vpce-");
}

Plan make_plan(const Picture& picture, const PlanOptions& options) {
  Plan plan;
  plan.addresses = plan_addresses(picture);
  plan.has_way_out =
      options.opens_ways_out &&
      std::any_of(picture.subnets.begin(), picture.subnets.end(),
                  [&](const Subnet& subnet) { return has_way_out(picture, subnet.id); });
  plan.rules = Ruleset(picture, options).text();
  return plan;
}

}  // namespace trivet::network
