// SPDX-License-Identifier: Apache-2.0
//
// CreateInternetGateway, DescribeInternetGateways, AttachInternetGateway, DetachInternetGateway,
// DeleteInternetGateway.
#include <fmt/format.h>

#include "api/ec2/common.h"

namespace trivet::api::ec2 {
namespace {

constexpr std::string_view kGatewayKind = "internet-gateway";

FilterValues filter_values(const trivet::InternetGateway& gateway, const Realm& realm,
                           std::string_view name) {
  if (name == "attachment.state") {
    return gateway.vpc_id.empty() ? std::vector<std::string>() : one("available");
  }
  if (name == "attachment.vpc-id") {
    return gateway.vpc_id.empty() ? std::vector<std::string>() : one(gateway.vpc_id);
  }
  if (name == "internet-gateway-id") {
    return one(gateway.id);
  }
  if (name == "owner-id") {
    return one(realm.account.str());
  }
  return tag_filter(gateway.tags, name);
}

ec2::InternetGateway shape(const trivet::InternetGateway& gateway, const Realm& realm) {
  ec2::InternetGateway out;
  if (!gateway.vpc_id.empty()) {
    // "available" is what EC2 says of a gateway that is attached.
    out.Attachments.push_back({.State = "available", .VpcId = gateway.vpc_id});
  }
  out.InternetGatewayId = gateway.id;
  out.OwnerId = realm.account.str();
  out.Tags = tag_shapes(gateway.tags);
  return out;
}

Result<DescribeInternetGatewaysResponse> describe(Ec2Service& service,
                                                  const DescribeInternetGatewaysRequest& request) {
  TRIVET_TRY(const NetworkState state, service.state());
  const Realm& realm = service.realm();
  TRIVET_TRY(std::vector<trivet::InternetGateway> found,
             select(
                 state.internet_gateways, {request.InternetGatewayIds, request.Filters},
                 [&](const trivet::InternetGateway& gateway, std::string_view name) {
                   return filter_values(gateway, realm, name);
                 },
                 [](const std::string& id) {
                   return aws_fault(Errc::kNotFound, "InvalidInternetGatewayID.NotFound",
                                    fmt::format("The internetGateway ID '{}' does not exist", id));
                 }));
  DescribeInternetGatewaysResponse response{.InternetGateways = {}, .NextToken = request.NextToken};
  TRIVET_CHECK_OK(cut_page(found, request.MaxResults, response.NextToken,
                           !request.InternetGatewayIds.empty(),
                           [](const trivet::InternetGateway& gateway) { return gateway.id; }));
  for (const trivet::InternetGateway& gateway : found) {
    response.InternetGateways.push_back(shape(gateway, realm));
  }
  return response;
}

// Attaching and detaching name both ends.
template <typename Request>
std::vector<Permission> both(Ec2Service& service, std::string_view action, const Request& request) {
  return {existing(service, action, kGatewayKind, request.InternetGatewayId),
          existing(service, action, "vpc", request.VpcId)};
}

}  // namespace

void add_internet_gateway_actions(ActionTable& table, Ec2Service& service) {
  table.add(make_action<DescribeInternetGatewaysRequest>(
      [&service](const Call&, const DescribeInternetGatewaysRequest&) {
        return describe_permission(service.realm(), "ec2:DescribeInternetGateways");
      },
      [&service](const Call&, const DescribeInternetGatewaysRequest& request) {
        return describe(service, request);
      }));
  table.add(make_action<CreateInternetGatewayRequest>(
      [&service](const Call&, const CreateInternetGatewayRequest& request) {
        return create_permissions(service.realm(), "ec2:CreateInternetGateway",
                                  arn(service.realm(), kGatewayKind, "*"),
                                  request.TagSpecifications);
      },
      [&service](const Call&, const CreateInternetGatewayRequest& request)
          -> Result<CreateInternetGatewayResponse> {
        TRIVET_TRY(const Tags tags, new_tags(request.TagSpecifications, kGatewayKind));
        TRIVET_TRY(const trivet::InternetGateway made, service.create_internet_gateway(tags));
        return CreateInternetGatewayResponse{.InternetGateway = shape(made, service.realm())};
      }));
  table.add(make_action<AttachInternetGatewayRequest>(
      [&service](const Call&, const AttachInternetGatewayRequest& request) {
        return both(service, "ec2:AttachInternetGateway", request);
      },
      [&service](const Call&, const AttachInternetGatewayRequest& request)
          -> Result<AttachInternetGatewayResponse> {
        TRIVET_CHECK_OK(service.attach_internet_gateway(request.InternetGatewayId, request.VpcId));
        return AttachInternetGatewayResponse{};
      }));
  table.add(make_action<DetachInternetGatewayRequest>(
      [&service](const Call&, const DetachInternetGatewayRequest& request) {
        return both(service, "ec2:DetachInternetGateway", request);
      },
      [&service](const Call&, const DetachInternetGatewayRequest& request)
          -> Result<DetachInternetGatewayResponse> {
        TRIVET_CHECK_OK(service.detach_internet_gateway(request.InternetGatewayId, request.VpcId));
        return DetachInternetGatewayResponse{};
      }));
  table.add(make_action<DeleteInternetGatewayRequest>(
      [&service](const Call&, const DeleteInternetGatewayRequest& request) {
        return std::vector<Permission>{existing(service, "ec2:DeleteInternetGateway", kGatewayKind,
                                                request.InternetGatewayId)};
      },
      [&service](const Call&, const DeleteInternetGatewayRequest& request)
          -> Result<DeleteInternetGatewayResponse> {
        TRIVET_CHECK_OK(service.delete_internet_gateway(request.InternetGatewayId));
        return DeleteInternetGatewayResponse{};
      }));
}

}  // namespace trivet::api::ec2
