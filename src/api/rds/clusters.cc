// SPDX-License-Identifier: Apache-2.0
//
// DescribeDBClusters, DeleteDBCluster, FailoverDBCluster.
#include <fmt/format.h>

#include "api/rds/common.h"
#include "api/rds/shapes.h"

namespace trivet::api::rds {
namespace {

FilterValues filter_values(const Cluster& cluster, const Realm& realm, std::string_view name) {
  if (name == "db-cluster-id") {
    return std::vector<std::string>{cluster.id.str(), arn(realm, "cluster", cluster.id.str())};
  }
  if (name == "db-cluster-resource-id") {
    return one(cluster.resource_id.str());
  }
  if (name == "engine") {
    return one(cluster.engine);
  }
  if (name == "clone-group-id" || name == "domain") {
    return std::vector<std::string>();
  }
  return std::nullopt;
}

Result<DescribeDBClustersResponse> describe(const RdsServices& services, const Realm& realm,
                                            const DescribeDBClustersRequest& request) {
  std::vector<ClusterViewPtr> views;
  if (request.DBClusterIdentifier && !request.DBClusterIdentifier->empty()) {
    TRIVET_TRY(ClusterViewPtr view, find_cluster(services, realm, *request.DBClusterIdentifier));
    views.push_back(std::move(view));
  } else {
    views = services.clusters.views();  // by name
  }
  const Cluster nothing;
  TRIVET_TRY(bool is_passing, passes(request.Filters, [&](std::string_view name) {
               return filter_values(nothing, realm, name);
             }));
  std::vector<ClusterViewPtr> found;
  for (const ClusterViewPtr& view : views) {
    TRIVET_TRY(is_passing, passes(request.Filters, [&](std::string_view name) {
                 return filter_values(view->cluster, realm, name);
               }));
    if (is_passing) {
      found.push_back(view);
    }
  }
  DescribeDBClustersResponse response{.Marker = request.Marker, .DBClusters = {}};
  TRIVET_CHECK_OK(cut_page(found, request.MaxRecords, response.Marker,
                           [](const ClusterViewPtr& view) { return view->cluster.id.str(); }));
  for (const ClusterViewPtr& view : found) {
    response.DBClusters.push_back(cluster_shape(*view, realm));
  }
  return response;
}

Status check_delete(const DeleteDBClusterRequest& request) {
  const bool is_skipped = request.SkipFinalSnapshot.value_or(false);
  const bool has_name =
      request.FinalDBSnapshotIdentifier && !request.FinalDBSnapshotIdentifier->empty();
  if (is_skipped && has_name) {
    return bad_combination(
        "FinalDBSnapshotIdentifier can't be specified when SkipFinalSnapshot is enabled.");
  }
  if (!is_skipped && !has_name) {
    return bad_combination(
        "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified. (Snapshots "
        "are not implemented here: specify SkipFinalSnapshot.)");
  }
  if (has_name) {
    return bad_combination(
        "Snapshots are not implemented: no final snapshot can be taken, and the cluster was not "
        "deleted. Specify SkipFinalSnapshot to delete it without one.");
  }
  if (!request.DeleteAutomatedBackups.value_or(true)) {
    return not_implemented(
        "DeleteAutomatedBackups=false is not implemented: there are no automated backups to keep.");
  }
  return ok();
}

Result<DeleteDBClusterResponse> remove(const RdsServices& services, const Realm& realm,
                                       const DeleteDBClusterRequest& request) {
  TRIVET_TRY(const ClusterViewPtr now, find_cluster(services, realm, request.DBClusterIdentifier));
  TRIVET_CHECK_OK(check_delete(request));
  TRIVET_TRY(const ClusterViewPtr deleting, services.clusters.remove(now->cluster.id));
  return DeleteDBClusterResponse{.DBCluster = cluster_shape(*deleting, realm)};
}

Result<FailoverDBClusterResponse> fail_over(const RdsServices& services, const Realm& realm,
                                            const FailoverDBClusterRequest& request) {
  TRIVET_TRY(const ClusterViewPtr before,
             find_cluster(services, realm, request.DBClusterIdentifier));
  const std::string target = request.TargetDBInstanceIdentifier.value_or("");
  const ClusterId& id = before->cluster.id;
  // RDS kills the writer whatever is asked for; with a target we hand over gracefully.
  TRIVET_CHECK_OK(target.empty() ? services.clusters.request_failover(id)
                                 : services.clusters.request_switchover(id, MemberId(target)));
  // As it was when the call came, whatever has been done by now: a moment later the cluster may
  // have no writer, or a new one.
  service::ClusterView begun = *before;
  begun.is_rebooting = false;
  begun.is_switching_over = true;
  return FailoverDBClusterResponse{.DBCluster = cluster_shape(begun, realm)};
}

std::vector<Permission> delete_permissions(const RdsServices& services, const Realm& realm,
                                           const DeleteDBClusterRequest& request) {
  std::vector<Permission> all{
      cluster_permission(services, realm, "rds:DeleteDBCluster", request.DBClusterIdentifier)};
  if (request.FinalDBSnapshotIdentifier && !request.FinalDBSnapshotIdentifier->empty()) {
    all.push_back({.action = "rds:DeleteDBCluster",
                   .resource = arn(realm, "cluster-snapshot", *request.FinalDBSnapshotIdentifier)});
  }
  return all;
}

// Aurora's; there are none here, which is what Terraform asks of every cluster.
Result<DescribeGlobalClustersResponse> describe_global(
    const DescribeGlobalClustersRequest& request) {
  if (has_text(request.GlobalClusterIdentifier)) {
    return aws_fault(Errc::kNotFound, "GlobalClusterNotFoundFault",
                     fmt::format("Global cluster {} not found", *request.GlobalClusterIdentifier));
  }
  return DescribeGlobalClustersResponse{};
}

}  // namespace

void add_cluster_actions(ActionTable& table, const RdsServices& services) {
  table.add(make_action<DescribeGlobalClustersRequest>(
      [](const Call& call, const DescribeGlobalClustersRequest& request) {
        // A global cluster's ARN has no Region.
        return std::vector<Permission>{
            {.action = "rds:DescribeGlobalClusters",
             .resource = fmt::format("arn:{}:rds::{}:global-cluster:{}", call.realm.partition,
                                     call.realm.account.str(),
                                     request.GlobalClusterIdentifier.value_or("*"))}};
      },
      [](const Call&, const DescribeGlobalClustersRequest& request) {
        return describe_global(request);
      }));
  table.add(make_action<DescribeDBClustersRequest>(
      [services](const Call& call, const DescribeDBClustersRequest& request) {
        return std::vector<Permission>{
            cluster_permission(services, call.realm, "rds:DescribeDBClusters",
                               request.DBClusterIdentifier.value_or(""))};
      },
      [services](const Call& call, const DescribeDBClustersRequest& request) {
        return describe(services, call.realm, request);
      }));
  table.add(make_action<DeleteDBClusterRequest>(
      [services](const Call& call, const DeleteDBClusterRequest& request) {
        return delete_permissions(services, call.realm, request);
      },
      [services](const Call& call, const DeleteDBClusterRequest& request) {
        return remove(services, call.realm, request);
      }));
  table.add(make_action<FailoverDBClusterRequest>(
      [services](const Call& call, const FailoverDBClusterRequest& request) {
        return std::vector<Permission>{cluster_permission(
            services, call.realm, "rds:FailoverDBCluster", request.DBClusterIdentifier)};
      },
      [services](const Call& call, const FailoverDBClusterRequest& request) {
        return fail_over(services, call.realm, request);
      }));
}

}  // namespace trivet::api::rds
