// SPDX-License-Identifier: Apache-2.0
#include "service/token_verifier.h"

#include <gtest/gtest.h>

#include "core/token/make.h"
#include "service/identity_test_bed.h"

namespace trivet::service {
namespace {

constexpr const char* kHost = "demo.cluster-abcdefghijkl.us-east-1.rds.trivet.internal";
constexpr const char* kResource = "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr const char* kDbUsers =
    "arn:aws:rds-db:us-east-1:123456789012:dbuser:cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ/*";
const MemberId kMember("demo-instance-1");

class TokenVerifierTest : public testing::Test {
 protected:
  TokenVerifierTest() : verifier_({.identities = bed_.iam(), .sealer = bed_.sealer()}) {
    set_database(true);
    bed_.user("ana");
    key_ = bed_.key("ana");
    bed_.allow(user_ref("ana"), statement("Allow", "rds-db:connect", kDbUsers));
    bed_.role("app", trust("arn:aws:iam::123456789012:user/ana"));
    bed_.allow(role_ref("app"), statement("Allow", "rds-db:connect", kDbUsers));
  }
  void set_database(bool iam_authentication) {
    DatabaseFacts facts;
    facts.databases[kMember] = {
        .resource_id = kResource,
        .iam_authentication = iam_authentication,
        .hosts = {*token::parse_allowed_host(std::string(kHost) + ":3306")}};
    verifier_.set_databases(std::make_shared<const DatabaseFacts>(std::move(facts)));
  }
  static std::string make(const sigv4::Credentials& credentials,
                          const token::TokenRequest& changed = {}) {
    token::TokenRequest request = changed;
    request.host = request.host.empty() ? kHost : request.host;
    request.db_user = request.db_user.empty() ? "jane" : request.db_user;
    request.region = request.region.empty() ? "us-east-1" : request.region;
    return token::make_db_token(request, credentials, kNow);
  }
  LoginVerdict verify(const std::string& token, WallTime now = kNow, bool is_tls = true) {
    return verifier_.verify(kMember, login(token, is_tls), now);
  }
  static wire::TokenRequest login(const std::string& token, bool is_tls = true) {
    wire::TokenRequest request;
    request.is_tls = is_tls;
    request.user = "jane";
    request.host = "client";
    request.peer_address = "127.0.0.1";
    request.token = token;
    return request;
  }
  sigv4::Credentials assume(AssumeRole request = {}) {
    request.role_arn = "arn:aws:iam::123456789012:role/app";
    request.session_name = "lambda";
    const ContextKeys none;
    const Principal ana = bed_.principal(key_);
    auto assumed = bed_.sts().assume_role({ana, none, kNow}, request);
    EXPECT_TRUE(assumed) << message_of(assumed);
    return IdentityBed::signer(assumed->credentials);
  }

