// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "core/network/ipv4_net.h"
#include "service/ec2_faults.h"

namespace trivet::service {
namespace {

constexpr std::size_t kEndpointsMax = 50;  // AWS's quota for a VPC
constexpr std::size_t kGroupsMax = 5;      // AWS's quota for an interface
// What one address of the API answers for.
constexpr std::array<std::string_view, 6> kServices = {"ec2",  "iam", "lambda",
                                                       "logs", "rds", "sts"};

Result<std::string> check_address(const Subnet& subnet, const std::set<std::uint32_t>& taken,
                                  const std::string& text) {
  const auto net = network::parse_ipv4_net(subnet.cidr);
  const auto address = network::parse_ipv4(text);
  if (!address) {
    return bad_ec2_value(fmt::format("Invalid IPv4 address: {}", text));
  }
  if (!net || !net->contains(*address)) {
    return bad_ec2_value("Address does not fall within the subnet's address range");
  }
  if (network::is_reserved(*net, *address)) {
    return bad_ec2_value("Address is in subnet's reserved address range");
  }
  if (taken.contains(*address)) {
    return aws_fault(Errc::kConflict, "InvalidIPAddress.InUse",
                     fmt::format("Address {} is in use.", text));
  }
  return network::ipv4_text(*address);
}

Status check_group_count(const std::vector<std::string>& groups) {
  return groups.size() <= kGroupsMax
             ? ok()
             : Status(aws_fault(Errc::kInvalidArgument, "SecurityGroupsPerInterfaceLimitExceeded",
                                "The maximum number of security groups per interface has been "
                                "reached."));
}

// The subnets of an endpoint: in its VPC, each in a zone of its own.
Result<std::vector<Subnet>> check_endpoint_subnets(const NetworkState& state,
                                                   const CreateVpcEndpoint& wanted) {
  std::vector<Subnet> subnets;
  std::set<std::string> zones;
  for (const std::string& id : wanted.subnet_ids) {
    const Subnet* subnet = state.find_subnet(id);
    if (subnet == nullptr) {
      return no_such_subnet(id);
    }
    if (subnet->vpc_id != wanted.vpc_id) {
      return aws_fault(Errc::kInvalidArgument, "InvalidParameter",
                       fmt::format("The subnet {} is not in the VPC {}", id, wanted.vpc_id));
    }
    if (!zones.insert(subnet->availability_zone).second) {
      return aws_fault(Errc::kInvalidArgument, "DuplicateSubnetsInSameZone",
                       "Found another VPC endpoint subnet in the availability zone of " + id);
    }
    subnets.push_back(*subnet);
  }
  if (subnets.empty()) {
    return aws_fault(Errc::kInvalidArgument, "MissingParameter",
                     "The request must contain the parameter SubnetIds: an endpoint without "
                     "subnets has no address");
  }
  return subnets;
}

Status check_endpoint(const NetworkState& state, const CreateVpcEndpoint& wanted,
                      const Realm& realm) {
  const Vpc* vpc = state.find_vpc(wanted.vpc_id);
  if (vpc == nullptr) {
    return no_such_vpc(wanted.vpc_id);
  }
  const auto is_it = [&](std::string_view service) {
    return wanted.service_name == fmt::format("com.amazonaws.{}.{}", realm.region, service);
  };
  if (std::none_of(kServices.begin(), kServices.end(), is_it)) {
    return aws_fault(
        Errc::kInvalidArgument, "InvalidServiceName",
        fmt::format("The Vpc Endpoint Service '{}' does not exist", wanted.service_name));
  }
  if (wanted.private_dns && !(vpc->dns_support && vpc->dns_hostnames)) {
    return aws_fault(Errc::kInvalidArgument, "InvalidParameter",
                     fmt::format("Enabling private DNS requires both enableDnsSupport and "
                                 "enableDnsHostnames VPC attributes set to true for {}",
                                 vpc->id));
  }
  const auto there = std::count_if(state.endpoints.begin(), state.endpoints.end(),
                                   [&](const auto& e) { return e.second.vpc_id == vpc->id; });
  if (static_cast<std::size_t>(there) >= kEndpointsMax) {
    return aws_fault(Errc::kInvalidArgument, "VpcEndpointLimitExceeded",
                     "The maximum number of VPC endpoints has been reached.");
  }
  return ok();
}

}  // namespace

Result<NetworkInterface> Ec2Service::create_interface(const CreateNetworkInterface& wanted) {
  TRIVET_CHECK_OK(check_ec2_tags(wanted.tags));
  NetworkInterface made;
  const auto plan = [&](const NetworkState& state) -> Result<NetworkChange> {
    const Subnet* subnet = state.find_subnet(wanted.subnet_id);
    if (subnet == nullptr) {
      return no_such_subnet(wanted.subnet_id);
    }
    TRIVET_TRY(const auto groups, groups_in_vpc(state, subnet->vpc_id, wanted.group_ids));
    TRIVET_CHECK_OK(check_group_count(groups));
    TRIVET_TRY(made, new_interface(state, *subnet, leased()));
    if (!wanted.address.empty()) {
      TRIVET_TRY(made.address, check_address(*subnet, taken_addresses(state, leased(), subnet->id),
                                             wanted.address));
    }
    made.group_ids = groups;
    made.description = wanted.description;
    made.tags = wanted.tags;
    NetworkChange change;
    change.put(made);
    return change;
  };
  TRIVET_CHECK_OK(needs_.network.change(plan));
  return made;
}

Status Ec2Service::modify_interface(const std::string& id,
                                    const std::optional<std::string>& description,
                                    const std::vector<std::string>& group_ids) {
  return needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    const NetworkInterface* found = state.find_interface(id);
    if (found == nullptr) {
      return no_such_interface(id);
    }
    if (!found->requester_id.empty()) {
      return aws_fault(Errc::kDenied, "OperationNotPermitted",
                       fmt::format("The network interface {} is managed by {}: change what it "
                                   "belongs to",
                                   id, found->requester_id));
    }
    NetworkInterface changed = *found;
    changed.description = description.value_or(changed.description);
    if (!group_ids.empty()) {
      TRIVET_TRY(changed.group_ids, groups_in_vpc(state, changed.vpc_id, group_ids));
      TRIVET_CHECK_OK(check_group_count(changed.group_ids));
    }
    NetworkChange change;
    change.put(changed);
    return change;
  });
}

