// SPDX-License-Identifier: Apache-2.0
//
// DescribeVpcs.
#include <fmt/format.h>

#include "api/ec2/common.h"

namespace trivet::api::ec2 {
namespace {

FilterValues filter_values(const trivet::Vpc& vpc, const Realm& realm, std::string_view name) {
  if (name == "cidr" || name == "cidr-block-association.cidr-block") {
    return one(vpc.cidr);
  }
  if (name == "cidr-block-association.association-id") {
    return one(vpc.cidr_association_id);
  }
  if (name == "cidr-block-association.state") {
    return one("associated");
  }
  if (name == "dhcp-options-id") {
    return one("default");
  }
  if (name == "is-default" || name == "isDefault") {
    return truth(vpc.is_default);
  }
  if (name == "owner-id") {
    return one(realm.account.str());
  }
  if (name == "state") {
    return one("available");
  }
  if (name == "vpc-id") {
    return one(vpc.id);
  }
  return tag_filter(vpc.tags, name);
}

ec2::Vpc shape(const trivet::Vpc& vpc, const Realm& realm) {
  ec2::Vpc out;
  out.OwnerId = realm.account.str();
  out.InstanceTenancy = "default";
  out.CidrBlockAssociationSet.push_back(
      {.AssociationId = vpc.cidr_association_id,
       .CidrBlock = vpc.cidr,
       .CidrBlockState = ec2::VpcCidrBlockState{.State = "associated", .StatusMessage = {}}});
  out.IsDefault = vpc.is_default;
  out.Tags = tag_shapes(vpc.tags);
  out.VpcId = vpc.id;
  out.State = "available";
  out.CidrBlock = vpc.cidr;
  out.DhcpOptionsId = "default";
  return out;
}

Result<DescribeVpcsResponse> describe(Ec2Service& service, const DescribeVpcsRequest& request) {
  TRIVET_TRY(const NetworkState state, service.state());
  const Realm& realm = service.realm();
  TRIVET_TRY(std::vector<trivet::Vpc> found,
             select(
                 state.vpcs, {request.VpcIds, request.Filters},
                 [&](const trivet::Vpc& vpc, std::string_view name) {
                   return filter_values(vpc, realm, name);
                 },
                 [](const std::string& id) {
                   return aws_fault(Errc::kNotFound, "InvalidVpcID.NotFound",
                                    fmt::format("The vpc ID '{}' does not exist", id));
                 }));
  DescribeVpcsResponse response{.NextToken = request.NextToken, .Vpcs = {}};
  TRIVET_CHECK_OK(cut_page(found, request.MaxResults, response.NextToken, !request.VpcIds.empty(),
                           [](const trivet::Vpc& vpc) { return vpc.id; }));
  for (const trivet::Vpc& vpc : found) {
    response.Vpcs.push_back(shape(vpc, realm));
  }
  return response;
}

}  // namespace

void add_vpc_actions(ActionTable& table, Ec2Service& service) {
  table.add(make_action<DescribeVpcsRequest>(
      [&service](const Call&, const DescribeVpcsRequest&) {
        return describe_permission(service.realm(), "ec2:DescribeVpcs");
      },
      [&service](const Call&, const DescribeVpcsRequest& request) {
        return describe(service, request);
      }));
}

}  // namespace trivet::api::ec2
