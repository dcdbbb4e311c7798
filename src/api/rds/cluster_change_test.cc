// SPDX-License-Identifier: Apache-2.0
#include "api/rds/cluster_change.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace trivet::api::rds {
namespace {

using Parameters = std::map<std::string, std::string>;

Cluster cluster() {
  Cluster out;
  out.id = ClusterId("demo");
  out.engine_version = "9.7.4";
  out.instance_class = "db.t3.micro";
  out.allocated_storage_gib = 20;
  out.storage_type = "gp3";
  out.vpc_id = "vpc-1";
  out.security_group_ids = {"sg-1"};
  out.parameter_group = "default.mysql9.7";
  out.backup_window = "03:00-03:30";
  out.maintenance_window = "mon:04:00-mon:04:30";
  return out;
}

Result<Cluster> change(Parameters parameters) {
  parameters["DBClusterIdentifier"] = "demo";
  TRIVET_TRY(const QueryParams params,
             QueryParams::from(QueryParameters(parameters.begin(), parameters.end())));
  TRIVET_TRY(const ModifyDBClusterRequest request, parse_ModifyDBClusterRequest(params));
  service::NetworkState network;
  network.security_groups["sg-2"] = {.id = "sg-2", .vpc_id = "vpc-1"};
  network.security_groups["sg-3"] = {.id = "sg-3", .vpc_id = "vpc-2"};
  return changed_cluster(request, cluster(), network);
}

std::string refusal(const Parameters& parameters) {
  const auto changed = change(parameters);
  return changed ? "" : std::string(changed.error().fault);
}

TEST(ClusterChange, ChangesWhatIsGivenAndKeepsTheRest) {
  EXPECT_EQ(change({}).value(), cluster());
  const auto changed = change({{"DeletionProtection", "true"},
                               {"EnableIAMDatabaseAuthentication", "true"},
                               {"CopyTagsToSnapshot", "true"},
                               {"AutoMinorVersionUpgrade", "false"},
                               {"BackupRetentionPeriod", "35"},
                               {"PreferredBackupWindow", "05:00-05:30"},
                               {"VpcSecurityGroupIds.VpcSecurityGroupId.1", "sg-2"},
                               {"MasterUserPassword", "Secret-123"},
                               {"ApplyImmediately", "false"}});
  ASSERT_TRUE(changed) << changed.error().message;
  Cluster expected = cluster();
  expected.deletion_protection = true;
  expected.iam_authentication = true;
  expected.copy_tags_to_snapshot = true;
  expected.auto_minor_version_upgrade = false;
  expected.backup_retention_days = 35;
  expected.backup_window = "05:00-05:30";
  expected.security_group_ids = {"sg-2"};
  EXPECT_EQ(*changed, expected);
}

// Infrastructure as code says all of it again with each change.
TEST(ClusterChange, TakesWhatIsAlreadySo) {
  const auto changed = change({{"DBClusterInstanceClass", "db.t3.micro"},
                               {"AllocatedStorage", "20"},
                               {"StorageType", "GP3"},
                               {"EngineVersion", "9.7"},
                               {"NewDBClusterIdentifier", "Demo"},
                               {"DBClusterParameterGroupName", "default.mysql9.7"},
                               {"MonitoringInterval", "0"},
                               {"Iops", "3000"},
                               {"NetworkType", "IPV4"}});
  ASSERT_TRUE(changed) << changed.error().message;
  EXPECT_EQ(*changed, cluster());
}

TEST(ClusterChange, RefusesWhatItCannotChange) {
  EXPECT_EQ(refusal({{"DBClusterInstanceClass", "db.m5d.large"}}), "NotImplemented");
  EXPECT_EQ(refusal({{"AllocatedStorage", "21"}}), "NotImplemented");
  EXPECT_EQ(refusal({{"Iops", "12000"}}), "NotImplemented");
  EXPECT_EQ(refusal({{"EngineVersion", "9.7.5"}}), "NotImplemented");
  EXPECT_EQ(refusal({{"EngineVersion", "9"}}), "");
  EXPECT_EQ(refusal({{"Iops", "0"}}), "");
  EXPECT_EQ(refusal({{"NewDBClusterIdentifier", "other"}}), "NotImplemented");
  EXPECT_EQ(refusal({{"ManageMasterUserPassword", "true"}}), "NotImplemented");
  EXPECT_EQ(refusal({{"Port", "3307"}}), "InvalidParameterCombination");
  EXPECT_EQ(refusal({{"EnableHttpEndpoint", "true"}}), "InvalidParameterCombination");
}

TEST(ClusterChange, RefusesWhatIsNotValid) {
  EXPECT_EQ(refusal({{"MasterUserPassword", "short"}}), "InvalidParameterValue");
  EXPECT_EQ(refusal({{"BackupRetentionPeriod", "0"}}), "InvalidParameterValue");
  EXPECT_EQ(refusal({{"PreferredBackupWindow", "mon:04:15"}}), "InvalidParameterValue");
  EXPECT_EQ(refusal({{"VpcSecurityGroupIds.VpcSecurityGroupId.1", "sg-9"}}),
            "InvalidParameterValue");
  EXPECT_EQ(refusal({{"VpcSecurityGroupIds.VpcSecurityGroupId.1", "sg-3"}}),
            "InvalidParameterCombination");
  EXPECT_NE(refusal({{"PreferredMaintenanceWindow", "mon:03:15-mon:03:45"}}), "")
      << "over the backup window that stays";
}

}  // namespace
}  // namespace trivet::api::rds
