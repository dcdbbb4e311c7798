// SPDX-License-Identifier: Apache-2.0
#include "cli/token_context.h"

#include <gtest/gtest.h>

#include "base/iso8601.h"
#include "core/token/explain.h"
#include "core/token/make.h"

namespace trivet::cli {
namespace {

constexpr const char* kContext = R"({
  "expected_hosts": ["DB.example.com:3306"], "region": "us-east-1", "now": "2024-05-06T07:10:00Z",
  "mysql_user": "jane", "max_clock_skew_s": 300, "max_expires_s": 900,
  "keys": {"AKIA1": {"secret": "s1", "token": null, "status": "Active"},
           "AKIA2": {"secret": "s2", "token": null, "status": "Inactive"},
           "ASIA1": {"secret": "s3", "token": "T", "status": "Active",
                     "expires": "2024-05-06T08:00:00Z"}}})";

TEST(TokenContext, IsTheServerOfAVerifier) {
  const auto context = parse_token_context(kContext);
  ASSERT_TRUE(context) << context.error().message;
  EXPECT_EQ(context->now, parse_iso8601("2024-05-06T07:10:00Z"));
  EXPECT_EQ(context->server.login_user, "jane");
  const std::string text = token::make_db_token(
      {.host = "db.example.com", .port = 3306, .db_user = "jane", .region = "us-east-1"},
      {"AKIA1", SecretString("s1"), ""}, *context->now);
  const auto lookup = [&](const std::string& id, const std::optional<std::string>& session) {
    return context->look_up(id, session);
  };
  EXPECT_EQ(token::explain_db_token(text, context->server, *context->now, lookup).reason,
            "accepted");
}

TEST(TokenContext, LooksUpKeys) {
  const auto context = parse_token_context(kContext);
  ASSERT_TRUE(context);
  using Status = token::KeyFacts::Status;
  EXPECT_EQ(context->look_up("AKIA0", std::nullopt).status, Status::kUnknown);
  EXPECT_EQ(context->look_up("AKIA2", std::nullopt).status, Status::kInactive);
  EXPECT_TRUE(context->look_up("ASIA1", "T").is_session_token_valid);
  EXPECT_FALSE(context->look_up("ASIA1", "U").is_session_token_valid);
  EXPECT_FALSE(context->look_up("ASIA1", std::nullopt).is_session_token_valid);
  EXPECT_EQ(context->look_up("ASIA1", "T").session_expires, parse_iso8601("2024-05-06T08:00:00Z"));
}

TEST(TokenContext, RefusesWhatItCannotReadWithoutShowingIt) {
  for (const std::string text :
       {"", "[]", "{}", R"({"region":"r"})", R"({"region":"r","expected_hosts":["a:0"]})",
        R"({"region":7,"expected_hosts":[]})", R"({"region":"r","expected_hosts":[],"now":"x"})",
        R"({"region":"r","expected_hosts":[],"keys":[]})",
        R"({"region":"r","expected_hosts":[],"keys":{"A":{"secret":"hush","status":7}}})",
        R"({"region":"r","expected_hosts":[],"keys":{"A":{"secret":"hush","expires":"x"}}})"}) {
    const auto context = parse_token_context(text);
    ASSERT_FALSE(context) << text;
    EXPECT_EQ(context.error().code, Errc::kInvalidArgument);
    EXPECT_EQ(context.error().message.find("hush"), std::string::npos);
  }
}

}  // namespace
}  // namespace trivet::cli
