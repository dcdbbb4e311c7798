// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <set>

#include "adapter/store_memory/store.h"
#include "service/ec2_service.h"
#include "service/engine_catalog.h"
#include "service/instance_tags.h"
#include "service/subnet_group_service.h"

namespace trivet::service {
namespace {

template <typename T>
std::string fault_of(const Result<T>& result) {
  return result ? "none" : std::string(result.error().fault);
}

TEST(AvailabilityZones, AreNamedAsAwsDoes) {
  const auto zones = availability_zones({.region = "us-east-1"});
  ASSERT_EQ(zones.size(), 3U);
  EXPECT_EQ(zones[0].name, "us-east-1a");
  EXPECT_EQ(zones[2].name, "us-east-1c");
  EXPECT_EQ(zones[0].id, "use1-az1");
  const auto chosen = availability_zones(
      {.region = "us-east-1", .availability_zones = {"us-east-1d", "us-east-1a", "us-east-1f"}});
  EXPECT_EQ(chosen[0].name, "us-east-1d");
  EXPECT_EQ(chosen[2].id, "use1-az6");
  EXPECT_EQ(availability_zones({.region = "eu-central-1"})[1].id, "euc1-az2");
  EXPECT_EQ(availability_zones({.region = "ap-southeast-2"})[2].id, "apse2-az3");
  EXPECT_EQ(availability_zones({.region = "us-gov-west-1"})[0].id, "usgw1-az1");
}

TEST(EngineCatalog, ChoosesTheNewestThatIsNamed) {
  const std::vector<EngineVersion> installed = {
      {"mysql", "9.7.4"}, {"mysql", "9.7.10"}, {"mysql", "9.6.12"}};
  EXPECT_EQ(choose_version(installed, "mysql", "")->version, "9.7.10");
  EXPECT_EQ(choose_version(installed, "mysql", "9.7")->version, "9.7.10");
  EXPECT_EQ(choose_version(installed, "mysql", "9.7.4")->version, "9.7.4");
  EXPECT_EQ(choose_version(installed, "mysql", "9.6")->version, "9.6.12");
  const auto none = choose_version(installed, "mysql", "8.4.5");
  EXPECT_EQ(fault_of(none), "InvalidParameterCombination");
  EXPECT_EQ(none.error().message, "Cannot find version 8.4.5 for mysql");
  EXPECT_EQ(fault_of(choose_version(installed, "mysql", "9")), "InvalidParameterCombination");
  EXPECT_EQ(fault_of(choose_version({}, "mysql", "")), "InsufficientDBInstanceCapacity");
}

TEST(EngineCatalog, NamesWhatBelongsToAVersion) {
  const EngineVersion version{"mysql", "9.7.4"};
  EXPECT_EQ(version.parameter_family(), "mysql9.7");
  EXPECT_EQ(version.parameter_group(), "default.mysql9.7");
  EXPECT_EQ(version.option_group(), "default:mysql-9-7");
}

TEST(EngineCatalog, FindsEveryClassByItsName) {
  for (const InstanceClass& entry : instance_classes()) {
    EXPECT_EQ(find_instance_class(entry.name), &entry) << entry.name;
    EXPECT_GT(entry.memory_mib, 0U) << entry.name;
  }
  ASSERT_NE(find_instance_class("db.t3.micro"), nullptr);
  EXPECT_EQ(find_instance_class("db.t3.micro")->memory_mib, 1024U);
  EXPECT_EQ(find_instance_class("db.r6gd.large")->memory_mib, 16U * 1024);
  EXPECT_EQ(find_instance_class("db.m5.large"), nullptr);
  EXPECT_EQ(find_instance_class(""), nullptr);
}

class NetworkTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(ec2_.start()); }

  NetworkState state() { return *network_.load(); }
  std::string vpc() { return state().default_vpc()->id; }
  std::string subnet(const std::string& cidr, const std::string& zone) {
    const auto made = ec2_.create_subnet({.vpc_id = vpc(),
                                          .availability_zone = zone,
                                          .availability_zone_id = {},
                                          .cidr = cidr,
                                          .tags = {}});
    EXPECT_TRUE(made) << cidr;
    return made ? made->id : "";
  }
  std::string subnet_fault(const std::string& cidr, const std::string& zone = "") {
    return fault_of(ec2_.create_subnet({.vpc_id = vpc(),
                                        .availability_zone = zone,
                                        .availability_zone_id = {},
                                        .cidr = cidr,
                                        .tags = {}}));
  }
  static SecurityGroupRule tcp(std::int32_t port, const std::string& cidr) {
    SecurityGroupRule rule;
    rule.protocol = "tcp";
    rule.port_min = port;
    rule.port_max = port;
    rule.cidr_v4 = cidr;
    return rule;
  }

