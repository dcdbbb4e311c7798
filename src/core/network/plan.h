// SPDX-License-Identifier: Apache-2.0
//
// From a VPC as the API knows it to what a kernel is told: the addresses of its namespace and one
// ruleset for nft(8), which takes the place of the last one as a whole. All packets of a VPC pass
// its namespace: interfaces of functions are isolated ports of its bridge, so that even neighbours
// reach each other through it, and the addresses of DB endpoints are its own. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/network/ipv4_net.h"
#include "model/network.h"

namespace trivet::network {

// Where the installation's API listens in a VPC, for subnets that have a way out. Link-local: in no
// VPC's network.
inline constexpr std::string_view kApiAddress = "169.254.171.2";

// The network of environments without a VPC: each reaches the outside and no other.
inline constexpr std::string_view kOutside = "outside";

// One VPC with everything in it. Plain value.
struct Picture {
  Vpc vpc;
  std::vector<Subnet> subnets;
  std::vector<SecurityGroup> groups;
  std::vector<RouteTable> route_tables;
  std::string gateway_id;  // the internet gateway that is attached; empty: none
  std::vector<NetworkInterface> interfaces;
};

// Plain value.
struct Plan {
  // Of the namespace's bridge: "10.0.1.1/24", the router of each subnet; "10.0.0.2/32", DNS; and
  // the addresses that Trivet itself answers at. Sorted.
  std::vector<std::string> addresses;
  bool has_way_out = false;  // at least one subnet, and somebody is there to use it
  std::string rules;         // for `nft -f -`
  friend bool operator==(const Plan&, const Plan&) = default;
};

struct PlanOptions {
  std::uint16_t api_port = 4566;
  // Somebody is there who could go out. A host's forwarding is left alone until then.
  bool opens_ways_out = true;
  // Networks of all VPCs of the installation: what is meant for them never leaves through the host.
  std::vector<std::string> vpc_networks;
};

Plan make_plan(const Picture& picture, const PlanOptions& options);

// The network kOutside, without interfaces, as a VPC with one subnet and one group.
Picture outside_picture();
std::string outside_group_id();

// The route table of a subnet: its own, else the main one; nullptr when there is neither.
const RouteTable* table_of(const Picture& picture, const std::string& subnet_id);
// Has it an active route for 0.0.0.0/0?
bool has_way_out(const Picture& picture, const std::string& subnet_id);
// The VPC's third address; empty when the VPC's name resolution is off.
std::string dns_address(const Vpc& vpc);
// The subnet's second address.
std::string router_address(const Subnet& subnet);
// Is the address of this interface one of the namespace's own? (Functions have theirs in
// namespaces of their own.)
bool is_served_here(const NetworkInterface& interface);

}  // namespace trivet::network
