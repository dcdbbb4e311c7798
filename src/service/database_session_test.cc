// SPDX-License-Identifier: Apache-2.0
#include "service/database_session.h"

#include <gtest/gtest.h>

#include "service/identity_test_bed.h"

namespace trivet::service {
namespace {

constexpr const char* kCluster = "cluster-A";
constexpr const char* kResource = "arn:aws:rds-db:us-east-1:123456789012:dbuser:cluster-A/jane";
constexpr const char* kConnect = "rds-db:connect";
constexpr SessionRules kEnd{.end_with_permission = true};

class DatabaseSessions : public testing::Test {
 protected:
  DatabaseSessions() {
    bed.user("ana");
    bed.allow(user_ref("ana"), statement("Allow", "*", "*"));
  }
  DatabaseSessionPtr session(const sigv4::Credentials& credentials, std::uint64_t connection = 7) {
    return std::make_shared<const DatabaseSession>(
        DatabaseSession{.member = MemberId("demo-instance-1"),
                        .cluster = kCluster,
                        .connection = connection,
                        .user = "jane",
                        .peer_port = 4711,
                        .resource_arn = kResource,
                        .principal = bed.principal(credentials),
                        .context = {{"aws:SecureTransport", {"true"}}},
                        .opened = kNow});
  }
  std::optional<SessionEnd> why(const DatabaseSessionPtr& session, SessionRules rules = kEnd,
                                WallTime now = kNow) {
    return why_session_ends(*session, rules, *bed.iam().snapshot(), now);
  }
  sigv4::Credentials assume(const std::string& role) {
    const auto ana = bed.key("ana");
    const Principal caller = bed.principal(ana);
    const ContextKeys none;
    auto made = bed.sts().assume_role(
        {.principal = caller, .context = none, .now = kNow},
        {.role_arn = "arn:aws:iam::123456789012:role/" + role, .session_name = "test"});
    EXPECT_TRUE(made) << made.error().message;
    return IdentityBed::signer(made->credentials);
  }
  IdentityBed bed;
};

TEST_F(DatabaseSessions, EndWithTheirKey) {
  const auto key = bed.key("ana");
  const auto open = session(key);
  EXPECT_EQ(why(open), std::nullopt);
  ASSERT_TRUE(bed.iam().update_access_key("ana", key.access_key_id, false));
  EXPECT_EQ(why(open), SessionEnd::kKeyInactive);
  EXPECT_EQ(why(open, {}), std::nullopt);  // only where the rules ask for it
  ASSERT_TRUE(bed.iam().update_access_key("ana", key.access_key_id, true));
  EXPECT_EQ(why(open), std::nullopt);
  ASSERT_TRUE(bed.iam().delete_access_key("ana", key.access_key_id));
  EXPECT_EQ(why(open), SessionEnd::kKeyDeleted);
}

TEST_F(DatabaseSessions, AnotherKeyOfTheSameUserIsNoReason) {
  const auto key = bed.key("ana");
  const auto other = bed.key("ana");
  const auto open = session(key);
  ASSERT_TRUE(bed.iam().delete_access_key("ana", other.access_key_id));
  EXPECT_EQ(why(open), std::nullopt);
}

TEST_F(DatabaseSessions, EndWithTheirPermission) {
  const auto open = session(bed.key("ana"));
  bed.allow(user_ref("ana"), statement("Deny", kConnect, kResource), "stop");
  EXPECT_EQ(why(open), SessionEnd::kNotAllowed);
  ASSERT_TRUE(bed.iam().delete_inline_policy(user_ref("ana"), "stop"));
  EXPECT_EQ(why(open), std::nullopt);
  ASSERT_TRUE(bed.iam().delete_inline_policy(user_ref("ana"), "inline"));
  EXPECT_EQ(why(open), SessionEnd::kNotAllowed);
}

TEST_F(DatabaseSessions, AnotherDatabasesDenyIsNoReason) {
  const auto open = session(bed.key("ana"));
  bed.allow(user_ref("ana"),
            statement("Deny", kConnect, "arn:aws:rds-db:us-east-1:123456789012:dbuser:cluster-B/*"),
            "stop");
  EXPECT_EQ(why(open), std::nullopt);
}

// What the console's "Revoke active sessions" puts on a role.
TEST_F(DatabaseSessions, OfRevokedRoleSessionsEndAndLaterOnesGoOn) {
  bed.role("app", trust("arn:aws:iam::123456789012:user/ana"));
  bed.allow(role_ref("app"), statement("Allow", "*", "*"));
  const auto open = session(assume("app"));
  EXPECT_EQ(why(open), std::nullopt);
  const auto revoke = [this](const std::string& until) {
    bed.allow(
        role_ref("app"),
        R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*",)"
        R"("Condition":{"DateLessThan":{"aws:TokenIssueTime":")" +
            until + R"("}}}]})",
        "AWSRevokeOlderSessions");
  };
  revoke(format_iso8601(kNow + std::chrono::seconds(60)));
  EXPECT_EQ(why(open), SessionEnd::kNotAllowed);
  revoke(format_iso8601(kNow - std::chrono::seconds(60)));
  EXPECT_EQ(why(open), std::nullopt);
}

