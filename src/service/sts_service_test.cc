// SPDX-License-Identifier: Apache-2.0
#include "service/sts_service.h"

#include <gtest/gtest.h>

#include "service/identity_test_bed.h"

namespace trivet::service {
namespace {

constexpr const char* kRole = "arn:aws:iam::123456789012:role/app";
constexpr const char* kAccountRoot = "arn:aws:iam::123456789012:root";
constexpr const char* kAna = "arn:aws:iam::123456789012:user/ana";

class StsTest : public testing::Test {
 protected:
  StsTest() {
    bed_.user("ana");
    ana_key_ = bed_.key("ana");
  }
  Principal ana() { return bed_.principal(ana_key_); }
  Result<AssumedRole> assume(const Principal& who, AssumeRole request = {}) {
    request.role_arn = request.role_arn.empty() ? kRole : request.role_arn;
    request.session_name = request.session_name.empty() ? "s1" : request.session_name;
    const ContextKeys none;
    return bed_.sts().assume_role({who, none, kNow}, request);
  }
  bool may(const Principal& who, std::string_view action, std::string_view resource = "*") {
    const ContextKeys none;
    return decide_access(*bed_.iam().snapshot(), {who, action, resource, none, kNow}).allowed();
  }
  Principal session(const Result<AssumedRole>& assumed) {
    EXPECT_TRUE(assumed) << message_of(assumed);
    return bed_.principal(IdentityBed::signer(assumed->credentials));
  }
  IdentityBed bed_;
  sigv4::Credentials ana_key_;
};

TEST_F(StsTest, SessionIsTheRoleUnderItsName) {
  const IamRole role = bed_.role("app", trust(kAna));
  bed_.allow(role_ref("app"), statement("Allow", "rds:*", "*"));
  const auto assumed = assume(ana());
  ASSERT_TRUE(assumed) << message_of(assumed);
  EXPECT_EQ(assumed->arn, "arn:aws:sts::123456789012:assumed-role/app/s1");
  EXPECT_EQ(assumed->id, role.id + ":s1");
  EXPECT_EQ(assumed->packed_policy_percent, std::nullopt);
  EXPECT_EQ(assumed->credentials.expires, kNow + std::chrono::hours(1));
  EXPECT_TRUE(assumed->credentials.access_key_id.str().starts_with("ASIA"));
  EXPECT_LE(assumed->credentials.session_token.size(), 400U);
  const Principal who = session(assumed);
  EXPECT_EQ(who.kind, Principal::Kind::kRoleSession);
  EXPECT_EQ(who.arn, assumed->arn);
  EXPECT_EQ(who.principal_arn, kRole);
  EXPECT_EQ(who.user_id, assumed->id);
  EXPECT_EQ(who.token_issued_at, kNow);
  EXPECT_TRUE(may(who, "rds:DescribeDBClusters"));
  EXPECT_FALSE(may(who, "iam:ListUsers"));
}

TEST_F(StsTest, TrustInTheAccountNeedsTheCallersPolicyToo) {
  bed_.role("app", trust(kAccountRoot));
  const auto without = assume(ana());
  EXPECT_EQ(fault_of(without), "AccessDenied");
  EXPECT_EQ(message_of(without),
            "User: arn:aws:iam::123456789012:user/ana is not authorized to perform: sts:AssumeRole "
            "on resource: arn:aws:iam::123456789012:role/app because no identity-based policy "
            "allows the sts:AssumeRole action");
  bed_.allow(user_ref("ana"), statement("Allow", "sts:AssumeRole", kRole));
  EXPECT_TRUE(assume(ana()));
}

TEST_F(StsTest, TrustInTheCallerIsEnoughUnlessSomethingDenies) {
  bed_.role("app", trust(kAna));
  EXPECT_TRUE(assume(ana()));
  bed_.allow(user_ref("ana"), statement("Deny", "sts:*", "*"));
  EXPECT_EQ(fault_of(assume(ana())), "AccessDenied");
}

TEST_F(StsTest, UntrustedAndMissingRolesAreRefusedAlike) {
  bed_.user("bo");
  bed_.role("app", trust("arn:aws:iam::123456789012:user/bo"));
  bed_.allow(user_ref("ana"), kAllowAll);
  const auto untrusted = assume(ana());
  const auto missing = assume(ana(), {.role_arn = "arn:aws:iam::123456789012:role/none"});
  EXPECT_EQ(fault_of(untrusted), "AccessDenied");
  EXPECT_EQ(fault_of(missing), "AccessDenied");
  std::string expected = message_of(untrusted);
  expected.replace(expected.find("role/app"), 8, "role/none");
  EXPECT_EQ(message_of(missing), expected);
  EXPECT_EQ(fault_of(assume(ana(), {.role_arn = "arn:aws:iam::123456789012:user/ana"})),
            "ValidationError");
  EXPECT_EQ(fault_of(assume(ana(), {.role_arn = "app"})), "ValidationError");
}

TEST_F(StsTest, RootMayAssumeWhatTrustsTheAccount) {
  bed_.role("app", trust(kAccountRoot));
  EXPECT_TRUE(assume(bed_.principal(bed_.key(""))));
}

TEST_F(StsTest, ExternalIdMustBeTheOneThatIsAskedFor) {
  bed_.role("app", trust(kAna, R"({"StringEquals":{"sts:ExternalId":"x-1"}})"));
  EXPECT_EQ(fault_of(assume(ana())), "AccessDenied");
  EXPECT_EQ(fault_of(assume(ana(), {.external_id = "x-2"})), "AccessDenied");
  EXPECT_TRUE(assume(ana(), {.external_id = "x-1"}));
}

TEST_F(StsTest, DurationsHaveLimits) {
  ASSERT_TRUE(bed_.iam().create_role(
      {.name = "app", .trust_policy = trust(kAccountRoot), .session_seconds_max = 7200}, kNow));
  bed_.allow(user_ref("ana"), kAllowAll);
  bed_.allow(role_ref("app"), kAllowAll);
  EXPECT_EQ(fault_of(assume(ana(), {.duration_seconds = 899})), "ValidationError");
  EXPECT_EQ(assume(ana(), {.duration_seconds = 900})->credentials.expires,
            kNow + std::chrono::minutes(15));
  EXPECT_EQ(message_of(assume(ana(), {.duration_seconds = 7201})),
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  const auto two_hours = assume(ana(), {.duration_seconds = 7200});
  const Principal chained = session(two_hours);
  EXPECT_TRUE(assume(chained, {.duration_seconds = 3600}));
  EXPECT_EQ(message_of(assume(chained, {.duration_seconds = 3601})),
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
            "role chaining");
}

TEST_F(StsTest, SessionNamesAreChecked) {
  bed_.role("app", trust(kAna));
  EXPECT_EQ(
      message_of(assume(ana(), {.session_name = "Session1:2"})),
      "1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy "
      "constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*");
  EXPECT_EQ(fault_of(assume(ana(), {.session_name = "x"})), "ValidationError");
  EXPECT_EQ(fault_of(assume(ana(), {.session_name = std::string(65, 'x')})), "ValidationError");
}

TEST_F(StsTest, SessionPoliciesLimitAndNeverGrant) {
  bed_.role("app", trust(kAna));
  bed_.allow(role_ref("app"), statement("Allow", "rds:*", "*"));
  const auto limited =
      assume(ana(), {.policy = R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",)"
                               R"("Action":["rds:Describe*","iam:*"],"Resource":"*"}]})"});
  const Principal who = session(limited);
  EXPECT_TRUE(limited->packed_policy_percent.has_value());
  EXPECT_TRUE(may(who, "rds:DescribeDBClusters"));
  EXPECT_FALSE(may(who, "rds:CreateDBCluster"));
  EXPECT_FALSE(may(who, "iam:ListUsers"));
  const auto by_arn =
      assume(ana(), {.policy_arns = {"arn:aws:iam::aws:policy/AmazonRDSReadOnlyAccess"}});
  EXPECT_TRUE(may(session(by_arn), "rds:DescribeDBClusters"));
  EXPECT_FALSE(may(session(by_arn), "rds:CreateDBCluster"));
  EXPECT_EQ(fault_of(assume(ana(), {.policy = "{}"})), "MalformedPolicyDocument");
  EXPECT_EQ(fault_of(assume(ana(), {.policy_arns = {"arn:aws:iam::aws:policy/None"}})),
            "MalformedPolicyDocumentException");
}

TEST_F(StsTest, TokenStaysShortHoweverMuchTheSessionCarries) {
  bed_.role("app", trust(kAna));
  bed_.allow(role_ref("app"), kAllowAll);
  std::string sids;
  for (int i = 0; i < 20; ++i) {
    sids += (i == 0 ? "" : ",") + std::string(R"({"Effect":"Allow","Action":"rds:A)") +
            std::to_string(i) + R"(","Resource":"*"})";
  }
  TagList tags;
  for (int i = 0; i < 20; ++i) {
    tags.emplace_back("key-" + std::to_string(i), std::string(100, 'v'));
  }
  const auto assumed =
      assume(ana(), {.session_name = std::string(64, 's'),
                     .policy = R"({"Version":"2012-10-17","Statement":[)" + sids + "]}",
                     .tags = tags});
  ASSERT_TRUE(assumed) << message_of(assumed);
  EXPECT_LE(assumed->credentials.session_token.size(), kSessionTokenMax);
  const Principal who = session(assumed);
  EXPECT_EQ(who.tags.size(), 20U);
  EXPECT_TRUE(may(who, "rds:A7"));
  EXPECT_FALSE(may(who, "rds:B"));
  bed_.reopen();
  EXPECT_EQ(session(assumed).tags.size(), 20U) << "what the token names is kept over a restart";
  // When what it carried is gone, a session must not come back without its limits.
  const auto stored = bed_.store().list("iam/session-data/");
  ASSERT_EQ(stored->size(), 1U);
  ASSERT_TRUE(bed_.store().commit({.deletes = {stored->front().key}}));
  bed_.reopen();
  const sigv4::Credentials signer = IdentityBed::signer(assumed->credentials);
  EXPECT_FALSE(look_up_key(*bed_.iam().snapshot(), *bed_.sealer(), signer.access_key_id,
                           signer.session_token)
                   .is_session_token_valid);
}

TEST_F(StsTest, StoredSessionDataIsDroppedWhenItHasRunOut) {
  bed_.role("app", trust(kAna));
  const SessionData first{.tags = {{"a", std::string(256, 'x')}}};
  const SessionData second{.tags = {{"b", std::string(256, 'x')}}};
  const auto hour = std::chrono::hours(1);
  ASSERT_TRUE(bed_.iam().keep_session_data(first, kNow + hour, kNow));
  ASSERT_TRUE(bed_.iam().keep_session_data(first, kNow + hour, kNow));
  EXPECT_EQ(bed_.store().list("iam/session-data/")->size(), 1U);
  ASSERT_TRUE(bed_.iam().keep_session_data(second, kNow + 3 * hour, kNow + 2 * hour));
  const auto left = bed_.store().list("iam/session-data/");
  ASSERT_EQ(left->size(), 1U);
  EXPECT_NE(left->front().value.find("\"b\""), std::string::npos);
}

TEST_F(StsTest, TagsAndSourceIdentityFollowTheSession) {
  ASSERT_TRUE(bed_.iam().create_role(
      {.name = "app", .trust_policy = trust(kAccountRoot), .tags = {{"team", "role"}}}, kNow));
  bed_.role("next", trust(kAccountRoot));
  bed_.allow(user_ref("ana"), kAllowAll);
  bed_.allow(role_ref("app"), kAllowAll);
  const auto assumed = assume(ana(), {.source_identity = "ana@example.com",
                                      .tags = {{"Team", "blue"}, {"cost", "7"}},
                                      .transitive_tag_keys = {"cost"}});
  const Principal who = session(assumed);
  EXPECT_EQ(who.tags, (Tags{{"Team", "blue"}, {"cost", "7"}}))
      << "the session's tag hides the role's";
  EXPECT_EQ(who.source_identity, "ana@example.com");
  const auto chained = assume(who, {.role_arn = "arn:aws:iam::123456789012:role/next"});
  const Principal next = session(chained);
  EXPECT_EQ(next.tags, (Tags{{"cost", "7"}}));
  EXPECT_EQ(next.source_identity, "ana@example.com");
  EXPECT_EQ(fault_of(assume(who, {.role_arn = "arn:aws:iam::123456789012:role/next",
                                  .source_identity = "bo@example.com"})),
            "AccessDenied");
  EXPECT_EQ(fault_of(assume(
                who, {.role_arn = "arn:aws:iam::123456789012:role/next", .tags = {{"cost", "8"}}})),
            "InvalidParameterValue");
  EXPECT_EQ(message_of(assume(ana(), {.transitive_tag_keys = {"none"}})),
            "The specified transitive tag key must be included in the requested tags.");
}

TEST_F(StsTest, TagsNeedTheTrustPolicysConsent) {
  bed_.role("app",
            R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":")" +
                std::string(kAna) + R"("},"Action":"sts:AssumeRole"}]})");
  EXPECT_TRUE(assume(ana()));
  EXPECT_NE(message_of(assume(ana(), {.tags = {{"a", "b"}}})).find("sts:TagSession"),
            std::string::npos);
}

