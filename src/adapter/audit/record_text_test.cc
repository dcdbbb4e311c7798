// SPDX-License-Identifier: Apache-2.0
#include "adapter/audit/record_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/iso8601.h"

namespace trivet::audit {
namespace {

using nlohmann::json;

LoginRecord refused() {
  LoginRecord record;
  record.at = *parse_iso8601("2026-01-02T03:04:05.678Z");
  record.cluster = "demo";
  record.member = "demo-instance-1";
  record.user = "jane";
  record.access_key_id = "AKIAIOSFODNN7EXAMPLE";
  record.peer_address = "127.0.0.1";
  record.reason = "expired";
  record.detail = "expired 12 s ago";
  record.aws_text =
      "Failed to authenticate the connection request for user 'jane' because the token age is "
      "longer than 15 minutes. (Status Code: 400, Error Code: ExpiredToken)";
  record.aws_status = 400;
  record.microseconds = 1500;
  return record;
}

TEST(RecordText, ALoginIsOneJsonObject) {
  const json line = json::parse(audit_line(refused()));
  EXPECT_EQ(line["time"], "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(line["kind"], "login");
  EXPECT_EQ(line["verdict"], "refused");
  EXPECT_EQ(line["reason"], "expired");
  EXPECT_EQ(line["cluster"], "demo");
  EXPECT_EQ(line["ms"], 1.5);
  EXPECT_FALSE(line.contains("policy"));
  EXPECT_FALSE(line.contains("tls"));
  EXPECT_FALSE(line.contains("role"));
  LoginRecord good = refused();
  good.is_accepted = true;
  good.reason.clear();
  good.tls_version = "TLSv1.3";
  good.tls_cipher = "TLS_AES_256_GCM_SHA384";
  good.role = "reporting";
  good.decided_by = {"identity-based policy", "p0", 2, "Connect"};
  const json accepted = json::parse(audit_line(good));
  EXPECT_EQ(accepted["verdict"], "accepted");
  EXPECT_EQ(accepted["policy"], "p0");
  EXPECT_EQ(accepted["statement"], 2);
  EXPECT_EQ(accepted["sid"], "Connect");
  EXPECT_EQ(accepted["tls"], "TLSv1.3");
  EXPECT_EQ(accepted["cipher"], "TLS_AES_256_GCM_SHA384");
  EXPECT_EQ(accepted["role"], "reporting");
  EXPECT_FALSE(accepted.contains("token_uses"));
  good.token_uses = 2;
  good.token_first_used = good.at;
  good.token_first_from = "127.0.0.9";
  const json again = json::parse(audit_line(good));
  EXPECT_EQ(again["token_uses"], 2);
  EXPECT_EQ(again["token_first_used"], "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(again["token_first_from"], "127.0.0.9");
}

TEST(RecordText, WhatAClientSentStaysOneBoundedLine) {
  LoginRecord record = refused();
  record.user = "a\nb\"\xFF";
  record.access_key_id = std::string(100'000, 'x');
  const std::string line = audit_line(record);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_LT(line.size(), 2000U);
  EXPECT_TRUE(json::accept(line));
}

TEST(RecordText, AnApiCallIsOneJsonObject) {
  ApiRecord record;
  record.at = *parse_iso8601("2026-01-02T03:04:05Z");
  record.request_id = "r-1";
  record.service = "rds";
  record.action = "CreateDBCluster";
  record.permission = "rds:CreateDBCluster";
  record.resource = "arn:aws:rds:us-east-1:123456789012:cluster:demo";
  record.verdict = "denied";
  record.code = "AccessDenied";
  record.status = 403;
  record.decided_by.kind = "identity-based policy";
  const json line = json::parse(audit_line(record));
  EXPECT_EQ(line["kind"], "api");
  EXPECT_EQ(line["verdict"], "denied");
  EXPECT_EQ(line["reason"], "AccessDenied");
  EXPECT_EQ(line["resource"], record.resource);
  EXPECT_EQ(line["policy_type"], "identity-based policy");
  EXPECT_FALSE(line.contains("statement"));
}

TEST(RecordText, TheErrorLogSpeaksAsRdsAndThenSaysWhy) {
  EXPECT_EQ(error_log_line(refused()),
            "2026-01-02T03:04:05,678 [ERROR] Failed to authenticate the connection request for "
            "user 'jane' because the token age is longer than 15 minutes. (Status Code: 400, Error "
            "Code: ExpiredToken) [expired: expired 12 s ago; member demo-instance-1; access key "
            "AKIAIOSFODNN7EXAMPLE; from 127.0.0.1]");
  LoginRecord odd = refused();
  odd.access_key_id = "a\nb";
  EXPECT_EQ(error_log_line(odd).find('\n'), std::string::npos);
}

TEST(RecordText, DroppedOnesAreSaid) {
  const json line = json::parse(dropped_line(wall_time_from_ms(0), 7));
  EXPECT_EQ(line["kind"], "dropped");
  EXPECT_EQ(line["records"], 7);
}

}  // namespace
}  // namespace trivet::audit
