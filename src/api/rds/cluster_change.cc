// SPDX-License-Identifier: Apache-2.0
#include "api/rds/cluster_change.h"

#include <fmt/format.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "api/rds/cluster_wish.h"
#include "api/rds/common.h"
#include "api/rds/shapes.h"
#include "api/rds/windows.h"

namespace trivet::api::rds {
namespace {

// 9.7 is what 9.7.4 is one of.
bool is_version(std::string_view asked, std::string_view running) {
  return running == asked || running.starts_with(std::string(asked) + '.');
}

// What is shown, which has a baseline where nothing was asked for; 0 is "the baseline" there.
bool keeps_iops(std::int32_t asked, const Cluster& now) {
  return shown_iops(now) == asked || (asked == 0 && !now.iops);
}

Status refuse_aurora(const ModifyDBClusterRequest& request) {
  const std::pair<std::string_view, bool> refusals[] = {
      {"Port", request.Port.has_value()},
      {"OptionGroupName", has_text(request.OptionGroupName)},
      {"BacktrackWindow", request.BacktrackWindow.value_or(0) != 0},
      {"DBInstanceParameterGroupName", has_text(request.DBInstanceParameterGroupName)},
      {"Domain", has_text(request.Domain)},
      {"DomainIAMRoleName", has_text(request.DomainIAMRoleName)},
      {"ScalingConfiguration", request.ScalingConfiguration.has_value()},
      {"ServerlessV2ScalingConfiguration", request.ServerlessV2ScalingConfiguration.has_value()},
      {"EnableHttpEndpoint", is_true(request.EnableHttpEndpoint)},
      {"EnableGlobalWriteForwarding", is_true(request.EnableGlobalWriteForwarding)},
      {"EnableLocalWriteForwarding", is_true(request.EnableLocalWriteForwarding)},
      {"NetworkType", differs(request.NetworkType, "ipv4")},
      {"EngineMode", differs(request.EngineMode, "provisioned")},
      {"AllowEngineModeChange", is_true(request.AllowEngineModeChange)},
      {"AwsBackupRecoveryPointArn", has_text(request.AwsBackupRecoveryPointArn)},
      {"EnableLimitlessDatabase", is_true(request.EnableLimitlessDatabase)},
  };
  for (const auto& [parameter, is_set] : refusals) {
    if (is_set) {
      return bad_combination(
          fmt::format("The parameter {} isn't supported for Multi-AZ DB clusters.", parameter));
    }
  }
  return ok();
}

Status refuse_unbuilt(const ModifyDBClusterRequest& request, const Cluster& now) {
  const std::pair<std::string_view, bool> refusals[] = {
      {"NewDBClusterIdentifier", differs(request.NewDBClusterIdentifier, now.id.str())},
      {"DBClusterParameterGroupName",
       differs(request.DBClusterParameterGroupName, now.parameter_group)},
      {"CloudwatchLogsExportConfiguration",
       request.CloudwatchLogsExportConfiguration &&
           !request.CloudwatchLogsExportConfiguration->EnableLogTypes.empty()},
      {"EngineVersion",
       has_text(request.EngineVersion) && !is_version(*request.EngineVersion, now.engine_version)},
      {"DBClusterInstanceClass", differs(request.DBClusterInstanceClass, now.instance_class)},
      {"AllocatedStorage",
       request.AllocatedStorage && *request.AllocatedStorage != now.allocated_storage_gib},
      {"StorageType", differs(request.StorageType, now.storage_type)},
      {"Iops", request.Iops && !keeps_iops(*request.Iops, now)},
      {"MonitoringInterval",
       request.MonitoringInterval && *request.MonitoringInterval != now.monitoring_interval_s},
      {"MonitoringRoleArn", has_text(request.MonitoringRoleArn) &&
                                *request.MonitoringRoleArn != now.monitoring_role_arn},
      {"DatabaseInsightsMode", differs(request.DatabaseInsightsMode, "standard")},
      {"EnablePerformanceInsights", is_true(request.EnablePerformanceInsights)},
      {"PerformanceInsightsKMSKeyId", has_text(request.PerformanceInsightsKMSKeyId)},
      {"PerformanceInsightsRetentionPeriod",
       request.PerformanceInsightsRetentionPeriod.has_value()},
      {"ManageMasterUserPassword", is_true(request.ManageMasterUserPassword)},
      {"RotateMasterUserPassword", is_true(request.RotateMasterUserPassword)},
      {"MasterUserSecretKmsKeyId", has_text(request.MasterUserSecretKmsKeyId)},
      {"MasterUserAuthenticationType", differs(request.MasterUserAuthenticationType, "password")},
      {"CACertificateIdentifier", has_text(request.CACertificateIdentifier)},
      {"EngineLifecycleSupport",
       differs(request.EngineLifecycleSupport, "open-source-rds-extended-support")},
  };
  for (const auto& [parameter, is_set] : refusals) {
    if (is_set) {
      return not_implemented(
          fmt::format("The parameter {} is not implemented for ModifyDBCluster.", parameter));
    }
  }
  return ok();
}

}  // namespace

Result<Cluster> changed_cluster(const ModifyDBClusterRequest& request, Cluster now,
                                const service::NetworkState& network) {
  TRIVET_CHECK_OK(refuse_aurora(request));
  TRIVET_CHECK_OK(refuse_unbuilt(request, now));
  if (request.MasterUserPassword) {
    TRIVET_CHECK_OK(check_master_password(request.MasterUserPassword->reveal()));
  }
  if (request.BackupRetentionPeriod) {
    TRIVET_CHECK_OK(check_backup_days(*request.BackupRetentionPeriod));
    now.backup_retention_days = *request.BackupRetentionPeriod;
  }
  if (request.PreferredBackupWindow || request.PreferredMaintenanceWindow) {
    const auto nothing_to_draw = [](std::uint64_t) { return std::uint64_t{0}; };
    TRIVET_TRY(Windows windows,
               choose_windows(request.PreferredBackupWindow.value_or(now.backup_window),
                              request.PreferredMaintenanceWindow.value_or(now.maintenance_window),
                              nothing_to_draw));
    now.backup_window = std::move(windows.backup);
    now.maintenance_window = std::move(windows.maintenance);
  }
  const std::set<std::string> groups(request.VpcSecurityGroupIds.begin(),
                                     request.VpcSecurityGroupIds.end());
  if (!groups.empty()) {
    now.security_group_ids = {groups.begin(), groups.end()};
    TRIVET_CHECK_OK(check_security_groups(network, now.security_group_ids, now.vpc_id));
  }
  now.iam_authentication = request.EnableIAMDatabaseAuthentication.value_or(now.iam_authentication);
  now.deletion_protection = request.DeletionProtection.value_or(now.deletion_protection);
  now.copy_tags_to_snapshot = request.CopyTagsToSnapshot.value_or(now.copy_tags_to_snapshot);
  now.auto_minor_version_upgrade =
      request.AutoMinorVersionUpgrade.value_or(now.auto_minor_version_upgrade);
  return now;
}

}  // namespace trivet::api::rds