  store_memory::MemoryStore store_;
  NetworkStore network_{store_};
  std::set<std::string> used_groups_;
  std::vector<SubnetGroupService::Placed> clusters_;
  Ec2Service ec2_{
      {.network = network_,
       .realm = {.account = AccountId("123456789012")},
       .is_group_used = [this](const std::string& id) { return used_groups_.contains(id); }}};
  SubnetGroupService groups_{
      {.network = network_, .clusters_in = [this](const std::string&) { return clusters_; }}};
};

TEST_F(NetworkTest, BeginsWithADefaultVpcInThreeZones) {
  const NetworkState first = state();
  ASSERT_EQ(first.vpcs.size(), 1U);
  const Vpc& made = *first.default_vpc();
  EXPECT_EQ(made.cidr, "172.31.0.0/16");
  EXPECT_EQ(made.id.size(), std::string("vpc-").size() + 17);
  std::map<std::string, std::string> cidr_of_zone;
  for (const auto& [id, entry] : first.subnets) {
    EXPECT_EQ(entry.vpc_id, made.id);
    EXPECT_TRUE(entry.is_default);
    cidr_of_zone[entry.availability_zone] = entry.cidr;
  }
  EXPECT_EQ(cidr_of_zone, (std::map<std::string, std::string>{{"us-east-1a", "172.31.0.0/20"},
                                                              {"us-east-1b", "172.31.16.0/20"},
                                                              {"us-east-1c", "172.31.32.0/20"}}));
  const SecurityGroup& group = *first.default_security_group(made.id);
  ASSERT_EQ(group.rules.size(), 2U);
  EXPECT_EQ(group.rules[0].group_id, group.id);
  EXPECT_TRUE(group.rules[1].is_egress);
  EXPECT_EQ(first.route_tables.size(), 1U);
}

TEST_F(NetworkTest, KeepsWhatItHasWhenItStartsAgain) {
  const std::string before = vpc();
  NetworkStore later(store_);
  Ec2Service again({.network = later, .realm = ec2_.realm(), .is_group_used = {}});
  ASSERT_TRUE(again.start());
  EXPECT_EQ(vpc(), before);
  EXPECT_EQ(state().subnets.size(), 3U);
}

TEST_F(NetworkTest, RefusesSubnetsThatDoNotFit) {
  EXPECT_EQ(subnet_fault("nonsense"), "InvalidParameterValue");
  EXPECT_EQ(subnet_fault("10.0.0.0/24"), "InvalidSubnet.Range");
  EXPECT_EQ(subnet_fault("172.31.48.0/29"), "InvalidSubnet.Range");
  EXPECT_EQ(subnet_fault("172.30.0.0/15"), "InvalidSubnet.Range");
  EXPECT_EQ(subnet_fault("172.31.0.0/24"), "InvalidSubnet.Conflict");
  EXPECT_EQ(subnet_fault("172.31.0.0/16"), "InvalidSubnet.Conflict");
  EXPECT_EQ(subnet_fault("172.31.48.0/24", "us-east-1d"), "InvalidParameterValue");
  EXPECT_EQ(fault_of(ec2_.create_subnet({.vpc_id = "vpc-0",
                                         .availability_zone = {},
                                         .availability_zone_id = {},
                                         .cidr = "172.31.48.0/24",
                                         .tags = {}})),
            "InvalidVpcID.NotFound");
  EXPECT_EQ(state().subnets.size(), 3U);
  EXPECT_EQ(subnet_fault("172.31.48.0/28", "us-east-1b"), "none");
}

