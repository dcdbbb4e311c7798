// SPDX-License-Identifier: Apache-2.0
//
// The networks of an installation as EC2's and RDS's APIs know them: VPCs, subnets, security
// groups, route tables, gateways, network interfaces, VPC endpoints, and the DB subnet groups over
// subnets. core/network makes of them what a kernel is told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/cluster.h"

namespace trivet {

struct Vpc {
  std::string id;    // "vpc-" + 17 hex digits
  std::string cidr;  // "172.31.0.0/16"
  std::string cidr_association_id;
  bool is_default = false;
  bool dns_support = true;
  bool dns_hostnames = false;
  Tags tags;
};

struct Subnet {
  std::string id;  // "subnet-" + 17 hex digits
  std::string vpc_id;
  std::string availability_zone;
  std::string cidr;
  bool is_default = false;      // of its zone
  bool maps_public_ip = false;  // instances in it would get public addresses
  Tags tags;
};

// One permission to one peer. Exactly one of the four peers is not empty.
struct SecurityGroupRule {
  std::string id;  // "sgr-" + 17 hex digits
  bool is_egress = false;
  std::string protocol;  // "tcp", "udp", "icmp", "icmpv6", a number, or "-1" for all
  std::optional<std::int32_t> port_min;  // ICMP: the type. Unset: all
  std::optional<std::int32_t> port_max;  // ICMP: the code
  std::string cidr_v4;
  std::string cidr_v6;
  std::string prefix_list_id;
  std::string group_id;
  std::string description;
  Tags tags;
  friend bool operator==(const SecurityGroupRule&, const SecurityGroupRule&) = default;
};

struct SecurityGroup {
  std::string id;  // "sg-" + 17 hex digits
  std::string vpc_id;
  std::string name;
  std::string description;
  std::vector<SecurityGroupRule> rules;
  Tags tags;
};

// Beside the local route, which every table has.
struct Route {
  std::string destination;  // "0.0.0.0/0"; not in the VPC's own network
  std::string gateway_id;  // "igw-…", which may be gone or detached: then the route is a black hole
};

struct RouteTableAssociation {
  std::string id;  // "rtbassoc-" + 17 hex digits
  std::string subnet_id;
};

struct RouteTable {
  std::string id;  // "rtb-" + 17 hex digits
  std::string vpc_id;
  // Not empty: it is the VPC's main table, for subnets without one of their own.
  std::string association_id;
  std::vector<Route> routes;
  std::vector<RouteTableAssociation> associations;
  Tags tags;
};

struct InternetGateway {
  std::string id;      // "igw-" + 17 hex digits
  std::string vpc_id;  // empty: detached
  Tags tags;
};

// An address in a subnet. Those of DB clusters, functions and VPC endpoints are made and removed
// with what they belong to; `requester_id` then says who made it.
struct NetworkInterface {
  std::string id;  // "eni-" + 17 hex digits
  std::string vpc_id;
  std::string subnet_id;
  std::string availability_zone;
  std::string address;             // "10.0.1.17"
  std::string mac;                 // as shown; no frame has it
  std::string type = "interface";  // "interface", "lambda", "vpc_endpoint"
  std::string description;
  std::string requester_id;  // empty: somebody who called the API
  // What the address is of: "db/CLUSTER-RESOURCE-ID/writer", "…/reader", "…/INSTANCE", "vpce-…",
  // a function's ARN; empty: nothing.
  std::string owner;
  std::vector<std::string> group_ids;
  Tags tags;
};

// The installation's API inside a VPC: one network interface in each of its subnets.
struct VpcEndpoint {
  std::string id;  // "vpce-" + 17 hex digits
  std::string vpc_id;
  std::string service_name;  // "com.amazonaws.us-east-1.rds"
  std::vector<std::string> subnet_ids;
  std::vector<std::string> group_ids;
  std::vector<std::string> interface_ids;  // in the order of subnet_ids
  bool private_dns = true;                 // the API's own name means it
  WallTime created{};
  Tags tags;
};

struct DbSubnetGroup {
  std::string name;  // lower case
  std::string description;
  std::string vpc_id;
  std::vector<std::string> subnet_ids;
  Tags tags;
};

// How this installation enforces networks. An operator changes it, no API.
struct NetworkPolicy {
  // Processes of the host reach endpoints only as the clusters' security groups and
  // PubliclyAccessible allow. Off: all of them do.
  bool host_obeys_groups = false;
  // Where networks cannot be enforced, functions with a VPC configuration run all the same, with
  // loopback alone.
  bool allows_unenforced = false;
  friend bool operator==(const NetworkPolicy&, const NetworkPolicy&) = default;
};

// JSON with a version field, as model/cluster.h. Decoding fails with kCorrupt.
std::string encode(const Vpc& vpc);
std::string encode(const Subnet& subnet);
std::string encode(const SecurityGroup& group);
std::string encode(const RouteTable& table);
std::string encode(const InternetGateway& gateway);
std::string encode(const NetworkInterface& interface);
std::string encode(const VpcEndpoint& endpoint);
std::string encode(const DbSubnetGroup& group);
std::string encode(const NetworkPolicy& policy);
std::string encode_tags(const Tags& tags);
Result<Vpc> decode_vpc(std::string_view text);
Result<Subnet> decode_subnet(std::string_view text);
Result<SecurityGroup> decode_security_group(std::string_view text);
Result<RouteTable> decode_route_table(std::string_view text);
Result<InternetGateway> decode_internet_gateway(std::string_view text);
Result<NetworkInterface> decode_network_interface(std::string_view text);
Result<VpcEndpoint> decode_vpc_endpoint(std::string_view text);
Result<DbSubnetGroup> decode_db_subnet_group(std::string_view text);
Result<NetworkPolicy> decode_network_policy(std::string_view text);
Result<Tags> decode_tags(std::string_view text);

}  // namespace trivet