TEST_F(StsTest, SessionOfADeletedRoleIsOverEvenWhenTheNameComesBack) {
  bed_.role("app", trust(kAna));
  const auto assumed = assume(ana());
  ASSERT_TRUE(assumed);
  const sigv4::Credentials signer = IdentityBed::signer(assumed->credentials);
  const auto look_up = [&] {
    return look_up_key(*bed_.iam().snapshot(), *bed_.sealer(), signer.access_key_id,
                       signer.session_token);
  };
  EXPECT_FALSE(look_up().is_principal_gone);
  ASSERT_TRUE(bed_.iam().delete_role("app"));
  EXPECT_TRUE(look_up().is_principal_gone);
  bed_.role("app", trust(kAna));
  EXPECT_TRUE(look_up().is_principal_gone);
}

TEST_F(StsTest, ForgedForeignAndSwappedTokensDoNotOpen) {
  bed_.role("app", trust(kAna));
  const auto first = assume(ana());
  const auto second = assume(ana());
  const auto valid = [&](std::string_view id, std::string_view token) {
    return look_up_key(*bed_.iam().snapshot(), *bed_.sealer(), id, token).is_session_token_valid;
  };
  const std::string& id = first->credentials.access_key_id.str();
  const std::string& token = first->credentials.session_token;
  EXPECT_TRUE(valid(id, token));
  EXPECT_FALSE(valid(id, second->credentials.session_token)) << "another session's token";
  EXPECT_FALSE(valid(id, ""));
  EXPECT_FALSE(valid(id, "AAAA"));
  EXPECT_FALSE(valid(id, token.substr(0, token.size() - 4)));
  std::string altered = token;
  altered[40] = altered[40] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(valid(id, altered));
  const auto other = *Sealer::create(SecretString(std::string(32, 'o')));
  EXPECT_FALSE(open_session_token(token, *other));
}

