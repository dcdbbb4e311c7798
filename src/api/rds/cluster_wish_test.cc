// SPDX-License-Identifier: Apache-2.0
#include "api/rds/cluster_wish.h"

#include <gtest/gtest.h>

#include "api/rds/windows.h"

namespace trivet::api::rds {
namespace {

using Parameters = std::map<std::string, std::string>;

const Realm kRealm{.account = AccountId("123456789012")};

Parameters good() {
  return {{"DBClusterIdentifier", "Demo"},
          {"Engine", "mysql"},
          {"DBClusterInstanceClass", "db.t3.micro"},
          {"AllocatedStorage", "20"},
          {"StorageType", "gp3"},
          {"MasterUsername", "admin"},
          {"MasterUserPassword", "Secret-123"}};
}

// As the request comes in: what the shape refuses is refused here, too.
Result<ClusterWish> read(const Parameters& parameters,
                         std::vector<service::EngineVersion> engines = {{"mysql", "9.7.4"}}) {
  QueryParameters all(parameters.begin(), parameters.end());
  TRIVET_TRY(const QueryParams params, QueryParams::from(std::move(all)));
  TRIVET_TRY(const CreateDBClusterRequest request, parse_CreateDBClusterRequest(params));
  return read_cluster_wish(request, {.engines = engines, .realm = kRealm, .random_below = [](auto) {
                                       return std::uint64_t{0};
                                     }});
}

TEST(ClusterWish, TakesWhatIsAskedForAndAwssDefaults) {
  const auto wish = read(good());
  ASSERT_TRUE(wish) << wish.error().message;
  const Cluster& wanted = wish->wanted;
  EXPECT_EQ(wanted.id.str(), "demo");
  EXPECT_EQ(wanted.engine_version, "9.7.4");
  EXPECT_EQ(wanted.instance_class, "db.t3.micro");
  EXPECT_EQ(wanted.parameter_group, "default.mysql9.7");
  EXPECT_EQ(wanted.backup_retention_days, 1);
  EXPECT_TRUE(wanted.auto_minor_version_upgrade);
  EXPECT_FALSE(wanted.iops);
  EXPECT_FALSE(wanted.iam_authentication);
  EXPECT_EQ(wanted.backup_window, "03:00-03:30");
  EXPECT_EQ(wanted.maintenance_window, "mon:03:30-mon:04:00");
  EXPECT_EQ(wish->port, 3306);
  EXPECT_EQ(wish->subnet_group, "default");
  EXPECT_EQ(wish->master_password.reveal(), "Secret-123");
}

TEST(ClusterWish, KeepsWhatMayBeGiven) {
  Parameters p = good();
  p["EngineVersion"] = "9.7";
  p["Port"] = "1150";
  p["DatabaseName"] = "my_db1";
  p["DBSubnetGroupName"] = "My Group";
  p["EnableIAMDatabaseAuthentication"] = "true";
  p["DeletionProtection"] = "true";
  p["CopyTagsToSnapshot"] = "true";
  p["AutoMinorVersionUpgrade"] = "false";
  p["BackupRetentionPeriod"] = "35";
  p["PreferredBackupWindow"] = "23:45-00:30";
  p["PreferredMaintenanceWindow"] = "Sun:05:00-Sun:05:30";
  p["MonitoringInterval"] = "60";
  p["MonitoringRoleArn"] = "arn:aws:iam::123456789012:role/m";
  p["VpcSecurityGroupIds.VpcSecurityGroupId.1"] = "sg-1";
  p["Tags.Tag.1.Key"] = "env";
  p["Tags.Tag.1.Value"] = "dev";
  p["EngineMode"] = "provisioned";
  p["NetworkType"] = "IPV4";
  p["DBClusterParameterGroupName"] = "default.mysql9.7";
  for (int i = 1; i <= 3; ++i) {
    p["AvailabilityZones.AvailabilityZone." + std::to_string(i)] =
        std::string("us-east-1") + static_cast<char>('a' + i - 1);
  }
  const auto wish = read(p);
  ASSERT_TRUE(wish) << wish.error().message;
  const Cluster& wanted = wish->wanted;
  EXPECT_EQ(wish->port, 1150);
  EXPECT_EQ(wish->subnet_group, "my group");
  EXPECT_EQ(wish->zones.size(), 3U);
  EXPECT_EQ(wanted.database_name, "my_db1");
  EXPECT_TRUE(wanted.iam_authentication && wanted.deletion_protection &&
              wanted.copy_tags_to_snapshot);
  EXPECT_FALSE(wanted.auto_minor_version_upgrade);
  EXPECT_EQ(wanted.backup_retention_days, 35);
  EXPECT_EQ(wanted.backup_window, "23:45-00:30");
  EXPECT_EQ(wanted.maintenance_window, "sun:05:00-sun:05:30");
  EXPECT_EQ(wanted.monitoring_interval_s, 60);
  EXPECT_EQ(wanted.security_group_ids, std::vector<std::string>{"sg-1"});
  EXPECT_EQ(wanted.tags, (Tags{{"env", "dev"}}));
}

struct Refused {
  const char* parameter;
  const char* value;  // nullptr: the parameter is left out
  const char* fault;
  const char* text;  // part of the message
};

constexpr const char* kValue = "InvalidParameterValue";
constexpr const char* kCombination = "InvalidParameterCombination";
constexpr const char* kNotBuilt = "NotImplemented";

const Refused kRefused[] = {
    {"DBClusterIdentifier", "1demo", kValue, "is not a valid identifier"},
    {"DBClusterIdentifier", "demo-", kValue, "is not a valid identifier"},
    {"DBClusterIdentifier", "de--mo", kValue, "is not a valid identifier"},
    {"DBClusterIdentifier", "de_mo", kValue, "is not a valid identifier"},
    {"DBClusterIdentifier", "a23456789012345678901234567890123456789012345678901234", kValue,
     "longer than 52 characters"},
    {"Engine", "postgres", kNotBuilt, "The engine postgres is not implemented"},
    {"Engine", "aurora-mysql", kNotBuilt, "aurora-mysql"},
    {"Engine", "mssql", kValue, "Invalid DB engine: mssql"},
    {"EngineVersion", "8.4.5", kCombination, "Cannot find version 8.4.5 for mysql"},
    {"DBClusterInstanceClass", nullptr, kValue, "DBClusterInstanceClass is required."},
    {"DBClusterInstanceClass", "db.nano", kValue, "Invalid DB Instance class: db.nano"},
    {"AllocatedStorage", nullptr, kValue, "AllocatedStorage must be provided"},
    {"AllocatedStorage", "19", kValue, "between 20 and 65536 GiB"},
    {"AllocatedStorage", "65537", kValue, "between 20 and 65536 GiB"},
    {"AllocatedStorage", "-1", kValue, "between 20 and 65536 GiB"},
    {"StorageType", "gp2", "StorageTypeNotSupported", "gp3, io1 or io2"},
    {"StorageType", "io1", kValue, "between 100 and 65536 GiB"},
    {"StorageType", nullptr, kValue, "storage type io1"},
    {"Iops", "3000", kCombination, "storage size less than 400"},
    {"MasterUsername", nullptr, kValue, "MasterUsername must be provided and must not be blank."},
    {"MasterUsername", "1admin", kValue, "begin with a letter"},
    {"MasterUsername", "ad-min", kValue, "begin with a letter"},
    {"MasterUsername", "a2345678901234567", kValue, "longer than 16 characters"},
    {"MasterUsername", "rdsadmin", kValue, "reserved word used by the engine"},
    {"MasterUsername", "Trivet_Probe", kValue, "reserved word used by the engine"},
    {"MasterUserPassword", nullptr, kValue, "MasterUserPassword must be provided"},
    {"MasterUserPassword", "1234567", kValue, "shorter than 8 characters"},
    {"MasterUserPassword", "123456789012345678901234567890123456789012", kValue,
     "longer than 41 characters"},
    {"MasterUserPassword", "with/slash", kValue, "Only printable ASCII"},
    {"MasterUserPassword", "with\"quote", kValue, "Only printable ASCII"},
    {"MasterUserPassword", "with@at-sign", kValue, "Only printable ASCII"},
    {"MasterUserPassword", "with space", kValue, "Only printable ASCII"},
    {"MasterUserPassword", "umlaut-\xc3\xa4-xx", kValue, "Only printable ASCII"},
    {"DatabaseName", "1db", kValue, "DatabaseName must begin with a letter"},
    {"DatabaseName", "my-db", kValue, "DatabaseName must begin with a letter"},
    {"DatabaseName", "mysql", kValue, "reserved word for this engine"},
    {"Port", "1149", kValue, "between 1150 and 65535"},
    {"Port", "65536", kValue, "between 1150 and 65535"},
    {"BackupRetentionPeriod", "0", kValue, "between 1 and 35"},
    {"BackupRetentionPeriod", "36", kValue, "between 1 and 35"},
    {"PreferredBackupWindow", "07:00", kValue, "hh24:mi-hh24:mi"},
    {"PreferredBackupWindow", "24:00-24:30", kValue, "hh24:mi-hh24:mi"},
    {"PreferredBackupWindow", "07:00-07:29", kValue, "at least 30 minutes"},
    {"PreferredMaintenanceWindow", "xxx:05:00-xxx:05:30", kValue, "ddd:hh24:mi"},
    {"PreferredMaintenanceWindow", "mon:05:00-tue:05:30", kValue, "longer than 24 hours"},
    {"MonitoringInterval", "7", kValue, "monitoring interval: 7"},
    {"MonitoringInterval", "60", kCombination, "MonitoringRoleARN value is required"},
    {"MonitoringRoleArn", "arn:aws:iam::123456789012:role/m", kCombination,
     "MonitoringInterval value other than 0"},
    {"EnableCloudwatchLogsExports.member.1", "audit", kCombination, "log types 'audit'"},
    {"EnableCloudwatchLogsExports.member.1", "error", "NotImplemented", "DescribeDBLogFiles"},
    {"AvailabilityZones.AvailabilityZone.1", "us-east-1f", "InvalidVPCNetworkStateFault",
     "'us-east-1f' is unavailable"},
    {"AvailabilityZones.AvailabilityZone.1", "us-east-1a", kCombination, "3 Availability Zones"},
    {"Tags.Tag.1.Key", "aws:x", kValue, "reserved"},
    {"Tags.Tag.1.Key", "RDS:x", kValue, "reserved"},
    {"Tags.Tag.1.Key", "a|b", kValue, "Invalid tag key"},
    {"DBClusterParameterGroupName", "mine", "DBClusterParameterGroupNotFound", "mine"},
    {"NetworkType", "DUAL", "NetworkTypeNotSupported", "DUAL"},
    {"EngineMode", "serverless", kCombination, "EngineMode isn't supported"},
    {"CharacterSetName", "utf8", kCombination, "CharacterSetName isn't supported"},
    {"BacktrackWindow", "60", kCombination, "BacktrackWindow isn't supported"},
    {"GlobalClusterIdentifier", "g", kCombination, "GlobalClusterIdentifier isn't supported"},
    {"EnableHttpEndpoint", "true", kCombination, "EnableHttpEndpoint isn't supported"},
    {"ServerlessV2ScalingConfiguration.MinCapacity", "1", kCombination, "isn't supported"},
    {"Domain", "d", kCombination, "Domain isn't supported"},
    {"OptionGroupName", "o", kCombination, "OptionGroupName isn't supported"},
    {"EnableLocalWriteForwarding", "true", kCombination, "isn't supported"},
    {"EnableLimitlessDatabase", "true", kCombination, "isn't supported"},
    {"ClusterScalabilityType", "limitless", kCombination, "isn't supported"},
    {"ManageMasterUserPassword", "true", kCombination, "can't specify MasterUserPassword"},
    {"KmsKeyId", "k", kNotBuilt, "KmsKeyId is not implemented"},
    {"ReplicationSourceIdentifier", "a", kNotBuilt, "ReplicationSourceIdentifier"},
    {"EnablePerformanceInsights", "true", kNotBuilt, "EnablePerformanceInsights"},
    {"DatabaseInsightsMode", "advanced", kNotBuilt, "DatabaseInsightsMode"},
    {"CACertificateIdentifier", "rds-ca-rsa2048-g1", kNotBuilt, "CACertificateIdentifier"},
    {"EngineLifecycleSupport", "open-source-rds-extended-support-disabled", kNotBuilt,
     "EngineLifecycleSupport"},
    {"EngineLifecycleSupport", "x", kValue, "EngineLifecycleSupport"},
    {"MasterUserAuthenticationType", "iam-db-auth", kNotBuilt, "MasterUserAuthenticationType"},
    {"TagSpecifications.item.1.ResourceType", "cluster-auto-backup", kNotBuilt,
     "TagSpecifications"},
};

TEST(ClusterWish, RefusesWhatAwsRefusesAndWhatIsNotThere) {
  for (const Refused& refused : kRefused) {
    Parameters p = good();
    if (refused.value == nullptr) {
      p.erase(refused.parameter);
    } else {
      p[refused.parameter] = refused.value;
    }
    const auto wish = read(p);
    const std::string name = std::string(refused.parameter) + "=" +
                             (refused.value == nullptr ? "(none)" : refused.value);
    ASSERT_FALSE(wish) << name;
    EXPECT_EQ(wish.error().fault, refused.fault) << name << ": " << wish.error().message;
    EXPECT_NE(wish.error().message.find(refused.text), std::string::npos)
        << name << ": " << wish.error().message;
    EXPECT_EQ(wish.error().message.find("Secret-123"), std::string::npos) << name;
  }
}

TEST(ClusterWish, SaysThatAManagedPasswordIsNotThere) {
  Parameters p = good();
  p.erase("MasterUserPassword");
  p["ManageMasterUserPassword"] = "true";
  const auto wish = read(p);
  ASSERT_FALSE(wish);
  EXPECT_EQ(wish.error().fault, kNotBuilt);
}

TEST(ClusterWish, RefusesTheSameTagTwiceAndTooMany) {
  Parameters p = good();
  p["Tags.Tag.1.Key"] = p["Tags.Tag.2.Key"] = "k";
  EXPECT_EQ(read(p).error().fault, kValue);
  p = good();
  for (int i = 1; i <= 51; ++i) {
    p["Tags.Tag." + std::to_string(i) + ".Key"] = "k" + std::to_string(i);
  }
  EXPECT_EQ(read(p).error().fault, kValue);
  p.erase("Tags.Tag.51.Key");
  EXPECT_TRUE(read(p));
}

TEST(ClusterWish, KnowsTheRulesOfProvisionedIops) {
  const auto fault = [](const char* type, const char* size, const char* iops) {
    Parameters p = good();
    p["StorageType"] = type;
    p["AllocatedStorage"] = size;
    if (iops != nullptr) {
      p["Iops"] = iops;
    }
    const auto wish = read(p);
    return wish ? std::string("none") : std::string(wish.error().fault);
  };
  EXPECT_EQ(fault("io1", "100", "1000"), "none");
  EXPECT_EQ(fault("io2", "100", "5000"), "none");
  EXPECT_EQ(fault("io1", "100", nullptr), kCombination);
  EXPECT_EQ(fault("io1", "100", "999"), kValue);
  EXPECT_EQ(fault("io1", "100", "5001"), kCombination);
  EXPECT_EQ(fault("io1", "4000", "1999"), kCombination);
  EXPECT_EQ(fault("io1", "65536", "256001"), kValue);
  EXPECT_EQ(fault("gp3", "400", "12000"), "none");
  EXPECT_EQ(fault("gp3", "400", "11999"), kValue);
  EXPECT_EQ(fault("gp3", "400", "20001"), kCombination);
}

TEST(ClusterWish, SaysThatNoEngineIsInstalled) {
  const auto wish = read(good(), {});
  ASSERT_FALSE(wish);
  EXPECT_EQ(wish.error().fault, "InsufficientDBInstanceCapacity");
  EXPECT_NE(wish.error().message.find("trivet engine install mysql"), std::string::npos);
}

TEST(Windows, FindHalfAnHourBesideTheOneThatIsGiven) {
  for (std::uint64_t seed = 0; seed < 112; ++seed) {
    const auto random = [seed](std::uint64_t bound) { return seed % bound; };
    const auto both = choose_windows(std::nullopt, std::nullopt, random);
    ASSERT_TRUE(both);
    EXPECT_TRUE(choose_windows(both->backup, both->maintenance, random)) << both->maintenance;
    const auto backup = choose_windows(std::nullopt, "sun:03:00-sun:10:30", random);
    ASSERT_TRUE(backup);
    EXPECT_EQ(backup->backup, "10:30-11:00");
    EXPECT_TRUE(choose_windows("03:00-10:30", std::nullopt, random));
    EXPECT_FALSE(choose_windows("02:00-12:00", std::nullopt, random));
  }
}

TEST(Windows, MustNotOverlapAlsoOverMidnightAndSunday) {
  const auto is_good = [](const char* backup, const char* maintenance) {
    return choose_windows(backup, maintenance, [](std::uint64_t) { return std::uint64_t{0}; })
        .has_value();
  };
  EXPECT_FALSE(is_good("05:00-06:00", "wed:05:30-wed:06:30"));
  EXPECT_TRUE(is_good("05:00-06:00", "wed:06:00-wed:06:30"));
  EXPECT_TRUE(is_good("05:30-06:00", "wed:05:00-wed:05:30"));
  EXPECT_FALSE(is_good("23:30-00:30", "wed:00:00-wed:00:30"));
  EXPECT_FALSE(is_good("23:30-00:30", "mon:00:00-mon:00:30"));
  EXPECT_FALSE(is_good("00:00-00:30", "sun:23:30-mon:00:15"));
  EXPECT_TRUE(is_good("00:15-00:45", "sun:23:30-mon:00:15"));
}

service::NetworkState network_with(const std::vector<std::string>& zones) {
  service::NetworkState network;
  DbSubnetGroup group{
      .name = "g", .description = "d", .vpc_id = "vpc-1", .subnet_ids = {}, .tags = {}};
  for (std::size_t i = 0; i < zones.size(); ++i) {
    const std::string id = "subnet-" + std::to_string(i);
    network.subnets[id] = {.id = id,
                           .vpc_id = "vpc-1",
                           .availability_zone = zones[i],
                           .cidr = {},
                           .is_default = false,
                           .tags = {}};
    group.subnet_ids.push_back(id);
  }
  network.subnet_groups["g"] = group;
  const auto add_group = [&](const std::string& id, const std::string& vpc,
                             const std::string& name) {
    network.security_groups[id] = {
        .id = id, .vpc_id = vpc, .name = name, .description = "d", .rules = {}, .tags = {}};
  };
  add_group("sg-default", "vpc-1", "default");
  add_group("sg-mine", "vpc-1", "mine");
  add_group("sg-other", "vpc-2", "other");
  return network;
}

TEST(PlaceCluster, PutsOneMemberInEachOfThreeZones) {
  const auto network = network_with({"us-east-1b", "us-east-1a", "us-east-1b", "us-east-1c"});
  ClusterWish wish;
  const auto places = place_cluster(network, network.subnet_groups.at("g"), wish);
  ASSERT_TRUE(places) << places.error().message;
  ASSERT_EQ(places->size(), 3U);
  EXPECT_EQ((*places)[0].availability_zone, "us-east-1a");
  EXPECT_EQ((*places)[0].subnet_id, "subnet-1");
  EXPECT_EQ((*places)[1].subnet_id, "subnet-0");
  EXPECT_EQ((*places)[2].subnet_id, "subnet-3");
  EXPECT_EQ(wish.wanted.vpc_id, "vpc-1");
  EXPECT_EQ(wish.wanted.subnet_group, "g");
  EXPECT_EQ(wish.wanted.security_group_ids, std::vector<std::string>{"sg-default"});
}

TEST(PlaceCluster, RefusesTwoZonesAndStrangeSecurityGroups) {
  const auto two = network_with({"us-east-1a", "us-east-1b", "us-east-1a"});
  ClusterWish wish;
  const auto places = place_cluster(two, two.subnet_groups.at("g"), wish);
  ASSERT_FALSE(places);
  EXPECT_EQ(places.error().fault, "DBSubnetGroupDoesNotCoverEnoughAZs");
  EXPECT_NE(places.error().message.find("us-east-1a, us-east-1b. Add subnets to cover at least 3"),
            std::string::npos);

  const auto three = network_with({"us-east-1a", "us-east-1b", "us-east-1c"});
  const auto fault = [&](const std::string& id) {
    ClusterWish with_group;
    with_group.wanted.security_group_ids = {id};
    const auto result = place_cluster(three, three.subnet_groups.at("g"), with_group);
    return result ? std::string("none") : std::string(result.error().fault);
  };
  EXPECT_EQ(fault("sg-mine"), "none");
  EXPECT_EQ(fault("sg-none"), kValue);
  EXPECT_EQ(fault("sg-other"), kCombination);
}

TEST(PlaceCluster, IsPublicWhereTheVpcHasAGatewayUnlessToldOtherwise) {
  auto network = network_with({"us-east-1a", "us-east-1b", "us-east-1c"});
  const auto placed = [&](std::optional<bool> asked_for) -> std::string {
    ClusterWish wish;
    wish.is_public = asked_for;
    const auto result = place_cluster(network, network.subnet_groups.at("g"), wish);
    return !result                           ? std::string(result.error().fault)
           : wish.wanted.publicly_accessible ? "public"
                                             : "private";
  };
  network.internet_gateways["igw-1"] = {.id = "igw-1", .vpc_id = "vpc-2", .tags = {}};
  EXPECT_EQ(placed(std::nullopt), "private");
  EXPECT_EQ(placed(false), "private");
  EXPECT_EQ(placed(true), "InvalidVPCNetworkStateFault");
  network.internet_gateways["igw-1"].vpc_id = "vpc-1";
  EXPECT_EQ(placed(std::nullopt), "public");
  EXPECT_EQ(placed(false), "private");
  EXPECT_EQ(placed(true), "public");
}

}  // namespace
}  // namespace trivet::api::rds
