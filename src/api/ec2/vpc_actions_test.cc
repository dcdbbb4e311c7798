// SPDX-License-Identifier: Apache-2.0
//
// VPCs, route tables, gateways, interfaces, endpoints and rules, as the AWS CLI asks for them.
#include <gtest/gtest.h>

#include "api/ec2/common.h"
#include "api/rds/rds_testing.h"

namespace trivet::api::ec2 {
namespace {

using testing::Installation;
using Parameters = Installation::Parameters;

class VpcActionsTest : public ::testing::Test {
 protected:
  Result<std::string> call(const std::string& action, const Parameters& parameters) {
    return installation_.call("ec2", action, parameters);
  }
  std::string fault(const std::string& action, const Parameters& parameters) {
    const auto result = call(action, parameters);
    return result ? "none" : std::string(result.error().fault);
  }
  // The text of `element` in the answer of a call that must work.
  std::string made(const std::string& action, const Parameters& parameters,
                   const std::string& element) {
    const auto result = call(action, parameters);
    EXPECT_TRUE(result) << action << ": " << (result ? "" : result.error().message);
    return result ? Installation::text_of(*result, element) : "";
  }
  static std::size_t count(const std::string& xml, const std::string& text) {
    std::size_t found = 0;
    for (std::size_t at = xml.find(text); at != std::string::npos; at = xml.find(text, at + 1)) {
      ++found;
    }
    return found;
  }
  std::string vpc() { return made("CreateVpc", {{"CidrBlock", "10.0.0.0/16"}}, "vpcId"); }
  std::string subnet(const std::string& vpc_id, const std::string& cidr,
                     const std::string& zone = "us-east-1a") {
    return made("CreateSubnet",
                {{"VpcId", vpc_id}, {"CidrBlock", cidr}, {"AvailabilityZone", zone}}, "subnetId");
  }

