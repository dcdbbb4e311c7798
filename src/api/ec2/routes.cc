// SPDX-License-Identifier: Apache-2.0
//
// CreateRoute, ReplaceRoute, DeleteRoute. The one target that is built is an internet gateway.
#include "api/ec2/common.h"

namespace trivet::api::ec2 {
namespace {

template <typename Request>
Result<service::WantedRoute> wanted_route(const Request& request) {
  TRIVET_CHECK_OK(refuse_unbuilt(
      {{"DestinationPrefixListId", request.DestinationPrefixListId.has_value()},
       {"DestinationIpv6CidrBlock", request.DestinationIpv6CidrBlock.has_value()},
       {"VpcEndpointId", request.VpcEndpointId.has_value()},
       {"TransitGatewayId", request.TransitGatewayId.has_value()},
       {"LocalGatewayId", request.LocalGatewayId.has_value()},
       {"CarrierGatewayId", request.CarrierGatewayId.has_value()},
       {"CoreNetworkArn", request.CoreNetworkArn.has_value()},
       {"OdbNetworkArn", request.OdbNetworkArn.has_value()},
       {"EgressOnlyInternetGatewayId", request.EgressOnlyInternetGatewayId.has_value()},
       {"InstanceId", request.InstanceId.has_value()},
       {"NetworkInterfaceId", request.NetworkInterfaceId.has_value()},
       {"VpcPeeringConnectionId", request.VpcPeeringConnectionId.has_value()},
       {"NatGatewayId", request.NatGatewayId.has_value()}}));
  if (!request.DestinationCidrBlock) {
    return aws_fault(Errc::kInvalidArgument, "MissingParameter",
                     "The request must contain the parameter destinationCidrBlock");
  }
  return service::WantedRoute{.route_table_id = request.RouteTableId,
                              .destination = *request.DestinationCidrBlock,
                              .gateway_id = request.GatewayId.value_or("")};
}

Result<DeleteRouteResponse> remove(Ec2Service& service, const DeleteRouteRequest& request) {
  TRIVET_CHECK_OK(
      refuse_unbuilt({{"DestinationPrefixListId", request.DestinationPrefixListId.has_value()},
                      {"DestinationIpv6CidrBlock", request.DestinationIpv6CidrBlock.has_value()}}));
  if (!request.DestinationCidrBlock) {
    return aws_fault(Errc::kInvalidArgument, "MissingParameter",
                     "The request must contain the parameter destinationCidrBlock");
  }
  TRIVET_CHECK_OK(service.delete_route(request.RouteTableId, *request.DestinationCidrBlock));
  return DeleteRouteResponse{};
}

}  // namespace

void add_route_actions(ActionTable& table, Ec2Service& service) {
  table.add(make_action<CreateRouteRequest>(
      [&service](const Call&, const CreateRouteRequest& request) {
        return std::vector<Permission>{
            existing(service, "ec2:CreateRoute", "route-table", request.RouteTableId)};
      },
      [&service](const Call&, const CreateRouteRequest& request) -> Result<CreateRouteResponse> {
        TRIVET_TRY(const service::WantedRoute wanted, wanted_route(request));
        TRIVET_CHECK_OK(service.create_route(wanted));
        return CreateRouteResponse{.Return = true};
      }));
  table.add(make_action<ReplaceRouteRequest>(
      [&service](const Call&, const ReplaceRouteRequest& request) {
        return std::vector<Permission>{
            existing(service, "ec2:ReplaceRoute", "route-table", request.RouteTableId)};
      },
      [&service](const Call&, const ReplaceRouteRequest& request) -> Result<ReplaceRouteResponse> {
        TRIVET_CHECK_OK(refuse_unbuilt({{"LocalTarget", request.LocalTarget.value_or(false)}}));
        TRIVET_TRY(const service::WantedRoute wanted, wanted_route(request));
        TRIVET_CHECK_OK(service.replace_route(wanted));
        return ReplaceRouteResponse{};
      }));
  table.add(make_action<DeleteRouteRequest>(
      [&service](const Call&, const DeleteRouteRequest& request) {
        return std::vector<Permission>{
            existing(service, "ec2:DeleteRoute", "route-table", request.RouteTableId)};
      },
      [&service](const Call&, const DeleteRouteRequest& request) {
        return remove(service, request);
      }));
}

}  // namespace trivet::api::ec2
