// SPDX-License-Identifier: Apache-2.0
#include "service/ec2_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/network/ipv4_net.h"
#include "service/ec2_faults.h"
#include "service/security_group_rules.h"

namespace trivet::service {
namespace {

constexpr std::size_t kVpcsMax = 50;      // AWS's quota is 5 and can be raised
constexpr std::size_t kSubnetsMax = 200;  // AWS's quota for a VPC
constexpr int kPrefixMin = 16;            // of VPCs and subnets
constexpr int kPrefixMax = 28;

// The zone that a new subnet goes to: the one named, else the one with the fewest of its VPC.
Result<std::string> choose_zone(const NetworkState& state, const CreateSubnet& wanted,
                                const Realm& realm) {
  const auto zones = availability_zones(realm);
  for (const AvailabilityZone& zone : zones) {
    if ((!wanted.availability_zone.empty() && zone.name == wanted.availability_zone) ||
        (!wanted.availability_zone_id.empty() && zone.id == wanted.availability_zone_id)) {
      return zone.name;
    }
  }
  const bool by_name = !wanted.availability_zone.empty();
  if (by_name || !wanted.availability_zone_id.empty()) {
    return bad_ec2_value(fmt::format(
        "Value ({}) for parameter {} is invalid. Subnets can currently only be created in the "
        "following availability zones: {}.",
        by_name ? wanted.availability_zone : wanted.availability_zone_id,
        by_name ? "availabilityZone" : "availabilityZoneId",
        fmt::format("{}, {}, {}", zones[0].name, zones[1].name, zones[2].name)));
  }
  std::string best;
  std::size_t least = kSubnetsMax + 1;
  for (const AvailabilityZone& zone : zones) {
    const auto count = static_cast<std::size_t>(
        std::count_if(state.subnets.begin(), state.subnets.end(), [&](const auto& entry) {
          return entry.second.vpc_id == wanted.vpc_id &&
                 entry.second.availability_zone == zone.name;
        }));
    if (count < least) {
      best = zone.name;
      least = count;
    }
  }
  return best;
}

Result<network::Ipv4Net> check_subnet_cidr(const NetworkState& state, const Vpc& vpc,
                                           const std::string& cidr) {
  const auto net = network::parse_ipv4_net(cidr);
  if (!net) {
    return bad_ec2_value(fmt::format(
        "Value ({}) for parameter cidrBlock is invalid. This is not a valid CIDR block.", cidr));
  }
  const auto whole = network::parse_ipv4_net(vpc.cidr);
  if (net->prefix < kPrefixMin || net->prefix > kPrefixMax || !whole || !whole->contains(*net)) {
    return aws_fault(Errc::kInvalidArgument, "InvalidSubnet.Range",
                     fmt::format("The CIDR '{}' is invalid.", cidr));
  }
  for (const auto& [id, subnet] : state.subnets) {
    const auto other = network::parse_ipv4_net(subnet.cidr);
    if (subnet.vpc_id == vpc.id && other && other->overlaps(*net)) {
      return aws_fault(Errc::kConflict, "InvalidSubnet.Conflict",
                       fmt::format("The CIDR '{}' conflicts with another subnet", cidr));
    }
  }
  return *net;
}

Result<network::Ipv4Net> check_vpc_cidr(const std::string& cidr) {
  const auto net = network::parse_ipv4_net(cidr);
  if (!net) {
    return bad_ec2_value(fmt::format(
        "Value ({}) for parameter cidrBlock is invalid. This is not a valid CIDR block.", cidr));
  }
  // The kernel sends nothing between hosts with such addresses.
  for (const char* unusable : {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"}) {
    if (network::parse_ipv4_net(unusable)->overlaps(*net)) {
      return aws_fault(Errc::kInvalidArgument, "InvalidVpc.Range",
                       fmt::format("The CIDR '{}' is invalid.", cidr));
    }
  }
  if (net->prefix < kPrefixMin || net->prefix > kPrefixMax) {
    return aws_fault(Errc::kInvalidArgument, "InvalidVpc.Range",
                     fmt::format("The CIDR '{}' is invalid.", cidr));
  }
  return *net;
}

// Does anything but what came with the VPC lie in it?
bool is_occupied(const NetworkState& state, const Vpc& vpc) {
  const auto lies_in_it = [&](const auto& entry) { return entry.second.vpc_id == vpc.id; };
  const auto any = [&](const auto& map) { return std::any_of(map.begin(), map.end(), lies_in_it); };
  return any(state.subnets) || any(state.internet_gateways) || any(state.interfaces) ||
         any(state.endpoints) || any(state.subnet_groups) ||
         std::any_of(state.security_groups.begin(), state.security_groups.end(),
                     [&](const auto& e) { return lies_in_it(e) && e.second.name != "default"; }) ||
         std::any_of(state.route_tables.begin(), state.route_tables.end(), [&](const auto& e) {
           return lies_in_it(e) && e.second.association_id.empty();
         });
}

bool is_in_use(const NetworkState& state, const std::vector<NetworkInterface>& leased,
               const std::string& subnet_id) {
  return !state.groups_with(subnet_id).empty() ||
         !taken_addresses(state, leased, subnet_id).empty();
}

}  // namespace

Result<Vpc> Ec2Service::create_vpc(const CreateVpc& wanted) {
  TRIVET_CHECK_OK(check_ec2_tags(wanted.tags));
  TRIVET_TRY(const network::Ipv4Net net, check_vpc_cidr(wanted.cidr));
  const Vpc vpc{.id = new_ec2_id("vpc"),
                .cidr = net.str(),
                .cidr_association_id = new_ec2_id("vpc-cidr-assoc"),
                .tags = wanted.tags};
  TRIVET_CHECK_OK(needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    if (state.vpcs.size() >= kVpcsMax) {
      return aws_fault(Errc::kInvalidArgument, "VpcLimitExceeded",
                       "The maximum number of VPCs has been reached.");
    }
    NetworkChange change;
    change.put(vpc);
    change.put(default_security_group(vpc));
    change.put(main_route_table(vpc));
    return change;
  }));
  return vpc;
}

