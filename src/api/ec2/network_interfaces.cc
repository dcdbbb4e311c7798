// SPDX-License-Identifier: Apache-2.0
//
// CreateNetworkInterface, DescribeNetworkInterfaces, ModifyNetworkInterfaceAttribute,
// DeleteNetworkInterface. Those of DB clusters, functions and VPC endpoints are shown too.
#include <fmt/format.h>

#include "api/ec2/common.h"

namespace trivet::api::ec2 {
namespace {

using trivet::NetworkInterface;

constexpr std::string_view kInterfaceKind = "network-interface";

// "ip-10-0-1-17.ec2.internal"
std::string private_name(const NetworkInterface& interface, const Realm& realm) {
  std::string dashed = interface.address;
  std::replace(dashed.begin(), dashed.end(), '.', '-');
  return "ip-" + dashed +
         (realm.region == "us-east-1" ? ".ec2.internal" : "." + realm.region + ".compute.internal");
}

std::string status_of(const NetworkInterface& interface) {
  return interface.requester_id.empty() ? "available" : "in-use";
}

// Of one that a service made and holds: tools wait for such a one to go instead of deleting it.
// nullopt where somebody who called the API made it: nothing here takes such a one.
std::optional<ec2::NetworkInterfaceAttachment> attachment_of(const NetworkInterface& interface) {
  if (interface.requester_id.empty()) {
    return std::nullopt;
  }
  ec2::NetworkInterfaceAttachment out;
  const bool is_rds = interface.requester_id == "amazon-rds";
  out.AttachmentId = (is_rds ? "eni-attach-" : "ela-attach-") +
                     interface.id.substr(std::min(interface.id.size(), std::size_t{4}));
  out.InstanceOwnerId = is_rds ? "amazon-rds" : "amazon-aws";
  out.DeviceIndex = 1;
  out.DeleteOnTermination = false;
  out.Status = "attached";
  return out;
}

FilterValues group_values(const NetworkInterface& interface, const NetworkState& state,
                          std::string_view name) {
  if (name == "group-id") {
    return interface.group_ids;
  }
  std::vector<std::string> names;
  for (const std::string& id : interface.group_ids) {
    if (const trivet::SecurityGroup* group = state.find_security_group(id)) {
      names.push_back(group->name);
    }
  }
  return names;
}

FilterValues filter_values(const NetworkInterface& interface, const NetworkState& state,
                           const Realm& realm, std::string_view name) {
  const std::map<std::string_view, std::string> simple = {
      {"addresses.primary", "true"},
      {"addresses.private-ip-address", interface.address},
      {"availability-zone", interface.availability_zone},
      {"description", interface.description},
      {"interface-type", interface.type},
      {"mac-address", interface.mac},
      {"network-interface-id", interface.id},
      {"owner-id", realm.account.str()},
      {"private-dns-name", private_name(interface, realm)},
      {"private-ip-address", interface.address},
      {"requester-id", interface.requester_id},
      {"requester-managed", interface.requester_id.empty() ? "false" : "true"},
      {"source-dest-check", "true"},
      {"status", status_of(interface)},
      {"subnet-id", interface.subnet_id},
      {"vpc-id", interface.vpc_id}};
  if (const auto it = simple.find(name); it != simple.end()) {
    return one(it->second);
  }
  if (name == "group-id" || name == "group-name") {
    return group_values(interface, state, name);
  }
  const auto attachment = attachment_of(interface);
  if (name == "attachment.attachment-id" || name == "attachment.instance-owner-id" ||
      name == "attachment.status") {
    return !attachment                   ? std::vector<std::string>()
           : name == "attachment.status" ? one(*attachment->Status)
           : name.ends_with("owner-id")  ? one(*attachment->InstanceOwnerId)
                                         : one(*attachment->AttachmentId);
  }
  constexpr std::string_view kEmpty[] = {"association.public-ip", "attachment.instance-id",
                                         "association.allocation-id",
                                         "ipv6-addresses.ipv6-address"};
  if (std::find(std::begin(kEmpty), std::end(kEmpty), name) != std::end(kEmpty)) {
    return std::vector<std::string>();
  }
  return tag_filter(interface.tags, name);
}

ec2::NetworkInterface shape(const NetworkInterface& interface, const NetworkState& state,
                            const Realm& realm) {
  ec2::NetworkInterface out;
  out.Attachment = attachment_of(interface);
  out.AvailabilityZone = interface.availability_zone;
  out.Description = interface.description;
  for (const std::string& id : interface.group_ids) {
    const trivet::SecurityGroup* group = state.find_security_group(id);
    out.Groups.push_back({.GroupId = id, .GroupName = group == nullptr ? "" : group->name});
  }
  out.InterfaceType = interface.type;
  out.MacAddress = interface.mac;
  out.NetworkInterfaceId = interface.id;
  out.OwnerId = realm.account.str();
  out.PrivateDnsName = private_name(interface, realm);
  out.PrivateIpAddress = interface.address;
  out.PrivateIpAddresses.push_back({.Association = {},
                                    .Primary = true,
                                    .PrivateDnsName = private_name(interface, realm),
                                    .PrivateIpAddress = interface.address});
  if (!interface.requester_id.empty()) {
    out.RequesterId = interface.requester_id;
  }
  out.RequesterManaged = !interface.requester_id.empty();
  out.SourceDestCheck = true;
  out.Status = status_of(interface);
  out.SubnetId = interface.subnet_id;
  out.TagSet = tag_shapes(interface.tags);
  out.VpcId = interface.vpc_id;
  return out;
}

Result<DescribeNetworkInterfacesResponse> describe(
    Ec2Service& service, const DescribeNetworkInterfacesRequest& request) {
  TRIVET_TRY(const NetworkState state, service.state());
  const Realm& realm = service.realm();
  auto all = state.interfaces;
  for (NetworkInterface& leased : service.leased()) {
    std::string id = leased.id;
    all.emplace(std::move(id), std::move(leased));
  }
  TRIVET_TRY(std::vector<NetworkInterface> found,
             select(
                 all, {request.NetworkInterfaceIds, request.Filters},
                 [&](const NetworkInterface& interface, std::string_view name) {
                   return filter_values(interface, state, realm, name);
                 },
                 [](const std::string& id) {
                   return aws_fault(Errc::kNotFound, "InvalidNetworkInterfaceID.NotFound",
                                    fmt::format("The networkInterface ID '{}' does not exist", id));
                 }));
  DescribeNetworkInterfacesResponse response{.NetworkInterfaces = {},
                                             .NextToken = request.NextToken};
  TRIVET_CHECK_OK(cut_page(found, request.MaxResults, response.NextToken,
                           !request.NetworkInterfaceIds.empty(),
                           [](const NetworkInterface& interface) { return interface.id; }));
  for (const NetworkInterface& interface : found) {
    response.NetworkInterfaces.push_back(shape(interface, state, realm));
  }
  return response;
}

// The one address that a request may name, in either of two ways.
Result<std::string> wanted_address(const CreateNetworkInterfaceRequest& request) {
  std::string address = request.PrivateIpAddress.value_or("");
  for (const PrivateIpAddressSpecification& one_of : request.PrivateIpAddresses) {
    if (!address.empty() || !one_of.Primary.value_or(false)) {
      return aws_fault(Errc::kInvalidArgument, "NotImplemented",
                       "Secondary addresses of network interfaces are not implemented.");
    }
    address = one_of.PrivateIpAddress.value_or("");
  }
  return address;
}

Result<CreateNetworkInterfaceResponse> create(Ec2Service& service,
                                              const CreateNetworkInterfaceRequest& request) {
  TRIVET_CHECK_OK(refuse_unbuilt(
      {{"Ipv4Prefixes", !request.Ipv4Prefixes.empty()},
       {"Ipv4PrefixCount", request.Ipv4PrefixCount.has_value()},
       {"Ipv6Prefixes", !request.Ipv6Prefixes.empty()},
       {"Ipv6PrefixCount", request.Ipv6PrefixCount.has_value()},
       {"InterfaceType", request.InterfaceType.value_or("interface") != "interface"},
       {"EnablePrimaryIpv6", request.EnablePrimaryIpv6.value_or(false)},
       {"ConnectionTrackingSpecification", request.ConnectionTrackingSpecification.has_value()},
       {"Operator", request.Operator.has_value()},
       {"SecondaryPrivateIpAddressCount", request.SecondaryPrivateIpAddressCount.value_or(0) != 0},
       {"Ipv6Addresses", !request.Ipv6Addresses.empty()},
       {"Ipv6AddressCount", request.Ipv6AddressCount.value_or(0) != 0}}));
  TRIVET_TRY(const std::string address, wanted_address(request));
  TRIVET_TRY(const Tags tags, new_tags(request.TagSpecifications, kInterfaceKind));
  TRIVET_TRY(const NetworkInterface made,
             service.create_interface({.subnet_id = request.SubnetId,
                                       .address = address,
                                       .description = request.Description.value_or(""),
                                       .group_ids = request.Groups,
                                       .tags = tags}));
  TRIVET_TRY(const NetworkState state, service.state());
  return CreateNetworkInterfaceResponse{.NetworkInterface = shape(made, state, service.realm()),
                                        .ClientToken = request.ClientToken};
}

std::vector<Permission> create_permission(Ec2Service& service,
                                          const CreateNetworkInterfaceRequest& request) {
  constexpr std::string_view kAction = "ec2:CreateNetworkInterface";
  const Realm& realm = service.realm();
  auto permissions = create_permissions(realm, kAction, arn(realm, kInterfaceKind, "*"),
                                        request.TagSpecifications);
  permissions.push_back(existing(service, kAction, "subnet", request.SubnetId));
  for (const std::string& group : request.Groups) {
    permissions.push_back(existing(service, kAction, "security-group", group));
  }
  return permissions;
}

Result<ModifyNetworkInterfaceAttributeResponse> modify(
    Ec2Service& service, const ModifyNetworkInterfaceAttributeRequest& request) {
  TRIVET_CHECK_OK(refuse_unbuilt(
      {{"EnaSrdSpecification", request.EnaSrdSpecification.has_value()},
       {"EnablePrimaryIpv6", request.EnablePrimaryIpv6.value_or(false)},
       {"ConnectionTrackingSpecification", request.ConnectionTrackingSpecification.has_value()},
       {"AssociatePublicIpAddress", request.AssociatePublicIpAddress.value_or(false)},
       {"AssociatedSubnetIds", !request.AssociatedSubnetIds.empty()},
       {"SourceDestCheck",
        request.SourceDestCheck && !request.SourceDestCheck->Value.value_or(true)},
       {"Attachment", request.Attachment.has_value()}}));
  TRIVET_CHECK_OK(service.modify_interface(
      request.NetworkInterfaceId, request.Description ? request.Description->Value : std::nullopt,
      request.Groups));
  return ModifyNetworkInterfaceAttributeResponse{};
}

}  // namespace

void add_network_interface_actions(ActionTable& table, Ec2Service& service) {
  table.add(make_action<DescribeNetworkInterfacesRequest>(
      [&service](const Call&, const DescribeNetworkInterfacesRequest&) {
        return describe_permission(service.realm(), "ec2:DescribeNetworkInterfaces");
      },
      [&service](const Call&, const DescribeNetworkInterfacesRequest& request) {
        return describe(service, request);
      }));
  table.add(make_action<CreateNetworkInterfaceRequest>(
      [&service](const Call&, const CreateNetworkInterfaceRequest& request) {
        return create_permission(service, request);
      },
      [&service](const Call&, const CreateNetworkInterfaceRequest& request) {
        return create(service, request);
      }));
  table.add(make_action<ModifyNetworkInterfaceAttributeRequest>(
      [&service](const Call&, const ModifyNetworkInterfaceAttributeRequest& request) {
        return std::vector<Permission>{existing(service, "ec2:ModifyNetworkInterfaceAttribute",
                                                kInterfaceKind, request.NetworkInterfaceId)};
      },
      [&service](const Call&, const ModifyNetworkInterfaceAttributeRequest& request) {
        return modify(service, request);
      }));
  table.add(make_action<DeleteNetworkInterfaceRequest>(
      [&service](const Call&, const DeleteNetworkInterfaceRequest& request) {
        return std::vector<Permission>{existing(service, "ec2:DeleteNetworkInterface",
                                                kInterfaceKind, request.NetworkInterfaceId)};
      },
      [&service](const Call&, const DeleteNetworkInterfaceRequest& request)
          -> Result<DeleteNetworkInterfaceResponse> {
        TRIVET_CHECK_OK(service.delete_interface(request.NetworkInterfaceId));
        return DeleteNetworkInterfaceResponse{};
      }));
}

}  // namespace trivet::api::ec2
