// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "api/rds/rds_testing.h"

namespace trivet::api {
namespace {

using testing::Installation;
using Parameters = Installation::Parameters;

constexpr const char* kCluster = "arn:aws:rds:us-east-1:123456789012:cluster:";

Parameters create_parameters(const std::string& id) {
  return {{"DBClusterIdentifier", id},
          {"Engine", "mysql"},
          {"DBClusterInstanceClass", "db.t3.micro"},
          {"AllocatedStorage", "20"},
          {"StorageType", "gp3"},
          {"MasterUsername", "admin"},
          {"MasterUserPassword", "Secret-123"},
          {"EnableIAMDatabaseAuthentication", "true"},
          {"Tags.Tag.1.Key", "env"},
          {"Tags.Tag.1.Value", "dev"}};
}

class RdsActionsTest : public ::testing::Test {
 protected:
  Result<std::string> call(const std::string& action, const Parameters& parameters) {
    return installation_.call("rds", action, parameters);
  }
  std::string fault(const std::string& action, const Parameters& parameters) {
    const auto result = call(action, parameters);
    return result ? "none" : std::string(result.error().fault);
  }
  void create(const std::string& id) {
    const auto created = call("CreateDBCluster", create_parameters(id));
    ASSERT_TRUE(created) << created.error().message;
  }
  static std::size_t count(const std::string& xml, const std::string& text) {
    std::size_t found = 0;
    for (std::size_t at = xml.find(text); at != std::string::npos; at = xml.find(text, at + 1)) {
      ++found;
    }
    return found;
  }

