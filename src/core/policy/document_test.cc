// SPDX-License-Identifier: Apache-2.0
#include "core/policy/document.h"

#include <gtest/gtest.h>

namespace trivet::policy {
namespace {

TEST(ParsePolicy, ReadsEveryElement) {
  const auto policy = parse_policy(R"({"Version":"2012-10-17","Id":"x","Statement":[
    {"Sid":"One","Effect":"Allow","Action":["rds-db:connect","s3:*"],"Resource":"*",
     "Condition":{"Bool":{"aws:SecureTransport":true},"NumericLessThan":{"a:b":[1,2.5]}}},
    {"Effect":"Deny","NotAction":"iam:*","NotResource":["arn:aws:s3:::x"],
     "Principal":{"AWS":["123456789012","*"],"Service":"lambda.amazonaws.com"}}]})");
  ASSERT_TRUE(policy.has_value()) << policy.error().message;
  EXPECT_EQ(policy->version, "2012-10-17");
  EXPECT_EQ(policy->id, "x");
  ASSERT_EQ(policy->statements.size(), 2U);
  const Statement& one = policy->statements[0];
  EXPECT_EQ(one.sid, "One");
  EXPECT_EQ(one.effect, Effect::kAllow);
  EXPECT_EQ(one.actions.size(), 2U);
  EXPECT_TRUE(one.has_resource);
  EXPECT_FALSE(one.is_not_resource);
  ASSERT_EQ(one.conditions.size(), 2U);
  EXPECT_EQ(one.conditions[0].key(), "aws:securetransport");
  const Statement& two = policy->statements[1];
  EXPECT_EQ(two.effect, Effect::kDeny);
  EXPECT_TRUE(two.is_not_action);
  EXPECT_TRUE(two.is_not_resource);
  ASSERT_EQ(two.principals.size(), 3U);
  EXPECT_EQ(two.principals[2].kind, "Service");
}

TEST(ParsePolicy, StatementMayBeAnObjectAndVersionAbsent) {
  const auto policy =
      parse_policy(R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})");
  ASSERT_TRUE(policy.has_value());
  EXPECT_EQ(policy->version, "2008-10-17");
  EXPECT_EQ(policy->statements.size(), 1U);
}

TEST(ParsePolicy, RefusesWhatIsNoPolicy) {
  const std::string tail = R"("Action":"a:b","Resource":"*"})";
  for (const std::string& bad : {
           std::string(""),
           std::string("[]"),
           std::string("null"),
           std::string("{"),
           std::string(R"({"Statement":[]})"),
           std::string(R"({"Statement":{}, "Statement":{}})"),
           R"({"Statement":{"Effect":"Allow","Effect":"Deny",)" + tail + "}",
           R"({"Statement":{"Effect":"Allow","Condition":{"Bool":{"a":"x","a":"y"}},)" + tail + "}",
           R"({"Statement":{"Effect":"Allow","Extra":1,)" + tail + "}",
           R"({"Statement":{"Effect":true,)" + tail + "}",
           R"({"Statement":{"Effect":"Allow","Condition":{"Nope":{"a":"b"}},)" + tail + "}",
           R"({"Statement":{"Effect":"Allow","Principal":"me",)" + tail + "}",
           R"({"Statement":{"Effect":"Allow","Principal":{"AWS":[]},)" + tail + "}",
           R"({"Statement":{"Effect":"Allow","Principal":{"Who":"x"},)" + tail + "}",
           R"({"Version":"2020-01-01","Statement":{"Effect":"Allow",)" + tail + "}",
           R"({"Version":null,"Statement":{"Effect":"Allow",)" + tail + "}",
           R"({"Statement":{"Effect":"Allow",)" + tail + "} trailing",
       }) {
    const auto policy = parse_policy(bad);
    ASSERT_FALSE(policy.has_value()) << bad;
    EXPECT_EQ(policy.error().fault, "MalformedPolicyDocument");
    EXPECT_EQ(policy.error().message, "Syntax errors in policy.");
    EXPECT_EQ(policy.error().code, Errc::kInvalidArgument);
  }
}

TEST(ParsePolicy, DepthAndWidthAreBounded) {
  std::string deep = R"({"Statement":)";
  for (int i = 0; i < 100'000; ++i) {
    deep += '[';
  }
  EXPECT_FALSE(parse_policy(deep).has_value());
  std::string wide = R"({"Statement":{"Effect":"Allow","Condition":{"Bool":{)";
  for (int i = 0; i < 2000; ++i) {
    wide += "\"k" + std::to_string(i) + "\":\"x\",";
  }
  EXPECT_FALSE(parse_policy(wide + R"("z":"x"}},"Action":"*","Resource":"*"}})").has_value());
}

TEST(ParsePolicy, SurvivesEveryCutAndChange) {
  const std::string good = R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"a:b",
    "Resource":"arn:aws:s3:::${aws:x, 'y'}*","Condition":{"IpAddress":{"aws:SourceIp":["::1/8"]}}}]})";
  ASSERT_TRUE(parse_identity_policy(good).has_value());
  for (std::size_t i = 0; i < good.size(); ++i) {
    EXPECT_FALSE(parse_policy(good.substr(0, i)).has_value());
    for (const char c : {'"', '{', '\\', '$', '\0', '\xC3'}) {
      std::string changed = good;
      changed[i] = c;
      const auto policy = parse_identity_policy(changed);
      EXPECT_TRUE(policy.has_value() || !policy.error().message.empty());
    }
  }
}

TEST(CountedSize, SkipsWhiteSpaceAndCountsCharacters) {
  EXPECT_EQ(counted_size(" {\n\t\"a\": \"\xC3\xA9\" }\r\n"), 9U);
}

}  // namespace
}  // namespace trivet::policy