  IdentityBed bed_;
  TokenVerifier verifier_;
  sigv4::Credentials key_;
};

TEST_F(TokenVerifierTest, AllowsAUserWhosePolicySaysSo) {
  const LoginVerdict verdict = verify(make(key_));
  EXPECT_TRUE(verdict.allowed) << verdict.reason << ": " << verdict.detail;
  EXPECT_EQ(verdict.principal_arn, "arn:aws:iam::123456789012:user/ana");
  EXPECT_EQ(verdict.reason, "");
}

TEST_F(TokenVerifierTest, AllowsASessionOfARole) {
  const LoginVerdict verdict = verify(make(assume()));
  EXPECT_TRUE(verdict.allowed) << verdict.reason << ": " << verdict.detail;
  EXPECT_EQ(verdict.principal_arn, "arn:aws:sts::123456789012:assumed-role/app/lambda");
}

TEST_F(TokenVerifierTest, AllowsRoot) {
  const LoginVerdict verdict = verify(make(bed_.key("")));
  EXPECT_TRUE(verdict.allowed) << verdict.reason << ": " << verdict.detail;
  EXPECT_EQ(verdict.principal_arn, "arn:aws:iam::123456789012:root");
}

TEST_F(TokenVerifierTest, EachRefusalHasItsOwnReason) {
  const std::string good = make(key_);
  std::string tampered = good;
  tampered.back() = tampered.back() == '0' ? '1' : '0';
  sigv4::Credentials unknown{"AKIAIOSFODNN7EXAMPLE", SecretString("x"), ""};
  EXPECT_EQ(verify(good, kNow, false).reason, "no-tls");
  EXPECT_EQ(verify("").reason, "empty");
  EXPECT_EQ(verify("password").reason, "malformed");
  EXPECT_EQ(verify(good + "&Action=connect").reason, "duplicate-param");
  EXPECT_EQ(verify(tampered).reason, "bad-signature");
  EXPECT_EQ(verify(make(unknown)).reason, "unknown-key");
  EXPECT_EQ(verify(make(key_, {.db_user = "bob"})).reason, "user-mismatch");
  EXPECT_EQ(verify(make(key_, {.host = "other.example.com"})).reason, "host-mismatch");
  EXPECT_EQ(verify(make(key_, {.port = 3307})).reason, "host-mismatch");
  EXPECT_EQ(verify(make(key_, {.region = "eu-west-1"})).reason, "region-mismatch");
  EXPECT_EQ(verify(good, kNow - std::chrono::minutes(6)).reason, "not-yet-valid");
  EXPECT_EQ(verify(good, kNow + std::chrono::minutes(16)).reason, "expired");
  EXPECT_TRUE(verify(good, kNow + std::chrono::minutes(15)).allowed);
}

TEST_F(TokenVerifierTest, SaysItInRdssWords) {
  const LoginVerdict expired = verify(make(key_), kNow + std::chrono::minutes(16));
  EXPECT_EQ(
      expired.aws_text,
      "Failed to authenticate the connection request for user 'jane' because the token age is "
      "longer than 15 minutes. (Status Code: 400, Error Code: ExpiredToken)");
  EXPECT_EQ(expired.aws_status, 400);
  bed_.allow(user_ref("ana"), statement("Deny", "rds-db:*", "*"), "deny");
  const LoginVerdict denied = verify(make(key_));
  EXPECT_EQ(denied.aws_text,
            "Failed to authorize the connection request for user 'jane' because the IAM policy "
            "assumed by the caller 'arn:aws:iam::123456789012:user/ana' is not authorized to "
            "perform `rds-db:connect` on the DB instance. (Status Code: 403, Error Code: "
            "NotAuthorized)");
  EXPECT_EQ(denied.aws_status, 403);
}

TEST_F(TokenVerifierTest, ClusterDecidesWhetherTokensCountAtAll) {
  set_database(false);
  EXPECT_EQ(verify(make(key_)).reason, "iam-disabled");
  EXPECT_EQ(verifier_.verify(MemberId("other"), login(make(key_)), kNow).reason,
            "unknown-database");
}

TEST_F(TokenVerifierTest, ChangesOfKeysCountAtOnce) {
  const std::string token = make(key_);
  ASSERT_TRUE(verify(token).allowed);
  ASSERT_TRUE(bed_.iam().update_access_key("ana", key_.access_key_id, false));
  EXPECT_EQ(verify(token).reason, "inactive-key");
  ASSERT_TRUE(bed_.iam().update_access_key("ana", key_.access_key_id, true));
  EXPECT_TRUE(verify(token).allowed);
  ASSERT_TRUE(bed_.iam().delete_access_key("ana", key_.access_key_id));
  EXPECT_EQ(verify(token).reason, "unknown-key");
}

TEST_F(TokenVerifierTest, ChangesOfPoliciesCountAtOnce) {
  const std::string token = make(key_);
  bed_.allow(user_ref("ana"), statement("Deny", "rds-db:connect", "*"), "deny");
  const LoginVerdict denied = verify(token);
  EXPECT_EQ(denied.reason, "explicit-deny");
  EXPECT_NE(denied.detail.find("inline policy deny of ana"), std::string::npos) << denied.detail;
  EXPECT_EQ(denied.principal_arn, "arn:aws:iam::123456789012:user/ana");
  ASSERT_TRUE(bed_.iam().delete_inline_policy(user_ref("ana"), "deny"));
  EXPECT_TRUE(verify(token).allowed);
  ASSERT_TRUE(bed_.iam().delete_inline_policy(user_ref("ana"), "inline"));
  EXPECT_EQ(verify(token).reason, "implicit-deny");
}

TEST_F(TokenVerifierTest, PolicyNamesClusterAndUserExactly) {
  const std::string base = "arn:aws:rds-db:us-east-1:123456789012:dbuser:";
  const auto reason_with = [&](const std::string& action, const std::string& resource) {
    bed_.allow(user_ref("ana"), statement("Allow", action, resource));
    return verify(make(key_)).reason;
  };
  EXPECT_EQ(reason_with("rds-db:connect", base + kResource + "/jane"), "");
  EXPECT_EQ(reason_with("rds-db:connect", base + "*/jane"), "");
  EXPECT_EQ(reason_with("rds-db:connect", base + kResource + "/Jane"), "implicit-deny");
  EXPECT_EQ(reason_with("rds-db:connect", base + "demo/jane"), "implicit-deny");
  EXPECT_EQ(reason_with("rds:connect", "*"), "implicit-deny");
}

TEST_F(TokenVerifierTest, ConditionsSeeThePrincipalAndNotThePeer) {
  const auto with_condition = [](std::string_view condition) {
    return R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"rds-db:connect",)"
           R"("Resource":"*","Condition":)" +
           std::string(condition) + "}]}";
  };
  ASSERT_TRUE(bed_.iam().tag(user_ref("ana"), {{"team", "blue"}}));
  bed_.allow(user_ref("ana"),
             with_condition(R"({"StringEquals":{"aws:PrincipalTag/team":"blue"}})"));
  EXPECT_EQ(verify(make(key_)).reason, "");
  bed_.allow(user_ref("ana"), with_condition(R"({"StringEquals":{"aws:username":"bo"}})"));
  EXPECT_EQ(verify(make(key_)).reason, "implicit-deny");
  // AWS has no aws:SourceIp for logins: a policy that asks for it allows nobody.
  bed_.allow(user_ref("ana"), with_condition(R"({"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}})"));
  EXPECT_EQ(verify(make(key_)).reason, "implicit-deny");
}

