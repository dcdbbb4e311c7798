// SPDX-License-Identifier: Apache-2.0
//
// EC2 as far as DB clusters need it: the default VPC that an installation starts with, subnets,
// security groups and tags. Rules of security groups are kept and shown; nothing here filters
// packets.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/ids.h"
#include "model/network.h"
#include "ports/state_store.h"
#include "service/network_state.h"

namespace trivet::service {

struct AvailabilityZone {
  std::string name;  // "us-east-1a"
  std::string id;    // "use1-az1"
};

// The three zones of an installation, in order. Pure.
std::vector<AvailabilityZone> availability_zones(const Realm& realm);

struct CreateSubnet {
  std::string vpc_id;
  std::string availability_zone;     // empty: any
  std::string availability_zone_id;  // empty: any
  std::string cidr;
  Tags tags;
};

struct CreateSecurityGroup {
  std::string vpc_id;  // empty: the default VPC
  std::string name;
  std::string description;
  Tags tags;
};

// By id or, in the default VPC, by name.
struct SecurityGroupRef {
  std::string id;
  std::string name;
};

// Thread-safe; calls block on the store. Errors carry AWS's codes and texts.
class Ec2Service {
 public:
  struct Needs {
    NetworkStore& network;
    Realm realm;
    // Does a cluster or a function refer to this security group?
    std::function<bool(const std::string& group_id)> is_group_used;
    // Has a function its network interfaces in this subnet?
    std::function<bool(const std::string& subnet_id)> is_subnet_used{};
  };
  explicit Ec2Service(Needs needs) : needs_(std::move(needs)) {}

  // Makes the default VPC with its subnets, security group and main route table, if the
  // installation has no VPC yet. Before any other call.
  Status start();

  const Realm& realm() const { return needs_.realm; }
  Result<NetworkState> state() const { return needs_.network.load(); }

  // Faults: InvalidVpcID.NotFound, InvalidParameterValue (zone, CIDR), InvalidSubnet.Range,
  // InvalidSubnet.Conflict, SubnetLimitExceeded.
  Result<Subnet> create_subnet(const CreateSubnet& wanted);
  // Faults: InvalidSubnetID.NotFound, DependencyViolation (in a DB subnet group, or of a function).
  Status delete_subnet(const std::string& id);
  // Faults: InvalidVpcID.NotFound, InvalidParameterValue, InvalidGroup.Duplicate.
  Result<SecurityGroup> create_security_group(const CreateSecurityGroup& wanted);
  // The id of what was deleted. Faults: InvalidGroup.NotFound, CannotDelete ("default"),
  // DependencyViolation (a cluster, a function or a rule of another group refers to it).
  Result<std::string> delete_security_group(const SecurityGroupRef& ref);
  // Adds rules, whose ids are given here; returns them. Faults: InvalidGroup.NotFound,
  // InvalidPermission.Duplicate, InvalidParameterValue, RulesPerSecurityGroupLimitExceeded.
  Result<std::vector<SecurityGroupRule>> authorize_ingress(const SecurityGroupRef& ref,
                                                           std::vector<SecurityGroupRule> rules);
  // On any of the resources by id, all or none. Faults: Invalid….NotFound, InvalidParameterValue,
  // TagLimitExceeded.
  Status create_tags(const std::vector<std::string>& ids, const Tags& tags);

 private:
  Needs needs_;
};

// AWS's rules for the tags of EC2 resources. Faults: InvalidParameterValue.
Status check_ec2_tags(const Tags& tags);

}  // namespace trivet::service
