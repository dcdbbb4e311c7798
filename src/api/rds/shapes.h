// SPDX-License-Identifier: Apache-2.0
//
// Clusters, members and DB subnet groups as RDS's responses show them. Pure.
#pragma once

#include "api/shapes/rds.h"
#include "model/ids.h"
#include "service/cluster_view.h"
#include "service/network_state.h"

namespace trivet::api::rds {

rds::DBCluster cluster_shape(const service::ClusterView& view, const Realm& realm);
// gp3 has a baseline without being asked. nullopt: the storage type has none.
std::optional<std::int32_t> shown_iops(const Cluster& cluster);
rds::DBSubnetGroup subnet_group_shape(const DbSubnetGroup& group,
                                      const service::NetworkState& network, const Realm& realm);

// What a member's description is made of beside its cluster.
struct InstanceFacts {
  const service::NetworkState& network;
  const Tags& tags;
  const Realm& realm;
};
rds::DBInstance instance_shape(const service::ClusterView& view, const Member& member,
                               const InstanceFacts& facts);

}  // namespace trivet::api::rds
