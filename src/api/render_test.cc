// SPDX-License-Identifier: Apache-2.0
#include "api/render.h"

#include <gtest/gtest.h>

#include "api/shapes/ec2.h"
#include "api/shapes/iam.h"
#include "api/shapes/rds.h"

namespace trivet::api {
namespace {

constexpr std::string_view kXml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

template <typename Request>
std::string rendered(const typename Operation<Request>::Response& response) {
  using Op = Operation<Request>;
  const Envelope envelope{.service = Op::service(),
                          .action = Op::kAction,
                          .request_id = "id-1",
                          .has_result = Op::kHasResult};
  XmlWriter xml;
  open_envelope(xml, envelope);
  write(xml, response);
  close_envelope(xml, envelope);
  const std::string out = xml.take();
  EXPECT_TRUE(out.starts_with(kXml));
  return out.substr(kXml.size());
}

TEST(Render, QueryResult) {
  rds::DescribeDBClustersResponse response;
  rds::DBCluster& cluster = response.DBClusters.emplace_back();
  cluster.DBClusterIdentifier = "demo";
  cluster.MultiAZ = true;
  cluster.Port = 3306;
  cluster.ClusterCreateTime = wall_time_from_ms(1767323045678);
  cluster.AvailabilityZones = {"us-east-1a"};
  cluster.TagList.push_back({.Key = "a<b", .Value = "&"});
  const std::string text = rendered<rds::DescribeDBClustersRequest>(response);
  EXPECT_TRUE(text.starts_with(
      "<DescribeDBClustersResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">"
      "<DescribeDBClustersResult><DBClusters><DBCluster>"));
  EXPECT_TRUE(text.ends_with(
      "</DBCluster></DBClusters></DescribeDBClustersResult><ResponseMetadata>"
      "<RequestId>id-1</RequestId></ResponseMetadata></DescribeDBClustersResponse>"));
  for (const char* part :
       {"<DBClusterIdentifier>demo</DBClusterIdentifier>", "<MultiAZ>true</MultiAZ>",
        "<Port>3306</Port>", "<ClusterCreateTime>2026-01-02T03:04:05.678Z</ClusterCreateTime>",
        "<AvailabilityZones><AvailabilityZone>us-east-1a</AvailabilityZone></AvailabilityZones>",
        "<TagList><Tag><Key>a&lt;b</Key><Value>&amp;</Value></Tag></TagList>",
        "<ReadReplicaIdentifiers/>"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(text.find("<Marker>"), std::string::npos);
}

TEST(Render, QueryResultWithoutOutputHasNoResultElement) {
  EXPECT_EQ(rendered<rds::AddTagsToResourceRequest>({}),
            "<AddTagsToResourceResponse "
            "xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><ResponseMetadata>"
            "<RequestId>id-1</RequestId></ResponseMetadata></AddTagsToResourceResponse>");
}

TEST(Render, IamTimesHaveNoFraction) {
  iam::CreateAccessKeyResponse response;
  response.AccessKey.UserName = "ana";
  response.AccessKey.AccessKeyId = "AKIAIOSFODNN7EXAMPLE";
  response.AccessKey.SecretAccessKey = SecretString("s3cret");
  response.AccessKey.CreateDate = wall_time_from_ms(1767323045678);
  const std::string text = rendered<iam::CreateAccessKeyRequest>(response);
  EXPECT_NE(text.find("<CreateDate>2026-01-02T03:04:05Z</CreateDate>"), std::string::npos) << text;
  EXPECT_NE(text.find("<SecretAccessKey>s3cret</SecretAccessKey>"), std::string::npos) << text;
}

TEST(Render, Ec2Result) {
  ec2::DescribeVpcsResponse response;
  response.Vpcs.emplace_back().VpcId = "vpc-1";
  response.Vpcs.back().IsDefault = true;
  const std::string text = rendered<ec2::DescribeVpcsRequest>(response);
  EXPECT_TRUE(
      text.starts_with("<DescribeVpcsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">"
                       "<requestId>id-1</requestId><vpcSet><item>"))
      << text;
  EXPECT_NE(text.find("<vpcId>vpc-1</vpcId>"), std::string::npos);
  EXPECT_NE(text.find("<isDefault>true</isDefault>"), std::string::npos);
  EXPECT_EQ(rendered<ec2::CreateTagsRequest>({}),
            "<CreateTagsResponse "
            "xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>id-1</requestId>"
            "<return>true</return></CreateTagsResponse>");
}

TEST(Render, Errors) {
  const AwsError error{"DBClusterNotFoundFault", 404, "DBCluster <c9> not found."};
  const net::HttpResponse query = render_error(find_service("rds"), error, "id-1");
  EXPECT_EQ(query.status, 404);
  EXPECT_EQ(net::find_header(query.headers, "x-amzn-RequestId"), "id-1");
  EXPECT_EQ(net::find_header(query.headers, "content-type"), "text/xml");
  EXPECT_EQ(query.body,
            std::string(kXml) +
                "<ErrorResponse "
                "xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><Error><Type>Sender</Type>"
                "<Code>DBClusterNotFoundFault</Code><Message>DBCluster &lt;c9&gt; not "
                "found.</Message></Error>"
                "<RequestId>id-1</RequestId></ErrorResponse>");
  const net::HttpResponse ec2 =
      render_error(find_service("ec2"), {"InternalError", 500, "m"}, "id-1");
  EXPECT_EQ(ec2.body, std::string(kXml) +
                          "<Response><Errors><Error><Code>InternalError</Code><Message>m</Message>"
                          "</Error></Errors><RequestID>id-1</RequestID></Response>");
  const net::HttpResponse none = render_error(nullptr, {"InternalFailure", 500, "m"}, "id-1");
  EXPECT_NE(none.body.find("<ErrorResponse><Error><Type>Receiver</Type>"), std::string::npos);
}

}  // namespace
}  // namespace trivet::api
