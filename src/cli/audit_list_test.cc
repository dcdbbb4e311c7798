// SPDX-License-Identifier: Apache-2.0
#include "cli/audit_list.h"

#include <gtest/gtest.h>

#include "base/iso8601.h"

namespace trivet::cli {
namespace {

constexpr std::string_view kLogin =
    R"({"time":"2026-01-02T03:04:05.678Z","kind":"login","verdict":"refused","reason":"expired",)"
    R"("detail":"expired 12 s ago","cluster":"demo","member":"demo-instance-1","user":"jane",)"
    R"("access_key_id":"AKIA1","source":"127.0.0.9","connection_id":7,"status":400,"ms":0.1})";
constexpr std::string_view kCall =
    R"({"time":"2026-01-02T03:04:06.000Z","kind":"api","verdict":"denied","reason":"AccessDenied",)"
    R"("service":"rds","action":"DeleteDBCluster","permission":"rds:DeleteDBCluster",)"
    R"("resource":"arn:aws:rds:us-east-1:1:cluster:demo","principal":"arn:aws:iam::1:user/ana",)"
    R"("access_key_id":"AKIA2","source":"127.0.0.1","policy":"p0","statement":2,"status":403})";
constexpr std::string_view kDropped =
    R"({"time":"2026-01-02T03:04:07.000Z","kind":"dropped","records":3})";

TEST(AuditList, ChoosesByEachField) {
  EXPECT_TRUE(is_chosen(kLogin, {}));
  for (const AuditChoice& of_login :
       {AuditChoice{.kind = "login"}, AuditChoice{.verdict = "refused"},
        AuditChoice{.reason = "expired"}, AuditChoice{.user = "jane"}, AuditChoice{.key = "AKIA1"},
        AuditChoice{.source = "127.0.0.9"}}) {
    EXPECT_TRUE(is_chosen(kLogin, of_login));
    EXPECT_FALSE(is_chosen(kCall, of_login));
  }
  EXPECT_TRUE(is_chosen(kCall, {.principal = "user/ana"}));
  EXPECT_FALSE(is_chosen(kLogin, {.principal = "user/ana"}));
  EXPECT_TRUE(is_chosen(kCall, {.action = "DeleteDBCluster"}));
  EXPECT_TRUE(is_chosen(kCall, {.action = "rds:DeleteDBCluster"}));
  EXPECT_FALSE(is_chosen(kCall, {.kind = "api", .action = "CreateDBCluster"}));
  EXPECT_FALSE(is_chosen(kCall, {.action = "ec2:DeleteDBCluster"}));
  EXPECT_FALSE(is_chosen(kLogin, {.action = "rds:DeleteDBCluster"}));
}

TEST(AuditList, AClustersAreItsLoginsAndTheCallsAboutIt) {
  EXPECT_TRUE(is_chosen(kLogin, {.cluster = "demo"}));
  EXPECT_TRUE(is_chosen(kCall, {.cluster = "demo"}));
  EXPECT_FALSE(is_chosen(kLogin, {.cluster = "dem"}));
  EXPECT_FALSE(is_chosen(kCall, {.cluster = "emo"}));
  EXPECT_TRUE(is_chosen(R"({"resource":"arn:aws:rds:us-east-1:1:db:demo-instance-2"})",
                        {.cluster = "demo"}));
}

TEST(AuditList, OlderOnesAreLeftOut) {
  const WallTime from = *parse_iso8601("2026-01-02T03:04:06Z");
  EXPECT_FALSE(is_chosen(kLogin, {.from = from}));
  EXPECT_TRUE(is_chosen(kCall, {.from = from}));
}

TEST(AuditList, WhatIsLostOrBrokenIsNotHidden) {
  EXPECT_TRUE(is_chosen(kDropped, {.user = "jane"}));
  EXPECT_TRUE(is_chosen("half a li", {}));
  EXPECT_FALSE(is_chosen("half a li", {.user = "jane"}));
  EXPECT_EQ(render_audit("half a li"), "?  half a li\n");
  EXPECT_EQ(render_audit(kDropped),
            "2026-01-02T03:04:07.000Z  3 records were lost, because the disk did not take them\n");
}

TEST(AuditList, PeopleReadOneLine) {
  EXPECT_EQ(render_audit(kLogin),
            "2026-01-02T03:04:05.678Z  login  expired  jane@demo-instance-1  by key AKIA1  from "
            "127.0.0.9  because expired 12 s ago\n");
  EXPECT_EQ(
      render_audit(kCall),
      "2026-01-02T03:04:06.000Z  api    denied  rds:DeleteDBCluster  because AccessDenied  on "
      "arn:aws:rds:us-east-1:1:cluster:demo  by arn:aws:iam::1:user/ana  from 127.0.0.1  "
      "policy p0 statement 2\n");
}

}  // namespace
}  // namespace trivet::cli
