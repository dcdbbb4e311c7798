// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "core/network/ipv4_net.h"
#include "service/ec2_faults.h"

namespace trivet::service {
namespace {

constexpr std::size_t kTablesMax = 200;   // AWS's quota for a VPC
constexpr std::size_t kRoutesMax = 50;    // and for a table
constexpr std::size_t kGatewaysMax = 50;  // AWS's quota follows that of VPCs

Result<RouteTable> find_table(const NetworkState& state, const std::string& id) {
  const RouteTable* table = state.find_route_table(id);
  return table == nullptr ? Result<RouteTable>(no_such_route_table(id)) : *table;
}

struct FoundAssociation {
  RouteTable table;
  std::string subnet_id;  // empty: the main association
};

Result<FoundAssociation> find_association(const NetworkState& state, const std::string& id) {
  for (const auto& [table_id, table] : state.route_tables) {
    if (!id.empty() && table.association_id == id) {
      return FoundAssociation{table, ""};
    }
    for (const RouteTableAssociation& association : table.associations) {
      if (association.id == id) {
        return FoundAssociation{table, association.subnet_id};
      }
    }
  }
  return aws_fault(Errc::kNotFound, "InvalidAssociationID.NotFound",
                   fmt::format("The association ID '{}' does not exist", id));
}

Result<std::string> check_destination(const NetworkState& state, const RouteTable& table,
                                      const std::string& destination) {
  const auto net = network::parse_ipv4_net(destination);
  if (!net) {
    return bad_ec2_value(
        fmt::format("Value ({}) for parameter destinationCidrBlock is invalid. This is not a valid "
                    "CIDR block.",
                    destination));
  }
  const Vpc* vpc = state.find_vpc(table.vpc_id);
  const auto whole = vpc == nullptr ? std::nullopt : network::parse_ipv4_net(vpc->cidr);
  if (whole && whole->contains(*net)) {
    return bad_ec2_value(fmt::format(
        "The destination CIDR block {} is equal to or more specific than one of this VPC's CIDR "
        "blocks. This route can target only an interface or an instance.",
        net->str()));
  }
  return net->str();
}

Status check_gateway(const NetworkState& state, const RouteTable& table,
                     const std::string& gateway_id) {
  if (gateway_id.empty()) {
    return aws_fault(Errc::kInvalidArgument, "MissingParameter",
                     "The request must contain the parameter gatewayId");
  }
  const InternetGateway* gateway = state.find_internet_gateway(gateway_id);
  if (gateway == nullptr) {
    return aws_fault(Errc::kNotFound, "InvalidGatewayID.NotFound",
                     fmt::format("The gateway ID '{}' does not exist", gateway_id));
  }
  if (gateway->vpc_id != table.vpc_id) {
    return bad_ec2_value(
        fmt::format("route table {} and network gateway {} belong to different networks", table.id,
                    gateway_id));
  }
  return ok();
}

auto find_route(RouteTable& table, const std::string& destination) {
  return std::find_if(table.routes.begin(), table.routes.end(),
                      [&](const Route& route) { return route.destination == destination; });
}

NetworkChange put(const RouteTable& table) {
  NetworkChange change;
  change.put(table);
  return change;
}

}  // namespace

Result<RouteTable> Ec2Service::create_route_table(const std::string& vpc_id, const Tags& tags) {
  TRIVET_CHECK_OK(check_ec2_tags(tags));
  RouteTable table;
  table.id = new_ec2_id("rtb");
  table.vpc_id = vpc_id;
  table.tags = tags;
  TRIVET_CHECK_OK(needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    if (state.find_vpc(vpc_id) == nullptr) {
      return no_such_vpc(vpc_id);
    }
    const auto there = std::count_if(state.route_tables.begin(), state.route_tables.end(),
                                     [&](const auto& e) { return e.second.vpc_id == vpc_id; });
    if (static_cast<std::size_t>(there) >= kTablesMax) {
      return aws_fault(Errc::kInvalidArgument, "RouteTableLimitExceeded",
                       "The maximum number of route tables has been reached.");
    }
    return put(table);
  }));
  return table;
}

