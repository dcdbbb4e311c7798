// SPDX-License-Identifier: Apache-2.0
//
// RebootDBCluster, RebootDBInstance, StopDBCluster, StartDBCluster. AWS has no stop for Multi-AZ DB
// clusters; the last two answer as they do for the clusters that AWS can stop.
#include "api/rds/common.h"
#include "api/rds/shapes.h"

namespace trivet::api::rds {
namespace {

Result<RebootDBInstanceResponse> reboot_instance(const RdsServices& services, const Realm& realm,
                                                 const RebootDBInstanceRequest& request) {
  const auto id = name_of(realm, "db", request.DBInstanceIdentifier);
  const auto found = id ? find_instance(services, *id) : std::nullopt;
  if (!found) {
    return no_such_instance(request.DBInstanceIdentifier);
  }
  if (request.ForceFailover.value_or(false)) {
    return bad_combination(
        "ForceFailover cannot be specified since the instance is not configured for either MultiAZ "
        "or High Availability");
  }
  TRIVET_TRY(const service::NetworkState network, services.subnet_groups.state());
  TRIVET_TRY(const Tags tags, services.instance_tags.get(found->member.resource_id));
  TRIVET_TRY(const ClusterViewPtr view, services.clusters.reboot_member(found->member.id));
  return RebootDBInstanceResponse{
      .DBInstance =
          instance_shape(*view, found->member, {.network = network, .tags = tags, .realm = realm})};
}

using OnCluster = Result<ClusterViewPtr> (service::ClusterService::*)(const ClusterId&);

// An action on a whole cluster that takes nothing but its name.
template <typename Request, typename Response>
void add_on_cluster(ActionTable& table, const RdsServices& services, const std::string& permission,
                    OnCluster work) {
  table.add(make_action<Request>(
      [services, permission](const Call& call, const Request& request) {
        return std::vector<Permission>{
            cluster_permission(services, call.realm, permission, request.DBClusterIdentifier)};
      },
      [services, work](const Call& call, const Request& request) -> Result<Response> {
        TRIVET_TRY(const ClusterViewPtr before,
                   find_cluster(services, call.realm, request.DBClusterIdentifier));
        TRIVET_TRY(const ClusterViewPtr view, (services.clusters.*work)(before->cluster.id));
        return Response{.DBCluster = cluster_shape(*view, call.realm)};
      }));
}

}  // namespace

void add_lifecycle_actions(ActionTable& table, const RdsServices& services) {
  using service::ClusterService;
  add_on_cluster<RebootDBClusterRequest, RebootDBClusterResponse>(
      table, services, "rds:RebootDBCluster", &ClusterService::reboot);
  add_on_cluster<StopDBClusterRequest, StopDBClusterResponse>(table, services, "rds:StopDBCluster",
                                                              &ClusterService::stop_cluster);
  add_on_cluster<StartDBClusterRequest, StartDBClusterResponse>(
      table, services, "rds:StartDBCluster", &ClusterService::start_cluster);
  table.add(make_action<RebootDBInstanceRequest>(
      [services](const Call& call, const RebootDBInstanceRequest& request) {
        return std::vector<Permission>{instance_permission(
            services, call.realm, "rds:RebootDBInstance", request.DBInstanceIdentifier)};
      },
      [services](const Call& call, const RebootDBInstanceRequest& request) {
        return reboot_instance(services, call.realm, request);
      }));
}

}  // namespace trivet::api::rds
