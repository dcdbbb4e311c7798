// SPDX-License-Identifier: Apache-2.0
#include "service/network_state.h"

#include <algorithm>
#include <set>

namespace trivet::service {
namespace {

constexpr std::string_view kPrefix = "network/";
constexpr std::string_view kGenerationKey = "network/generation";
constexpr std::string_view kPolicyKey = "network/policy";
constexpr std::string_view kVpcPrefix = "network/vpcs/";
constexpr std::string_view kSubnetPrefix = "network/subnets/";
constexpr std::string_view kGroupPrefix = "network/security-groups/";
constexpr std::string_view kTablePrefix = "network/route-tables/";
constexpr std::string_view kGatewayPrefix = "network/internet-gateways/";
constexpr std::string_view kInterfacePrefix = "network/interfaces/";
constexpr std::string_view kEndpointPrefix = "network/endpoints/";
constexpr std::string_view kDbGroupPrefix = "network/db-subnet-groups/";

std::string key(std::string_view prefix, const std::string& id) {
  return std::string(prefix) + id;
}

struct Loaded {
  NetworkState state;
  Revision generation;
};

// Decodes `value` into `map` when its key starts with `prefix`.
template <typename T, typename Decode>
Status take(const StoredValue& value, std::string_view prefix, Decode decode,
            std::map<std::string, T, std::less<>>& map) {
  if (!value.key.starts_with(prefix)) {
    return ok();
  }
  Result<T> record = decode(value.value);
  if (!record) {
    return make_error(record.error().code, value.key + ": " + record.error().message);
  }
  map.emplace(value.key.substr(prefix.size()), std::move(*record));
  return ok();
}

Result<Loaded> read_all(StateStore& store) {
  TRIVET_TRY(const auto values, store.list(kPrefix));
  Loaded out;
  for (const StoredValue& value : values) {
    if (value.key == kGenerationKey) {
      out.generation = value.modified;
    }
    if (value.key == kPolicyKey) {
      TRIVET_TRY(out.state.policy, decode_network_policy(value.value));
    }
    TRIVET_CHECK_OK(take(value, kVpcPrefix, decode_vpc, out.state.vpcs));
    TRIVET_CHECK_OK(take(value, kSubnetPrefix, decode_subnet, out.state.subnets));
    TRIVET_CHECK_OK(take(value, kGroupPrefix, decode_security_group, out.state.security_groups));
    TRIVET_CHECK_OK(take(value, kTablePrefix, decode_route_table, out.state.route_tables));
    TRIVET_CHECK_OK(
        take(value, kGatewayPrefix, decode_internet_gateway, out.state.internet_gateways));
    TRIVET_CHECK_OK(take(value, kInterfacePrefix, decode_network_interface, out.state.interfaces));
    TRIVET_CHECK_OK(take(value, kEndpointPrefix, decode_vpc_endpoint, out.state.endpoints));
    TRIVET_CHECK_OK(take(value, kDbGroupPrefix, decode_db_subnet_group, out.state.subnet_groups));
  }
  return out;
}

template <typename Map>
auto find_in(const Map& map, std::string_view id) -> const typename Map::mapped_type* {
  const auto it = map.find(id);
  return it == map.end() ? nullptr : &it->second;
}

}  // namespace

const Vpc* NetworkState::default_vpc() const {
  const auto it =
      std::find_if(vpcs.begin(), vpcs.end(), [](const auto& e) { return e.second.is_default; });
  return it == vpcs.end() ? nullptr : &it->second;
}

const Vpc* NetworkState::find_vpc(std::string_view id) const {
  return find_in(vpcs, id);
}

const Subnet* NetworkState::find_subnet(std::string_view id) const {
  return find_in(subnets, id);
}

const SecurityGroup* NetworkState::find_security_group(std::string_view id) const {
  return find_in(security_groups, id);
}

const SecurityGroup* NetworkState::default_security_group(std::string_view vpc_id) const {
  const auto it = std::find_if(security_groups.begin(), security_groups.end(), [&](const auto& e) {
    return e.second.vpc_id == vpc_id && e.second.name == "default";
  });
  return it == security_groups.end() ? nullptr : &it->second;
}

const DbSubnetGroup* NetworkState::find_subnet_group(std::string_view name) const {
  return find_in(subnet_groups, name);
}

const RouteTable* NetworkState::find_route_table(std::string_view id) const {
  return find_in(route_tables, id);
}

const InternetGateway* NetworkState::find_internet_gateway(std::string_view id) const {
  return find_in(internet_gateways, id);
}

const NetworkInterface* NetworkState::find_interface(std::string_view id) const {
  return find_in(interfaces, id);
}

const VpcEndpoint* NetworkState::find_endpoint(std::string_view id) const {
  return find_in(endpoints, id);
}

const RouteTable* NetworkState::main_route_table(std::string_view vpc_id) const {
  const auto it = std::find_if(route_tables.begin(), route_tables.end(), [&](const auto& e) {
    return e.second.vpc_id == vpc_id && !e.second.association_id.empty();
  });
  return it == route_tables.end() ? nullptr : &it->second;
}

const RouteTable* NetworkState::route_table_of(const Subnet& subnet) const {
  for (const auto& [id, table] : route_tables) {
    if (std::any_of(table.associations.begin(), table.associations.end(),
                    [&](const auto& association) { return association.subnet_id == subnet.id; })) {
      return &table;
    }
  }
  return main_route_table(subnet.vpc_id);
}

std::vector<std::string> NetworkState::zones_of(const DbSubnetGroup& group) const {
  std::set<std::string> zones;
  for (const std::string& id : group.subnet_ids) {
    if (const Subnet* subnet = find_subnet(id)) {
      zones.insert(subnet->availability_zone);
    }
  }
  return {zones.begin(), zones.end()};
}

std::vector<std::string> NetworkState::groups_with(std::string_view subnet_id) const {
  std::vector<std::string> names;
  for (const auto& [name, group] : subnet_groups) {
    if (std::find(group.subnet_ids.begin(), group.subnet_ids.end(), subnet_id) !=
        group.subnet_ids.end()) {
      names.push_back(name);
    }
  }
  return names;
}

void NetworkChange::put(const Vpc& vpc) {
  puts.push_back({key(kVpcPrefix, vpc.id), encode(vpc)});
}
void NetworkChange::put(const Subnet& subnet) {
  puts.push_back({key(kSubnetPrefix, subnet.id), encode(subnet)});
}
void NetworkChange::put(const SecurityGroup& group) {
  puts.push_back({key(kGroupPrefix, group.id), encode(group)});
}
void NetworkChange::put(const RouteTable& table) {
  puts.push_back({key(kTablePrefix, table.id), encode(table)});
}
void NetworkChange::put(const DbSubnetGroup& group) {
  puts.push_back({key(kDbGroupPrefix, group.name), encode(group)});
}
void NetworkChange::put(const NetworkPolicy& policy) {
  puts.push_back({std::string(kPolicyKey), encode(policy)});
}
void NetworkChange::put(const InternetGateway& gateway) {
  puts.push_back({key(kGatewayPrefix, gateway.id), encode(gateway)});
}
void NetworkChange::put(const NetworkInterface& interface) {
  puts.push_back({key(kInterfacePrefix, interface.id), encode(interface)});
}
void NetworkChange::put(const VpcEndpoint& endpoint) {
  puts.push_back({key(kEndpointPrefix, endpoint.id), encode(endpoint)});
}
void NetworkChange::remove(const Vpc& vpc) {
  deletes.push_back(key(kVpcPrefix, vpc.id));
}
void NetworkChange::remove(const RouteTable& table) {
  deletes.push_back(key(kTablePrefix, table.id));
}
void NetworkChange::remove(const InternetGateway& gateway) {
  deletes.push_back(key(kGatewayPrefix, gateway.id));
}
void NetworkChange::remove(const NetworkInterface& interface) {
  deletes.push_back(key(kInterfacePrefix, interface.id));
}
void NetworkChange::remove(const VpcEndpoint& endpoint) {
  deletes.push_back(key(kEndpointPrefix, endpoint.id));
}
void NetworkChange::remove(const Subnet& subnet) {
  deletes.push_back(key(kSubnetPrefix, subnet.id));
}
void NetworkChange::remove(const SecurityGroup& group) {
  deletes.push_back(key(kGroupPrefix, group.id));
}
void NetworkChange::remove(const DbSubnetGroup& group) {
  deletes.push_back(key(kDbGroupPrefix, group.name));
}

Result<NetworkState> NetworkStore::load() {
  TRIVET_TRY(Loaded loaded, read_all(store_));
  return std::move(loaded.state);
}

Status NetworkStore::hold(const std::function<Status(const NetworkState&)>& use) {
  const MutexLock lock(mutex_);
  TRIVET_TRY(const Loaded loaded, read_all(store_));
  return use(loaded.state);
}

Status NetworkStore::change(const Plan& plan) {
  constexpr int kAttempts = 10;
  const MutexLock lock(mutex_);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    TRIVET_TRY(const Loaded loaded, read_all(store_));
    TRIVET_TRY(NetworkChange change, plan(loaded.state));
    if (change.puts.empty() && change.deletes.empty()) {
      return ok();
    }
    Commit commit{.compares = {{std::string(kGenerationKey), loaded.generation}},
                  .puts = std::move(change.puts),
                  .deletes = std::move(change.deletes)};
    commit.puts.push_back({std::string(kGenerationKey), R"({"v":1})"});
    const auto revision = store_.commit(commit);
    if (revision) {
      if (changed_) {
        changed_();
      }
      return ok();
    }
    if (revision.error().code != Errc::kConflict) {
      return revision.error();
    }
  }
  return make_error(Errc::kUnavailable,
                    "other requests changed the network at the same time; try again");
}

}  // namespace trivet::service
