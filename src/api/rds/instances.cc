// SPDX-License-Identifier: Apache-2.0
//
// DescribeDBInstances: the members of clusters.
#include <algorithm>

#include "api/rds/common.h"
#include "api/rds/shapes.h"

namespace trivet::api::rds {
namespace {

FilterValues filter_values(const Cluster& cluster, const trivet::Member& member, const Realm& realm,
                           std::string_view name) {
  if (name == "db-cluster-id") {
    return std::vector<std::string>{cluster.id.str(), arn(realm, "cluster", cluster.id.str())};
  }
  if (name == "db-instance-id") {
    return std::vector<std::string>{member.id.str(), arn(realm, "db", member.id.str())};
  }
  if (name == "dbi-resource-id") {
    return one(member.resource_id);
  }
  if (name == "engine") {
    return one(cluster.engine);
  }
  if (name == "domain") {
    return std::vector<std::string>();
  }
  return std::nullopt;
}

Result<std::vector<FoundInstance>> find(const RdsServices& services, const Realm& realm,
                                        const DescribeDBInstancesRequest& request) {
  TRIVET_TRY(bool is_passing, passes(request.Filters, [&](std::string_view name) {
               return filter_values({}, {}, realm, name);
             }));
  const std::string wanted = request.DBInstanceIdentifier.value_or("");
  const auto id = name_of(realm, "db", wanted);
  std::vector<FoundInstance> found;
  bool is_there = wanted.empty();
  for (const ClusterViewPtr& view : services.clusters.views()) {
    for (const trivet::Member& member : view->cluster.members) {
      if (!wanted.empty() && (!id || member.id.str() != *id)) {
        continue;
      }
      is_there = true;
      TRIVET_TRY(is_passing, passes(request.Filters, [&](std::string_view name) {
                   return filter_values(view->cluster, member, realm, name);
                 }));
      if (is_passing) {
        found.push_back({view, member});
      }
    }
  }
  if (!is_there) {
    return no_such_instance(wanted);
  }
  std::sort(found.begin(), found.end(), [](const FoundInstance& a, const FoundInstance& b) {
    return a.member.id < b.member.id;
  });
  return found;
}

Result<DescribeDBInstancesResponse> describe(const RdsServices& services, const Realm& realm,
                                             const DescribeDBInstancesRequest& request) {
  TRIVET_TRY(std::vector<FoundInstance> found, find(services, realm, request));
  TRIVET_TRY(const service::NetworkState network, services.subnet_groups.state());
  DescribeDBInstancesResponse response{.Marker = request.Marker, .DBInstances = {}};
  TRIVET_CHECK_OK(cut_page(found, request.MaxRecords, response.Marker,
                           [](const FoundInstance& instance) { return instance.member.id.str(); }));
  for (const FoundInstance& instance : found) {
    TRIVET_TRY(const Tags tags, services.instance_tags.get(instance.member.resource_id));
    response.DBInstances.push_back(instance_shape(
        *instance.view, instance.member, {.network = network, .tags = tags, .realm = realm}));
  }
  return response;
}

}  // namespace

void add_instance_actions(ActionTable& table, const RdsServices& services) {
  table.add(make_action<DescribeDBInstancesRequest>(
      [services](const Call& call, const DescribeDBInstancesRequest& request) {
        return std::vector<Permission>{
            instance_permission(services, call.realm, "rds:DescribeDBInstances",
                                request.DBInstanceIdentifier.value_or(""))};
      },
      [services](const Call& call, const DescribeDBInstancesRequest& request) {
        return describe(services, call.realm, request);
      }));
}

}  // namespace trivet::api::rds