Status Ec2Service::delete_route_table(const std::string& id) {
  return needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    TRIVET_TRY(const RouteTable table, find_table(state, id));
    if (!table.association_id.empty() || !table.associations.empty()) {
      return has_dependencies("routeTable", id);
    }
    NetworkChange change;
    change.remove(table);
    return change;
  });
}

Result<std::string> Ec2Service::associate_route_table(const std::string& table_id,
                                                      const std::string& subnet_id) {
  std::string id;
  TRIVET_CHECK_OK(needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    TRIVET_TRY(RouteTable table, find_table(state, table_id));
    const Subnet* subnet = state.find_subnet(subnet_id);
    if (subnet == nullptr) {
      return no_such_subnet(subnet_id);
    }
    if (subnet->vpc_id != table.vpc_id) {
      return bad_ec2_value(fmt::format("Route table {} and subnet {} belong to different networks",
                                       table_id, subnet_id));
    }
    for (const auto& [other_id, other] : state.route_tables) {
      for (const RouteTableAssociation& association : other.associations) {
        if (association.subnet_id == subnet_id) {
          return aws_fault(Errc::kConflict, "Resource.AlreadyAssociated",
                           fmt::format("the specified association for route table {} conflicts "
                                       "with an existing association",
                                       table_id));
        }
      }
    }
    id = new_ec2_id("rtbassoc");
    table.associations.push_back({id, subnet_id});
    return put(table);
  }));
  return id;
}

Status Ec2Service::disassociate_route_table(const std::string& association_id) {
  return needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    TRIVET_TRY(FoundAssociation found, find_association(state, association_id));
    if (found.subnet_id.empty()) {
      return bad_ec2_value(
          fmt::format("cannot disassociate the main route table association {}", association_id));
    }
    std::erase_if(found.table.associations,
                  [&](const auto& entry) { return entry.id == association_id; });
    return put(found.table);
  });
}

Result<std::string> Ec2Service::replace_route_table_association(const std::string& association_id,
                                                                const std::string& table_id) {
  std::string id;
  TRIVET_CHECK_OK(needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    TRIVET_TRY(FoundAssociation found, find_association(state, association_id));
    TRIVET_TRY(RouteTable table, find_table(state, table_id));
    if (table.vpc_id != found.table.vpc_id) {
      return bad_ec2_value(fmt::format("Route tables {} and {} belong to different networks",
                                       found.table.id, table_id));
    }
    id = new_ec2_id("rtbassoc");
    RouteTable& from = found.table.id == table.id ? table : found.table;
    if (found.subnet_id.empty()) {
      from.association_id.clear();
      table.association_id = id;
    } else {
      std::erase_if(from.associations,
                    [&](const auto& entry) { return entry.id == association_id; });
      table.associations.push_back({id, found.subnet_id});
    }
    NetworkChange change = put(table);
    if (found.table.id != table.id) {
      change.put(found.table);
    }
    return change;
  }));
  return id;
}

Status Ec2Service::create_route(const WantedRoute& wanted) {
  return needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    TRIVET_TRY(RouteTable table, find_table(state, wanted.route_table_id));
    TRIVET_TRY(const std::string destination, check_destination(state, table, wanted.destination));
    TRIVET_CHECK_OK(check_gateway(state, table, wanted.gateway_id));
    const auto it = find_route(table, destination);
    if (it != table.routes.end()) {
      if (it->gateway_id == wanted.gateway_id) {
        return put(table);  // EC2 takes the same route twice
      }
      return aws_fault(Errc::kAlreadyExists, "RouteAlreadyExists",
                       fmt::format("The route identified by {} already exists.", destination));
    }
    if (table.routes.size() >= kRoutesMax) {
      return aws_fault(Errc::kInvalidArgument, "RouteLimitExceeded",
                       "The maximum number of routes has been reached.");
    }
    table.routes.push_back({destination, wanted.gateway_id});
    return put(table);
  });
}