TEST_F(NetworkTest, DeletesASubnetOnlyWhenNoGroupHasIt) {
  const std::string a = subnet("172.31.48.0/24", "us-east-1a");
  const std::string b = subnet("172.31.49.0/24", "us-east-1b");
  ASSERT_TRUE(
      groups_.create({.name = "Two", .description = "d", .subnet_ids = {a, b, a}, .tags = {}}));
  EXPECT_EQ(state().find_subnet_group("two")->subnet_ids.size(), 2U);
  EXPECT_EQ(fault_of(ec2_.delete_subnet(a)), "DependencyViolation");
  clusters_ = {{"demo", {a, b}}};
  EXPECT_EQ(fault_of(groups_.remove("two")), "InvalidDBSubnetGroupStateFault");
  clusters_.clear();
  EXPECT_EQ(fault_of(groups_.remove("TWO")), "none");
  EXPECT_EQ(fault_of(ec2_.delete_subnet(a)), "none");
  EXPECT_EQ(fault_of(ec2_.delete_subnet(a)), "InvalidSubnetID.NotFound");
}

TEST_F(NetworkTest, RefusesSubnetGroupsThatAwsRefuses) {
  const std::string a = subnet("172.31.48.0/24", "us-east-1a");
  const std::string a2 = subnet("172.31.49.0/24", "us-east-1a");
  const std::string b = subnet("172.31.50.0/24", "us-east-1b");
  const auto fault = [&](const std::string& name, const std::vector<std::string>& ids,
                         const std::string& description = "d") {
    return fault_of(
        groups_.create({.name = name, .description = description, .subnet_ids = ids, .tags = {}}));
  };
  EXPECT_EQ(fault("", {a, b}), "InvalidParameterValue");
  EXPECT_EQ(fault("1group", {a, b}), "InvalidParameterValue");
  EXPECT_EQ(fault("a/b", {a, b}), "InvalidParameterValue");
  EXPECT_EQ(fault(std::string(256, 'a'), {a, b}), "InvalidParameterValue");
  EXPECT_EQ(fault("Default", {a, b}), "InvalidParameterValue");
  EXPECT_EQ(fault("g", {a, b}, ""), "InvalidParameterValue");
  EXPECT_EQ(fault("g", {}), "InvalidParameterValue");
  EXPECT_EQ(fault("g", {a, "subnet-0"}), "InvalidSubnet");
  EXPECT_EQ(fault("g", {a, a2}), "DBSubnetGroupDoesNotCoverEnoughAZs");
  EXPECT_EQ(fault("g", std::vector<std::string>(1, a)), "DBSubnetGroupDoesNotCoverEnoughAZs");
  EXPECT_EQ(fault("My group_1.x-y", {a, b}), "none");
  EXPECT_EQ(fault("my GROUP_1.x-y", {a, b}), "DBSubnetGroupAlreadyExists");
}

TEST_F(NetworkTest, ModifiesASubnetGroupButForWhatIsInUse) {
  const std::string a = subnet("172.31.48.0/24", "us-east-1a");
  const std::string b = subnet("172.31.49.0/24", "us-east-1b");
  const std::string c = subnet("172.31.50.0/24", "us-east-1c");
  ASSERT_TRUE(
      groups_.create({.name = "two", .description = "d", .subnet_ids = {a, b}, .tags = {}}));
  const auto modified = groups_.modify("Two", {b, c, c}, "");
  ASSERT_TRUE(modified);
  EXPECT_EQ(modified->subnet_ids, (std::vector<std::string>{b, c}));
  EXPECT_EQ(state().find_subnet_group("two")->subnet_ids, modified->subnet_ids);
  EXPECT_EQ(modified->description, "d");
  clusters_ = {{"demo", {b, c}}};
  const auto refused = groups_.modify("two", {a, b}, "");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "Some of the subnets to be deleted are currently in use: " + c);
  EXPECT_EQ(groups_.modify("two", {a, b, c}, "wide")->description, "wide");
  EXPECT_EQ(fault_of(groups_.modify("two", {}, "")), "InvalidParameterValue");
  EXPECT_EQ(fault_of(groups_.modify("two", {a}, "")), "DBSubnetGroupDoesNotCoverEnoughAZs");
  EXPECT_EQ(fault_of(groups_.modify("two", {a, "subnet-0"}, "")), "InvalidSubnet");
  EXPECT_EQ(fault_of(groups_.modify("three", {a, b}, "")), "DBSubnetGroupNotFoundFault");
  clusters_.clear();
  EXPECT_EQ(groups_.modify("default", {a, b}, "")->subnet_ids.size(), 2U);
}