  Installation installation_;
};

TEST_F(VpcActionsTest, AVpcComesWithAGroupAndATableAndGoesWhenItIsEmpty) {
  const std::string id = vpc();
  const Parameters of_vpc = {{"Filter.1.Name", "vpc-id"}, {"Filter.1.Value.1", id}};
  EXPECT_EQ(made("DescribeSecurityGroups", of_vpc, "groupName"), "default");
  EXPECT_EQ(made("DescribeRouteTables", of_vpc, "gatewayId"), "local");
  EXPECT_EQ(made("DescribeRouteTables", of_vpc, "destinationCidrBlock"), "10.0.0.0/16");
  const std::string subnet_id = subnet(id, "10.0.1.0/24");
  EXPECT_EQ(fault("DeleteVpc", {{"VpcId", id}}), "DependencyViolation");
  EXPECT_EQ(fault("DeleteSubnet", {{"SubnetId", subnet_id}}), "none");
  EXPECT_EQ(fault("DeleteVpc", {{"VpcId", id}}), "none");
  EXPECT_EQ(fault("DescribeVpcs", {{"VpcId.1", id}}), "InvalidVpcID.NotFound");
  EXPECT_EQ(count(*call("DescribeRouteTables", of_vpc), "<routeTableId>"), 0U);
}

TEST_F(VpcActionsTest, RefusesNetworksThatAwsRefuses) {
  const auto with = [&](const std::string& cidr) {
    return fault("CreateVpc", {{"CidrBlock", cidr}});
  };
  EXPECT_EQ(with("10.0.0.0/15"), "InvalidVpc.Range");
  EXPECT_EQ(with("10.0.0.0/29"), "InvalidVpc.Range");
  EXPECT_EQ(with("127.0.0.0/16"), "InvalidVpc.Range");
  EXPECT_EQ(with("169.254.0.0/16"), "InvalidVpc.Range");
  EXPECT_EQ(with("10.0.0.0"), "InvalidParameterValue");
  EXPECT_EQ(fault("CreateVpc", {}), "MissingParameter");
  EXPECT_EQ(
      fault("CreateVpc", {{"CidrBlock", "10.0.0.0/16"}, {"AmazonProvidedIpv6CidrBlock", "true"}}),
      "NotImplemented");
  const std::string id = vpc();
  subnet(id, "10.0.1.0/24");
  EXPECT_EQ(fault("CreateSubnet", {{"VpcId", id}, {"CidrBlock", "10.1.0.0/24"}}),
            "InvalidSubnet.Range");
  EXPECT_EQ(fault("CreateSubnet", {{"VpcId", id}, {"CidrBlock", "10.0.1.128/25"}}),
            "InvalidSubnet.Conflict");
}

TEST_F(VpcActionsTest, ModifiesVpcsAndSubnets) {
  const std::string id = vpc();
  const auto value = [&](const std::string& attribute) {
    return made("DescribeVpcAttribute", {{"VpcId", id}, {"Attribute", attribute}}, "value");
  };
  EXPECT_EQ(value("enableDnsSupport"), "true");
  EXPECT_EQ(value("enableDnsHostnames"), "false");
  EXPECT_EQ(fault("ModifyVpcAttribute", {{"VpcId", id}, {"EnableDnsHostnames.Value", "true"}}),
            "none");
  EXPECT_EQ(value("enableDnsHostnames"), "true");
  EXPECT_EQ(fault("ModifyVpcAttribute", {{"VpcId", id}}), "InvalidParameterCombination");
  const std::string subnet_id = subnet(id, "10.0.1.0/24");
  EXPECT_EQ(fault("ModifySubnetAttribute",
                  {{"SubnetId", subnet_id}, {"MapPublicIpOnLaunch.Value", "true"}}),
            "none");
  EXPECT_EQ(made("DescribeSubnets", {{"SubnetId.1", subnet_id}}, "mapPublicIpOnLaunch"), "true");
}

TEST_F(VpcActionsTest, RoutesGoToGatewaysThatAreAttached) {
  const std::string id = vpc();
  const std::string gateway = made("CreateInternetGateway", {}, "internetGatewayId");
  const std::string table = made("CreateRouteTable", {{"VpcId", id}}, "routeTableId");
  const Parameters route = {
      {"RouteTableId", table}, {"DestinationCidrBlock", "0.0.0.0/0"}, {"GatewayId", gateway}};
  EXPECT_EQ(fault("CreateRoute", route), "InvalidParameterValue");
  const Parameters both = {{"InternetGatewayId", gateway}, {"VpcId", id}};
  EXPECT_EQ(fault("DetachInternetGateway", both), "Gateway.NotAttached");
  EXPECT_EQ(fault("AttachInternetGateway", both), "none");
  EXPECT_EQ(fault("AttachInternetGateway", both), "Resource.AlreadyAssociated");
  EXPECT_EQ(fault("DeleteInternetGateway", {{"InternetGatewayId", gateway}}),
            "DependencyViolation");
  EXPECT_EQ(fault("CreateRoute", route), "none");
  EXPECT_EQ(
      count(*call("DescribeRouteTables", {{"RouteTableId.1", table}}), "<state>active</state>"),
      2U);
  EXPECT_EQ(fault("CreateRoute", {{"RouteTableId", table},
                                  {"DestinationCidrBlock", "10.0.9.0/24"},
                                  {"GatewayId", gateway}}),
            "InvalidParameterValue");
  EXPECT_EQ(fault("CreateRoute", {{"RouteTableId", table},
                                  {"DestinationCidrBlock", "0.0.0.0/0"},
                                  {"NatGatewayId", "nat-1"}}),
            "NotImplemented");
  EXPECT_EQ(fault("ReplaceRoute", {{"RouteTableId", table},
                                   {"DestinationCidrBlock", "192.0.2.0/24"},
                                   {"GatewayId", gateway}}),
            "InvalidParameterValue");
  // Without its gateway the route leads nowhere.
  EXPECT_EQ(fault("DetachInternetGateway", both), "none");
  EXPECT_EQ(fault("DeleteInternetGateway", {{"InternetGatewayId", gateway}}), "none");
  EXPECT_EQ(count(*call("DescribeRouteTables",
                        {{"Filter.1.Name", "route.state"}, {"Filter.1.Value.1", "blackhole"}}),
                  "<state>blackhole</state>"),
            1U);
  const Parameters gone = {{"RouteTableId", table}, {"DestinationCidrBlock", "0.0.0.0/0"}};
  EXPECT_EQ(fault("DeleteRoute", gone), "none");
  EXPECT_EQ(fault("DeleteRoute", gone), "InvalidRoute.NotFound");
  EXPECT_EQ(
      fault("DeleteRoute", {{"RouteTableId", table}, {"DestinationCidrBlock", "10.0.0.0/16"}}),
      "InvalidParameterValue");
}

TEST_F(VpcActionsTest, AssociationsOfRouteTables) {
  const std::string id = vpc();
  const std::string subnet_id = subnet(id, "10.0.1.0/24");
  const std::string table = made("CreateRouteTable", {{"VpcId", id}}, "routeTableId");
  const std::string other = made("CreateRouteTable", {{"VpcId", id}}, "routeTableId");
  const Parameters associate = {{"RouteTableId", table}, {"SubnetId", subnet_id}};
  const std::string association = made("AssociateRouteTable", associate, "associationId");
  EXPECT_EQ(fault("AssociateRouteTable", {{"RouteTableId", other}, {"SubnetId", subnet_id}}),
            "Resource.AlreadyAssociated");
  EXPECT_EQ(fault("DeleteRouteTable", {{"RouteTableId", table}}), "DependencyViolation");
  EXPECT_EQ(made("DescribeRouteTables",
                 {{"Filter.1.Name", "association.subnet-id"}, {"Filter.1.Value.1", subnet_id}},
                 "routeTableId"),
            table);
  const std::string moved =
      made("ReplaceRouteTableAssociation",
           {{"AssociationId", association}, {"RouteTableId", other}}, "newAssociationId");
  EXPECT_EQ(fault("DisassociateRouteTable", {{"AssociationId", association}}),
            "InvalidAssociationID.NotFound");
  EXPECT_EQ(fault("DisassociateRouteTable", {{"AssociationId", moved}}), "none");
  EXPECT_EQ(fault("DeleteRouteTable", {{"RouteTableId", other}}), "none");

  const auto main_of = [&] {
    return call("DescribeRouteTables", {{"Filter.1.Name", "association.main"},
                                        {"Filter.1.Value.1", "true"},
                                        {"Filter.2.Name", "vpc-id"},
                                        {"Filter.2.Value.1", id}});
  };
  const std::string main = Installation::text_of(*main_of(), "routeTableAssociationId");
  EXPECT_EQ(fault("DisassociateRouteTable", {{"AssociationId", main}}), "InvalidParameterValue");
  EXPECT_EQ(
      fault("ReplaceRouteTableAssociation", {{"AssociationId", main}, {"RouteTableId", table}}),
      "none");
  EXPECT_EQ(Installation::text_of(*main_of(), "routeTableId"), table);
}

TEST_F(VpcActionsTest, InterfacesTakeAddressesOfTheirSubnet) {
  const std::string id = vpc();
  const std::string subnet_id = subnet(id, "10.0.1.0/28");
  const auto create = [&](const std::string& address) {
    return Parameters{{"SubnetId", subnet_id}, {"PrivateIpAddress", address}};
  };
  EXPECT_EQ(made("CreateNetworkInterface", create("10.0.1.9"), "privateIpAddress"), "10.0.1.9");
  EXPECT_EQ(fault("CreateNetworkInterface", create("10.0.1.9")), "InvalidIPAddress.InUse");
  EXPECT_EQ(fault("CreateNetworkInterface", create("10.0.1.1")), "InvalidParameterValue");
  EXPECT_EQ(fault("CreateNetworkInterface", create("10.0.2.9")), "InvalidParameterValue");
  const std::string eni =
      made("CreateNetworkInterface", {{"SubnetId", subnet_id}}, "networkInterfaceId");
  EXPECT_EQ(made("DescribeNetworkInterfaces", {{"NetworkInterfaceId.1", eni}}, "privateIpAddress"),
            "10.0.1.4");
  EXPECT_EQ(made("DescribeSubnets", {{"SubnetId.1", subnet_id}}, "availableIpAddressCount"), "9");
  EXPECT_EQ(fault("DeleteSubnet", {{"SubnetId", subnet_id}}), "DependencyViolation");
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(fault("CreateNetworkInterface", {{"SubnetId", subnet_id}}), "none");
  }
  EXPECT_EQ(fault("CreateNetworkInterface", {{"SubnetId", subnet_id}}),
            "InsufficientFreeAddressesInSubnet");
  const std::string group =
      made("CreateSecurityGroup", {{"GroupName", "g"}, {"GroupDescription", "d"}, {"VpcId", id}},
           "groupId");
  EXPECT_EQ(fault("ModifyNetworkInterfaceAttribute",
                  {{"NetworkInterfaceId", eni}, {"SecurityGroupId.1", group}}),
            "none");
  EXPECT_EQ(fault("DeleteSecurityGroup", {{"GroupId", group}}), "DependencyViolation");
  EXPECT_EQ(fault("DeleteNetworkInterface", {{"NetworkInterfaceId", eni}}), "none");
  EXPECT_EQ(fault("DeleteNetworkInterface", {{"NetworkInterfaceId", eni}}),
            "InvalidNetworkInterfaceID.NotFound");
  EXPECT_EQ(fault("DeleteSecurityGroup", {{"GroupId", group}}), "none");
}

TEST_F(VpcActionsTest, RulesComeAndGoInBothDirections) {
  const std::string group =
      made("CreateSecurityGroup", {{"GroupName", "g"}, {"GroupDescription", "d"}}, "groupId");
  const Parameters mysql = {{"GroupId", group},
                            {"IpPermissions.1.IpProtocol", "tcp"},
                            {"IpPermissions.1.FromPort", "3306"},
                            {"IpPermissions.1.ToPort", "3306"},
                            {"IpPermissions.1.IpRanges.1.CidrIp", "10.0.0.0/8"}};
  EXPECT_EQ(fault("AuthorizeSecurityGroupEgress", mysql), "none");
  EXPECT_EQ(fault("AuthorizeSecurityGroupEgress", mysql), "InvalidPermission.Duplicate");
  const std::string rule = made("AuthorizeSecurityGroupIngress", mysql, "securityGroupRuleId");
  const auto rules = call("DescribeSecurityGroupRules",
                          {{"Filter.1.Name", "group-id"}, {"Filter.1.Value.1", group}});
  ASSERT_TRUE(rules);
  EXPECT_EQ(count(*rules, "<securityGroupRuleId>"), 3U);
  EXPECT_EQ(
      fault("RevokeSecurityGroupEgress", {{"GroupId", group}, {"SecurityGroupRuleId.1", rule}}),
      "InvalidSecurityGroupRuleId.NotFound");
  EXPECT_EQ(
      fault("RevokeSecurityGroupIngress", {{"GroupId", group}, {"SecurityGroupRuleId.1", rule}}),
      "none");
  EXPECT_EQ(fault("RevokeSecurityGroupIngress", mysql), "InvalidPermission.NotFound");
  EXPECT_EQ(fault("RevokeSecurityGroupEgress", mysql), "none");
  EXPECT_EQ(
      fault("RevokeSecurityGroupEgress", {{"GroupId", group},
                                          {"IpPermissions.1.IpProtocol", "-1"},
                                          {"IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"}}),
      "none");
  EXPECT_EQ(count(*call("DescribeSecurityGroups", {{"GroupId.1", group}}), "<ipProtocol>"), 0U);
}

TEST_F(VpcActionsTest, EndpointsAreInterfacesOfTheApi) {
  const std::string id = vpc();
  const std::string a = subnet(id, "10.0.1.0/24", "us-east-1a");
  const std::string b = subnet(id, "10.0.2.0/24", "us-east-1b");
  Parameters wanted = {{"VpcId", id},
                       {"VpcEndpointType", "Interface"},
                       {"ServiceName", "com.amazonaws.us-east-1.rds"},
                       {"SubnetId.1", a},
                       {"SubnetId.2", b}};
  EXPECT_EQ(fault("CreateVpcEndpoint", wanted), "InvalidParameter");  // DNS host names are off
  wanted.emplace_back("PrivateDnsEnabled", "false");
  const std::string endpoint = made("CreateVpcEndpoint", wanted, "vpcEndpointId");
  const auto interfaces = call("DescribeNetworkInterfaces", {{"Filter.1.Name", "interface-type"},
                                                             {"Filter.1.Value.1", "vpc_endpoint"}});
  ASSERT_TRUE(interfaces);
  EXPECT_EQ(count(*interfaces, "<networkInterfaceId>"), 2U);
  EXPECT_EQ(
      fault("DeleteNetworkInterface",
            {{"NetworkInterfaceId", Installation::text_of(*interfaces, "networkInterfaceId")}}),
      "InvalidParameterValue");
  EXPECT_EQ(fault("DeleteSubnet", {{"SubnetId", a}}), "DependencyViolation");
  EXPECT_EQ(
      count(*call("DescribeVpcEndpoints", {{"VpcEndpointId.1", endpoint}}), "<vpcEndpointState>"),
      0U);
  const auto removed =
      call("DeleteVpcEndpoints", {{"VpcEndpointId.1", endpoint}, {"VpcEndpointId.2", "vpce-0"}});
  ASSERT_TRUE(removed);
  EXPECT_EQ(Installation::text_of(*removed, "code"), "InvalidVpcEndpointId.NotFound");
  EXPECT_EQ(Installation::text_of(*removed, "resourceId"), "vpce-0");
  EXPECT_EQ(fault("DeleteSubnet", {{"SubnetId", a}}), "none");
  wanted[2].second = "com.amazonaws.us-east-1.s3";
  EXPECT_EQ(fault("CreateVpcEndpoint", wanted), "InvalidServiceName");
}

TEST_F(VpcActionsTest, TagsGoAgain) {
  const std::string id = vpc();
  const Parameters tag = {{"ResourceId.1", id}, {"Tag.1.Key", "Name"}, {"Tag.1.Value", "main"}};
  EXPECT_EQ(fault("CreateTags", tag), "none");
  const auto tags = [&] {
    return count(
        *call("DescribeTags", {{"Filter.1.Name", "resource-type"}, {"Filter.1.Value.1", "vpc"}}),
        "<resourceId>");
  };
  EXPECT_EQ(tags(), 1U);
  EXPECT_EQ(
      fault("DeleteTags", {{"ResourceId.1", id}, {"Tag.1.Key", "Name"}, {"Tag.1.Value", "other"}}),
      "none");
  EXPECT_EQ(tags(), 1U);
  EXPECT_EQ(fault("DeleteTags", {{"ResourceId.1", id}, {"Tag.1.Key", "Name"}}), "none");
  EXPECT_EQ(tags(), 0U);
  EXPECT_EQ(fault("DeleteTags", {{"ResourceId.1", "vpc-0"}}), "InvalidVpcID.NotFound");
}

TEST_F(VpcActionsTest, AsksForPermissionOnWhatIsNamed) {
  const std::string id = vpc();
  EXPECT_EQ(installation_.asked()[0].action, "ec2:CreateVpc");
  EXPECT_EQ(installation_.asked()[0].resource, "arn:aws:ec2:us-east-1:123456789012:vpc/*");
  ASSERT_EQ(fault("DeleteVpc", {{"VpcId", id}, {"DryRun", "true"}}), "DryRunOperation");
  EXPECT_EQ(installation_.asked()[0].resource, "arn:aws:ec2:us-east-1:123456789012:vpc/" + id);
  EXPECT_EQ(installation_.asked()[0].context.at("ec2:VpcID"), std::vector<std::string>{id});
}

}  // namespace
}  // namespace trivet::api::ec2