Status Ec2Service::replace_route(const WantedRoute& wanted) {
  return needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    TRIVET_TRY(RouteTable table, find_table(state, wanted.route_table_id));
    TRIVET_TRY(const std::string destination, check_destination(state, table, wanted.destination));
    TRIVET_CHECK_OK(check_gateway(state, table, wanted.gateway_id));
    const auto it = find_route(table, destination);
    if (it == table.routes.end()) {
      return bad_ec2_value(fmt::format(
          "There is no route defined for '{}' in the route table. Use CreateRoute instead.",
          destination));
    }
    it->gateway_id = wanted.gateway_id;
    return put(table);
  });
}

Status Ec2Service::delete_route(const std::string& table_id, const std::string& destination) {
  return needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    TRIVET_TRY(RouteTable table, find_table(state, table_id));
    const auto net = network::parse_ipv4_net(destination);
    const Vpc* vpc = state.find_vpc(table.vpc_id);
    if (net && vpc != nullptr && net->str() == vpc->cidr) {
      return bad_ec2_value(
          fmt::format("cannot remove local route {} in route table {}", vpc->cidr, table_id));
    }
    const auto it = find_route(table, net ? net->str() : destination);
    if (it == table.routes.end()) {
      return aws_fault(Errc::kNotFound, "InvalidRoute.NotFound",
                       fmt::format("no route with destination-cidr-block {} in route table {}",
                                   destination, table_id));
    }
    table.routes.erase(it);
    return put(table);
  });
}

Result<InternetGateway> Ec2Service::create_internet_gateway(const Tags& tags) {
  TRIVET_CHECK_OK(check_ec2_tags(tags));
  const InternetGateway gateway{.id = new_ec2_id("igw"), .vpc_id = {}, .tags = tags};
  TRIVET_CHECK_OK(needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    if (state.internet_gateways.size() >= kGatewaysMax) {
      return aws_fault(Errc::kInvalidArgument, "InternetGatewayLimitExceeded",
                       "The maximum number of internet gateways has been reached.");
    }
    NetworkChange change;
    change.put(gateway);
    return change;
  }));
  return gateway;
}

Status Ec2Service::attach_internet_gateway(const std::string& id, const std::string& vpc_id) {
  return needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    const InternetGateway* gateway = state.find_internet_gateway(id);
    if (gateway == nullptr) {
      return no_such_internet_gateway(id);
    }
    if (state.find_vpc(vpc_id) == nullptr) {
      return no_such_vpc(vpc_id);
    }
    if (!gateway->vpc_id.empty()) {
      return aws_fault(
          Errc::kConflict, "Resource.AlreadyAssociated",
          fmt::format("resource {} is already attached to network {}", id, gateway->vpc_id));
    }
    for (const auto& [other_id, other] : state.internet_gateways) {
      if (other.vpc_id == vpc_id) {
        return bad_ec2_value(
            fmt::format("Network {} already has an internet gateway attached", vpc_id));
      }
    }
    InternetGateway attached = *gateway;
    attached.vpc_id = vpc_id;
    NetworkChange change;
    change.put(attached);
    return change;
  });
}

Status Ec2Service::detach_internet_gateway(const std::string& id, const std::string& vpc_id) {
  return needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    const InternetGateway* gateway = state.find_internet_gateway(id);
    if (gateway == nullptr) {
      return no_such_internet_gateway(id);
    }
    if (state.find_vpc(vpc_id) == nullptr) {
      return no_such_vpc(vpc_id);
    }
    if (gateway->vpc_id != vpc_id) {
      return aws_fault(Errc::kConflict, "Gateway.NotAttached",
                       fmt::format("resource {} is not attached to network {}", id, vpc_id));
    }
    InternetGateway detached = *gateway;
    detached.vpc_id.clear();
    NetworkChange change;
    change.put(detached);
    return change;
  });
}

Status Ec2Service::delete_internet_gateway(const std::string& id) {
  return needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    const InternetGateway* gateway = state.find_internet_gateway(id);
    if (gateway == nullptr) {
      return no_such_internet_gateway(id);
    }
    if (!gateway->vpc_id.empty()) {
      return has_dependencies("internetGateway", id);
    }
    NetworkChange change;
    change.remove(*gateway);
    return change;
  });
}

}  // namespace trivet::service
