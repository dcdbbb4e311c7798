// SPDX-License-Identifier: Apache-2.0
#include "cli/api_client.h"

#include <gtest/gtest.h>

namespace trivet::cli {
namespace {

SessionCredentials credentials() {
  SessionCredentials out;
  out.keys = {"ASIAX", SecretString("secret"), "session"};
  out.endpoint_url = "http://127.0.0.1:4566";
  out.region = "eu-west-1";
  return out;
}

TEST(DescribeRequest, IsASignedQueryRequest) {
  const auto request = make_describe_request(credentials(), "demo", WallTime());
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->method, "POST");
  EXPECT_EQ(request->body, "Action=DescribeDBClusters&Version=2014-10-31&DBClusterIdentifier=demo");
  EXPECT_EQ(net::find_header(request->headers, "host"), "127.0.0.1:4566");
  EXPECT_EQ(net::find_header(request->headers, "x-amz-security-token"), "session");
  EXPECT_TRUE(net::find_header(request->headers, "authorization")
                  .starts_with("AWS4-HMAC-SHA256 Credential=ASIAX/19700101/eu-west-1/rds/"));
}

TEST(DescribeRequest, EncodesTheIdentifier) {
  const auto request = make_describe_request(credentials(), "a&Action=b", WallTime());
  ASSERT_TRUE(request.has_value());
  EXPECT_TRUE(request->body.ends_with("=a%26Action%3Db"));
}

TEST(DescribeAnswer, GivesTheMasterUser) {
  const auto facts = parse_describe_answer(
      200,
      "<DescribeDBClustersResponse><DBCluster><MasterUsername>admin</MasterUsername>"
      "<IAMDatabaseAuthenticationEnabled>true</IAMDatabaseAuthenticationEnabled></DBCluster>");
  ASSERT_TRUE(facts.has_value());
  EXPECT_EQ(facts->master_username, "admin");
  EXPECT_TRUE(facts->iam_authentication);
}

TEST(DescribeAnswer, GivesAwsErrors) {
  const auto refused = parse_describe_answer(
      404, "<ErrorResponse><Error><Code>DBClusterNotFoundFault</Code><Message>no x</Message>");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message, "DescribeDBClusters: DBClusterNotFoundFault: no x");
  EXPECT_FALSE(parse_describe_answer(502, "").has_value());
  EXPECT_EQ(parse_describe_answer(200, "<MasterUsername>x").error().code, Errc::kCorrupt);
}

}  // namespace
}  // namespace trivet::cli
