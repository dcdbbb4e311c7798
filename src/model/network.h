// SPDX-License-Identifier: Apache-2.0
//
// The networks of an installation as EC2's and RDS's APIs know them: VPCs, subnets, security
// groups, route tables and the DB subnet groups over them. They say where members are placed and
// what clusters refer to; packets do not pass through them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/cluster.h"

namespace trivet {

struct Vpc {
  std::string id;    // "vpc-" + 17 hex digits
  std::string cidr;  // "172.31.0.0/16"
  std::string cidr_association_id;
  bool is_default = false;
  Tags tags;
};

struct Subnet {
  std::string id;  // "subnet-" + 17 hex digits
  std::string vpc_id;
  std::string availability_zone;
  std::string cidr;
  bool is_default = false;  // of its zone; also: instances in it would get public addresses
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
};

struct SecurityGroup {
  std::string id;  // "sg-" + 17 hex digits
  std::string vpc_id;
  std::string name;
  std::string description;
  std::vector<SecurityGroupRule> rules;
  Tags tags;
};

// A VPC's main route table. Its one route is the local one.
struct RouteTable {
  std::string id;  // "rtb-" + 17 hex digits
  std::string vpc_id;
  std::string association_id;
  Tags tags;
};

struct DbSubnetGroup {
  std::string name;  // lower case
  std::string description;
  std::string vpc_id;
  std::vector<std::string> subnet_ids;
  Tags tags;
};

// JSON with a version field, as model/cluster.h. Decoding fails with kCorrupt.
std::string encode(const Vpc& vpc);
std::string encode(const Subnet& subnet);
std::string encode(const SecurityGroup& group);
std::string encode(const RouteTable& table);
std::string encode(const DbSubnetGroup& group);
std::string encode_tags(const Tags& tags);
Result<Vpc> decode_vpc(std::string_view text);
Result<Subnet> decode_subnet(std::string_view text);
Result<SecurityGroup> decode_security_group(std::string_view text);
Result<RouteTable> decode_route_table(std::string_view text);
Result<DbSubnetGroup> decode_db_subnet_group(std::string_view text);
Result<Tags> decode_tags(std::string_view text);

}  // namespace trivet
