// SPDX-License-Identifier: Apache-2.0
//
// The bodies are what botocore 1.43 sends.
#include <gtest/gtest.h>

#include "api/shapes/ec2.h"
#include "api/shapes/iam.h"
#include "api/shapes/rds.h"
#include "api/shapes/sts.h"

namespace trivet::api {
namespace {

QueryParams params_of(std::string_view body) {
  auto split = split_form(body);
  EXPECT_TRUE(split.has_value());
  auto params = QueryParams::from(*split);
  EXPECT_TRUE(params.has_value());
  return *params;
}

TEST(Shapes, CreateDBCluster) {
  const auto request = rds::parse_CreateDBClusterRequest(params_of(
      "Action=CreateDBCluster&Version=2014-10-31&DBClusterIdentifier=demo&Engine=mysql&"
      "EngineVersion=9.7"
      "&DBClusterInstanceClass=db.t3.micro&AllocatedStorage=20&StorageType=gp3&Iops=3000"
      "&DBSubnetGroupName=three&MasterUsername=admin&MasterUserPassword=pass+word%2B%26%3D"
      "&VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-1&VpcSecurityGroupIds.VpcSecurityGroupId.2=sg-2"
      "&AvailabilityZones.AvailabilityZone.1=us-east-1a&EnableCloudwatchLogsExports.member.1=error"
      "&Tags.Tag.1.Key=k&Tags.Tag.1.Value=%C3%A4+b&Tags.Tag.2.Key=e&Tags.Tag.2.Value="
      "&EnableIAMDatabaseAuthentication=true&Port=3306&ServerlessV2ScalingConfiguration."
      "MinCapacity=0.5"
      "&ServerlessV2ScalingConfiguration.MaxCapacity=2"));
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->DBClusterIdentifier, "demo");
  EXPECT_EQ(request->Engine, "mysql");
  EXPECT_EQ(request->AllocatedStorage, 20);
  EXPECT_EQ(request->MasterUserPassword->reveal(), "pass word+&=");
  EXPECT_EQ(request->VpcSecurityGroupIds, (std::vector<std::string>{"sg-1", "sg-2"}));
  EXPECT_EQ(request->EnableCloudwatchLogsExports, std::vector<std::string>{"error"});
  ASSERT_EQ(request->Tags.size(), 2U);
  EXPECT_EQ(request->Tags[0].Value, "ä b");
  EXPECT_EQ(request->Tags[1].Value, "");
  EXPECT_EQ(request->EnableIAMDatabaseAuthentication, true);
  EXPECT_EQ(request->Port, 3306);
  EXPECT_EQ(request->ServerlessV2ScalingConfiguration->MinCapacity, 0.5);
  EXPECT_FALSE(request->KmsKeyId.has_value());
  EXPECT_FALSE(request->ScalingConfiguration.has_value());
}

TEST(Shapes, ListsComeInBothSpellings) {
  for (const char* body :
       {"DBSubnetGroupName=three&DBSubnetGroupDescription=x+y&SubnetIds.SubnetIdentifier.1=a"
        "&SubnetIds.SubnetIdentifier.2=b",
        "DBSubnetGroupName=three&DBSubnetGroupDescription=x+y&SubnetIds.member.1=a&SubnetIds."
        "member.2=b"}) {
    const auto request = rds::parse_CreateDBSubnetGroupRequest(params_of(body));
    ASSERT_TRUE(request) << request.error().message;
    EXPECT_EQ(request->SubnetIds, (std::vector<std::string>{"a", "b"}));
  }
}

TEST(Shapes, NestedListsAndTimes) {
  const auto clusters = rds::parse_DescribeDBClustersRequest(
      params_of("Filters.Filter.1.Name=db-cluster-id&Filters.Filter.1.Values.Value.1=a"
                "&Filters.Filter.1.Values.Value.2=b&MaxRecords=20&IncludeShared=false"));
  ASSERT_TRUE(clusters) << clusters.error().message;
  ASSERT_EQ(clusters->Filters.size(), 1U);
  EXPECT_EQ(clusters->Filters[0].Values, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(clusters->IncludeShared, false);
  const auto events = rds::parse_DescribeEventsRequest(
      params_of("StartTime=2026-01-02T03%3A04%3A05Z&SourceType=db-cluster&EventCategories."
                "EventCategory.1=failover"));
  ASSERT_TRUE(events) << events.error().message;
  EXPECT_EQ(to_ms(*events->StartTime), 1767323045000);
}

TEST(Shapes, Ec2HasItsOwnNames) {
  const auto subnet = ec2::parse_CreateSubnetRequest(
      params_of("Action=CreateSubnet&Version=2016-11-15&VpcId=vpc-1&CidrBlock=10.0.0.0%2F24&"
                "AvailabilityZone=us-east-1a"
                "&TagSpecification.1.ResourceType=subnet&TagSpecification.1.Tag.1.Key=Name&"
                "TagSpecification.1.Tag.1.Value=n"
                "&DryRun=false"));
  ASSERT_TRUE(subnet) << subnet.error().message;
  ASSERT_EQ(subnet->TagSpecifications.size(), 1U);
  EXPECT_EQ(subnet->TagSpecifications[0].Tags[0].Key, "Name");
  const auto ingress = ec2::parse_AuthorizeSecurityGroupIngressRequest(params_of(
      "GroupId=sg-1&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=3306&IpPermissions.1."
      "ToPort=3306"
      "&IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0%2F8&IpPermissions.1.IpRanges.1.Description=d"
      "&IpPermissions.1.Groups.1.GroupId=sg-2"));
  ASSERT_TRUE(ingress) << ingress.error().message;
  EXPECT_EQ(ingress->IpPermissions[0].FromPort, 3306);
  EXPECT_EQ(ingress->IpPermissions[0].UserIdGroupPairs[0].GroupId, "sg-2");
  const auto vpcs = ec2::parse_DescribeVpcsRequest(
      params_of("Filter.1.Name=isDefault&Filter.1.Value.1=true&VpcId.1=vpc-1&MaxResults=5"));
  ASSERT_TRUE(vpcs) << vpcs.error().message;
  EXPECT_EQ(vpcs->Filters[0].Values, std::vector<std::string>{"true"});
  EXPECT_EQ(vpcs->VpcIds, std::vector<std::string>{"vpc-1"});
}

TEST(Shapes, StsAndIam) {
  const auto assume = sts::parse_AssumeRoleRequest(params_of(
      "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr&RoleSessionName=s1&DurationSeconds=900"
      "&PolicyArns.member.1.arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FReadOnlyAccess&"
      "TransitiveTagKeys.member.1=t"
      "&Tags.member.1.Key=t&Tags.member.1.Value=v"));
  ASSERT_TRUE(assume) << assume.error().message;
  EXPECT_EQ(assume->PolicyArns[0].arn, "arn:aws:iam::aws:policy/ReadOnlyAccess");
  EXPECT_EQ(assume->TransitiveTagKeys, std::vector<std::string>{"t"});
  // An empty list, as botocore sends it.
  const auto tag = iam::parse_TagRoleRequest(params_of("RoleName=r&Tags="));
  ASSERT_FALSE(tag);
  EXPECT_EQ(tag.error().message,
            "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member "
            "must not be null");
}

struct BadInput {
  const char* body;
  const char* code;
  const char* message;  // a part of it
};

TEST(Shapes, RdsNamesTheFirstFault) {
  for (const BadInput& bad : {
           BadInput{"Engine=mysql", "MissingParameter",
                    "The request must contain the parameter DBClusterIdentifier"},
           BadInput{"DBClusterIdentifier=a&Engine=mysql&Port=x", "InvalidParameterValue",
                    "Value (x) for parameter Port"},
           BadInput{"DBClusterIdentifier=a&Engine=mysql&Port=", "InvalidParameterValue",
                    "parameter Port"},
           BadInput{"DBClusterIdentifier=a&Engine=mysql&Port=99999999999", "InvalidParameterValue",
                    "parameter Port"},
           BadInput{"DBClusterIdentifier=a&Engine=mysql&Port=+1", "InvalidParameterValue",
                    "parameter Port"},
           BadInput{"DBClusterIdentifier=a&Engine=mysql&DeletionProtection=yes",
                    "InvalidParameterValue", "parameter DeletionProtection"},
           BadInput{"DBClusterIdentifier=a&Engine=mysql&DatabaseInsightsMode=x",
                    "InvalidParameterValue",
                    "Member must satisfy enum value set: [advanced, standard]"},
           BadInput{"DBClusterIdentifier=a&Engine=mysql&Tags.Tag.x.Key=1", "InvalidParameterValue",
                    "list index"},
           BadInput{"DBClusterIdentifier=a&Engine=mysql&ServerlessV2ScalingConfiguration."
                    "MinCapacity=nan",
                    "InvalidParameterValue", "ServerlessV2ScalingConfiguration.MinCapacity"},
       }) {
    const auto request = rds::parse_CreateDBClusterRequest(params_of(bad.body));
    ASSERT_FALSE(request) << bad.body;
    EXPECT_EQ(request.error().fault, bad.code) << bad.body;
    EXPECT_NE(request.error().message.find(bad.message), std::string::npos)
        << request.error().message;
  }
  const auto events = rds::parse_DescribeEventsRequest(params_of("StartTime=yesterday"));
  ASSERT_FALSE(events);
  EXPECT_EQ(events.error().fault, "InvalidParameterValue");
}

TEST(Shapes, RdsIgnoresWhatItDoesNotKnow) {
  EXPECT_TRUE(
      rds::parse_CreateDBClusterRequest(params_of("DBClusterIdentifier=a&Engine=mysql&Unknown=1")));
}

TEST(Shapes, IamCountsItsFaults) {
  const auto request =
      iam::parse_CreateUserRequest(params_of("UserName=a%20b&Path=x&Tags.member.1.Key="));
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().fault, "ValidationError");
  EXPECT_EQ(request.error().message,
            "5 validation errors detected: Value 'a b' at 'userName' failed to satisfy constraint: "
            "Member must satisfy "
            "regular expression pattern: [\\w+=,.@-]+; Value 'x' at 'path' failed to satisfy "
            "constraint: Member must "
            "satisfy regular expression pattern: (\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F); "
            "Value '' at "
            "'tags.1.member.key' failed to satisfy constraint: Member must have length greater "
            "than or equal to 1; "
            "Value '' at 'tags.1.member.key' failed to satisfy constraint: Member must satisfy "
            "regular expression "
            "pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+; Value at 'tags.1.member.value' failed to "
            "satisfy constraint: "
            "Member must not be null");
  const auto status =
      iam::parse_UpdateAccessKeyRequest(params_of("AccessKeyId=AKIAIOSFODNN7EXAMPLE&Status=on"));
  ASSERT_FALSE(status);
  EXPECT_TRUE(
      status.error().message.starts_with("1 validation error detected: Value at 'status' failed to "
                                         "satisfy constraint: Member must satisfy enum value set"));
  const auto session = sts::parse_AssumeRoleRequest(params_of(
      "RoleArn=arn:aws:iam::123456789012:role/r&RoleSessionName=Session1:2&DurationSeconds=899"));
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().message,
            "2 validation errors detected: Value 'Session1:2' at 'roleSessionName' failed to "
            "satisfy constraint: Member "
            "must satisfy regular expression pattern: [\\w+=,.@-]*; Value '899' at "
            "'durationSeconds' failed to satisfy "
            "constraint: Member must have value greater than or equal to 900");
}