TEST_F(TokenVerifierTest, SessionsEndWithTheirTimeAndTheirRole) {
  const std::string token = make(assume({.duration_seconds = 900}));
  EXPECT_TRUE(verify(token, kNow + std::chrono::seconds(899)).allowed);
  EXPECT_EQ(verify(token, kNow + std::chrono::seconds(900)).reason, "session-expired");
  ASSERT_TRUE(bed_.iam().delete_inline_policy(role_ref("app"), "inline"));
  EXPECT_EQ(verify(token).reason, "implicit-deny");
  ASSERT_TRUE(bed_.iam().delete_role("app"));
  EXPECT_EQ(verify(token).reason, "principal-deleted");
  bed_.role("app", trust("arn:aws:iam::123456789012:user/ana"));
  bed_.allow(role_ref("app"), kAllowAll);
  EXPECT_EQ(verify(token).reason, "principal-deleted") << "a new role of that name is another";
}

TEST_F(TokenVerifierTest, SessionTokenMustBelongToTheKey) {
  sigv4::Credentials session = assume();
  const sigv4::Credentials other = assume();
  session.session_token = other.session_token;
  EXPECT_EQ(verify(make(session)).reason, "session-token");
  session.session_token = "";
  EXPECT_EQ(verify(make(session)).reason, "session-token");
  sigv4::Credentials static_key{key_.access_key_id, key_.secret_access_key.copy(),
                                other.session_token};
  EXPECT_EQ(verify(make(static_key)).reason, "session-token");
}

TEST_F(TokenVerifierTest, SessionPolicyLimitsTheLogin) {
  const auto limited = assume({.policy = statement("Allow", "s3:*", "*")});
  const LoginVerdict verdict = verify(make(limited));
  EXPECT_EQ(verdict.reason, "implicit-deny");
  EXPECT_NE(verdict.detail.find("session policy"), std::string::npos) << verdict.detail;
}

TEST_F(TokenVerifierTest, OneProofIsGoodForTheSameTokenUserAndMemberOnly) {
  DatabaseFacts facts;
  const DatabaseFacts::Database database{
      .resource_id = kResource,
      .iam_authentication = true,
      .hosts = {*token::parse_allowed_host(std::string(kHost) + ":3306")}};
  facts.databases[kMember] = database;
  facts.databases[MemberId("off")] = database;
  facts.databases[MemberId("off")].hosts.clear();
  verifier_.set_databases(std::make_shared<const DatabaseFacts>(std::move(facts)));
  const std::string token = make(key_);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(verify(token).allowed);
  }
  wire::TokenRequest other = login(token);
  other.user = "janet";
  EXPECT_EQ(verifier_.verify(kMember, other, kNow).reason, "user-mismatch");
  const LoginVerdict elsewhere = verifier_.verify(MemberId("off"), login(token), kNow);
  EXPECT_EQ(elsewhere.reason, "host-mismatch");
  EXPECT_TRUE(elsewhere.detail.starts_with("this token is for cluster ")) << elsewhere.detail;
  std::string tampered = token;
  tampered.back() = tampered.back() == '0' ? '1' : '0';
  EXPECT_EQ(verify(tampered).reason, "bad-signature");
  EXPECT_EQ(verify(token, kNow + std::chrono::minutes(16)).reason, "expired");
  EXPECT_EQ(verify(token, kNow - std::chrono::minutes(6)).reason, "not-yet-valid");
}

TEST(ProvedTokens, DigestTellsWhereTheUserEnds) {
  const auto digest = [](std::string_view user, std::string_view token) {
    wire::TokenRequest request;
    request.user = user;
    request.token = token;
    return ProvedTokens::digest(kMember, request);
  };
  EXPECT_EQ(digest("jane", "token"), digest("jane", "token"));
  EXPECT_NE(digest("jane", "token"), digest("janet", "oken"));
}

TEST(ProvedTokens, StaysBounded) {
  const auto proved = std::make_shared<const ProvedToken>();
  ProvedTokens tokens;
  for (std::size_t i = 0; i < 3 * ProvedTokens::kMax; ++i) {
    tokens.add(std::to_string(i), proved);
  }
  EXPECT_LE(tokens.size(), ProvedTokens::kMax);
}

}  // namespace
}  // namespace trivet::service
