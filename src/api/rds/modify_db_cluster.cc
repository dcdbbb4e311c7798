// SPDX-License-Identifier: Apache-2.0
//
// ModifyDBCluster. What it can change here takes effect at once, with ApplyImmediately or without,
// as AWS does with the same parameters; the others are refused.
#include <functional>

#include "api/rds/cluster_change.h"
#include "api/rds/common.h"
#include "api/rds/shapes.h"
#include "service/cluster_faults.h"

namespace trivet::api::rds {
namespace {

// The keys that AWS's service authorization reference has for ModifyDBCluster.
void add_modify_keys(const ModifyDBClusterRequest& request, Permission& permission) {
  ConditionKeys& keys = permission.context;
  if (request.ManageMasterUserPassword) {
    keys["rds:ManageMasterUserPassword"] = {*request.ManageMasterUserPassword ? "true" : "false"};
  }
  if (request.DBClusterInstanceClass) {
    keys["rds:DatabaseClass"] = {*request.DBClusterInstanceClass};
  }
  if (request.AllocatedStorage) {
    keys["rds:StorageSize"] = {std::to_string(*request.AllocatedStorage)};
  }
  if (request.Iops) {
    keys["rds:Piops"] = {std::to_string(*request.Iops)};
  }
}

std::vector<Permission> permissions(const RdsServices& services, const Realm& realm,
                                    const ModifyDBClusterRequest& request) {
  constexpr std::string_view kAction = "rds:ModifyDBCluster";
  std::vector<Permission> all{
      cluster_permission(services, realm, kAction, request.DBClusterIdentifier)};
  if (request.DBClusterParameterGroupName) {
    all.push_back({.action = std::string(kAction),
                   .resource = arn(realm, "cluster-pg", *request.DBClusterParameterGroupName)});
  }
  for (Permission& permission : all) {
    add_modify_keys(request, permission);
  }
  return all;
}

// A stopped cluster's record may change; AWS would have it started first.
Status check_state(const Cluster& cluster) {
  const bool is_there =
      cluster.status == ClusterStatus::kAvailable || cluster.status == ClusterStatus::kStopped;
  return is_there ? ok()
                  : Status(service::wrong_state(cluster.id, to_string(cluster.status),
                                                "available,stopped"));
}

Result<ModifyDBClusterResponse> run(const RdsServices& services, const Realm& realm,
                                    const ModifyDBClusterRequest& request) {
  TRIVET_TRY(const ClusterViewPtr before,
             find_cluster(services, realm, request.DBClusterIdentifier));
  const ClusterId id = before->cluster.id;
  const auto on_network = [&](const std::function<Status(const service::NetworkState&)>& use) {
    return services.subnet_groups.hold(
        before->cluster.subnet_group,
        [&](const service::NetworkState& network, const DbSubnetGroup&) { return use(network); });
  };
  const auto apply = [&](const service::NetworkState& network, Cluster& cluster) -> Status {
    TRIVET_CHECK_OK(check_state(cluster));
    TRIVET_TRY(cluster, changed_cluster(request, cluster, network));
    return ok();
  };
  Cluster tried = before->cluster;  // before anything is done
  TRIVET_CHECK_OK(on_network([&](const auto& network) { return apply(network, tried); }));
  if (request.MasterUserPassword) {
    TRIVET_CHECK_OK(services.clusters.reset_master_user(id, request.MasterUserPassword->copy()));
  }
  TRIVET_CHECK_OK(on_network([&](const auto& network) {
    return services.clusters.update(id, [&](Cluster& cluster) { return apply(network, cluster); });
  }));
  TRIVET_TRY(const ClusterViewPtr after,
             find_cluster(services, realm, request.DBClusterIdentifier));
  return ModifyDBClusterResponse{.DBCluster = cluster_shape(*after, realm)};
}

}  // namespace

void add_modify_db_cluster(ActionTable& table, const RdsServices& services) {
  table.add(make_action<ModifyDBClusterRequest>(
      [services](const Call& call, const ModifyDBClusterRequest& request) {
        return permissions(services, call.realm, request);
      },
      [services](const Call& call, const ModifyDBClusterRequest& request) {
        return run(services, call.realm, request);
      }));
}

}  // namespace trivet::api::rds
