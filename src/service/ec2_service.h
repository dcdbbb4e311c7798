// SPDX-License-Identifier: Apache-2.0
//
// EC2 as far as DB clusters and functions need it: VPCs, subnets, route tables, internet gateways,
// security groups, network interfaces, endpoints for the API, and tags. This keeps what is wanted
// and AWS's rules for it; service/network_driver.h has it enforced.
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

struct CreateVpc {
  std::string cidr;
  Tags tags;
};

// What ModifyVpcAttribute changes; unset: stays.
struct VpcAttributes {
  std::optional<bool> dns_support;
  std::optional<bool> dns_hostnames;
};

// Where a route table gets a route to.
struct WantedRoute {
  std::string route_table_id;
  std::string destination;
  std::string gateway_id;
};

struct CreateNetworkInterface {
  std::string subnet_id;
  std::string address;  // empty: any
  std::string description;
  std::vector<std::string> group_ids;  // empty: the VPC's default group
  Tags tags;
};

struct CreateVpcEndpoint {
  std::string vpc_id;
  std::string service_name;
  std::vector<std::string> subnet_ids;
  std::vector<std::string> group_ids;
  bool private_dns = true;
  WallTime now{};
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
    // The interfaces that environments of functions have now; they are in no store. May be empty.
    std::function<std::vector<NetworkInterface>()> leased;
    // Has a function its network interfaces in this subnet?
    std::function<bool(const std::string& subnet_id)> is_subnet_used{};
  };
  explicit Ec2Service(Needs needs) : needs_(std::move(needs)) {}

  // Makes the default VPC with its subnets, security group and main route table, if the
  // installation has no VPC yet. Before any other call.
  Status start();

  const Realm& realm() const { return needs_.realm; }
  Result<NetworkState> state() const { return needs_.network.load(); }

  std::vector<NetworkInterface> leased() const;

  // With its default security group and main route table. Faults: InvalidParameterValue,
  // InvalidVpc.Range, VpcLimitExceeded.
  Result<Vpc> create_vpc(const CreateVpc& wanted);
  // Faults: InvalidVpcID.NotFound, DependencyViolation.
  Status delete_vpc(const std::string& id);
  // Faults: InvalidVpcID.NotFound, InvalidParameterValue.
  Status modify_vpc(const std::string& id, const VpcAttributes& wanted);
  // Faults: InvalidVpcID.NotFound, InvalidParameterValue (zone, CIDR), InvalidSubnet.Range,
  // InvalidSubnet.Conflict, SubnetLimitExceeded.
  Result<Subnet> create_subnet(const CreateSubnet& wanted);
  // Faults: InvalidSubnetID.NotFound.
  Status modify_subnet(const std::string& id, bool maps_public_ip);
  // Faults: InvalidSubnetID.NotFound, DependencyViolation (an interface, a DB subnet group or a
  // function).
  Status delete_subnet(const std::string& id);

  // Faults: InvalidVpcID.NotFound, RouteTableLimitExceeded.
  Result<RouteTable> create_route_table(const std::string& vpc_id, const Tags& tags);
  // Faults: InvalidRouteTableID.NotFound, DependencyViolation (main, or associated).
  Status delete_route_table(const std::string& id);
  // The association's id. Faults: Invalid….NotFound, Resource.AlreadyAssociated,
  // InvalidParameterValue (another VPC).
  Result<std::string> associate_route_table(const std::string& table_id,
                                            const std::string& subnet_id);
  // Faults: InvalidAssociationID.NotFound, InvalidParameterValue (main).
  Status disassociate_route_table(const std::string& association_id);
  // The new association's id; of the main association, the table becomes the main one. Faults:
  // InvalidAssociationID.NotFound, InvalidRouteTableID.NotFound, InvalidParameterValue.
  Result<std::string> replace_route_table_association(const std::string& association_id,
                                                      const std::string& table_id);
  // Faults: Invalid….NotFound, InvalidParameterValue, RouteAlreadyExists, RouteLimitExceeded.
  Status create_route(const WantedRoute& wanted);
  // Faults: those of create_route; InvalidParameterValue when there is none.
  Status replace_route(const WantedRoute& wanted);
  // Faults: InvalidRouteTableID.NotFound, InvalidRoute.NotFound, InvalidParameterValue (local).
  Status delete_route(const std::string& table_id, const std::string& destination);

  Result<InternetGateway> create_internet_gateway(const Tags& tags);
  // Faults: Invalid….NotFound, Resource.AlreadyAssociated, InvalidParameterValue.
  Status attach_internet_gateway(const std::string& id, const std::string& vpc_id);
  // Faults: Invalid….NotFound, Gateway.NotAttached.
  Status detach_internet_gateway(const std::string& id, const std::string& vpc_id);
  // Faults: InvalidInternetGatewayID.NotFound, DependencyViolation (attached).
  Status delete_internet_gateway(const std::string& id);

  // Faults: InvalidSubnetID.NotFound, InvalidGroup.NotFound, InvalidParameterValue,
  // InvalidIPAddress.InUse, InsufficientFreeAddressesInSubnet.
  Result<NetworkInterface> create_interface(const CreateNetworkInterface& wanted);
  // Unset: stays. Faults: InvalidNetworkInterfaceID.NotFound, InvalidGroup.NotFound,
  // OperationNotPermitted (not made by a call).
  Status modify_interface(const std::string& id, const std::optional<std::string>& description,
                          const std::vector<std::string>& group_ids);
  // Faults: InvalidNetworkInterfaceID.NotFound, InvalidParameterValue (in use).
  Status delete_interface(const std::string& id);

  // Faults: Invalid….NotFound, InvalidServiceName, InvalidParameter,
  // InsufficientFreeAddressesInSubnet.
  Result<VpcEndpoint> create_endpoint(const CreateVpcEndpoint& wanted);
  // With its interfaces. Faults: InvalidVpcEndpointId.NotFound.
  Status delete_endpoint(const std::string& id);

  Status check_subnet(const std::string& id) const;  // InvalidSubnetID.NotFound
  // Faults: InvalidVpcID.NotFound, InvalidParameterValue, InvalidGroup.Duplicate.
  Result<SecurityGroup> create_security_group(const CreateSecurityGroup& wanted);
  // The id of what was deleted. Faults: InvalidGroup.NotFound, CannotDelete ("default"),
  // DependencyViolation (a cluster, a function, an interface or a rule of another group refers to
  // it).
  Result<std::string> delete_security_group(const SecurityGroupRef& ref);
  // Adds rules of either direction, whose ids are given here; returns them. Faults:
  // InvalidGroup.NotFound, InvalidPermission.Duplicate, InvalidParameterValue,
  // RulesPerSecurityGroupLimitExceeded.
  Result<std::vector<SecurityGroupRule>> authorize(const SecurityGroupRef& ref,
                                                   std::vector<SecurityGroupRule> rules);
  // Takes away the rules of this direction with these ids, or that say the same as these; returns
  // them. All or none. Faults: InvalidGroup.NotFound, InvalidPermission.NotFound,
  // InvalidSecurityGroupRuleId.NotFound.
  struct Revoke {
    bool is_egress = false;
    std::vector<std::string> ids;
    std::vector<SecurityGroupRule> rules;
  };
  Result<std::vector<SecurityGroupRule>> revoke(const SecurityGroupRef& ref, Revoke unwanted);
  // Rules with these ids get what these say, and keep their direction and tags. All or none.
  // Faults: those of authorize, InvalidSecurityGroupRuleId.NotFound.
  Status modify_rules(const SecurityGroupRef& ref, std::vector<SecurityGroupRule> changed);
  // Descriptions of the rules of this direction with these ids or, without an id, that say the
  // same. All or none. Faults: those of revoke, InvalidParameterValue.
  Status update_rule_descriptions(const SecurityGroupRef& ref, bool is_egress,
                                  std::vector<SecurityGroupRule> wanted);
  // On any of the resources by id, all or none. Faults: Invalid….NotFound, InvalidParameterValue,
  // TagLimitExceeded.
  Status create_tags(const std::vector<std::string>& ids, const Tags& tags);
  // A tag without a value goes whatever its value is; no tags: all of them. Tags that are not there
  // are no fault.
  struct Untag {
    std::string key;
    std::optional<std::string> value;
  };
  Status delete_tags(const std::vector<std::string>& ids, const std::vector<Untag>& tags);

 private:
  Needs needs_;
};

// AWS's rules for the tags of EC2 resources. Faults: InvalidParameterValue.
Status check_ec2_tags(const Tags& tags);

}  // namespace trivet::service