TEST_F(StsTest, GetSessionTokenIsForLongLivedKeysAndMayNotCallIam) {
  bed_.allow(user_ref("ana"), kAllowAll);
  const ContextKeys none;
  const Principal who = ana();
  const auto made = bed_.sts().get_session_token({who, none, kNow}, std::nullopt);
  ASSERT_TRUE(made) << message_of(made);
  EXPECT_EQ(made->expires, kNow + std::chrono::hours(12));
  const Principal temporary = bed_.principal(IdentityBed::signer(*made));
  EXPECT_EQ(temporary.arn, kAna);
  EXPECT_TRUE(may(temporary, "rds:CreateDBCluster"));
  EXPECT_FALSE(may(temporary, "iam:ListUsers"));
  EXPECT_EQ(fault_of(bed_.sts().get_session_token({temporary, none, kNow}, std::nullopt)),
            "AccessDenied");
  EXPECT_EQ(fault_of(bed_.sts().get_session_token({who, none, kNow}, 129601)), "ValidationError");
  const Principal root = bed_.principal(bed_.key(""));
  EXPECT_EQ(bed_.sts().get_session_token({root, none, kNow}, 43200)->expires,
            kNow + std::chrono::hours(1));
}

TEST_F(StsTest, LocalSessionIsRootForAWhile) {
  bed_.role("app", trust(kAccountRoot));
  const auto made = bed_.sts().make_local_session(std::chrono::minutes(30), kNow);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->expires, kNow + std::chrono::minutes(30));
  const Principal who = bed_.principal(IdentityBed::signer(*made));
  EXPECT_EQ(who.kind, Principal::Kind::kRoot);
  EXPECT_TRUE(may(who, "iam:CreateUser"));
  EXPECT_TRUE(assume(who));
}

}  // namespace
}  // namespace trivet::service
