// SPDX-License-Identifier: Apache-2.0
//
// What the parts of Ec2Service share: ids, AWS's words for what is missing, and looking things up.
// Only for ec2_*.cc.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/ec2_service.h"
#include "service/network_state.h"

namespace trivet::service {

// "vpc-" + 17 hex digits.
std::string new_ec2_id(std::string_view kind);

// InvalidParameterValue.
Error bad_ec2_value(std::string message);
Error no_such_vpc(std::string_view id);
Error no_such_subnet(std::string_view id);
Error no_such_route_table(std::string_view id);
Error no_such_internet_gateway(std::string_view id);
Error no_such_interface(std::string_view id);
Error no_such_endpoint(std::string_view id);
Error no_such_group(const SecurityGroupRef& ref, const NetworkState& state);
// DependencyViolation: "The vpc 'vpc-1' has dependencies and cannot be deleted."
Error has_dependencies(std::string_view kind, std::string_view id);

// By id or, in the default VPC, by name. Faults: InvalidGroup.NotFound.
Result<SecurityGroup> find_group(const NetworkState& state, const SecurityGroupRef& ref);
// The groups of an interface in this VPC: the VPC's default group when none is named. Faults:
// InvalidGroup.NotFound, InvalidParameterValue (another VPC's).
Result<std::vector<std::string>> groups_in_vpc(const NetworkState& state, const std::string& vpc_id,
                                               const std::vector<std::string>& ids);
// Every address of the subnet that somebody has.
std::set<std::uint32_t> taken_addresses(const NetworkState& state,
                                        const std::vector<NetworkInterface>& leased,
                                        const std::string& subnet_id);
// With the lowest free address of the subnet. Faults: InsufficientFreeAddressesInSubnet.
Result<NetworkInterface> new_interface(const NetworkState& state, const Subnet& subnet,
                                       const std::vector<NetworkInterface>& leased);

// What every VPC has: a group whose members reach each other, and a table with the local route.
SecurityGroup default_security_group(const Vpc& vpc);
RouteTable main_route_table(const Vpc& vpc);

}  // namespace trivet::service
