// SPDX-License-Identifier: Apache-2.0
//
// DescribeSubnets, CreateSubnet, ModifySubnetAttribute, DeleteSubnet.
#include <fmt/format.h>

#include "api/ec2/common.h"
#include "core/network/ipv4_net.h"

namespace trivet::api::ec2 {
namespace {

// What the shape of a subnet needs beside it.
struct Surroundings {
  const Realm& realm;
  std::map<std::string, std::int32_t> taken;  // addresses, by subnet
};

Surroundings surroundings(const NetworkState& state, Ec2Service& service) {
  Surroundings out{service.realm(), {}};
  for (const auto& [id, interface] : state.interfaces) {
    ++out.taken[interface.subnet_id];
  }
  for (const trivet::NetworkInterface& interface : service.leased()) {
    ++out.taken[interface.subnet_id];
  }
  return out;
}

std::int32_t available_addresses(const trivet::Subnet& subnet, const Surroundings& around) {
  const auto net = network::parse_ipv4_net(subnet.cidr);
  constexpr std::int32_t kReserved = 5;  // AWS keeps five addresses of each subnet
  const auto taken = around.taken.find(subnet.id);
  const auto size = net ? static_cast<std::int32_t>(net->size()) : 0;
  return std::max(0, size - kReserved - (taken == around.taken.end() ? 0 : taken->second));
}

std::string zone_id(const Realm& realm, const std::string& zone) {
  for (const auto& entry : service::availability_zones(realm)) {
    if (entry.name == zone) {
      return entry.id;
    }
  }
  return {};
}

FilterValues filter_values(const trivet::Subnet& subnet, const Surroundings& around,
                           std::string_view name) {
  const Realm& realm = around.realm;
  if (name == "availability-zone" || name == "availabilityZone") {
    return one(subnet.availability_zone);
  }
  if (name == "availability-zone-id" || name == "availabilityZoneId") {
    return one(zone_id(realm, subnet.availability_zone));
  }
  if (name == "available-ip-address-count") {
    return one(std::to_string(available_addresses(subnet, around)));
  }
  if (name == "cidr" || name == "cidr-block" || name == "cidrBlock") {
    return one(subnet.cidr);
  }
  if (name == "default-for-az" || name == "defaultForAz") {
    return truth(subnet.is_default);
  }
  if (name == "map-public-ip-on-launch") {
    return truth(subnet.maps_public_ip);
  }
  if (name == "owner-id") {
    return one(realm.account.str());
  }
  if (name == "ipv6-native" || name == "enable-dns64") {
    return truth(false);
  }
  if (name == "state") {
    return one("available");
  }
  if (name == "subnet-arn") {
    return one(arn(realm, "subnet", subnet.id));
  }
  if (name == "subnet-id") {
    return one(subnet.id);
  }
  if (name == "vpc-id") {
    return one(subnet.vpc_id);
  }
  return tag_filter(subnet.tags, name);
}

ec2::Subnet shape(const trivet::Subnet& subnet, const Surroundings& around) {
  const Realm& realm = around.realm;
  ec2::Subnet out;
  out.AvailabilityZoneId = zone_id(realm, subnet.availability_zone);
  out.MapCustomerOwnedIpOnLaunch = false;
  out.OwnerId = realm.account.str();
  out.AssignIpv6AddressOnCreation = false;
  out.Tags = tag_shapes(subnet.tags);
  out.SubnetArn = arn(realm, "subnet", subnet.id);
  out.EnableDns64 = false;
  out.Ipv6Native = false;
  out.PrivateDnsNameOptionsOnLaunch =
      ec2::PrivateDnsNameOptionsOnLaunch{.HostnameType = "ip-name",
                                         .EnableResourceNameDnsARecord = false,
                                         .EnableResourceNameDnsAAAARecord = false};
  out.SubnetId = subnet.id;
  out.State = "available";
  out.VpcId = subnet.vpc_id;
  out.CidrBlock = subnet.cidr;
  out.AvailableIpAddressCount = available_addresses(subnet, around);
  out.AvailabilityZone = subnet.availability_zone;
  out.DefaultForAz = subnet.is_default;
  out.MapPublicIpOnLaunch = subnet.maps_public_ip;
  return out;
}

Result<DescribeSubnetsResponse> describe(Ec2Service& service,
                                         const DescribeSubnetsRequest& request) {
  TRIVET_TRY(const NetworkState state, service.state());
  const Surroundings around = surroundings(state, service);
  TRIVET_TRY(std::vector<trivet::Subnet> found,
             select(
                 state.subnets, {request.SubnetIds, request.Filters},
                 [&](const trivet::Subnet& subnet, std::string_view name) {
                   return filter_values(subnet, around, name);
                 },
                 [](const std::string& id) {
                   return aws_fault(Errc::kNotFound, "InvalidSubnetID.NotFound",
                                    fmt::format("The subnet ID '{}' does not exist", id));
                 }));
  DescribeSubnetsResponse response{.NextToken = request.NextToken, .Subnets = {}};
  TRIVET_CHECK_OK(cut_page(found, request.MaxResults, response.NextToken,
                           !request.SubnetIds.empty(),
                           [](const trivet::Subnet& subnet) { return subnet.id; }));
  for (const trivet::Subnet& subnet : found) {
    response.Subnets.push_back(shape(subnet, around));
  }
  return response;
}

Result<CreateSubnetResponse> create(Ec2Service& service, const CreateSubnetRequest& request) {
  TRIVET_CHECK_OK(refuse_unbuilt({{"Ipv6CidrBlock", request.Ipv6CidrBlock.has_value()},
                                  {"OutpostArn", request.OutpostArn.has_value()},
                                  {"Ipv6Native", request.Ipv6Native.value_or(false)},
                                  {"Ipv4IpamPoolId", request.Ipv4IpamPoolId.has_value()},
                                  {"Ipv4NetmaskLength", request.Ipv4NetmaskLength.has_value()},
                                  {"Ipv6IpamPoolId", request.Ipv6IpamPoolId.has_value()},
                                  {"Ipv6NetmaskLength", request.Ipv6NetmaskLength.has_value()}}));
  if (!request.CidrBlock) {
    return aws_fault(Errc::kInvalidArgument, "MissingParameter",
                     "Either 'cidrBlock' or 'ipv6CidrBlock' should be provided.");
  }
  if (request.AvailabilityZone && request.AvailabilityZoneId) {
    return aws_fault(Errc::kInvalidArgument, "InvalidParameterCombination",
                     "The parameters availabilityZone and availabilityZoneId cannot be used "
                     "together");
  }
  TRIVET_TRY(const Tags tags, new_tags(request.TagSpecifications, "subnet"));
  TRIVET_TRY(const trivet::Subnet subnet,
             service.create_subnet({.vpc_id = request.VpcId,
                                    .availability_zone = request.AvailabilityZone.value_or(""),
                                    .availability_zone_id = request.AvailabilityZoneId.value_or(""),
                                    .cidr = *request.CidrBlock,
                                    .tags = tags}));
  return CreateSubnetResponse{.Subnet = shape(subnet, Surroundings{service.realm(), {}})};
}

std::vector<Permission> create_permission(Ec2Service& service, const CreateSubnetRequest& request) {
  const Realm& realm = service.realm();
  auto permissions = create_permissions(realm, "ec2:CreateSubnet", arn(realm, "subnet", "*"),
                                        request.TagSpecifications);
  add_vpc_keys(realm, request.VpcId, permissions.front());
  Tags tags;
  if (const auto state = service.state()) {
    if (const trivet::Vpc* vpc = state->find_vpc(request.VpcId)) {
      tags = vpc->tags;
    }
  }
  permissions.push_back(
      on_resource(realm, "ec2:CreateSubnet", arn(realm, "vpc", request.VpcId), tags));
  add_vpc_keys(realm, request.VpcId, permissions.back());
  return permissions;
}

std::vector<Permission> delete_permission(Ec2Service& service, const DeleteSubnetRequest& request) {
  const Realm& realm = service.realm();
  Permission permission =
      on_resource(realm, "ec2:DeleteSubnet", arn(realm, "subnet", request.SubnetId));
  if (const auto state = service.state()) {
    if (const trivet::Subnet* subnet = state->find_subnet(request.SubnetId)) {
      permission = on_resource(realm, "ec2:DeleteSubnet", permission.resource, subnet->tags);
      add_vpc_keys(realm, subnet->vpc_id, permission);
      permission.context["ec2:AvailabilityZone"] = {subnet->availability_zone};
    }
  }
  return {permission};
}

Result<ModifySubnetAttributeResponse> modify(Ec2Service& service,
                                             const ModifySubnetAttributeRequest& request) {
  const auto is_true = [](const std::optional<AttributeBooleanValue>& attribute) {
    return attribute && attribute->Value.value_or(false);
  };
  TRIVET_CHECK_OK(
      refuse_unbuilt({{"AssignIpv6AddressOnCreation", is_true(request.AssignIpv6AddressOnCreation)},
                      {"MapCustomerOwnedIpOnLaunch", is_true(request.MapCustomerOwnedIpOnLaunch)},
                      {"CustomerOwnedIpv4Pool", request.CustomerOwnedIpv4Pool.has_value()},
                      {"EnableDns64", is_true(request.EnableDns64)},
                      {"PrivateDnsHostnameTypeOnLaunch",
                       request.PrivateDnsHostnameTypeOnLaunch.value_or("ip-name") != "ip-name"},
                      {"EnableResourceNameDnsARecordOnLaunch",
                       is_true(request.EnableResourceNameDnsARecordOnLaunch)},
                      {"EnableResourceNameDnsAAAARecordOnLaunch",
                       is_true(request.EnableResourceNameDnsAAAARecordOnLaunch)},
                      {"EnableLniAtDeviceIndex", request.EnableLniAtDeviceIndex.has_value()},
                      {"DisableLniAtDeviceIndex", is_true(request.DisableLniAtDeviceIndex)}}));
  const bool says_what_is =
      request.AssignIpv6AddressOnCreation || request.EnableDns64 ||
      request.MapCustomerOwnedIpOnLaunch || request.PrivateDnsHostnameTypeOnLaunch ||
      request.EnableResourceNameDnsARecordOnLaunch ||
      request.EnableResourceNameDnsAAAARecordOnLaunch || request.DisableLniAtDeviceIndex;
  if (!request.MapPublicIpOnLaunch && says_what_is) {
    TRIVET_CHECK_OK(service.check_subnet(request.SubnetId));
    return ModifySubnetAttributeResponse{};
  }
  if (!request.MapPublicIpOnLaunch || !request.MapPublicIpOnLaunch->Value) {
    return aws_fault(Errc::kInvalidArgument, "MissingParameter",
                     "The request must contain the parameter mapPublicIpOnLaunch");
  }
  TRIVET_CHECK_OK(service.modify_subnet(request.SubnetId, *request.MapPublicIpOnLaunch->Value));
  return ModifySubnetAttributeResponse{};
}

}  // namespace

void add_subnet_actions(ActionTable& table, Ec2Service& service) {
  table.add(make_action<ModifySubnetAttributeRequest>(
      [&service](const Call&, const ModifySubnetAttributeRequest& request) {
        return std::vector<Permission>{
            existing(service, "ec2:ModifySubnetAttribute", "subnet", request.SubnetId)};
      },
      [&service](const Call&, const ModifySubnetAttributeRequest& request) {
        return modify(service, request);
      }));
  table.add(make_action<DescribeSubnetsRequest>(
      [&service](const Call&, const DescribeSubnetsRequest&) {
        return describe_permission(service.realm(), "ec2:DescribeSubnets");
      },
      [&service](const Call&, const DescribeSubnetsRequest& request) {
        return describe(service, request);
      }));
  table.add(make_action<CreateSubnetRequest>(
      [&service](const Call&, const CreateSubnetRequest& request) {
        return create_permission(service, request);
      },
      [&service](const Call&, const CreateSubnetRequest& request) {
        return create(service, request);
      }));
  table.add(make_action<DeleteSubnetRequest>(
      [&service](const Call&, const DeleteSubnetRequest& request) {
        return delete_permission(service, request);
      },
      [&service](const Call&, const DeleteSubnetRequest& request) -> Result<DeleteSubnetResponse> {
        TRIVET_CHECK_OK(service.delete_subnet(request.SubnetId));
        return DeleteSubnetResponse{};
      }));
}

}  // namespace trivet::api::ec2
