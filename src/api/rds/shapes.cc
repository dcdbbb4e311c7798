// SPDX-License-Identifier: Apache-2.0
#include "api/rds/shapes.h"

#include <algorithm>

#include "api/rds/common.h"
#include "base/crypto.h"
#include "service/engine_catalog.h"

namespace trivet::api::rds {
namespace {

constexpr std::string_view kLifecycle = "open-source-rds-extended-support";

// Route 53 names the zone of an endpoint. There is one zone here for an account and a Region; its
// name is as opaque as AWS's.
std::string hosted_zone_id(const Realm& realm) {
  const std::string digest = sha256("hosted zone/" + realm.account.str() + "/" + realm.region);
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  std::string id = "Z";
  for (std::size_t i = 0; i < 13; ++i) {
    id += kAlphabet[static_cast<unsigned char>(digest[i]) % kAlphabet.size()];
  }
  return id;
}

std::vector<rds::VpcSecurityGroupMembership> security_group_shapes(const Cluster& cluster) {
  std::vector<rds::VpcSecurityGroupMembership> shapes;
  for (const std::string& id : cluster.security_group_ids) {
    shapes.push_back({.VpcSecurityGroupId = id, .Status = "active"});
  }
  return shapes;
}

struct Storage {
  std::optional<std::int32_t> iops;
  std::optional<std::int32_t> throughput;
};

// gp3 has both without being asked; the provisioned types have what was asked for.
Storage storage_of(const Cluster& cluster) {
  Storage out;
  if (cluster.storage_type == "gp3") {
    const auto baseline = service::gp3_baseline(cluster.allocated_storage_gib);
    out.iops = static_cast<std::int32_t>(baseline.iops);
    out.throughput = static_cast<std::int32_t>(baseline.throughput_mib_s);
  }
  if (cluster.iops) {
    out.iops = static_cast<std::int32_t>(*cluster.iops);
  }
  return out;
}

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

service::EngineVersion engine_of(const Cluster& cluster) {
  return {.engine = cluster.engine, .version = cluster.engine_version};
}

void set_members(const service::ClusterView& view, rds::DBCluster& out) {
  for (const Member& member : view.cluster.members) {
    out.AvailabilityZones.push_back(member.availability_zone);
    out.DBClusterMembers.push_back({.DBInstanceIdentifier = member.id.str(),
                                    .IsClusterWriter = view.writer == member.id,
                                    .DBClusterParameterGroupStatus = "in-sync",
                                    .PromotionTier = 1});
  }
  std::sort(out.AvailabilityZones.begin(), out.AvailabilityZones.end());
}

void set_storage(const Cluster& cluster, rds::DBCluster& out) {
  const Storage storage = storage_of(cluster);
  out.AllocatedStorage = static_cast<std::int32_t>(cluster.allocated_storage_gib);
  out.StorageType = cluster.storage_type;
  out.Iops = storage.iops;
  out.StorageThroughput = storage.throughput;
  out.StorageEncrypted = cluster.storage_encrypted;
}

void set_options(const Cluster& cluster, rds::DBCluster& out) {
  out.BackupRetentionPeriod = cluster.backup_retention_days;
  out.PreferredBackupWindow = cluster.backup_window;
  out.PreferredMaintenanceWindow = cluster.maintenance_window;
  out.AutoMinorVersionUpgrade = cluster.auto_minor_version_upgrade;
  out.DeletionProtection = cluster.deletion_protection;
  out.CopyTagsToSnapshot = cluster.copy_tags_to_snapshot;
  out.PubliclyAccessible = cluster.publicly_accessible;
  out.IAMDatabaseAuthenticationEnabled = cluster.iam_authentication;
  out.MonitoringInterval = cluster.monitoring_interval_s;
  out.MonitoringRoleArn = unless_empty(cluster.monitoring_role_arn);
  out.PerformanceInsightsEnabled = false;
  out.DatabaseInsightsMode = "standard";
  out.HttpEndpointEnabled = false;
  out.CrossAccountClone = false;
  out.ActivityStreamStatus = "stopped";
  out.NetworkType = "IPV4";
  out.EngineLifecycleSupport = std::string(kLifecycle);
}

}  // namespace

rds::DBCluster cluster_shape(const service::ClusterView& view, const Realm& realm) {
  const Cluster& cluster = view.cluster;
  rds::DBCluster out;
  out.DBClusterIdentifier = cluster.id.str();
  out.DBClusterArn = arn(realm, "cluster", cluster.id.str());
  out.DbClusterResourceId = cluster.resource_id.str();
  out.Status = service::status_text(view);
  out.Engine = cluster.engine;
  out.EngineVersion = cluster.engine_version;
  out.EngineMode = "provisioned";
  out.MultiAZ = true;
  out.Endpoint = cluster.writer_endpoint.name;
  out.ReaderEndpoint = cluster.reader_endpoint.name;
  out.Port = cluster.writer_endpoint.port;
  out.HostedZoneId = hosted_zone_id(realm);
  out.DBClusterInstanceClass = cluster.instance_class;
  out.DBClusterParameterGroup = cluster.parameter_group;
  out.DBSubnetGroup = cluster.subnet_group;
  out.VpcSecurityGroups = security_group_shapes(cluster);
  out.MasterUsername = cluster.master_username;
  out.DatabaseName = unless_empty(cluster.database_name);
  out.ClusterCreateTime = cluster.created;
  out.TagList = tag_shapes(cluster.tags);
  set_members(view, out);
  set_storage(cluster, out);
  set_options(cluster, out);
  return out;
}

std::optional<std::int32_t> shown_iops(const Cluster& cluster) {
  return storage_of(cluster).iops;
}

rds::DBSubnetGroup subnet_group_shape(const DbSubnetGroup& group,
                                      const service::NetworkState& network, const Realm& realm) {
  rds::DBSubnetGroup out;
  out.DBSubnetGroupName = group.name;
  out.DBSubnetGroupDescription = group.description;
  out.VpcId = group.vpc_id;
  out.SubnetGroupStatus = "Complete";
  for (const std::string& id : group.subnet_ids) {
    rds::Subnet subnet;
    subnet.SubnetIdentifier = id;
    subnet.SubnetStatus = "Active";
    subnet.SubnetOutpost = rds::Outpost{};
    if (const trivet::Subnet* found = network.find_subnet(id)) {
      subnet.SubnetAvailabilityZone = rds::AvailabilityZone{.Name = found->availability_zone};
    }
    out.Subnets.push_back(std::move(subnet));
  }
  out.DBSubnetGroupArn = arn(realm, "subgrp", group.name);
  out.SupportedNetworkTypes = {"IPV4"};
  return out;
}

rds::DBInstance instance_shape(const service::ClusterView& view, const Member& member,
                               const InstanceFacts& facts) {
  const Cluster& cluster = view.cluster;
  const Storage storage = storage_of(cluster);
  const service::EngineVersion engine = engine_of(cluster);
  const auto status =
      std::find_if(view.members.begin(), view.members.end(),
                   [&](const service::MemberStatus& entry) { return entry.id == member.id; });
  rds::DBInstance out;
  out.DBInstanceIdentifier = member.id.str();
  out.DBInstanceArn = arn(facts.realm, "db", member.id.str());
  out.DbiResourceId = member.resource_id;
  out.DBInstanceClass = cluster.instance_class;
  out.Engine = cluster.engine;
  out.EngineVersion = cluster.engine_version;
  out.DBInstanceStatus = status == view.members.end()
                             ? std::string(to_string(cluster.status))
                             : service::instance_status_text(view, *status);
  out.MasterUsername = cluster.master_username;
  out.DBName = unless_empty(cluster.database_name);
  out.Endpoint = rds::Endpoint{.Address = member.endpoint.name,
                               .Port = member.endpoint.port,
                               .HostedZoneId = hosted_zone_id(facts.realm)};
  out.AllocatedStorage = static_cast<std::int32_t>(cluster.allocated_storage_gib);
  out.StorageType = cluster.storage_type;
  out.Iops = storage.iops;
  out.StorageThroughput = storage.throughput;
  out.StorageEncrypted = cluster.storage_encrypted;
  out.InstanceCreateTime = cluster.created;
  out.PreferredBackupWindow = cluster.backup_window;
  out.PreferredMaintenanceWindow = cluster.maintenance_window;
  out.BackupRetentionPeriod = cluster.backup_retention_days;
  out.BackupTarget = "region";
  out.VpcSecurityGroups = security_group_shapes(cluster);
  out.DBParameterGroups.push_back(
      {.DBParameterGroupName = engine.parameter_group(), .ParameterApplyStatus = "in-sync"});
  out.OptionGroupMemberships.push_back(
      {.OptionGroupName = engine.option_group(), .Status = "in-sync"});
  out.AvailabilityZone = member.availability_zone;
  if (const DbSubnetGroup* group = facts.network.find_subnet_group(cluster.subnet_group)) {
    out.DBSubnetGroup = subnet_group_shape(*group, facts.network, facts.realm);
  }
  out.MultiAZ = false;  // of the instance: the cluster is in three zones, it is in one
  out.AutoMinorVersionUpgrade = cluster.auto_minor_version_upgrade;
  out.LicenseModel = "general-public-license";
  out.PubliclyAccessible = cluster.publicly_accessible;
  out.DbInstancePort = 0;
  out.DBClusterIdentifier = cluster.id.str();
  out.CopyTagsToSnapshot = cluster.copy_tags_to_snapshot;
  out.MonitoringInterval = cluster.monitoring_interval_s;
  out.MonitoringRoleArn = unless_empty(cluster.monitoring_role_arn);
  out.PromotionTier = 1;
  out.IAMDatabaseAuthenticationEnabled = cluster.iam_authentication;
  out.PerformanceInsightsEnabled = false;
  out.DatabaseInsightsMode = "standard";
  out.DeletionProtection = cluster.deletion_protection;
  out.TagList = tag_shapes(facts.tags);
  out.NetworkType = "IPV4";
  out.CustomerOwnedIpEnabled = false;
  out.MultiTenant = false;
  out.DedicatedLogVolume = false;
  out.EngineLifecycleSupport = std::string(kLifecycle);
  return out;
}

}  // namespace trivet::api::rds