TEST_F(NetworkTest, MakesTheDefaultSubnetGroupWhenItIsNeeded) {
  EXPECT_EQ(state().find_subnet_group("default"), nullptr);
  std::vector<std::string> zones;
  ASSERT_TRUE(groups_.hold("Default", [&](const NetworkState& now, const DbSubnetGroup& group) {
    zones = now.zones_of(group);
    return ok();
  }));
  EXPECT_EQ(zones, (std::vector<std::string>{"us-east-1a", "us-east-1b", "us-east-1c"}));
  EXPECT_NE(state().find_subnet_group("default"), nullptr);
  EXPECT_EQ(fault_of(groups_.hold("other",
                                  [](const NetworkState&, const DbSubnetGroup&) { return ok(); })),
            "DBSubnetGroupNotFoundFault");
  EXPECT_EQ(fault_of(groups_.remove("default")), "InvalidParameterValue");
}

TEST_F(NetworkTest, GuardsSecurityGroupsThatAreUsed) {
  const auto make = [&](const std::string& name) {
    return ec2_.create_security_group(
        {.vpc_id = "", .name = name, .description = "for a test", .tags = {}});
  };
  const auto one = make("one");
  const auto two = make("two");
  ASSERT_TRUE(one && two);
  EXPECT_EQ(fault_of(make("one")), "InvalidGroup.Duplicate");
  EXPECT_EQ(fault_of(make("default")), "InvalidParameterValue");
  EXPECT_EQ(fault_of(make("sg-1")), "InvalidParameterValue");
  EXPECT_EQ(fault_of(make("")), "MissingParameter");
  SecurityGroupRule from_one;
  from_one.protocol = "tcp";
  from_one.port_min = from_one.port_max = 3306;
  from_one.group_id = one->id;
  ASSERT_TRUE(ec2_.authorize({.id = two->id, .name = ""}, {from_one}));
  EXPECT_EQ(fault_of(ec2_.delete_security_group({.id = one->id, .name = ""})),
            "DependencyViolation");
  used_groups_ = {two->id};
  EXPECT_EQ(fault_of(ec2_.delete_security_group({.id = two->id, .name = ""})),
            "DependencyViolation");
  used_groups_.clear();
  EXPECT_EQ(fault_of(ec2_.delete_security_group({.id = "", .name = "two"})), "none");
  EXPECT_EQ(fault_of(ec2_.delete_security_group({.id = one->id, .name = ""})), "none");
  EXPECT_EQ(fault_of(ec2_.delete_security_group({.id = one->id, .name = ""})),
            "InvalidGroup.NotFound");
  EXPECT_EQ(fault_of(ec2_.delete_security_group({.id = "", .name = "default"})), "CannotDelete");
}

TEST_F(NetworkTest, ChecksRulesAndRefusesTheSameTwice) {
  const SecurityGroupRef ref{.id = "", .name = "default"};
  const auto fault = [&](const SecurityGroupRule& rule) {
    return fault_of(ec2_.authorize(ref, {rule}));
  };
  EXPECT_EQ(fault(tcp(3306, "10.0.0.0/8")), "none");
  EXPECT_EQ(fault(tcp(3306, "10.1.2.3/8")), "InvalidPermission.Duplicate");
  SecurityGroupRule by_number = tcp(3306, "10.0.0.0/8");
  by_number.protocol = "6";
  EXPECT_EQ(fault(by_number), "InvalidPermission.Duplicate");
  EXPECT_EQ(fault(tcp(65536, "10.0.0.0/8")), "InvalidParameterValue");
  EXPECT_EQ(fault(tcp(1, "10.0.0.0/40")), "InvalidParameterValue");
  EXPECT_EQ(fault(tcp(1, "")), "MissingParameter");
  SecurityGroupRule unknown = tcp(1, "10.0.0.0/8");
  unknown.protocol = "tcpx";
  EXPECT_EQ(fault(unknown), "InvalidParameterValue");
  unknown.protocol = "";
  EXPECT_EQ(fault(unknown), "MissingParameter");
  SecurityGroupRule without_port = tcp(1, "10.0.0.0/8");
  without_port.port_max.reset();
  EXPECT_EQ(fault(without_port), "MissingParameter");
  SecurityGroupRule backwards = tcp(2, "10.0.0.0/8");
  backwards.port_max = 1;
  EXPECT_EQ(fault(backwards), "InvalidParameterValue");
  SecurityGroupRule from_nobody = tcp(1, "");
  from_nobody.group_id = "sg-0";
  EXPECT_EQ(fault(from_nobody), "InvalidGroup.NotFound");
  EXPECT_EQ(fault_of(ec2_.authorize(ref, {})), "MissingParameter");
}

