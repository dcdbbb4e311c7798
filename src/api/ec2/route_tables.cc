// SPDX-License-Identifier: Apache-2.0
//
// DescribeRouteTables, CreateRouteTable, DeleteRouteTable, AssociateRouteTable,
// DisassociateRouteTable, ReplaceRouteTableAssociation.
#include <fmt/format.h>

#include "api/ec2/common.h"

namespace trivet::api::ec2 {
namespace {

using trivet::RouteTable;

std::string vpc_cidr(const NetworkState& state, const RouteTable& route_table) {
  const trivet::Vpc* vpc = state.find_vpc(route_table.vpc_id);
  return vpc == nullptr ? "" : vpc->cidr;
}

std::vector<ec2::Route> route_shapes(const RouteTable& route_table, const NetworkState& state) {
  std::vector<ec2::Route> shapes;
  ec2::Route local;
  local.DestinationCidrBlock = vpc_cidr(state, route_table);
  local.GatewayId = "local";
  local.Origin = "CreateRouteTable";
  local.State = "active";
  shapes.push_back(std::move(local));
  for (const trivet::Route& route : route_table.routes) {
    const trivet::InternetGateway* gateway = state.find_internet_gateway(route.gateway_id);
    ec2::Route shape;
    shape.DestinationCidrBlock = route.destination;
    shape.GatewayId = route.gateway_id;
    shape.Origin = "CreateRoute";
    shape.State =
        gateway != nullptr && gateway->vpc_id == route_table.vpc_id ? "active" : "blackhole";
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

std::vector<ec2::RouteTableAssociation> association_shapes(const RouteTable& route_table) {
  std::vector<ec2::RouteTableAssociation> shapes;
  const auto add = [&](const std::string& id, const std::string& subnet_id) {
    ec2::RouteTableAssociation shape;
    shape.Main = subnet_id.empty();
    shape.RouteTableAssociationId = id;
    shape.RouteTableId = route_table.id;
    if (!subnet_id.empty()) {
      shape.SubnetId = subnet_id;
    }
    shape.AssociationState =
        ec2::RouteTableAssociationState{.State = "associated", .StatusMessage = {}};
    shapes.push_back(std::move(shape));
  };
  if (!route_table.association_id.empty()) {
    add(route_table.association_id, "");
  }
  for (const trivet::RouteTableAssociation& association : route_table.associations) {
    add(association.id, association.subnet_id);
  }
  return shapes;
}

FilterValues route_values(const RouteTable& route_table, const NetworkState& state,
                          std::string_view what) {
  std::optional<std::string> ec2::Route::* member = nullptr;
  if (what == "destination-cidr-block") {
    member = &ec2::Route::DestinationCidrBlock;
  } else if (what == "gateway-id") {
    member = &ec2::Route::GatewayId;
  } else if (what == "origin") {
    member = &ec2::Route::Origin;
  } else if (what == "state") {
    member = &ec2::Route::State;
  }
  std::vector<std::string> values;
  if (member != nullptr) {
    for (const ec2::Route& route : route_shapes(route_table, state)) {
      values.push_back((route.*member).value_or(""));
    }
    return values;
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
  return std::find(std::begin(kOthers), std::end(kOthers), what) != std::end(kOthers)
             ? FilterValues(values)
             : std::nullopt;
}

FilterValues association_values(const RouteTable& route_table, std::string_view what) {
  std::vector<std::string> values;
  for (const ec2::RouteTableAssociation& association : association_shapes(route_table)) {
    if (what == "main") {
      values.push_back(association.Main.value_or(false) ? "true" : "false");
    } else if (what == "route-table-association-id") {
      values.push_back(association.RouteTableAssociationId.value_or(""));
    } else if (what == "route-table-id") {
      values.push_back(route_table.id);
    } else if (what == "subnet-id" && association.SubnetId) {
      values.push_back(*association.SubnetId);
    }
  }
  constexpr std::string_view kKnown[] = {"gateway-id", "main", "route-table-association-id",
                                         "route-table-id", "subnet-id"};
  return std::find(std::begin(kKnown), std::end(kKnown), what) != std::end(kKnown)
             ? FilterValues(values)
             : std::nullopt;
}

FilterValues filter_values(const RouteTable& route_table, const NetworkState& state,
                           const Realm& realm, std::string_view name) {
  constexpr std::string_view kAssociation = "association.";
  constexpr std::string_view kRoute = "route.";
  if (name.starts_with(kAssociation)) {
    return association_values(route_table, name.substr(kAssociation.size()));
  }
  if (name == "owner-id") {
    return one(realm.account.str());
  }
  if (name == "route-table-id") {
    return one(route_table.id);
  }
  if (name == "vpc-id") {
    return one(route_table.vpc_id);
  }
  if (name.starts_with(kRoute)) {
    return route_values(route_table, state, name.substr(kRoute.size()));
  }
  return tag_filter(route_table.tags, name);
}

ec2::RouteTable shape(const RouteTable& route_table, const NetworkState& state,
                      const Realm& realm) {
  ec2::RouteTable out;
  out.Associations = association_shapes(route_table);
  out.RouteTableId = route_table.id;
  out.Routes = route_shapes(route_table, state);
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

Result<CreateRouteTableResponse> create(Ec2Service& service,
                                        const CreateRouteTableRequest& request) {
  TRIVET_TRY(const Tags tags, new_tags(request.TagSpecifications, "route-table"));
  TRIVET_TRY(const RouteTable made, service.create_route_table(request.VpcId, tags));
  TRIVET_TRY(const NetworkState state, service.state());
  return CreateRouteTableResponse{.RouteTable = shape(made, state, service.realm()),
                                  .ClientToken = request.ClientToken};
}

std::vector<Permission> create_permission(Ec2Service& service,
                                          const CreateRouteTableRequest& request) {
  const Realm& realm = service.realm();
  auto permissions = create_permissions(realm, "ec2:CreateRouteTable",
                                        arn(realm, "route-table", "*"), request.TagSpecifications);
  add_vpc_keys(realm, request.VpcId, permissions.front());
  permissions.push_back(existing(service, "ec2:CreateRouteTable", "vpc", request.VpcId));
  return permissions;
}

ec2::RouteTableAssociationState associated() {
  return {.State = "associated", .StatusMessage = {}};
}

Result<AssociateRouteTableResponse> associate(Ec2Service& service,
                                              const AssociateRouteTableRequest& request) {
  TRIVET_CHECK_OK(refuse_unbuilt({{"GatewayId", request.GatewayId.has_value()},
                                  {"PublicIpv4Pool", request.PublicIpv4Pool.has_value()}}));
  if (!request.SubnetId) {
    return aws_fault(Errc::kInvalidArgument, "MissingParameter",
                     "The request must contain the parameter subnetId");
  }
  TRIVET_TRY(const std::string id,
             service.associate_route_table(request.RouteTableId, *request.SubnetId));
  return AssociateRouteTableResponse{.AssociationId = id, .AssociationState = associated()};
}

// The permission on the table that an association is of.
std::vector<Permission> association_permission(Ec2Service& service, std::string_view action,
                                               const std::string& association_id) {
  std::string table_id = "*";
  if (const auto state = service.state()) {
    for (const auto& [id, route_table] : state->route_tables) {
      for (const ec2::RouteTableAssociation& association : association_shapes(route_table)) {
        table_id = association.RouteTableAssociationId == association_id ? id : table_id;
      }
    }
  }
  return {existing(service, action, "route-table", table_id)};
}

void add_association_actions(ActionTable& table, Ec2Service& service) {
  table.add(make_action<AssociateRouteTableRequest>(
      [&service](const Call&, const AssociateRouteTableRequest& request) {
        constexpr std::string_view kAction = "ec2:AssociateRouteTable";
        return std::vector<Permission>{
            existing(service, kAction, "route-table", request.RouteTableId),
            existing(service, kAction, "subnet", request.SubnetId.value_or("*"))};
      },
      [&service](const Call&, const AssociateRouteTableRequest& request) {
        return associate(service, request);
      }));
  table.add(make_action<DisassociateRouteTableRequest>(
      [&service](const Call&, const DisassociateRouteTableRequest& request) {
        return association_permission(service, "ec2:DisassociateRouteTable", request.AssociationId);
      },
      [&service](const Call&, const DisassociateRouteTableRequest& request)
          -> Result<DisassociateRouteTableResponse> {
        TRIVET_CHECK_OK(service.disassociate_route_table(request.AssociationId));
        return DisassociateRouteTableResponse{};
      }));
  table.add(make_action<ReplaceRouteTableAssociationRequest>(
      [&service](const Call&, const ReplaceRouteTableAssociationRequest& request) {
        constexpr std::string_view kAction = "ec2:ReplaceRouteTableAssociation";
        auto permissions = association_permission(service, kAction, request.AssociationId);
        permissions.push_back(existing(service, kAction, "route-table", request.RouteTableId));
        return permissions;
      },
      [&service](const Call&, const ReplaceRouteTableAssociationRequest& request)
          -> Result<ReplaceRouteTableAssociationResponse> {
        TRIVET_TRY(const std::string id, service.replace_route_table_association(
                                             request.AssociationId, request.RouteTableId));
        return ReplaceRouteTableAssociationResponse{.NewAssociationId = id,
                                                    .AssociationState = associated()};
      }));
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
  table.add(make_action<CreateRouteTableRequest>(
      [&service](const Call&, const CreateRouteTableRequest& request) {
        return create_permission(service, request);
      },
      [&service](const Call&, const CreateRouteTableRequest& request) {
        return create(service, request);
      }));
  table.add(make_action<DeleteRouteTableRequest>(
      [&service](const Call&, const DeleteRouteTableRequest& request) {
        return std::vector<Permission>{
            existing(service, "ec2:DeleteRouteTable", "route-table", request.RouteTableId)};
      },
      [&service](const Call&,
                 const DeleteRouteTableRequest& request) -> Result<DeleteRouteTableResponse> {
        TRIVET_CHECK_OK(service.delete_route_table(request.RouteTableId));
        return DeleteRouteTableResponse{};
      }));
  add_association_actions(table, service);
}

}  // namespace trivet::api::ec2