Status Ec2Service::delete_interface(const std::string& id) {
  return needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    const auto leased_now = leased();
    const bool is_leased = std::any_of(leased_now.begin(), leased_now.end(),
                                       [&](const auto& interface) { return interface.id == id; });
    const NetworkInterface* interface = state.find_interface(id);
    if (interface == nullptr && !is_leased) {
      return no_such_interface(id);
    }
    if (is_leased || !interface->requester_id.empty()) {
      return bad_ec2_value(fmt::format("Network interface '{}' is currently in use.", id));
    }
    NetworkChange change;
    change.remove(*interface);
    return change;
  });
}

Result<VpcEndpoint> Ec2Service::create_endpoint(const CreateVpcEndpoint& wanted) {
  TRIVET_CHECK_OK(check_ec2_tags(wanted.tags));
  VpcEndpoint endpoint;
  const auto plan = [&](const NetworkState& state) -> Result<NetworkChange> {
    TRIVET_CHECK_OK(check_endpoint(state, wanted, needs_.realm));
    TRIVET_TRY(const auto subnets, check_endpoint_subnets(state, wanted));
    TRIVET_TRY(const auto groups, groups_in_vpc(state, wanted.vpc_id, wanted.group_ids));
    TRIVET_CHECK_OK(check_group_count(groups));
    endpoint = {.id = new_ec2_id("vpce"),
                .vpc_id = wanted.vpc_id,
                .service_name = wanted.service_name,
                .subnet_ids = wanted.subnet_ids,
                .group_ids = groups,
                .interface_ids = {},
                .private_dns = wanted.private_dns,
                .created = wanted.now,
                .tags = wanted.tags};
    NetworkChange change;
    for (const Subnet& subnet : subnets) {
      TRIVET_TRY(NetworkInterface interface, new_interface(state, subnet, leased()));
      interface.type = "vpc_endpoint";
      interface.description = "VPC Endpoint Interface " + endpoint.id;
      interface.requester_id = needs_.realm.account.str();
      interface.owner = endpoint.id;
      interface.group_ids = groups;
      change.put(interface);
      endpoint.interface_ids.push_back(interface.id);
    }
    change.put(endpoint);
    return change;
  };
  TRIVET_CHECK_OK(needs_.network.change(plan));
  return endpoint;
}

Status Ec2Service::delete_endpoint(const std::string& id) {
  return needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    const VpcEndpoint* endpoint = state.find_endpoint(id);
    if (endpoint == nullptr) {
      return no_such_endpoint(id);
    }
    NetworkChange change;
    change.remove(*endpoint);
    for (const std::string& interface_id : endpoint->interface_ids) {
      if (const NetworkInterface* interface = state.find_interface(interface_id)) {
        change.remove(*interface);
      }
    }
    return change;
  });
}

}  // namespace trivet::service
