// SPDX-License-Identifier: Apache-2.0
#include "service/cluster_interfaces.h"

#include <map>
#include <utility>

#include "service/ec2_faults.h"

namespace trivet::service {
namespace {

struct Wanted {
  std::string subnet_id;
  std::vector<std::string> group_ids;
};

// By owner.
std::map<std::string, Wanted> wanted_interfaces(const std::vector<Cluster>& clusters) {
  std::map<std::string, Wanted> out;
  for (const Cluster& cluster : clusters) {
    if (cluster.status == ClusterStatus::kDeleting || cluster.members.size() < 2) {
      continue;
    }
    const std::string prefix = "db/" + cluster.resource_id.str() + "/";
    out[prefix + "writer"] = {cluster.members[0].subnet_id, cluster.security_group_ids};
    out[prefix + "reader"] = {cluster.members[1].subnet_id, cluster.security_group_ids};
    for (const Member& member : cluster.members) {
      out[prefix + member.id.str()] = {member.subnet_id, cluster.security_group_ids};
    }
  }
  return out;
}

}  // namespace

SettledInterfaces settle_cluster_interfaces(const NetworkState& state,
                                            const std::vector<Cluster>& clusters,
                                            const std::vector<NetworkInterface>& leased) {
  SettledInterfaces out;
  auto wanted = wanted_interfaces(clusters);
  NetworkState next = state;  // so that each new address is taken for those after it
  for (const auto& [id, interface] : state.interfaces) {
    if (!interface.owner.starts_with("db/")) {
      continue;
    }
    const auto it = wanted.find(interface.owner);
    if (it == wanted.end()) {
      out.change.remove(interface);
      next.interfaces.erase(id);
      continue;
    }
    if (it->second.group_ids != interface.group_ids) {
      NetworkInterface changed = interface;
      changed.group_ids = it->second.group_ids;
      out.change.put(changed);
    }
    wanted.erase(it);
  }
  for (const auto& [owner, want] : wanted) {
    const Subnet* subnet = state.find_subnet(want.subnet_id);
    if (subnet == nullptr) {
      continue;  // of a cluster that is older than its subnet's record
    }
    auto made = new_interface(next, *subnet, leased);
    if (!made) {
      out.trouble = made.error().message;
      continue;
    }
    made->description = "RDSNetworkInterface";
    made->requester_id = "amazon-rds";
    made->owner = owner;
    made->group_ids = want.group_ids;
    out.change.put(*made);
    next.interfaces[made->id] = std::move(*made);
  }
  return out;
}

}  // namespace trivet::service