  Installation installation_;
};

TEST_F(RdsActionsTest, CreatesAClusterThatBecomesAvailable) {
  const auto created = call("CreateDBCluster", create_parameters("Demo"));
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_EQ(Installation::text_of(*created, "Status"), "creating");
  EXPECT_EQ(Installation::text_of(*created, "DBClusterIdentifier"), "demo");
  EXPECT_EQ(created->find("Secret-123"), std::string::npos);
  ASSERT_TRUE(installation_.wait_until_available("demo"));

  const auto shown = call("DescribeDBClusters", {{"DBClusterIdentifier", "DEMO"}});
  ASSERT_TRUE(shown);
  const auto text = [&](const char* name) { return Installation::text_of(*shown, name); };
  EXPECT_EQ(text("Status"), "available");
  EXPECT_EQ(text("MultiAZ"), "true");
  EXPECT_EQ(text("Endpoint"), "demo.cluster-abc123def456.us-east-1.rds.trivet.internal");
  EXPECT_EQ(text("ReaderEndpoint"), "demo.cluster-ro-abc123def456.us-east-1.rds.trivet.internal");
  EXPECT_EQ(text("DBSubnetGroup"), "default");
  EXPECT_EQ(text("DBClusterParameterGroup"), "default.mysql9.7");
  EXPECT_EQ(text("IAMDatabaseAuthenticationEnabled"), "true");
  EXPECT_EQ(text("Iops"), "3000");
  EXPECT_EQ(text("DBClusterArn"), std::string(kCluster) + "demo");
  EXPECT_EQ(count(*shown, "<DBClusterMember>"), 3U);
  EXPECT_EQ(count(*shown, "<IsClusterWriter>true</IsClusterWriter>"), 1U);
  EXPECT_EQ(count(*shown, "<PromotionTier>1</PromotionTier>"), 3U);
  EXPECT_EQ(count(*shown, "<AvailabilityZone>"), 3U);
  EXPECT_EQ(count(*shown, "<VpcSecurityGroupMembership>"), 1U);
  EXPECT_EQ(fault("CreateDBCluster", create_parameters("DEMO")), "DBClusterAlreadyExistsFault");
}

TEST_F(RdsActionsTest, AsksForThePermissionsOfAwss) {
  auto parameters = create_parameters("demo");
  parameters.emplace_back("DBSubnetGroupName", "None");
  EXPECT_EQ(fault("CreateDBCluster", parameters), "DBSubnetGroupNotFoundFault");
  const auto& asked = installation_.asked();
  ASSERT_EQ(asked.size(), 4U);
  EXPECT_EQ(asked[0].action, "rds:CreateDBCluster");
  EXPECT_EQ(asked[0].resource, std::string(kCluster) + "demo");
  const ConditionKeys& keys = asked[0].context;
  EXPECT_EQ(keys.at("rds:DatabaseEngine"), std::vector<std::string>{"mysql"});
  EXPECT_EQ(keys.at("rds:DatabaseClass"), std::vector<std::string>{"db.t3.micro"});
  EXPECT_EQ(keys.at("rds:StorageSize"), std::vector<std::string>{"20"});
  EXPECT_EQ(keys.at("rds:StorageEncrypted"), std::vector<std::string>{"false"});
  EXPECT_EQ(keys.at("aws:RequestTag/env"), std::vector<std::string>{"dev"});
  EXPECT_EQ(keys.at("aws:TagKeys"), std::vector<std::string>{"env"});
  EXPECT_EQ(asked[1].resource, "arn:aws:rds:us-east-1:123456789012:subgrp:none");
  EXPECT_EQ(asked[3].action, "rds:AddTagsToResource");

  create("tagged");
  ASSERT_TRUE(call("DescribeDBClusters", {{"DBClusterIdentifier", "tagged"}}));
  EXPECT_EQ(installation_.asked()[0].context.at("rds:cluster-tag/env"),
            std::vector<std::string>{"dev"});
  EXPECT_EQ(installation_.asked()[0].context.at("aws:ResourceTag/env"),
            std::vector<std::string>{"dev"});
  ASSERT_TRUE(call("DescribeDBClusters", {}));
  EXPECT_EQ(installation_.asked()[0].resource, std::string(kCluster) + "*");

  installation_.deny();
  const auto denied =
      call("DeleteDBCluster", {{"DBClusterIdentifier", "tagged"}, {"SkipFinalSnapshot", "true"}});
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, Errc::kDenied);
  EXPECT_NE(installation_.clusters().find(ClusterId("tagged")), nullptr);
}

TEST_F(RdsActionsTest, FindsClustersByIdArnAndFilter) {
  create("one");
  create("two");
  const auto ids = [&](const Parameters& parameters) {
    const auto shown = call("DescribeDBClusters", parameters);
    return shown ? count(*shown, "<DBCluster>") : 99;
  };
  EXPECT_EQ(ids({}), 2U);
  EXPECT_EQ(ids({{"DBClusterIdentifier", std::string(kCluster) + "one"}}), 1U);
  EXPECT_EQ(ids({{"Filters.Filter.1.Name", "db-cluster-id"},
                 {"Filters.Filter.1.Values.Value.1", "ONE"},
                 {"Filters.Filter.1.Values.Value.2", std::string(kCluster) + "two"}}),
            2U);
  EXPECT_EQ(
      ids({{"Filters.Filter.1.Name", "engine"}, {"Filters.Filter.1.Values.Value.1", "postgres"}}),
      0U);
  const std::string id = installation_.clusters().find(ClusterId("two"))->cluster.resource_id.str();
  EXPECT_EQ(ids({{"Filters.Filter.1.Name", "db-cluster-resource-id"},
                 {"Filters.Filter.1.Values.Value.1", id}}),
            1U);
  EXPECT_EQ(fault("DescribeDBClusters",
                  {{"Filters.Filter.1.Name", "color"}, {"Filters.Filter.1.Values.Value.1", "x"}}),
            "InvalidParameterValue");
  EXPECT_EQ(fault("DescribeDBClusters", {{"DBClusterIdentifier", "three"}}),
            "DBClusterNotFoundFault");
  EXPECT_EQ(fault("DescribeDBClusters",
                  {{"DBClusterIdentifier", "arn:aws:rds:eu-west-1:123456789012:cluster:one"}}),
            "DBClusterNotFoundFault");
  EXPECT_EQ(fault("DescribeDBClusters", {{"MaxRecords", "19"}}), "InvalidParameterValue");
  EXPECT_EQ(fault("DescribeDBClusters", {{"Marker", "%%"}}), "InvalidParameterValue");
}

TEST_F(RdsActionsTest, PagesThroughMembers) {
  for (int i = 0; i < 7; ++i) {
    create("c" + std::to_string(i));
  }
  const auto first = call("DescribeDBInstances", {{"MaxRecords", "20"}});
  ASSERT_TRUE(first);
  EXPECT_EQ(count(*first, "<DBInstance>"), 20U);
  const std::string marker = Installation::text_of(*first, "Marker");
  ASSERT_FALSE(marker.empty());
  const auto second = call("DescribeDBInstances", {{"MaxRecords", "20"}, {"Marker", marker}});
  ASSERT_TRUE(second);
  EXPECT_EQ(count(*second, "<DBInstance>"), 1U);
  EXPECT_EQ(Installation::text_of(*second, "DBInstanceIdentifier"), "c6-instance-3");
  EXPECT_EQ(Installation::text_of(*second, "Marker"), "");
}

TEST_F(RdsActionsTest, ShowsMembersAsInstances) {
  create("demo");
  ASSERT_TRUE(installation_.wait_until_available("demo"));
  const auto shown = call("DescribeDBInstances", {{"DBInstanceIdentifier", "Demo-Instance-2"}});
  ASSERT_TRUE(shown) << shown.error().message;
  const auto text = [&](const char* name) { return Installation::text_of(*shown, name); };
  EXPECT_EQ(text("DBInstanceStatus"), "available");
  EXPECT_EQ(text("DBClusterIdentifier"), "demo");
  EXPECT_EQ(text("DBInstanceArn"), "arn:aws:rds:us-east-1:123456789012:db:demo-instance-2");
  EXPECT_EQ(text("Address"), "demo-instance-2.abc123def456.us-east-1.rds.trivet.internal");
  EXPECT_EQ(text("AvailabilityZone"), "us-east-1b");
  EXPECT_EQ(text("DBSubnetGroupName"), "default");
  EXPECT_EQ(text("LicenseModel"), "general-public-license");
  EXPECT_EQ(fault("DescribeDBInstances", {{"DBInstanceIdentifier", "demo"}}), "DBInstanceNotFound");
  const auto filtered = call("DescribeDBInstances", {{"Filters.Filter.1.Name", "db-cluster-id"},
                                                     {"Filters.Filter.1.Values.Value.1", "demo"}});
  ASSERT_TRUE(filtered);
  EXPECT_EQ(count(*filtered, "<DBInstance>"), 3U);
}

TEST_F(RdsActionsTest, DeletesOnlyAsTold) {
  auto parameters = create_parameters("demo");
  parameters.emplace_back("DeletionProtection", "true");
  ASSERT_TRUE(call("CreateDBCluster", parameters));
  const Parameters id = {{"DBClusterIdentifier", "demo"}};
  const auto with = [&](Parameters more) {
    more.insert(more.end(), id.begin(), id.end());
    return more;
  };
  EXPECT_EQ(fault("DeleteDBCluster", id), "InvalidParameterCombination");
  EXPECT_EQ(fault("DeleteDBCluster", with({{"FinalDBSnapshotIdentifier", "s"}})),
            "InvalidParameterCombination");
  EXPECT_EQ(fault("DeleteDBCluster",
                  with({{"FinalDBSnapshotIdentifier", "s"}, {"SkipFinalSnapshot", "true"}})),
            "InvalidParameterCombination");
  const Parameters skip = with({{"SkipFinalSnapshot", "true"}});
  EXPECT_EQ(fault("DeleteDBCluster", skip), "InvalidParameterCombination");  // protected
  EXPECT_EQ(
      fault("DeleteDBCluster", {{"DBClusterIdentifier", "other"}, {"SkipFinalSnapshot", "true"}}),
      "DBClusterNotFoundFault");
  ASSERT_TRUE(installation_.wait_until_available("demo"));
  EXPECT_TRUE(
      call("ModifyDBCluster", {{"DBClusterIdentifier", "demo"}, {"DeletionProtection", "false"}}));
  const auto deleted = call("DeleteDBCluster", skip);
  ASSERT_TRUE(deleted) << deleted.error().message;
  EXPECT_EQ(Installation::text_of(*deleted, "Status"), "deleting");
  EXPECT_TRUE(installation_.wait_for(
      [&] { return installation_.clusters().find(ClusterId("demo")) == nullptr; }));
  EXPECT_EQ(fault("DescribeDBClusters", id), "DBClusterNotFoundFault");
}

TEST_F(RdsActionsTest, ModifiesWhatItCanAndNothingElse) {
  create("demo");
  ASSERT_TRUE(installation_.wait_until_available("demo"));
  const auto modify = [&](Parameters p) {
    p.emplace_back("DBClusterIdentifier", "demo");
    return fault("ModifyDBCluster", p);
  };
  EXPECT_EQ(modify({{"EnableIAMDatabaseAuthentication", "true"},
                    {"BackupRetentionPeriod", "7"},
                    {"ApplyImmediately", "true"}}),
            "none");
  EXPECT_EQ(modify({{"MasterUserPassword", "short"}, {"BackupRetentionPeriod", "8"}}),
            "InvalidParameterValue");
  EXPECT_EQ(modify({{"DBClusterInstanceClass", "db.m5d.large"}, {"BackupRetentionPeriod", "8"}}),
            "NotImplemented");
  EXPECT_EQ(modify({{"VpcSecurityGroupIds.VpcSecurityGroupId.1", "sg-0"}}),
            "InvalidParameterValue");
  const auto cluster = installation_.clusters().find(ClusterId("demo"))->cluster;
  EXPECT_TRUE(cluster.iam_authentication);
  EXPECT_EQ(cluster.backup_retention_days, 7);
  EXPECT_EQ(modify({{"MasterUserPassword", "Longer-Secret"}}), "none");
  const auto events = call("DescribeEvents", {{"SourceType", "db-cluster"}});
  ASSERT_TRUE(events) << events.error().message;
  EXPECT_NE(events->find("Reset master credentials."), std::string::npos);
  EXPECT_EQ(fault("ModifyDBCluster", {{"DBClusterIdentifier", "other"}}), "DBClusterNotFoundFault");
}

TEST_F(RdsActionsTest, HandsOverToTheTargetOrSaysWhyNot) {
  create("demo");
  ASSERT_TRUE(installation_.wait_until_available("demo"));
  const auto to = [&](const char* target) {
    return fault("FailoverDBCluster",
                 {{"DBClusterIdentifier", "demo"}, {"TargetDBInstanceIdentifier", target}});
  };
  EXPECT_EQ(to("demo-instance-1"), "InvalidDBInstanceState") << "it is the writer";
  EXPECT_EQ(to("other-instance-1"), "InvalidDBInstanceState");
  EXPECT_TRUE(installation_.wait_for([&] {
    return call("FailoverDBCluster", {{"DBClusterIdentifier", "demo"},
                                      {"TargetDBInstanceIdentifier", "demo-instance-3"}})
        .has_value();
  }));
  EXPECT_TRUE(installation_.wait_for([&] {
    return installation_.clusters().find(ClusterId("demo"))->writer == MemberId("demo-instance-3");
  }));
}

TEST_F(RdsActionsTest, FailsOver) {
  create("demo");
  ASSERT_TRUE(installation_.wait_until_available("demo"));
  const auto writer = installation_.clusters().find(ClusterId("demo"))->writer;
  const auto begun = call("FailoverDBCluster", {{"DBClusterIdentifier", "demo"}});
  ASSERT_TRUE(begun) << begun.error().message;
  EXPECT_EQ(Installation::text_of(*begun, "Status"), "failing-over");
  EXPECT_NE(begun->find("<IsClusterWriter>true</IsClusterWriter>"), std::string::npos)
      << "the members as before the call";
  EXPECT_TRUE(installation_.wait_for([&] {
    const auto view = installation_.clusters().find(ClusterId("demo"));
    return view->writer && view->writer != writer;
  }));
}

TEST_F(RdsActionsTest, DescribesEvents) {
  create("demo");
  create("other");
  ASSERT_TRUE(installation_.wait_until_available("demo"));
  ASSERT_TRUE(installation_.wait_until_available("other"));
  const auto all = call("DescribeEvents", {});
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(count(*all, "<Event>"), 8U);
  ASSERT_EQ(installation_.asked().size(), 1U);
  EXPECT_EQ(installation_.asked()[0].action, "rds:DescribeEvents");
  EXPECT_EQ(installation_.asked()[0].resource, "*");

  const auto one =
      call("DescribeEvents", {{"SourceIdentifier", "Demo"}, {"SourceType", "db-cluster"}});
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(count(*one, "<Event>"), 1U);
  const auto text = [&](const char* name) { return Installation::text_of(*one, name); };
  EXPECT_EQ(text("SourceIdentifier"), "demo");
  EXPECT_EQ(text("SourceType"), "db-cluster");
  EXPECT_EQ(text("Message"), "DB cluster created.");
  EXPECT_EQ(text("EventCategories"), "<EventCategory>creation</EventCategory>");
  EXPECT_EQ(text("SourceArn"), std::string(kCluster) + "demo");
  EXPECT_TRUE(text("Date").starts_with("20") && text("Date").ends_with("Z")) << text("Date");

  const auto events = [&](const Parameters& parameters) {
    const auto found = call("DescribeEvents", parameters);
    return found ? count(*found, "<Event>") : 99;
  };
  EXPECT_EQ(events({{"SourceType", "db-instance"}}), 6U);
  EXPECT_EQ(events({{"SourceType", "db-snapshot"}}), 0U);
  EXPECT_EQ(events({{"EventCategories.EventCategory.1", "failover"}}), 0U);
  EXPECT_EQ(events({{"EventCategories.EventCategory.1", "failover"},
                    {"EventCategories.EventCategory.2", "creation"}}),
            8U);
  EXPECT_EQ(events({{"Duration", "20160"}}), 8U);
  EXPECT_EQ(events({{"EndTime", "2020-01-01T00:00:00Z"}}), 0U);
  EXPECT_EQ(events({{"SourceIdentifier", "gone"}, {"SourceType", "db-cluster"}}), 0U);
}

TEST_F(RdsActionsTest, ChecksWhatDescribeEventsIsAsked) {
  const auto refused = [&](const Parameters& parameters) {
    return fault("DescribeEvents", parameters);
  };
  EXPECT_EQ(refused({{"SourceIdentifier", "demo"}}), "InvalidParameterCombination");
  EXPECT_EQ(refused({{"SourceType", "db-table"}}), "InvalidParameterValue");
  for (const char* name : {"demo-", "de--mo", "1demo", "a_b"}) {
    EXPECT_EQ(refused({{"SourceIdentifier", name}, {"SourceType", "db-cluster"}}),
              "InvalidParameterValue")
        << name;
  }
  EXPECT_EQ(refused({{"Duration", "0"}}), "InvalidParameterValue");
  EXPECT_EQ(refused({{"Duration", "20161"}}), "InvalidParameterValue");
  EXPECT_EQ(refused({{"MaxRecords", "19"}}), "InvalidParameterValue");
  EXPECT_EQ(refused({{"MaxRecords", "101"}}), "InvalidParameterValue");
  EXPECT_EQ(refused({{"Marker", "?"}}), "InvalidParameterValue");
  EXPECT_EQ(refused({{"StartTime", "2020-01-01T00:00:00Z"}}), "InvalidParameterValue");
  EXPECT_EQ(refused({{"StartTime", "2999-01-01T00:00:00Z"}}), "InvalidParameterValue");
  EXPECT_EQ(refused({{"StartTime", "2999-01-02T00:00:00Z"}, {"EndTime", "2999-01-01T00:00:00Z"}}),
            "InvalidParameterCombination");
  EXPECT_EQ(refused({{"Filters.Filter.1.Name", "x"}, {"Filters.Filter.1.Values.Value.1", "y"}}),
            "InvalidParameterValue");
}

TEST_F(RdsActionsTest, PagesEvents) {
  for (int i = 0; i < 6; ++i) {
    create("c" + std::to_string(i));
    ASSERT_TRUE(installation_.wait_until_available("c" + std::to_string(i)));
  }
  const auto first = call("DescribeEvents", {{"MaxRecords", "20"}});
  ASSERT_TRUE(first);
  EXPECT_EQ(count(*first, "<Event>"), 20U);
  const auto second = call("DescribeEvents", {{"MaxRecords", "20"},
                                              {"Marker", Installation::text_of(*first, "Marker")}});
  ASSERT_TRUE(second);
  EXPECT_EQ(count(*second, "<Event>"), 4U);
  EXPECT_EQ(Installation::text_of(*second, "Marker"), "");
}

TEST_F(RdsActionsTest, RebootsMembersInPlace) {
  create("demo");
  const Parameters reader = {{"DBInstanceIdentifier", "Demo-Instance-2"}};
  EXPECT_EQ(fault("RebootDBInstance", reader), "InvalidDBInstanceState");
  ASSERT_TRUE(installation_.wait_until_available("demo"));
  EXPECT_EQ(fault("RebootDBInstance", {{"DBInstanceIdentifier", "none"}}), "DBInstanceNotFound");
  EXPECT_EQ(fault("RebootDBCluster", {{"DBClusterIdentifier", "none"}}), "DBClusterNotFoundFault");
  EXPECT_EQ(fault("RebootDBInstance", {reader[0], {"ForceFailover", "true"}}),
            "InvalidParameterCombination");
  ASSERT_TRUE(installation_.wait_for([&] {
    const auto view = installation_.clusters().find(ClusterId("demo"));
    return instance_status_text(*view, view->members[1]) == "available";
  }));
  const auto rebooting = call("RebootDBInstance", reader);
  ASSERT_TRUE(rebooting) << rebooting.error().message;
  EXPECT_EQ(Installation::text_of(*rebooting, "DBInstanceStatus"), "rebooting");
  ASSERT_EQ(installation_.asked().size(), 1U);
  EXPECT_EQ(installation_.asked()[0].action, "rds:RebootDBInstance");
  EXPECT_EQ(installation_.asked()[0].resource,
            "arn:aws:rds:us-east-1:123456789012:db:demo-instance-2");
  EXPECT_EQ(fault("RebootDBCluster", {{"DBClusterIdentifier", "demo"}}),
            "InvalidDBClusterStateFault");
  EXPECT_EQ(installation_.asked()[0].resource, std::string(kCluster) + "demo");
  EXPECT_EQ(installation_.asked()[0].context.at("aws:ResourceTag/env"),
            std::vector<std::string>{"dev"});
}

TEST_F(RdsActionsTest, StopsAndStarts) {
  create("demo");
  ASSERT_TRUE(installation_.wait_until_available("demo"));
  const Parameters demo = {{"DBClusterIdentifier", "demo"}};
  EXPECT_EQ(fault("StartDBCluster", demo), "InvalidDBClusterStateFault");
  EXPECT_EQ(fault("StopDBCluster", {{"DBClusterIdentifier", "none"}}), "DBClusterNotFoundFault");
  const auto stopping = call("StopDBCluster", demo);
  ASSERT_TRUE(stopping) << stopping.error().message;
  EXPECT_EQ(Installation::text_of(*stopping, "Status"), "stopping");
  EXPECT_EQ(installation_.asked()[0].action, "rds:StopDBCluster");
  const auto is = [&](const char* status) {
    return installation_.wait_for(
        [&] { return status_text(*installation_.clusters().find(ClusterId("demo"))) == status; });
  };
  ASSERT_TRUE(is("stopped"));
  for (const char* action : {"StopDBCluster", "RebootDBCluster", "FailoverDBCluster"}) {
    EXPECT_EQ(fault(action, demo), "InvalidDBClusterStateFault") << action;
  }
  const auto shown = call("DescribeDBInstances", {});
  ASSERT_TRUE(shown);
  EXPECT_EQ(count(*shown, "<DBInstanceStatus>stopped</DBInstanceStatus>"), 3U);
  const auto starting = call("StartDBCluster", demo);
  ASSERT_TRUE(starting) << starting.error().message;
  EXPECT_EQ(Installation::text_of(*starting, "Status"), "starting");
  EXPECT_EQ(installation_.asked()[0].action, "rds:StartDBCluster");
  ASSERT_TRUE(is("available"));
}

TEST_F(RdsActionsTest, TagsClustersMembersAndSubnetGroups) {
  create("demo");
  for (const char* kind : {"cluster:demo", "db:demo-instance-1", "subgrp:default"}) {
    const std::string arn = std::string("arn:aws:rds:us-east-1:123456789012:") + kind;
    ASSERT_TRUE(call("AddTagsToResource", {{"ResourceName", arn},
                                           {"Tags.Tag.1.Key", "a"},
                                           {"Tags.Tag.1.Value", "1"},
                                           {"Tags.Tag.2.Key", "b"},
                                           {"Tags.Tag.2.Value", "2"}}));
    EXPECT_EQ(installation_.asked()[0].resource, arn);
    ASSERT_TRUE(call("RemoveTagsFromResource", {{"ResourceName", arn}, {"TagKeys.member.1", "a"}}));
    const auto listed = call("ListTagsForResource", {{"ResourceName", arn}});
    ASSERT_TRUE(listed) << listed.error().message;
    EXPECT_EQ(count(*listed, "<Key>a</Key>"), 0U) << kind;
    EXPECT_EQ(count(*listed, "<Key>b</Key><Value>2</Value>"), 1U) << kind;
  }
  const auto member = call("DescribeDBInstances", {{"DBInstanceIdentifier", "demo-instance-1"}});
  ASSERT_TRUE(member);
  EXPECT_EQ(count(*member, "<Key>b</Key>"), 1U);
  EXPECT_EQ(installation_.asked()[0].context.at("rds:db-tag/b"), std::vector<std::string>{"2"});
  const auto list_fault = [&](const char* arn) {
    return fault("ListTagsForResource", {{"ResourceName", arn}});
  };
  EXPECT_EQ(list_fault("demo"), "InvalidParameterValue");
  EXPECT_EQ(list_fault("arn:aws:rds:eu-west-1:123456789012:cluster:demo"), "InvalidParameterValue");
  EXPECT_EQ(list_fault("arn:aws:rds:us-east-1:123456789012:snapshot:demo"), "NotImplemented");
  EXPECT_EQ(list_fault("arn:aws:rds:us-east-1:123456789012:cluster:other"),
            "DBClusterNotFoundFault");
  EXPECT_EQ(list_fault("arn:aws:rds:us-east-1:123456789012:db:other"), "DBInstanceNotFound");
  EXPECT_EQ(list_fault("arn:aws:rds:us-east-1:123456789012:subgrp:other"),
            "DBSubnetGroupNotFoundFault");
}

TEST_F(RdsActionsTest, KeepsWhatAClusterUses) {
  create("demo");
  const auto view = installation_.clusters().find(ClusterId("demo"));
  EXPECT_EQ(fault("DeleteDBSubnetGroup", {{"DBSubnetGroupName", "default"}}),
            "InvalidParameterValue");
  const auto made = installation_.call(
      "ec2", "CreateSecurityGroup", {{"GroupName", "db"}, {"GroupDescription", "for databases"}});
  ASSERT_TRUE(made) << made.error().message;
  const std::string group_id = Installation::text_of(*made, "groupId");
  auto parameters = create_parameters("second");
  parameters.emplace_back("VpcSecurityGroupIds.VpcSecurityGroupId.1", group_id);
  ASSERT_TRUE(call("CreateDBCluster", parameters));
  const auto refused = installation_.call("ec2", "DeleteSecurityGroup", {{"GroupId", group_id}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, "DependencyViolation");
}

TEST_F(RdsActionsTest, HasNoGlobalClusters) {
  create("demo");
  const auto none = call("DescribeGlobalClusters", {{"Filters.Filter.1.Name", "db-cluster-id"},
                                                    {"Filters.Filter.1.Values.Value.1", "demo"}});
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_EQ(count(*none, "<GlobalClusterMember>"), 0U);
  EXPECT_EQ(installation_.asked()[0].resource, "arn:aws:rds::123456789012:global-cluster:*");
  EXPECT_EQ(fault("DescribeGlobalClusters", {{"GlobalClusterIdentifier", "world"}}),
            "GlobalClusterNotFoundFault");
}

TEST_F(RdsActionsTest, AsksForTheDbSubnetGroupThatItModifies) {
  create("demo");
  const auto refused =
      call("ModifyDBSubnetGroup", {{"DBSubnetGroupName", "default"},
                                   {"SubnetIds.SubnetIdentifier.1", "subnet-0123456789abcdef0"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, "InvalidSubnet");
  EXPECT_EQ(installation_.asked()[0].action, "rds:ModifyDBSubnetGroup");
  EXPECT_EQ(installation_.asked()[0].resource, "arn:aws:rds:us-east-1:123456789012:subgrp:default");
}

TEST_F(RdsActionsTest, ShowsAndReadsLogFiles) {
  create("demo");
  ASSERT_TRUE(installation_.wait_until_available("demo"));
  installation_.log_files().texts = {{"error/mysql-error.log", "a\nb\nc\n"},
                                     {"iam-db-auth-error/iam-db-auth-error.log", "x\n"}};
  installation_.log_files().written_ms = 1'700'000'000'000;
  const Parameters instance = {{"DBInstanceIdentifier", "demo-instance-1"}};
  const auto with = [&](Parameters more) {
    more.insert(more.begin(), instance.begin(), instance.end());
    return more;
  };
  auto shown = call("DescribeDBLogFiles", instance);
  ASSERT_TRUE(shown) << shown.error().message;
  EXPECT_EQ(count(*shown, "<DescribeDBLogFilesDetails>"), 2U);
  EXPECT_NE(shown->find("<LogFileName>error/mysql-error.log</LogFileName>"
                        "<LastWritten>1700000000000</LastWritten><Size>6</Size>"),
            std::string::npos)
      << *shown;
  EXPECT_EQ(installation_.asked().at(0).action, "rds:DescribeDBLogFiles");
  EXPECT_TRUE(installation_.asked().at(0).resource.ends_with(":db:demo-instance-1"));
  for (const Parameters& filter :
       {Parameters{{"FilenameContains", "iam-db"}},
        Parameters{{"FilenameContains", "mysql-error"}, {"FileSize", "6"}}}) {
    EXPECT_EQ(count(*call("DescribeDBLogFiles", with(filter)), "<DescribeDBLogFilesDetails>"), 1U);
  }
  EXPECT_EQ(count(*call("DescribeDBLogFiles", with({{"FileLastWritten", "1700000000001"}})),
                  "<DescribeDBLogFilesDetails>"),
            0U);

  const auto portion = [&](Parameters more) {
    more.push_back({"LogFileName", "error/mysql-error.log"});
    const auto read = call("DownloadDBLogFilePortion", with(std::move(more)));
    return read ? Installation::text_of(*read, "LogFileData") + "|" +
                      Installation::text_of(*read, "Marker") + "|" +
                      Installation::text_of(*read, "AdditionalDataPending")
                : read.error().message;
  };
  EXPECT_EQ(portion({}), "a\nb\nc\n|6|false");
  EXPECT_EQ(portion({{"NumberOfLines", "1"}}), "c\n|6|false");
  EXPECT_EQ(portion({{"Marker", "0"}, {"NumberOfLines", "2"}}), "a\nb\n|4|true");
  EXPECT_EQ(portion({{"Marker", "4"}}), "c\n|6|false");
  EXPECT_EQ(portion({{"Marker", "6"}}), "|6|false");
  EXPECT_EQ(fault("DownloadDBLogFilePortion",
                  with({{"LogFileName", "error/mysql-error.log"}, {"Marker", "-1"}})),
            "InvalidParameterValue");
  EXPECT_EQ(fault("DownloadDBLogFilePortion", with({{"LogFileName", "../config.json"}})),
            "DBLogFileNotFoundFault");
  EXPECT_EQ(fault("DescribeDBLogFiles", {{"DBInstanceIdentifier", "nobody"}}),
            "DBInstanceNotFound");
}

TEST_F(RdsActionsTest, DescribesOnlyWhatIsInstalled) {
  installation_.engines() = {{"mysql", "9.7.10"}, {"mysql", "9.7.4"}};
  const auto all = call("DescribeDBEngineVersions", {});
  ASSERT_TRUE(all);
  EXPECT_EQ(count(*all, "<DBEngineVersion>"), 2U);
  EXPECT_EQ(Installation::text_of(*all, "EngineVersion"), "9.7.4");
  const auto newest =
      call("DescribeDBEngineVersions", {{"Engine", "mysql"}, {"DefaultOnly", "true"}});
  ASSERT_TRUE(newest);
  EXPECT_EQ(Installation::text_of(*newest, "EngineVersion"), "9.7.10");
  const auto other = call("DescribeDBEngineVersions", {{"Engine", "postgres"}});
  ASSERT_TRUE(other);
  EXPECT_EQ(count(*other, "<DBEngineVersion>"), 0U);
  EXPECT_EQ(fault("DescribeDBEngineVersions", {{"Engine", "nosql"}}), "InvalidParameterValue");

  const auto options =
      call("DescribeOrderableDBInstanceOptions",
           {{"Engine", "mysql"}, {"EngineVersion", "9.7.4"}, {"DBInstanceClass", "db.t3.micro"}});
  ASSERT_TRUE(options);
  EXPECT_EQ(count(*options, "<OrderableDBInstanceOption>"), 3U);
  EXPECT_EQ(count(*options, "<SupportsClusters>true</SupportsClusters>"), 3U);

  // Every option once, over all pages.
  std::size_t sum = 0;
  std::string marker;
  for (int page = 0; page < 50; ++page) {
    Parameters parameters = {{"Engine", "mysql"}, {"MaxRecords", "20"}};
    if (!marker.empty()) {
      parameters.emplace_back("Marker", marker);
    }
    const auto part = call("DescribeOrderableDBInstanceOptions", parameters);
    ASSERT_TRUE(part);
    sum += count(*part, "<OrderableDBInstanceOption>");
    marker = Installation::text_of(*part, "Marker");
    if (marker.empty()) {
      break;
    }
  }
  EXPECT_EQ(sum, service::instance_classes().size() * 3 * 2);
}

}  // namespace
}  // namespace trivet::api