TEST_F(DatabaseSessions, OfADeletedRoleEndWhoeverHasItsNameNow) {
  bed.role("app", trust("arn:aws:iam::123456789012:user/ana"));
  bed.allow(role_ref("app"), statement("Allow", "*", "*"));
  const auto open = session(assume("app"));
  ASSERT_TRUE(bed.iam().delete_inline_policy(role_ref("app"), "inline"));
  ASSERT_TRUE(bed.iam().delete_role("app"));
  bed.role("app", trust("arn:aws:iam::123456789012:user/ana"));
  bed.allow(role_ref("app"), statement("Allow", "*", "*"));
  EXPECT_EQ(why(open), SessionEnd::kPrincipalDeleted);
}

TEST_F(DatabaseSessions, OutliveTheirTokenAndTheCredentialsBehindIt) {
  bed.role("app", trust("arn:aws:iam::123456789012:user/ana"));
  bed.allow(role_ref("app"), statement("Allow", "*", "*"));
  EXPECT_EQ(why(session(assume("app")), kEnd, kNow + std::chrono::hours(48)), std::nullopt);
}

TEST_F(DatabaseSessions, EndAtTheirGreatestAge) {
  const auto open = session(bed.key("ana"));
  const SessionRules rules{.end_with_permission = false, .age_max_s = 3600};
  EXPECT_EQ(why(open, rules, kNow + std::chrono::seconds(3599)), std::nullopt);
  EXPECT_EQ(why(open, rules, kNow + std::chrono::seconds(3600)), SessionEnd::kTooOld);
}

TEST_F(DatabaseSessions, OfOneClusterOnlyAreJudgedByItsRules) {
  const auto key = bed.key("ana");
  const auto first = session(key, 1);
  const auto second = session(bed.key("ana"), 2);
  ASSERT_TRUE(bed.iam().update_access_key("ana", key.access_key_id, false));
  const auto judged = [&](const RulesByCluster& rules) {
    return unwanted_sessions({first, second, first}, rules, *bed.iam().snapshot(), kNow);
  };
  EXPECT_TRUE(judged({}).empty());
  EXPECT_TRUE(judged({{"cluster-B", kEnd}}).empty());
  const auto unwanted = judged({{kCluster, kEnd}});
  ASSERT_EQ(unwanted.size(), 2U);
  EXPECT_EQ(unwanted[0].session->connection, 1U);
  EXPECT_EQ(unwanted[0].why, SessionEnd::kKeyInactive);
}

TEST_F(DatabaseSessions, AreRecognisedByNumberUserAndPort) {
  const auto open = session(bed.key("ana"));
  EXPECT_TRUE(is_same(*open, {7, "jane", "127.0.0.1:4711"}));
  EXPECT_TRUE(is_same(*open, {7, "jane", "app.example:4711"}));
  EXPECT_FALSE(is_same(*open, {8, "jane", "127.0.0.1:4711"}));
  EXPECT_FALSE(is_same(*open, {7, "joe", "127.0.0.1:4711"}));
  EXPECT_FALSE(is_same(*open, {7, "jane", "127.0.0.1:14711"}));
  EXPECT_FALSE(is_same(*open, {7, "jane", "localhost"}));
}

TEST_F(DatabaseSessions, ComeBackFromTheirFileAndAreJudgedTheSame) {
  bed.role("app", trust("arn:aws:iam::123456789012:user/ana"));
  bed.allow(role_ref("app"), statement("Allow", "*", "*"));
  const auto key = bed.key("ana");
  const std::vector<DatabaseSessionPtr> sessions = {session(key, 1), session(assume("app"), 2)};
  const auto read = decode_database_sessions(encode(sessions));
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ(encode(*read), encode(sessions));
  EXPECT_TRUE(is_same(*read->front(), {1, "jane", "127.0.0.1:4711"}));
  EXPECT_EQ(why(read->front()), std::nullopt);
  ASSERT_TRUE(bed.iam().delete_access_key("ana", key.access_key_id));
  EXPECT_EQ(why(read->front()), SessionEnd::kKeyDeleted);
  EXPECT_EQ(why(read->back()), std::nullopt);
  bed.allow(role_ref("app"), statement("Deny", kConnect, "*"), "stop");
  EXPECT_EQ(why(read->back()), SessionEnd::kNotAllowed);
  for (const char* bad :
       {"", "{}", "[]", R"({"v":2,"sessions":[]})", R"({"v":1,"sessions":[{}]})"}) {
    EXPECT_EQ(decode_database_sessions(bad).error().code, Errc::kCorrupt) << bad;
  }
}

}  // namespace
}  // namespace trivet::service