Status Ec2Service::delete_vpc(const std::string& id) {
  return needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    const Vpc* vpc = state.find_vpc(id);
    if (vpc == nullptr) {
      return no_such_vpc(id);
    }
    if (is_occupied(state, *vpc)) {
      return has_dependencies("vpc", id);
    }
    NetworkChange change;
    change.remove(*vpc);
    for (const auto& [group_id, group] : state.security_groups) {
      if (group.vpc_id == id) {
        change.remove(group);
      }
    }
    for (const auto& [table_id, table] : state.route_tables) {
      if (table.vpc_id == id) {
        change.remove(table);
      }
    }
    return change;
  });
}

Status Ec2Service::modify_vpc(const std::string& id, const VpcAttributes& wanted) {
  return needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    const Vpc* found = state.find_vpc(id);
    if (found == nullptr) {
      return no_such_vpc(id);
    }
    Vpc vpc = *found;
    vpc.dns_support = wanted.dns_support.value_or(vpc.dns_support);
    vpc.dns_hostnames = wanted.dns_hostnames.value_or(vpc.dns_hostnames);
    NetworkChange change;
    change.put(vpc);
    return change;
  });
}

Status Ec2Service::modify_subnet(const std::string& id, bool maps_public_ip) {
  return needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    const Subnet* found = state.find_subnet(id);
    if (found == nullptr) {
      return no_such_subnet(id);
    }
    Subnet subnet = *found;
    subnet.maps_public_ip = maps_public_ip;
    NetworkChange change;
    change.put(subnet);
    return change;
  });
}

Result<Subnet> Ec2Service::create_subnet(const CreateSubnet& wanted) {
  TRIVET_CHECK_OK(check_ec2_tags(wanted.tags));
  Subnet subnet;
  TRIVET_CHECK_OK(needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    const Vpc* vpc = state.find_vpc(wanted.vpc_id);
    if (vpc == nullptr) {
      return no_such_vpc(wanted.vpc_id);
    }
    TRIVET_TRY(const network::Ipv4Net net, check_subnet_cidr(state, *vpc, wanted.cidr));
    TRIVET_TRY(const std::string zone, choose_zone(state, wanted, needs_.realm));
    if (state.subnets.size() >= kSubnetsMax) {
      return aws_fault(Errc::kInvalidArgument, "SubnetLimitExceeded",
                       "The maximum number of subnets has been reached.");
    }
    subnet = {.id = new_ec2_id("subnet"),
              .vpc_id = vpc->id,
              .availability_zone = zone,
              .cidr = net.str(),
              .is_default = false,
              .tags = wanted.tags};
    NetworkChange change;
    change.put(subnet);
    return change;
  }));
  return subnet;
}

Status Ec2Service::check_subnet(const std::string& id) const {
  TRIVET_TRY(const NetworkState now, needs_.network.load());
  return now.find_subnet(id) == nullptr ? Status(no_such_subnet(id)) : ok();
}

Status Ec2Service::delete_subnet(const std::string& id) {
  return needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    const Subnet* subnet = state.find_subnet(id);
    if (subnet == nullptr) {
      return no_such_subnet(id);
    }
    if (is_in_use(state, leased(), id) || (needs_.is_subnet_used && needs_.is_subnet_used(id))) {
      return has_dependencies("subnet", id);
    }
    NetworkChange change;
    change.remove(*subnet);
    // Its association goes with it.
    for (const auto& [table_id, table] : state.route_tables) {
      RouteTable changed = table;
      if (std::erase_if(changed.associations,
                        [&](const auto& entry) { return entry.subnet_id == id; }) > 0) {
        change.put(changed);
      }
    }
    return change;
  });
}

}  // namespace trivet::service