TEST(Shapes, IamBoundsTextsAndLists) {
  EXPECT_TRUE(iam::parse_CreateUserRequest(params_of("UserName=" + std::string(64, 'a'))));
  EXPECT_FALSE(iam::parse_CreateUserRequest(params_of("UserName=" + std::string(65, 'a'))));
  std::string body = "UserName=a";
  for (int i = 1; i <= 51; ++i) {
    const std::string n = std::to_string(i);
    body += "&Tags.member." + n + ".Key=k" + n + "&Tags.member." + n + ".Value=v";
  }
  const auto request = iam::parse_CreateUserRequest(params_of(body));
  ASSERT_FALSE(request);
  EXPECT_NE(request.error().message.find(
                "at 'tags' failed to satisfy constraint: Member must have length less than "
                "or equal to 50"),
            std::string::npos);
}

TEST(Shapes, Ec2RefusesWhatItDoesNotKnow) {
  const auto request =
      ec2::parse_DescribeVpcsRequest(params_of("Action=DescribeVpcs&Version=2016-11-15&VpcID.1=x"));
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().fault, "UnknownParameter");
  EXPECT_EQ(request.error().message, "The parameter VpcID.1 is not recognized");
  const auto missing = ec2::parse_CreateSecurityGroupRequest(params_of("GroupName=g"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().fault, "MissingParameter");
  EXPECT_EQ(missing.error().message, "The request must contain the parameter GroupDescription");
}

TEST(Shapes, ServicesKnowAllOfAwssActions) {
  for (const ServiceInfo* service : all_services()) {
    EXPECT_TRUE(std::is_sorted(service->actions.begin(), service->actions.end()));
    EXPECT_EQ(find_service(service->name), service);
    EXPECT_EQ(find_service_by_version(service->version), service->is_json() ? nullptr : service);
  }
  EXPECT_GE(rds::service_info().actions.size(), 160U);
  EXPECT_TRUE(std::binary_search(rds::service_info().actions.begin(),
                                 rds::service_info().actions.end(),
                                 std::string_view("CreateBlueGreenDeployment")));
}

}  // namespace
}  // namespace trivet::api
