// SPDX-License-Identifier: Apache-2.0
//
// CreateDBCluster's request, checked by AWS's rules and turned into the cluster that is wanted.
// What AWS takes and this installation does not have is refused by name, never dropped. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/shapes/rds.h"
#include "base/result.h"
#include "base/secret.h"
#include "model/cluster.h"
#include "model/network.h"
#include "service/cluster_service.h"
#include "service/engine_catalog.h"
#include "service/network_state.h"

namespace trivet::api::rds {

struct ClusterWish {
  Cluster wanted;  // all but ids, members, endpoints and network
  std::uint16_t port = 3306;
  SecretString master_password;
  std::string subnet_group = "default";  // lower case
  std::vector<std::string> zones;        // asked for, sorted; empty: any
  std::optional<bool> is_public;         // asked for
};

struct WishContext {
  std::span<const service::EngineVersion> engines;
  const Realm& realm;
  // Even over [0, bound): for the windows that nobody asked for.
  std::function<std::uint64_t(std::uint64_t bound)> random_below;
};

// Faults: InvalidParameterValue, InvalidParameterCombination, StorageTypeNotSupported,
// DBClusterParameterGroupNotFound, NetworkTypeNotSupported, NotImplemented.
Result<ClusterWish> read_cluster_wish(const CreateDBClusterRequest& request,
                                      const WishContext& context);

// InvalidParameterValue.
Status check_master_password(std::string_view text);
Status check_backup_days(std::int32_t days);
// All are there, and in this VPC. InvalidParameterValue, InvalidParameterCombination.
Status check_security_groups(const service::NetworkState& network,
                             const std::vector<std::string>& ids, const std::string& vpc_id);

// One subnet in each of three zones of the group. Into `wish` go the security groups, those asked
// for, else the VPC's default one, and whether it is publicly accessible. Faults:
// DBSubnetGroupDoesNotCoverEnoughAZs, InvalidParameterValue, InvalidVPCNetworkStateFault,
// InvalidParameterCombination.
Result<std::vector<service::MemberPlace>> place_cluster(const service::NetworkState& network,
                                                        const DbSubnetGroup& group,
                                                        ClusterWish& wish);

}  // namespace trivet::api::rds
