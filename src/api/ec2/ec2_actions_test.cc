// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "api/ec2/common.h"
#include "api/rds/rds_testing.h"

namespace trivet::api::ec2 {
namespace {

using testing::Installation;
using Parameters = Installation::Parameters;

class Ec2ActionsTest : public ::testing::Test {
 protected:
  Result<std::string> call(const std::string& action, const Parameters& parameters) {
    return installation_.call("ec2", action, parameters);
  }
  std::string fault(const std::string& action, const Parameters& parameters) {
    const auto result = call(action, parameters);
    return result ? "none" : std::string(result.error().fault);
  }
  static std::size_t count(const std::string& xml, const std::string& text) {
    std::size_t found = 0;
    for (std::size_t at = xml.find(text); at != std::string::npos; at = xml.find(text, at + 1)) {
      ++found;
    }
    return found;
  }
  std::size_t subnets(const Parameters& parameters) {
    const auto shown = call("DescribeSubnets", parameters);
    EXPECT_TRUE(shown) << shown.error().message;
    return shown ? count(*shown, "<subnetId>") : 99;
  }
  std::string vpc_id() { return installation_.ec2().state()->default_vpc()->id; }

  Installation installation_;
};

TEST(Ec2Filters, MatchAsPatterns) {
  EXPECT_TRUE(glob("us-east-1?", "us-east-1a"));
  EXPECT_FALSE(glob("us-east-1?", "us-east-1"));
  EXPECT_TRUE(glob("*", ""));
  EXPECT_TRUE(glob("a*b*c", "a-b-b-c"));
  EXPECT_FALSE(glob("a*b", "a-b-c"));
  EXPECT_TRUE(glob("a\\*b", "a*b"));
  EXPECT_FALSE(glob("a\\*b", "axb"));
  EXPECT_FALSE(glob("", "a"));
  EXPECT_TRUE(glob("\\", "\\"));
}

TEST_F(Ec2ActionsTest, ShowsTheDefaultNetwork) {
  const auto vpcs =
      call("DescribeVpcs", {{"Filter.1.Name", "is-default"}, {"Filter.1.Value.1", "true"}});
  ASSERT_TRUE(vpcs) << vpcs.error().message;
  EXPECT_EQ(Installation::text_of(*vpcs, "cidrBlock"), "172.31.0.0/16");
  EXPECT_EQ(Installation::text_of(*vpcs, "isDefault"), "true");
  EXPECT_EQ(installation_.asked()[0].action, "ec2:DescribeVpcs");
  EXPECT_EQ(installation_.asked()[0].resource, "*");
  EXPECT_EQ(subnets({}), 3U);
  const auto tables = call("DescribeRouteTables", {});
  ASSERT_TRUE(tables);
  EXPECT_EQ(Installation::text_of(*tables, "gatewayId"), "local");
  EXPECT_EQ(Installation::text_of(*tables, "main"), "true");
  const auto main = call("DescribeRouteTables", {{"Filter.1.Name", "association.main"},
                                                 {"Filter.1.Value.1", "true"},
                                                 {"Filter.2.Name", "route.state"},
                                                 {"Filter.2.Value.1", "active"}});
  ASSERT_TRUE(main);
  EXPECT_EQ(count(*main, "<routeTableId>"), 2U);  // the table's and its association's
  const auto zones = call("DescribeAvailabilityZones",
                          {{"Filter.1.Name", "state"}, {"Filter.1.Value.1", "available"}});
  ASSERT_TRUE(zones);
  EXPECT_EQ(count(*zones, "<zoneName>"), 3U);
  EXPECT_EQ(Installation::text_of(*zones, "zoneId"), "use1-az1");
  const auto account = call("DescribeAccountAttributes", {{"AttributeName.1", "default-vpc"}});
  ASSERT_TRUE(account);
  EXPECT_EQ(Installation::text_of(*account, "attributeValue"), vpc_id());
}

TEST_F(Ec2ActionsTest, FiltersSubnets) {
  const auto made = call("CreateSubnet", {{"VpcId", vpc_id()},
                                          {"CidrBlock", "172.31.48.0/24"},
                                          {"AvailabilityZone", "us-east-1b"},
                                          {"TagSpecification.1.ResourceType", "subnet"},
                                          {"TagSpecification.1.Tag.1.Key", "Name"},
                                          {"TagSpecification.1.Tag.1.Value", "private-b"}});
  ASSERT_TRUE(made) << made.error().message;
  const auto& asked = installation_.asked();
  ASSERT_EQ(asked.size(), 3U);
  EXPECT_EQ(asked[0].resource, "arn:aws:ec2:us-east-1:123456789012:subnet/*");
  EXPECT_EQ(asked[1].action, "ec2:CreateTags");
  EXPECT_EQ(asked[1].context.at("ec2:CreateAction"), std::vector<std::string>{"CreateSubnet"});
  EXPECT_EQ(asked[2].resource, "arn:aws:ec2:us-east-1:123456789012:vpc/" + vpc_id());
  EXPECT_EQ(Installation::text_of(*made, "availableIpAddressCount"), "251");
  const std::string id = Installation::text_of(*made, "subnetId");

  const auto with = [&](const char* name, const std::string& value) {
    return subnets({{"Filter.1.Name", name}, {"Filter.1.Value.1", value}});
  };
  EXPECT_EQ(with("vpc-id", vpc_id()), 4U);
  EXPECT_EQ(with("availability-zone", "us-east-1b"), 2U);
  EXPECT_EQ(with("availability-zone", "us-east-1*"), 4U);
  EXPECT_EQ(with("default-for-az", "true"), 3U);
  EXPECT_EQ(with("tag:Name", "private-?"), 1U);
  EXPECT_EQ(with("tag-key", "Name"), 1U);
  EXPECT_EQ(with("cidr-block", "172.31.48.0/24"), 1U);
  EXPECT_EQ(with("subnet-id", id), 1U);
  EXPECT_EQ(with("state", "available"), 4U);
  EXPECT_EQ(with("owner-id", "123456789012"), 4U);
  EXPECT_EQ(with("map-public-ip-on-launch", "false"), 1U);
  EXPECT_EQ(subnets({{"SubnetId.1", id}}), 1U);
  EXPECT_EQ(subnets({{"Filter.1.Name", "availability-zone"},
                     {"Filter.1.Value.1", "us-east-1a"},
                     {"Filter.1.Value.2", "us-east-1c"},
                     {"Filter.2.Name", "default-for-az"},
                     {"Filter.2.Value.1", "false"}}),
            0U);
  EXPECT_EQ(fault("DescribeSubnets", {{"Filter.1.Name", "colour"}, {"Filter.1.Value.1", "x"}}),
            "InvalidParameterValue");
  EXPECT_EQ(fault("DescribeSubnets", {{"SubnetId.1", "subnet-0"}}), "InvalidSubnetID.NotFound");
  EXPECT_EQ(fault("DeleteSubnet", {{"SubnetId", id}}), "none");
  EXPECT_EQ(installation_.asked()[0].context.at("aws:ResourceTag/Name"),
            std::vector<std::string>{"private-b"});
  EXPECT_EQ(subnets({}), 3U);
}

TEST_F(Ec2ActionsTest, PagesThroughSubnets) {
  for (int i = 0; i < 9; ++i) {
    ASSERT_TRUE(
        call("CreateSubnet",
             {{"VpcId", vpc_id()}, {"CidrBlock", "172.31." + std::to_string(48 + i) + ".0/24"}}));
  }
  std::string token;
  std::size_t seen = 0;
  for (int page = 0; page < 10; ++page) {
    Parameters parameters = {{"MaxResults", "5"}};
    if (!token.empty()) {
      parameters.emplace_back("NextToken", token);
    }
    const auto shown = call("DescribeSubnets", parameters);
    ASSERT_TRUE(shown);
    seen += count(*shown, "<subnetId>");
    token = Installation::text_of(*shown, "nextToken");
    if (token.empty()) {
      break;
    }
  }
  EXPECT_EQ(seen, 12U);
  const std::string first = installation_.ec2().state()->subnets.begin()->first;
  EXPECT_EQ(fault("DescribeSubnets", {{"MaxResults", "5"}, {"SubnetId.1", first}}),
            "InvalidParameterCombination");
  EXPECT_EQ(fault("DescribeSubnets", {{"MaxResults", "5"}, {"NextToken", "%"}}),
            "InvalidParameterValue");
}

TEST_F(Ec2ActionsTest, RefusesWhatIsNotBuilt) {
  EXPECT_EQ(fault("CreateSubnet", {{"VpcId", vpc_id()},
                                   {"CidrBlock", "172.31.48.0/24"},
                                   {"Ipv6CidrBlock", "2001:db8::/64"}}),
            "NotImplemented");
  EXPECT_EQ(fault("CreateSubnet", {{"VpcId", vpc_id()}}), "MissingParameter");
  EXPECT_EQ(fault("CreateSubnet", {{"VpcId", vpc_id()},
                                   {"CidrBlock", "172.31.48.0/24"},
                                   {"TagSpecification.1.ResourceType", "vpc"}}),
            "InvalidParameterValue");
  EXPECT_EQ(fault("CreateSubnet",
                  {{"VpcId", vpc_id()}, {"CidrBlock", "172.31.48.0/24"}, {"DryRun", "true"}}),
            "DryRunOperation");
  EXPECT_EQ(subnets({}), 3U);
}

TEST_F(Ec2ActionsTest, KeepsRulesOfSecurityGroups) {
  const auto made =
      call("CreateSecurityGroup", {{"GroupName", "db"}, {"GroupDescription", "for databases"}});
  ASSERT_TRUE(made) << made.error().message;
  const std::string id = Installation::text_of(*made, "groupId");
  const auto allowed =
      call("AuthorizeSecurityGroupIngress", {{"GroupId", id},
                                             {"IpPermissions.1.IpProtocol", "tcp"},
                                             {"IpPermissions.1.FromPort", "3306"},
                                             {"IpPermissions.1.ToPort", "3306"},
                                             {"IpPermissions.1.Groups.1.GroupId", id},
                                             {"IpPermissions.1.IpRanges.1.CidrIp", "10.0.0.0/8"},
                                             {"IpPermissions.1.IpRanges.1.Description", "office"}});
  ASSERT_TRUE(allowed) << allowed.error().message;
  EXPECT_EQ(count(*allowed, "<securityGroupRuleId>"), 2U);
  const auto shown = call("DescribeSecurityGroups",
                          {{"Filter.1.Name", "ip-permission.cidr"}, {"Filter.1.Value.1", "10.*"}});
  ASSERT_TRUE(shown);
  EXPECT_EQ(Installation::text_of(*shown, "groupId"), id);
  EXPECT_EQ(count(*shown, "<fromPort>3306</fromPort>"), 1U);  // one permission, two peers
  EXPECT_EQ(fault("AuthorizeSecurityGroupIngress", {{"GroupId", id},
                                                    {"IpProtocol", "tcp"},
                                                    {"FromPort", "3306"},
                                                    {"ToPort", "3306"},
                                                    {"CidrIp", "10.0.0.0/8"}}),
            "InvalidPermission.Duplicate");
  EXPECT_EQ(fault("AuthorizeSecurityGroupIngress", {{"GroupId", "db"}}),
            "InvalidGroupId.Malformed");
  EXPECT_EQ(fault("DescribeSecurityGroups", {{"GroupName.1", "none"}}), "InvalidGroup.NotFound");
  const auto by_name = call("DescribeSecurityGroups", {{"GroupName.1", "default"}});
  ASSERT_TRUE(by_name);
  EXPECT_EQ(count(*by_name, "<groupName>default</groupName>"), 1U);
  EXPECT_EQ(fault("DeleteSecurityGroup", {{"GroupId", id}}), "none");
  EXPECT_EQ(fault("DeleteSecurityGroup", {}), "MissingParameter");
}

TEST_F(Ec2ActionsTest, TagsWhatIsThere) {
  EXPECT_EQ(fault("CreateTags",
                  {{"ResourceId.1", vpc_id()}, {"Tag.1.Key", "Name"}, {"Tag.1.Value", "main"}}),
            "none");
  EXPECT_EQ(installation_.asked()[0].resource,
            "arn:aws:ec2:us-east-1:123456789012:vpc/" + vpc_id());
  EXPECT_EQ(installation_.asked()[0].context.at("aws:RequestTag/Name"),
            std::vector<std::string>{"main"});
  const auto shown = call("DescribeVpcs", {});
  ASSERT_TRUE(shown);
  EXPECT_EQ(Installation::text_of(*shown, "key"), "Name");
  EXPECT_EQ(fault("CreateTags", {{"ResourceId.1", "i-123"}, {"Tag.1.Key", "a"}}), "InvalidID");
  EXPECT_EQ(
      fault("CreateTags", {{"ResourceId.1", vpc_id()}, {"Tag.1.Key", "a"}, {"Tag.2.Key", "a"}}),
      "InvalidParameterValue");
}

}  // namespace
}  // namespace trivet::api::ec2
