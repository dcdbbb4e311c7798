// SPDX-License-Identifier: Apache-2.0
#include "service/ec2_faults.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/random.h"
#include "core/network/ipv4_net.h"
#include "service/security_group_rules.h"

namespace trivet::service {
namespace {

// As AWS's: a locally administered address.
std::string new_mac() {
  const std::string digits = random_text(10, "0123456789abcdef");
  std::string out = "0a";
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    out += ":" + digits.substr(i, 2);
  }
  return out;
}

}  // namespace

std::string new_ec2_id(std::string_view kind) {
  return fmt::format("{}-{}", kind, random_text(17, "0123456789abcdef"));
}

Error bad_ec2_value(std::string message) {
  return aws_fault(Errc::kInvalidArgument, "InvalidParameterValue", std::move(message));
}

Error no_such_vpc(std::string_view id) {
  return aws_fault(Errc::kNotFound, "InvalidVpcID.NotFound",
                   fmt::format("The vpc ID '{}' does not exist", id));
}

Error no_such_subnet(std::string_view id) {
  return aws_fault(Errc::kNotFound, "InvalidSubnetID.NotFound",
                   fmt::format("The subnet ID '{}' does not exist", id));
}

Error no_such_route_table(std::string_view id) {
  return aws_fault(Errc::kNotFound, "InvalidRouteTableID.NotFound",
                   fmt::format("The routeTable ID '{}' does not exist", id));
}

Error no_such_internet_gateway(std::string_view id) {
  return aws_fault(Errc::kNotFound, "InvalidInternetGatewayID.NotFound",
                   fmt::format("The internetGateway ID '{}' does not exist", id));
}

Error no_such_interface(std::string_view id) {
  return aws_fault(Errc::kNotFound, "InvalidNetworkInterfaceID.NotFound",
                   fmt::format("The networkInterface ID '{}' does not exist", id));
}

Error no_such_endpoint(std::string_view id) {
  return aws_fault(Errc::kNotFound, "InvalidVpcEndpointId.NotFound",
                   fmt::format("The Vpc Endpoint Id '{}' does not exist", id));
}

Error no_such_group(const SecurityGroupRef& ref, const NetworkState& state) {
  if (!ref.id.empty()) {
    return aws_fault(Errc::kNotFound, "InvalidGroup.NotFound",
                     fmt::format("The security group '{}' does not exist", ref.id));
  }
  const Vpc* vpc = state.default_vpc();
  return aws_fault(Errc::kNotFound, "InvalidGroup.NotFound",
                   fmt::format("The security group '{}' does not exist in default VPC '{}'",
                               ref.name, vpc == nullptr ? "none" : vpc->id));
}

Error has_dependencies(std::string_view kind, std::string_view id) {
  return aws_fault(Errc::kConflict, "DependencyViolation",
                   fmt::format("The {} '{}' has dependencies and cannot be deleted.", kind, id));
}

Result<SecurityGroup> find_group(const NetworkState& state, const SecurityGroupRef& ref) {
  if (const SecurityGroup* group = state.find_security_group(ref.id)) {
    return *group;
  }
  const Vpc* vpc = state.default_vpc();
  for (const auto& [id, group] : state.security_groups) {
    if (ref.id.empty() && vpc != nullptr && group.vpc_id == vpc->id && group.name == ref.name) {
      return group;
    }
  }
  return no_such_group(ref, state);
}

Result<std::vector<std::string>> groups_in_vpc(const NetworkState& state, const std::string& vpc_id,
                                               const std::vector<std::string>& ids) {
  std::vector<std::string> out;
  for (const std::string& id : ids) {
    const SecurityGroup* group = state.find_security_group(id);
    if (group == nullptr) {
      return no_such_group({.id = id, .name = ""}, state);
    }
    if (group->vpc_id != vpc_id) {
      return bad_ec2_value("You have specified two resources that belong to different networks.");
    }
    if (std::find(out.begin(), out.end(), id) == out.end()) {
      out.push_back(id);
    }
  }
  if (out.empty()) {
    if (const SecurityGroup* group = state.default_security_group(vpc_id)) {
      out.push_back(group->id);
    }
  }
  return out;
}

std::set<std::uint32_t> taken_addresses(const NetworkState& state,
                                        const std::vector<NetworkInterface>& leased,
                                        const std::string& subnet_id) {
  std::set<std::uint32_t> taken;
  const auto take = [&](const NetworkInterface& interface) {
    if (interface.subnet_id == subnet_id) {
      if (const auto address = network::parse_ipv4(interface.address)) {
        taken.insert(*address);
      }
    }
  };
  for (const auto& [id, interface] : state.interfaces) {
    take(interface);
  }
  for (const NetworkInterface& interface : leased) {
    take(interface);
  }
  return taken;
}

Result<NetworkInterface> new_interface(const NetworkState& state, const Subnet& subnet,
                                       const std::vector<NetworkInterface>& leased) {
  const auto net = network::parse_ipv4_net(subnet.cidr);
  const auto address = net ? lowest_free(*net, taken_addresses(state, leased, subnet.id))
                           : std::optional<std::uint32_t>();
  if (!address) {
    return aws_fault(Errc::kConflict, "InsufficientFreeAddressesInSubnet",
                     fmt::format("The specified subnet '{}' does not have enough free addresses to "
                                 "satisfy the request.",
                                 subnet.id));
  }
  NetworkInterface made;
  made.id = new_ec2_id("eni");
  made.vpc_id = subnet.vpc_id;
  made.subnet_id = subnet.id;
  made.availability_zone = subnet.availability_zone;
  made.address = network::ipv4_text(*address);
  made.mac = new_mac();
  return made;
}

SecurityGroup default_security_group(const Vpc& vpc) {
  SecurityGroup group{.id = new_ec2_id("sg"),
                      .vpc_id = vpc.id,
                      .name = "default",
                      .description = "default VPC security group",
                      .rules = {},
                      .tags = {}};
  SecurityGroupRule in_from_itself;
  in_from_itself.id = new_ec2_id("sgr");
  in_from_itself.protocol = "-1";
  in_from_itself.group_id = group.id;
  group.rules = {in_from_itself, egress_to_everywhere(new_ec2_id("sgr"))};
  return group;
}

RouteTable main_route_table(const Vpc& vpc) {
  RouteTable table;
  table.id = new_ec2_id("rtb");
  table.vpc_id = vpc.id;
  table.association_id = new_ec2_id("rtbassoc");
  return table;
}

}  // namespace trivet::service
