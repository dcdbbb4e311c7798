// SPDX-License-Identifier: Apache-2.0
//
// CreateVpcEndpoint, DescribeVpcEndpoints, DeleteVpcEndpoints: addresses of this API in a VPC.
// DescribePrefixLists: endpoints of the kind Gateway have them, and there are none.
#include <fmt/format.h>

#include "api/ec2/common.h"

namespace trivet::api::ec2 {
namespace {

using trivet::VpcEndpoint;

constexpr std::string_view kEndpointKind = "vpc-endpoint";

FilterValues filter_values(const VpcEndpoint& endpoint, const Realm& realm, std::string_view name) {
  if (name == "service-name") {
    return one(endpoint.service_name);
  }
  if (name == "service-region") {
    return one(realm.region);
  }
  if (name == "vpc-endpoint-id") {
    return one(endpoint.id);
  }
  if (name == "vpc-endpoint-state") {
    return one("available");
  }
  if (name == "vpc-endpoint-type") {
    return one("Interface");
  }
  if (name == "ip-address-type") {
    return one("ipv4");
  }
  if (name == "vpc-id") {
    return one(endpoint.vpc_id);
  }
  return tag_filter(endpoint.tags, name);
}

ec2::VpcEndpoint shape(const VpcEndpoint& endpoint, const NetworkState& state, const Realm& realm) {
  ec2::VpcEndpoint out;
  out.VpcEndpointId = endpoint.id;
  out.VpcEndpointType = "Interface";
  out.VpcId = endpoint.vpc_id;
  out.ServiceName = endpoint.service_name;
  out.State = "available";
  out.SubnetIds = endpoint.subnet_ids;
  for (const std::string& id : endpoint.group_ids) {
    const trivet::SecurityGroup* group = state.find_security_group(id);
    out.Groups.push_back({.GroupId = id, .GroupName = group == nullptr ? "" : group->name});
  }
  out.IpAddressType = "ipv4";
  out.PrivateDnsEnabled = endpoint.private_dns;
  out.RequesterManaged = false;
  out.NetworkInterfaceIds = endpoint.interface_ids;
  out.CreationTimestamp = endpoint.created;
  out.Tags = tag_shapes(endpoint.tags);
  out.OwnerId = realm.account.str();
  out.ServiceRegion = realm.region;
  return out;
}

Result<DescribeVpcEndpointsResponse> describe(Ec2Service& service,
                                              const DescribeVpcEndpointsRequest& request) {
  TRIVET_TRY(const NetworkState state, service.state());
  const Realm& realm = service.realm();
  TRIVET_TRY(std::vector<VpcEndpoint> found,
             select(
                 state.endpoints, {request.VpcEndpointIds, request.Filters},
                 [&](const VpcEndpoint& endpoint, std::string_view name) {
                   return filter_values(endpoint, realm, name);
                 },
                 [](const std::string& id) {
                   return aws_fault(Errc::kNotFound, "InvalidVpcEndpointId.NotFound",
                                    fmt::format("The Vpc Endpoint Id '{}' does not exist", id));
                 }));
  DescribeVpcEndpointsResponse response{.VpcEndpoints = {}, .NextToken = request.NextToken};
  TRIVET_CHECK_OK(cut_page(found, request.MaxResults, response.NextToken,
                           !request.VpcEndpointIds.empty(),
                           [](const VpcEndpoint& endpoint) { return endpoint.id; }));
  for (const VpcEndpoint& endpoint : found) {
    response.VpcEndpoints.push_back(shape(endpoint, state, realm));
  }
  return response;
}

Result<CreateVpcEndpointResponse> create(Ec2Service& service, const Call& call,
                                         const CreateVpcEndpointRequest& request) {
  TRIVET_CHECK_OK(refuse_unbuilt(
      {{"VpcEndpointType", request.VpcEndpointType.value_or("Gateway") != "Interface"},
       {"PolicyDocument", request.PolicyDocument.has_value()},
       {"RouteTableIds", !request.RouteTableIds.empty()},
       {"IpAddressType", request.IpAddressType.value_or("ipv4") != "ipv4"},
       {"SubnetConfigurations", !request.SubnetConfigurations.empty()},
       {"ServiceNetworkArn", request.ServiceNetworkArn.has_value()},
       {"ResourceConfigurationArn", request.ResourceConfigurationArn.has_value()},
       {"ServiceRegion",
        request.ServiceRegion.value_or(service.realm().region) != service.realm().region}}));
  TRIVET_TRY(const Tags tags, new_tags(request.TagSpecifications, kEndpointKind));
  TRIVET_TRY(const VpcEndpoint made,
             service.create_endpoint({.vpc_id = request.VpcId,
                                      .service_name = request.ServiceName.value_or(""),
                                      .subnet_ids = request.SubnetIds,
                                      .group_ids = request.SecurityGroupIds,
                                      .private_dns = request.PrivateDnsEnabled.value_or(true),
                                      .now = call.now,
                                      .tags = tags}));
  TRIVET_TRY(const NetworkState state, service.state());
  return CreateVpcEndpointResponse{.VpcEndpoint = shape(made, state, service.realm()),
                                   .ClientToken = request.ClientToken};
}

std::vector<Permission> create_permission(Ec2Service& service,
                                          const CreateVpcEndpointRequest& request) {
  constexpr std::string_view kAction = "ec2:CreateVpcEndpoint";
  const Realm& realm = service.realm();
  auto permissions =
      create_permissions(realm, kAction, arn(realm, kEndpointKind, "*"), request.TagSpecifications);
  permissions.front().context["ec2:VpceServiceName"] = {request.ServiceName.value_or("")};
  permissions.push_back(existing(service, kAction, "vpc", request.VpcId));
  for (const std::string& id : request.SubnetIds) {
    permissions.push_back(existing(service, kAction, "subnet", id));
  }
  for (const std::string& id : request.SecurityGroupIds) {
    permissions.push_back(existing(service, kAction, "security-group", id));
  }
  return permissions;
}

// What could not be deleted is told one by one; the call itself succeeds.
Result<DeleteVpcEndpointsResponse> remove(Ec2Service& service,
                                          const DeleteVpcEndpointsRequest& request) {
  DeleteVpcEndpointsResponse response;
  for (const std::string& id : request.VpcEndpointIds) {
    const Status removed = service.delete_endpoint(id);
    if (!removed) {
      response.Unsuccessful.push_back(
          {.Error = UnsuccessfulItemError{.Code = std::string(removed.error().fault),
                                          .Message = removed.error().message},
           .ResourceId = id});
    }
  }
  return response;
}

}  // namespace

void add_vpc_endpoint_actions(ActionTable& table, Ec2Service& service) {
  table.add(make_action<DescribePrefixListsRequest>(
      [&service](const Call&, const DescribePrefixListsRequest&) {
        return describe_permission(service.realm(), "ec2:DescribePrefixLists");
      },
      [](const Call&,
         const DescribePrefixListsRequest& request) -> Result<DescribePrefixListsResponse> {
        if (!request.PrefixListIds.empty()) {
          return aws_fault(
              Errc::kNotFound, "InvalidPrefixListId.NotFound",
              fmt::format("The prefix list ID '{}' does not exist", request.PrefixListIds.front()));
        }
        return DescribePrefixListsResponse{};
      }));
  table.add(make_action<DescribeVpcEndpointsRequest>(
      [&service](const Call&, const DescribeVpcEndpointsRequest&) {
        return describe_permission(service.realm(), "ec2:DescribeVpcEndpoints");
      },
      [&service](const Call&, const DescribeVpcEndpointsRequest& request) {
        return describe(service, request);
      }));
  table.add(make_action<CreateVpcEndpointRequest>(
      [&service](const Call&, const CreateVpcEndpointRequest& request) {
        return create_permission(service, request);
      },
      [&service](const Call& call, const CreateVpcEndpointRequest& request) {
        return create(service, call, request);
      }));
  table.add(make_action<DeleteVpcEndpointsRequest>(
      [&service](const Call&, const DeleteVpcEndpointsRequest& request) {
        std::vector<Permission> permissions;
        for (const std::string& id : request.VpcEndpointIds) {
          permissions.push_back(existing(service, "ec2:DeleteVpcEndpoints", kEndpointKind, id));
        }
        if (permissions.empty()) {
          permissions.push_back(existing(service, "ec2:DeleteVpcEndpoints", kEndpointKind, "*"));
        }
        return permissions;
      },
      [&service](const Call&, const DeleteVpcEndpointsRequest& request) {
        return remove(service, request);
      }));
}

}  // namespace trivet::api::ec2
