// SPDX-License-Identifier: Apache-2.0
//
// CreateDBCluster.
#include "api/rds/cluster_wish.h"
#include "api/rds/common.h"
#include "api/rds/shapes.h"
#include "base/random.h"

namespace trivet::api::rds {
namespace {

std::string bool_text(const std::optional<bool>& value) {
  return value.value_or(false) ? "true" : "false";
}

// The keys that AWS's service authorization reference has for CreateDBCluster.
void add_create_keys(const CreateDBClusterRequest& request, Permission& permission) {
  ConditionKeys& keys = permission.context;
  keys["rds:DatabaseEngine"] = {request.Engine};
  keys["rds:StorageEncrypted"] = {bool_text(request.StorageEncrypted)};
  keys["rds:ManageMasterUserPassword"] = {bool_text(request.ManageMasterUserPassword)};
  keys["rds:PubliclyAccessible"] = {bool_text(request.PubliclyAccessible)};
  if (request.DBClusterInstanceClass) {
    keys["rds:DatabaseClass"] = {*request.DBClusterInstanceClass};
  }
  if (request.DatabaseName) {
    keys["rds:DatabaseName"] = {*request.DatabaseName};
  }
  if (request.AllocatedStorage) {
    keys["rds:StorageSize"] = {std::to_string(*request.AllocatedStorage)};
  }
  if (request.Iops) {
    keys["rds:Piops"] = {std::to_string(*request.Iops)};
  }
}

std::vector<Permission> permissions(const RdsServices& services, const Realm& realm,
                                    const CreateDBClusterRequest& request) {
  constexpr std::string_view kAction = "rds:CreateDBCluster";
  const std::string cluster_arn = arn(realm, "cluster", to_lower(request.DBClusterIdentifier));
  Permission cluster{.action = std::string(kAction), .resource = cluster_arn};
  add_create_keys(request, cluster);
  add_request_tags(request.Tags, cluster);

  Permission group = subnet_group_permission(services, realm, kAction,
                                             request.DBSubnetGroupName.value_or("default"));
  Permission parameters{.action = std::string(kAction),
                        .resource = arn(realm, "cluster-pg",
                                        request.DBClusterParameterGroupName.value_or("default.*"))};
  for (Permission* other : {&group, &parameters}) {
    add_create_keys(request, *other);
    add_request_tags(request.Tags, *other);
  }
  std::vector<Permission> all{std::move(cluster), std::move(group), std::move(parameters)};
  if (!request.Tags.empty()) {
    Permission tag{.action = "rds:AddTagsToResource", .resource = cluster_arn};
    add_request_tags(request.Tags, tag);
    all.push_back(std::move(tag));
  }
  if (request.MonitoringRoleArn && !request.MonitoringRoleArn->empty()) {
    all.push_back({.action = "iam:PassRole",
                   .resource = *request.MonitoringRoleArn,
                   .context = {{"iam:PassedToService", {"monitoring.rds.amazonaws.com"}}}});
  }
  return all;
}

Result<CreateDBClusterResponse> run(const RdsServices& services, const Realm& realm,
                                    const CreateDBClusterRequest& request) {
  const auto engines = services.engines();
  TRIVET_TRY(ClusterWish wish, read_cluster_wish(request, {.engines = engines,
                                                           .realm = realm,
                                                           .random_below = [](std::uint64_t bound) {
                                                             return random_below(bound);
                                                           }}));
  CreateDBClusterResponse response;
  const auto create = [&](const service::NetworkState& network,
                          const DbSubnetGroup& group) -> Status {
    TRIVET_TRY(const auto places, place_cluster(network, group, wish));
    TRIVET_TRY(
        const ClusterViewPtr view,
        services.clusters.create(wish.wanted, wish.port, std::move(wish.master_password), places));
    response.DBCluster = cluster_shape(*view, realm);
    return ok();
  };
  TRIVET_CHECK_OK(services.subnet_groups.hold(wish.subnet_group, create));
  return response;
}

}  // namespace

void add_create_db_cluster(ActionTable& table, const RdsServices& services) {
  table.add(make_action<CreateDBClusterRequest>(
      [services](const Call& call, const CreateDBClusterRequest& request) {
        return permissions(services, call.realm, request);
      },
      [services](const Call& call, const CreateDBClusterRequest& request) {
        return run(services, call.realm, request);
      }));
}

}  // namespace trivet::api::rds
