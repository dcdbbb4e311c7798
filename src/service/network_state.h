// SPDX-License-Identifier: Apache-2.0
//
// Everything under network/ of the store, decoded, and the one way to change it. All changes are
// serialized by one key that each commit compares and writes: "is this subnet used by a group?"
// cannot be true when it is asked and false when it is written.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "model/network.h"
#include "ports/state_store.h"

namespace trivet::service {

// Plain value; thread-compatible. The maps are by id, subnet groups by name.
struct NetworkState {
  std::map<std::string, Vpc, std::less<>> vpcs;
  std::map<std::string, Subnet, std::less<>> subnets;
  std::map<std::string, SecurityGroup, std::less<>> security_groups;
  std::map<std::string, RouteTable, std::less<>> route_tables;
  std::map<std::string, InternetGateway, std::less<>> internet_gateways;
  std::map<std::string, NetworkInterface, std::less<>> interfaces;
  std::map<std::string, VpcEndpoint, std::less<>> endpoints;
  std::map<std::string, DbSubnetGroup, std::less<>> subnet_groups;
  NetworkPolicy policy;

  const Vpc* default_vpc() const;  // nullptr when there is none
  const Vpc* find_vpc(std::string_view id) const;
  const Subnet* find_subnet(std::string_view id) const;
  const SecurityGroup* find_security_group(std::string_view id) const;
  const SecurityGroup* default_security_group(std::string_view vpc_id) const;
  const DbSubnetGroup* find_subnet_group(std::string_view name) const;
  const RouteTable* find_route_table(std::string_view id) const;
  const InternetGateway* find_internet_gateway(std::string_view id) const;
  const NetworkInterface* find_interface(std::string_view id) const;
  const VpcEndpoint* find_endpoint(std::string_view id) const;
  const RouteTable* main_route_table(std::string_view vpc_id) const;
  // The subnet's own, else its VPC's main one.
  const RouteTable* route_table_of(const Subnet& subnet) const;
  // The zones that a group's subnets lie in, sorted, each once.
  std::vector<std::string> zones_of(const DbSubnetGroup& group) const;
  // The names of the groups that a subnet is in.
  std::vector<std::string> groups_with(std::string_view subnet_id) const;
};

// What to write and to remove. Plain value.
struct NetworkChange {
  std::vector<Write> puts;
  std::vector<std::string> deletes;

  void put(const Vpc& vpc);
  void put(const Subnet& subnet);
  void put(const SecurityGroup& group);
  void put(const RouteTable& table);
  void put(const DbSubnetGroup& group);
  void put(const NetworkPolicy& policy);
  void put(const InternetGateway& gateway);
  void put(const NetworkInterface& interface);
  void put(const VpcEndpoint& endpoint);
  void remove(const Vpc& vpc);
  void remove(const Subnet& subnet);
  void remove(const SecurityGroup& group);
  void remove(const RouteTable& table);
  void remove(const InternetGateway& gateway);
  void remove(const NetworkInterface& interface);
  void remove(const VpcEndpoint& endpoint);
  void remove(const DbSubnetGroup& group);
};

// The network records in the store. Thread-safe; calls block on the store.
class NetworkStore {
 public:
  using Plan = std::function<Result<NetworkChange>(const NetworkState&)>;

  explicit NetworkStore(StateStore& store) : store_(store) {}

  // Called after each change that was written, on the thread that wrote it; must not block or
  // change the network. Before any other call.
  void on_change(std::function<void()> changed) { changed_ = std::move(changed); }

  // kCorrupt, naming the key.
  Result<NetworkState> load();
  // Loads, asks `plan`, commits; again when another process was faster. A plan without writes
  // commits nothing. kUnavailable when others were faster every time.
  Status change(const Plan& plan);
  // Runs `use` on the network as it is; no change() happens until it returns. For what refers to
  // network records from elsewhere: a cluster that is made in a subnet group.
  Status hold(const std::function<Status(const NetworkState&)>& use);

 private:
  StateStore& store_;
  std::function<void()> changed_;
  Mutex mutex_;  // one change or use at a time
};

}  // namespace trivet::service
