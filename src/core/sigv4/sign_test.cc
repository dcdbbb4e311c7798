// SPDX-License-Identifier: Apache-2.0
//
// The expected texts were made by botocore 1.29.27.
#include "core/sigv4/sign.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/iso8601.h"

namespace trivet::sigv4 {
namespace {

const WallTime kNow = *parse_amz_date("20240506T070809Z");
constexpr std::string_view kFormType = "application/x-www-form-urlencoded; charset=utf-8";

Credentials long_lived() {
  return {"AKIAIOSFODNN7EXAMPLE", SecretString("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), ""};
}
Credentials temporary() {
  return {"ASIAIOSFODNN7EXAMPLE", SecretString("tJalrXUtnFEMI/K7MDENG+bPxRfiCYTEMPKEYEXA"),
          "FwoGZXIvYXdzEXAMPLE+/=="};
}
SignedRequest post(std::string_view body) {
  return {.method = "POST",
          .path = "/",
          .headers = {{"Host", "127.0.0.1:4566"}, {"Content-Type", std::string(kFormType)}},
          .payload_sha256 = to_hex(sha256(body))};
}

TEST(SignRequest, PostIsBotocoresHeader) {
  SignedRequest request = post("Action=GetCallerIdentity&Version=2011-06-15");
  request.headers.emplace_back("User-Agent", "x");
  const auto added = sign_request(request, long_lived(), {"us-east-1", "sts", kNow});
  ASSERT_TRUE(added.has_value());
  const Headers expected = {
      {"X-Amz-Date", "20240506T070809Z"},
      {"Authorization",
       "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20240506/us-east-1/sts/aws4_request, "
       "SignedHeaders=content-type;host;x-amz-date, "
       "Signature=e8462655d6d997d6ae7a0e809e425cc7be6afb3d349891c88ee290938dc6dcfa"}};
  EXPECT_EQ(*added, expected);
}

TEST(SignRequest, TemporaryCredentialsSignTheirToken) {
  SignedRequest request = post("Action=DescribeDBClusters&Version=2014-10-31");
  // Left from an earlier try: replaced, not signed twice.
  request.headers.emplace_back("X-Amz-Date", "20200101T000000Z");
  const auto added = sign_request(request, temporary(), {"eu-west-1", "rds", kNow});
  ASSERT_TRUE(added.has_value());
  const Headers expected = {
      {"X-Amz-Date", "20240506T070809Z"},
      {"X-Amz-Security-Token", "FwoGZXIvYXdzEXAMPLE+/=="},
      {"Authorization",
       "AWS4-HMAC-SHA256 Credential=ASIAIOSFODNN7EXAMPLE/20240506/eu-west-1/rds/aws4_request, "
       "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "
       "Signature=db36c16494ed96b4ca1f376a3e51c88f53e6f533a838eb529d9dfe0c47158d1e"}};
  EXPECT_EQ(*added, expected);
}

TEST(SignRequest, PathAndQueryAreNormalised) {
  const SignedRequest request = {.method = "GET",
                                 .path = "/a/./b//../c%20d/e~f/",
                                 .query = "b=2&a=1&a=%20x&c",
                                 .headers = {{"Host", "localhost:4566"}, {"X-Odd", "  a   b  "}}};
  const auto added = sign_request(request, long_lived(), {"eu-central-1", "lambda", kNow});
  ASSERT_TRUE(added.has_value());
  EXPECT_TRUE(added->back().second.ends_with(
      "SignedHeaders=host;x-amz-date;x-odd, "
      "Signature=7e470c6f4843444c0e86177f85dbd2c4b5448e371980080b0cce27ded7307dc9"));
}

TEST(SignRequest, RefusesWhatCannotBeSigned) {
  SignedRequest request;
  EXPECT_EQ(sign_request(request, long_lived(), {"r", "s", kNow}).error().code,
            Errc::kInvalidArgument);
  EXPECT_EQ(presign(request, long_lived(), {"r", "s", kNow}).error().code, Errc::kInvalidArgument);
  request.headers = {{"host", "h"}};
  request.query = "%zz";
  EXPECT_FALSE(sign_request(request, long_lived(), {"r", "s", kNow}).has_value());
  EXPECT_FALSE(presign(request, long_lived(), {"r", "s", kNow}).has_value());
}

TEST(Presign, QueryIsBotocores) {
  SignedRequest request = {.method = "GET",
                           .path = "/",
                           .query = "Action=GetCallerIdentity&Version=2011-06-15",
                           .headers = {{"Host", "sts.amazonaws.com"}}};
  const auto query = presign(request, long_lived(), {"us-east-1", "sts", kNow, 60});
  ASSERT_TRUE(query.has_value());
  EXPECT_EQ(*query,
            "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-"
            "Credential=AKIAIOSFODNN7EXAMPLE%2F20240506%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-"
            "Date=20240506T070809Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature="
            "97b8d3824e4584837138fb54ca0121d8eee79af1a3b47bb71e4b8a44d5c336d3");
  request.headers = {{"Host", "127.0.0.1:4566"}};
  const auto session = presign(request, temporary(), {"us-east-1", "sts", kNow, 3600});
  ASSERT_TRUE(session.has_value());
  EXPECT_TRUE(session->ends_with(
      "&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Security-Token=FwoGZXIvYXdzEXAMPLE%2B%"
      "2F%3D%3D&X-Amz-Signature="
      "62b3a5e164808e5a507b4b9acb157d8a84f3e64b9bd37293f2bc2cda3f383b15"))
      << *session;
}

}  // namespace
}  // namespace trivet::sigv4
