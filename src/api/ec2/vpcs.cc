// SPDX-License-Identifier: Apache-2.0
//
// DescribeVpcs, CreateVpc, DeleteVpc, ModifyVpcAttribute, DescribeVpcAttribute.
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

Result<CreateVpcResponse> create(Ec2Service& service, const CreateVpcRequest& request) {
  TRIVET_CHECK_OK(refuse_unbuilt(
      {{"Ipv6Pool", request.Ipv6Pool.has_value()},
       {"Ipv6CidrBlock", request.Ipv6CidrBlock.has_value()},
       {"Ipv4IpamPoolId", request.Ipv4IpamPoolId.has_value()},
       {"Ipv4NetmaskLength", request.Ipv4NetmaskLength.has_value()},
       {"Ipv6IpamPoolId", request.Ipv6IpamPoolId.has_value()},
       {"Ipv6NetmaskLength", request.Ipv6NetmaskLength.has_value()},
       {"VpcEncryptionControl", request.VpcEncryptionControl.has_value()},
       {"AmazonProvidedIpv6CidrBlock", request.AmazonProvidedIpv6CidrBlock.value_or(false)},
       {"InstanceTenancy", request.InstanceTenancy.value_or("default") != "default"}}));
  if (!request.CidrBlock) {
    return aws_fault(Errc::kInvalidArgument, "MissingParameter",
                     "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.");
  }
  TRIVET_TRY(const Tags tags, new_tags(request.TagSpecifications, "vpc"));
  TRIVET_TRY(const trivet::Vpc vpc, service.create_vpc({.cidr = *request.CidrBlock, .tags = tags}));
  return CreateVpcResponse{.Vpc = shape(vpc, service.realm())};
}

Result<ModifyVpcAttributeResponse> modify(Ec2Service& service,
                                          const ModifyVpcAttributeRequest& request) {
  TRIVET_CHECK_OK(refuse_unbuilt({{"EnableNetworkAddressUsageMetrics",
                                   request.EnableNetworkAddressUsageMetrics.has_value()}}));
  const bool has_one =
      request.EnableDnsHostnames.has_value() != request.EnableDnsSupport.has_value();
  if (!has_one) {
    return aws_fault(Errc::kInvalidArgument, "InvalidParameterCombination",
                     request.EnableDnsHostnames ? "Fields for multiple attribute types specified"
                                                : "No attributes specified");
  }
  const auto value = [](const std::optional<AttributeBooleanValue>& attribute) {
    return attribute ? attribute->Value : std::nullopt;
  };
  TRIVET_CHECK_OK(
      service.modify_vpc(request.VpcId, {.dns_support = value(request.EnableDnsSupport),
                                         .dns_hostnames = value(request.EnableDnsHostnames)}));
  return ModifyVpcAttributeResponse{};
}

Result<DescribeVpcAttributeResponse> describe_attribute(
    Ec2Service& service, const DescribeVpcAttributeRequest& request) {
  TRIVET_TRY(const NetworkState state, service.state());
  const trivet::Vpc* vpc = state.find_vpc(request.VpcId);
  if (vpc == nullptr) {
    return aws_fault(Errc::kNotFound, "InvalidVpcID.NotFound",
                     fmt::format("The vpc ID '{}' does not exist", request.VpcId));
  }
  DescribeVpcAttributeResponse response;
  response.VpcId = vpc->id;
  if (request.Attribute == "enableDnsSupport") {
    response.EnableDnsSupport = AttributeBooleanValue{.Value = vpc->dns_support};
  } else if (request.Attribute == "enableDnsHostnames") {
    response.EnableDnsHostnames = AttributeBooleanValue{.Value = vpc->dns_hostnames};
  } else {
    response.EnableNetworkAddressUsageMetrics = AttributeBooleanValue{.Value = false};
  }
  return response;
}

}  // namespace

void add_vpc_actions(ActionTable& table, Ec2Service& service) {
  table.add(make_action<CreateVpcRequest>(
      [&service](const Call&, const CreateVpcRequest& request) {
        return create_permissions(service.realm(), "ec2:CreateVpc",
                                  arn(service.realm(), "vpc", "*"), request.TagSpecifications);
      },
      [&service](const Call&, const CreateVpcRequest& request) {
        return create(service, request);
      }));
  table.add(make_action<DeleteVpcRequest>(
      [&service](const Call&, const DeleteVpcRequest& request) {
        return std::vector<Permission>{existing(service, "ec2:DeleteVpc", "vpc", request.VpcId)};
      },
      [&service](const Call&, const DeleteVpcRequest& request) -> Result<DeleteVpcResponse> {
        TRIVET_CHECK_OK(service.delete_vpc(request.VpcId));
        return DeleteVpcResponse{};
      }));
  table.add(make_action<ModifyVpcAttributeRequest>(
      [&service](const Call&, const ModifyVpcAttributeRequest& request) {
        return std::vector<Permission>{
            existing(service, "ec2:ModifyVpcAttribute", "vpc", request.VpcId)};
      },
      [&service](const Call&, const ModifyVpcAttributeRequest& request) {
        return modify(service, request);
      }));
  table.add(make_action<DescribeVpcAttributeRequest>(
      [&service](const Call&, const DescribeVpcAttributeRequest& request) {
        return std::vector<Permission>{
            existing(service, "ec2:DescribeVpcAttribute", "vpc", request.VpcId)};
      },
      [&service](const Call&, const DescribeVpcAttributeRequest& request) {
        return describe_attribute(service, request);
      }));
  table.add(make_action<DescribeVpcsRequest>(
      [&service](const Call&, const DescribeVpcsRequest&) {
        return describe_permission(service.realm(), "ec2:DescribeVpcs");
      },
      [&service](const Call&, const DescribeVpcsRequest& request) {
        return describe(service, request);
      }));
}

}  // namespace trivet::api::ec2
