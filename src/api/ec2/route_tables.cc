// SPDX-License-Identifier: Apache-2.0
//
// DescribeRouteTables.
#include <fmt/format.h>

#include "api/ec2/common.h"

namespace trivet::api::ec2 {
namespace {

using trivet::RouteTable;

std::string vpc_cidr(const NetworkState& state, const RouteTable& route_table) {
  const trivet::Vpc* vpc = state.find_vpc(route_table.vpc_id);
  return vpc == nullptr ? "" : vpc->cidr;
}

FilterValues route_values(const RouteTable& route_table, const NetworkState& state,
                          std::string_view what) {
  if (what == "destination-cidr-block") {
    return one(vpc_cidr(state, route_table));
  }
  if (what == "gateway-id") {
    return one("local");
  }
  if (what == "origin") {
    return one("CreateRouteTable");
  }
  if (what == "state") {
    return one("active");
  }
  constexpr std::string_view kOthers[] = {"carrier-gateway-id",
                                          "core-network-arn",
                                          "destination-ipv6-cidr-block",
                                          "destination-prefix-list-id",
                                          "egress-only-internet-gateway-id",
                                          "instance-id",
                                          "local-gateway-id",
                                          "nat-gateway-id",
                                          "transit-gateway-id",
                                          "vpc-peering-connection-id"};
  if (std::find(std::begin(kOthers), std::end(kOthers), what) != std::end(kOthers)) {
    return std::vector<std::string>();
  }
  return std::nullopt;
}

FilterValues filter_values(const RouteTable& route_table, const NetworkState& state,
                           const Realm& realm, std::string_view name) {
  if (name == "association.main") {
    return truth(true);
  }
  if (name == "association.route-table-association-id") {
    return one(route_table.association_id);
  }
  if (name == "association.route-table-id" || name == "route-table-id") {
    return one(route_table.id);
  }
  if (name == "association.subnet-id" || name == "association.gateway-id") {
    return std::vector<std::string>();  // subnets use the main table without being named
  }
  if (name == "owner-id") {
    return one(realm.account.str());
  }
  if (name == "vpc-id") {
    return one(route_table.vpc_id);
  }
  if (name.starts_with("route.")) {
    return route_values(route_table, state, name.substr(6));
  }
  return tag_filter(route_table.tags, name);
}

ec2::RouteTable shape(const RouteTable& route_table, const NetworkState& state,
                      const Realm& realm) {
  ec2::RouteTable out;
  ec2::RouteTableAssociation main;
  main.Main = true;
  main.RouteTableAssociationId = route_table.association_id;
  main.RouteTableId = route_table.id;
  main.AssociationState =
      ec2::RouteTableAssociationState{.State = "associated", .StatusMessage = {}};
  out.Associations.push_back(std::move(main));
  out.RouteTableId = route_table.id;
  ec2::Route local;
  local.DestinationCidrBlock = vpc_cidr(state, route_table);
  local.GatewayId = "local";
  local.Origin = "CreateRouteTable";
  local.State = "active";
  out.Routes.push_back(std::move(local));
  out.Tags = tag_shapes(route_table.tags);
  out.VpcId = route_table.vpc_id;
  out.OwnerId = realm.account.str();
  return out;
}

Result<DescribeRouteTablesResponse> describe(Ec2Service& service,
                                             const DescribeRouteTablesRequest& request) {
  TRIVET_TRY(const NetworkState state, service.state());
  const Realm& realm = service.realm();
  TRIVET_TRY(std::vector<RouteTable> found,
             select(
                 state.route_tables, {request.RouteTableIds, request.Filters},
                 [&](const RouteTable& route_table, std::string_view name) {
                   return filter_values(route_table, state, realm, name);
                 },
                 [](const std::string& id) {
                   return aws_fault(Errc::kNotFound, "InvalidRouteTableID.NotFound",
                                    fmt::format("The routeTable ID '{}' does not exist", id));
                 }));
  DescribeRouteTablesResponse response{.RouteTables = {}, .NextToken = request.NextToken};
  TRIVET_CHECK_OK(cut_page(found, request.MaxResults, response.NextToken,
                           !request.RouteTableIds.empty(),
                           [](const RouteTable& route_table) { return route_table.id; }));
  for (const RouteTable& route_table : found) {
    response.RouteTables.push_back(shape(route_table, state, realm));
  }
  return response;
}

}  // namespace

void add_route_table_actions(ActionTable& table, Ec2Service& service) {
  table.add(make_action<DescribeRouteTablesRequest>(
      [&service](const Call&, const DescribeRouteTablesRequest&) {
        return describe_permission(service.realm(), "ec2:DescribeRouteTables");
      },
      [&service](const Call&, const DescribeRouteTablesRequest& request) {
        return describe(service, request);
      }));
}

}  // namespace trivet::api::ec2