TEST_F(NetworkTest, TagsAllOrNothing) {
  const std::string id = state().subnets.begin()->first;
  EXPECT_EQ(fault_of(ec2_.create_tags({id, "subnet-0"}, {{"a", "b"}})), "InvalidSubnetID.NotFound");
  EXPECT_TRUE(state().find_subnet(id)->tags.empty());
  const SecurityGroup group = *state().default_security_group(vpc());
  ASSERT_TRUE(ec2_.create_tags({id, vpc(), group.id, group.rules[0].id, id}, {{"a", "b"}}));
  EXPECT_EQ(state().find_subnet(id)->tags, (Tags{{"a", "b"}}));
  const SecurityGroup tagged = *state().find_security_group(group.id);
  EXPECT_EQ(tagged.tags, (Tags{{"a", "b"}}));
  EXPECT_EQ(tagged.rules[0].tags, (Tags{{"a", "b"}}));
  EXPECT_EQ(fault_of(ec2_.create_tags({id}, {{"aws:x", "b"}})), "InvalidParameterValue");
  Tags many;
  for (int i = 0; i < 50; ++i) {
    many["k" + std::to_string(i)] = "";
  }
  EXPECT_EQ(fault_of(ec2_.create_tags({id}, many)), "TagLimitExceeded");
}

TEST_F(NetworkTest, DoesNotReadWhatANewerVersionWrote) {
  ASSERT_TRUE(store_.commit(
      {.compares = {}, .puts = {{"network/vpcs/vpc-9", R"({"v":2})"}}, .deletes = {}}));
  const auto loaded = network_.load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Errc::kCorrupt);
  EXPECT_NE(loaded.error().message.find("network/vpcs/vpc-9"), std::string::npos);
}

TEST_F(NetworkTest, KeepsTheWholeRecord) {
  SecurityGroupRule rule = tcp(3306, "10.0.0.0/8");
  rule.description = "from the office";
  rule.tags = {{"k", "v"}};
  ASSERT_TRUE(ec2_.authorize({.id = "", .name = "default"}, {rule}));
  const SecurityGroup group = *state().default_security_group(vpc());
  const auto again = decode_security_group(encode(group));
  ASSERT_TRUE(again);
  EXPECT_EQ(encode(*again), encode(group));
  EXPECT_EQ(again->rules.back().description, "from the office");
  EXPECT_EQ(again->rules.back().port_min, 3306);
}

TEST(InstanceTags, ForgetMembersThatAreGone) {
  store_memory::MemoryStore store;
  InstanceTags tags(store);
  const auto set = [](const char* value) {
    return [value](Tags& all) {
      all["k"] = value;
      return ok();
    };
  };
  EXPECT_TRUE(tags.get("db-A")->empty());
  ASSERT_TRUE(tags.update("db-A", {"db-A", "db-B"}, set("a")));
  ASSERT_TRUE(tags.update("db-B", {"db-A", "db-B"}, set("b")));
  EXPECT_EQ(*tags.get("db-A"), (Tags{{"k", "a"}}));
  ASSERT_TRUE(tags.update("db-B", {"db-B"}, set("c")));
  EXPECT_TRUE(tags.get("db-A")->empty());
  EXPECT_EQ(*tags.get("db-B"), (Tags{{"k", "c"}}));
  const auto refused = [](Tags&) -> Status { return make_error(Errc::kDenied, "no"); };
  EXPECT_FALSE(tags.update("db-B", {"db-B"}, refused));
  EXPECT_EQ(*tags.get("db-B"), (Tags{{"k", "c"}}));
}

}  // namespace
}  // namespace trivet::service
