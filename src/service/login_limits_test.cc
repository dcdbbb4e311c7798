// SPDX-License-Identifier: Apache-2.0
//
// What the rules of a cluster make of logins with tokens.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/token/make.h"
#include "model/cluster.h"
#include "service/identity_test_bed.h"
#include "service/token_verifier.h"

namespace trivet::service {
namespace {

using std::chrono::seconds;

constexpr const char* kHost = "demo.cluster-abcdefghijkl.us-east-1.rds.trivet.internal";
constexpr const char* kResource = "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr const char* kOtherResource = "cluster-OTHER";
const MemberId kMember("demo-instance-1");
const MemberId kReader("demo-instance-2");
const MemberId kOther("other-instance-1");
const ClusterId kDemo("demo");

class LoginLimitsTest : public testing::Test {
 protected:
  LoginLimitsTest()
      : rules_(bed_.store()),
        verifier_({.identities = bed_.iam(),
                   .sealer = bed_.sealer(),
                   .rules = &rules_,
                   .begun = kNow - std::chrono::hours(1)}) {
    Cluster cluster;
    cluster.id = kDemo;
    cluster.resource_id = ClusterResourceId(kResource);
    EXPECT_TRUE(
        bed_.store()
            .commit({.compares = {}, .puts = {{"clusters/demo", encode(cluster)}}, .deletes = {}})
            .has_value());
    EXPECT_TRUE(rules_.load().has_value());
    bed_.user("ana");
    key_ = bed_.key("ana");
    bed_.allow(user_ref("ana"), kAllowAll);
    verifier_.set_databases(databases());
  }
  static std::shared_ptr<const DatabaseFacts> databases() {
    auto facts = std::make_shared<DatabaseFacts>();
    DatabaseFacts::Database database{
        .resource_id = kResource,
        .iam_authentication = true,
        .hosts = {*token::parse_allowed_host(std::string(kHost) + ":3306"),
                  *token::parse_allowed_host("reader.example.com:3306")}};
    facts->databases[kMember] = database;
    facts->databases[kReader] = database;
    database.resource_id = kOtherResource;
    facts->databases[kOther] = database;
    return facts;
  }
  void change(const LoginRulesChange& change) {
    const auto done = rules_.change(kDemo, change);
    EXPECT_TRUE(done.has_value()) << message_of(done);
  }
  std::string make(const std::string& host = kHost, WallTime when = kNow,
                   std::uint16_t port = 3306) const {
    return token::make_db_token(
        {.host = host, .port = port, .db_user = "jane", .region = "us-east-1"}, key_, when);
  }
  LoginVerdict verify(const std::string& token, WallTime now = kNow,
                      const MemberId& member = kMember) {
    wire::TokenRequest request;
    request.is_tls = true;
    request.user = "jane";
    request.host = "client";
    request.peer_address = peer_;
    request.version = version_;
    request.tls_version = tls_version_;
    request.tls_cipher = tls_cipher_;
    request.token = token;
    return verifier_.verify(member, request, now);
  }

  IdentityBed bed_;
  LoginRulesBook rules_;
  TokenVerifier verifier_;
  sigv4::Credentials key_;
  std::string peer_ = "127.0.0.1";
  std::uint8_t version_ = wire::kTokenProtocolVersion;
  std::string tls_version_ = "TLSv1.3";
  std::string tls_cipher_ = "TLS_AES_256_GCM_SHA384";
};

TEST_F(LoginLimitsTest, AliasesAreNamesOfTheServer) {
  EXPECT_EQ(verify(make("db.example.com")).reason, "host-mismatch");
  change({.add_aliases = {"db.example.com:3306", "*.tunnel.lan", "localhost"}});
  EXPECT_EQ(verify(make("db.example.com")).reason, "");
  EXPECT_EQ(verify(make("DB.example.com")).reason, "");
  EXPECT_EQ(verify(make("db.example.com", kNow, 3307)).reason, "host-mismatch");
  EXPECT_EQ(verify(make("a.tunnel.lan", kNow, 13306)).reason, "");
  EXPECT_EQ(verify(make("tunnel.lan", kNow, 13306)).reason, "host-mismatch");
  EXPECT_EQ(verify(make("localhost", kNow, 13306)).reason, "");
  EXPECT_EQ(verify(make("db.example.com"), kNow, kOther).reason, "host-mismatch")
      << "the aliases of another cluster";
  const std::string known = make("db.example.com");
  change({.remove_aliases = {"db.example.com:3306"}});
  EXPECT_EQ(verify(known).reason, "host-mismatch") << "proved before";
}

TEST_F(LoginLimitsTest, ATokenForAnotherEndpointOfTheClusterIsGood) {
  EXPECT_TRUE(verify(make("reader.example.com")).allowed);
}

TEST_F(LoginLimitsTest, AMaximumAgeHoldsForProvedTokensToo) {
  const std::string token = make();
  EXPECT_TRUE(verify(token, kNow + seconds(100)).allowed);
  change({.token_max_age_s = 60});
  EXPECT_EQ(verify(token, kNow + seconds(61)).reason, "too-old");
  EXPECT_TRUE(verify(token, kNow + seconds(60)).allowed);
  EXPECT_EQ(verify(token, kNow + seconds(61)).reason, "too-old");
  EXPECT_EQ(verify(token, kNow + seconds(61)).aws_status, 400);
}

TEST_F(LoginLimitsTest, ReuseIsSeen) {
  const std::string token = make();
  peer_ = "127.0.0.7";
  EXPECT_EQ(verify(token).token_uses, 1);
  peer_ = "127.0.0.8";
  const LoginVerdict again = verify(token, kNow + seconds(5), kReader);
  EXPECT_TRUE(again.allowed);
  EXPECT_EQ(again.token_uses, 2);
  EXPECT_EQ(again.token_first_from, "127.0.0.7");
  EXPECT_EQ(again.token_first_used, kNow);
  EXPECT_EQ(verify(make(kHost, kNow + seconds(1)), kNow + seconds(5)).token_uses, 1);
}

TEST_F(LoginLimitsTest, OneTimeTokensLetInOnce) {
  const std::string seen_before = make();
  EXPECT_TRUE(verify(seen_before).allowed);
  change({.one_time_tokens = true});
  const LoginVerdict used = verify(seen_before);
  EXPECT_EQ(used.reason, "token-used");
  EXPECT_EQ(used.detail,
            "tokens are for one use; this one was used at 2026-01-02T03:04:05Z from 127.0.0.1, and "
            "it came 2 times");
  EXPECT_EQ(used.principal_arn, "arn:aws:iam::123456789012:user/ana");
  EXPECT_EQ(used.aws_status, 400);
  const std::string fresh = make(kHost, kNow + seconds(1));
  EXPECT_TRUE(verify(fresh, kNow + seconds(1)).allowed);
  EXPECT_EQ(verify(fresh, kNow + seconds(1), kReader).reason, "token-used")
      << "all members of a cluster are one";
  EXPECT_TRUE(verify(fresh, kNow + seconds(1), kOther).allowed) << "another cluster, without rule";
}

TEST_F(LoginLimitsTest, ARefusedLoginDoesNotUseATokenUp) {
  change({.one_time_tokens = true});
  bed_.allow(user_ref("ana"), statement("Deny", "rds-db:connect", "*"), "deny");
  const std::string token = make();
  EXPECT_EQ(verify(token).reason, "explicit-deny");
  ASSERT_TRUE(bed_.iam().delete_inline_policy(user_ref("ana"), "deny"));
  EXPECT_TRUE(verify(token).allowed);
  EXPECT_EQ(verify(token).reason, "token-used");
}

TEST_F(LoginLimitsTest, ANewDaemonRefusesWhatItCannotKnow) {
  change({.one_time_tokens = true});
  const WallTime start = kNow + seconds(30);
  TokenVerifier next(
      {.identities = bed_.iam(), .sealer = bed_.sealer(), .rules = &rules_, .begun = start});
  next.set_databases(databases());
  const auto reason = [&](const std::string& token, WallTime now) {
    wire::TokenRequest request;
    request.is_tls = true;
    request.user = "jane";
    request.peer_address = "127.0.0.1";
    request.token = token;
    return next.verify(kMember, request, now).reason;
  };
  EXPECT_EQ(reason(make(kHost, kNow), start), "signed-before-memory");
  // Of a clock that is ahead: it could have been used before the start.
  EXPECT_EQ(reason(make(kHost, start + seconds(4)), start), "signed-before-memory");
  EXPECT_EQ(reason(make(kHost, start + seconds(6)), start), "not-yet-valid");
  EXPECT_EQ(reason(make(kHost, start + seconds(6)), start + seconds(6)), "");
  EXPECT_EQ(reason(make(kHost, start + seconds(6)), start + seconds(7)), "token-used");
  change({.one_time_tokens = false});
  EXPECT_EQ(reason(make(kHost, kNow), start), "");
}

TEST_F(LoginLimitsTest, RatesHaveTheirReasonsAndAreOff) {
  const std::string token = make();
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(verify(token).allowed);
  }
  change({.principal_logins_per_minute = 2});
  EXPECT_TRUE(verify(token).allowed);
  EXPECT_TRUE(verify(token).allowed);
  const LoginVerdict third = verify(token);
  EXPECT_EQ(third.reason, "principal-rate");
  EXPECT_EQ(third.aws_status, 429);
  EXPECT_EQ(third.principal_arn, "arn:aws:iam::123456789012:user/ana");
  EXPECT_NE(third.aws_text.find("ThrottlingException"), std::string::npos);
  EXPECT_TRUE(verify(make(), kNow, kOther).allowed) << "another cluster";
  EXPECT_TRUE(verify(token, kNow + seconds(30)).allowed);
  change({.principal_logins_per_minute = 0, .address_logins_per_minute = 1});
  EXPECT_TRUE(verify(token).allowed);
  EXPECT_EQ(verify(token).reason, "address-rate");
  peer_ = "127.0.0.2";
  EXPECT_TRUE(verify(token).allowed);
}

TEST_F(LoginLimitsTest, AddressesThatKeepFailingWait) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(verify("guess").answer_after, Millis(0)) << i;
  }
  EXPECT_GT(verify("guess").answer_after, Millis(0));
  for (int i = 0; i < 100; ++i) {
    EXPECT_LE(verify("guess").answer_after, Millis(1'000));
  }
  EXPECT_EQ(verify(make()).answer_after, Millis(0)) << "whoever may log in does not wait";
  peer_ = "127.0.0.2";
  EXPECT_EQ(verify("guess").answer_after, Millis(0));
}

TEST_F(LoginLimitsTest, ConditionsSeeThePeerWhereTheRulesSaySo) {
  const auto allow_if = [&](std::string_view condition) {
    bed_.allow(user_ref("ana"),
               R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":)"
               R"("rds-db:connect","Resource":"*","Condition":)" +
                   std::string(condition) + "}]}");
  };
  const auto deny_if = [&](std::string_view condition) {
    bed_.allow(user_ref("ana"),
               R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":)"
               R"("rds-db:connect","Resource":"*","Condition":)" +
                   std::string(condition) + "}]}",
               "deny");
  };
  const std::string token = make();
  allow_if(R"({"IpAddress":{"aws:SourceIp":"127.0.0.0/24"}})");
  EXPECT_EQ(verify(token).reason, "implicit-deny") << "as on AWS";
  change({.connect_conditions = true});
  EXPECT_EQ(verify(token).reason, "");
  peer_ = "127.0.1.1";
  EXPECT_EQ(verify(token).reason, "implicit-deny") << "the same token from elsewhere";
  peer_ = "";  // mysqld's own socket
  EXPECT_EQ(verify(token).reason, "implicit-deny");
  peer_ = "127.0.0.1";
  deny_if(R"({"NotIpAddress":{"aws:SourceIp":"127.0.0.0/8"}})");
  EXPECT_EQ(verify(token).reason, "");
  peer_ = "10.0.0.1";
  EXPECT_EQ(verify(token).reason, "explicit-deny");
  peer_ = "127.0.0.1";
  EXPECT_EQ(verify(token, kNow, kOther).reason, "explicit-deny")
      << "a cluster without the rule: what is not known is not in the range";
}

TEST_F(LoginLimitsTest, ConditionsSeeTheTlsWhereTheRulesSaySo) {
  const auto condition = [&](std::string_view effect, std::string_view text) {
    bed_.allow(user_ref("ana"),
               R"({"Version":"2012-10-17","Statement":[{"Effect":")" + std::string(effect) +
                   R"(","Action":"rds-db:connect","Resource":"*","Condition":)" +
                   std::string(text) + "}]}",
               std::string(effect));
  };
  const std::string token = make();
  condition("Deny", R"({"NumericLessThan":{"rds-db:TlsVersion":"1.3"}})");
  EXPECT_EQ(verify(token).reason, "") << "as on AWS, where there is no such key";
  change({.connect_conditions = true});
  EXPECT_EQ(verify(token).reason, "") << tls_version_;
  tls_version_ = "TLSv1.2";
  EXPECT_EQ(verify(token).reason, "explicit-deny");
  tls_version_ = "";
  EXPECT_EQ(verify(token).reason, "explicit-deny") << "not known is not enough";
  tls_version_ = "TLSv1.3";
  condition("Deny", R"({"StringNotEquals":{"rds-db:TlsCipher":"TLS_AES_256_GCM_SHA384"}})");
  EXPECT_EQ(verify(token).reason, "");
  tls_cipher_ = "TLS_AES_128_GCM_SHA256";
  EXPECT_EQ(verify(token).reason, "explicit-deny");
}

TEST_F(LoginLimitsTest, ATagOfThePrincipalChoosesTheRole) {
  const std::string token = make();
  ASSERT_TRUE(bed_.iam().tag(user_ref("ana"), {{"Team", "reporting"}}));
  EXPECT_EQ(verify(token).role, "") << "tags are not looked at";
  change({.role_tag = "team"});
  const LoginVerdict refused = verify(token);
  EXPECT_EQ(refused.reason, "role-not-allowed");
  EXPECT_EQ(refused.aws_status, 403);
  EXPECT_NE(refused.aws_text.find("user/ana"), std::string::npos);
  EXPECT_EQ(verifier_.explain(kMember, "", token, kNow).reason, "role-not-allowed");
  change({.add_roles = {"jane=reporting", "tom=all"}});
  EXPECT_EQ(verify(token).reason, "");
  EXPECT_EQ(verify(token).role, "reporting");
  EXPECT_EQ(verifier_.explain(kMember, "", token, kNow).reason, "accepted");
  version_ = 1;
  EXPECT_EQ(verify(token).reason, "role-not-allowed") << "its mysqld could not do it";
  version_ = 2;
  ASSERT_TRUE(bed_.iam().tag(user_ref("ana"), {{"Team", "all"}}));
  EXPECT_EQ(verify(token).reason, "role-not-allowed") << "another account's";
  ASSERT_TRUE(bed_.iam().tag(user_ref("ana"), {{"Team", "jane"}}));
  EXPECT_EQ(verify(token).role, "") << "the account itself";
  change({.remove_roles = {"jane=reporting", "tom=all"}});
  EXPECT_EQ(rules_.find(ClusterResourceId(kResource)).roles.size(), 0U);
}

TEST_F(LoginLimitsTest, ConditionsSeeTheTimeAlways) {
  bed_.allow(user_ref("ana"),
             R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"rds-db:connect",)"
             R"("Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":)"
             R"("2026-01-02T03:05:00Z"}}}]})");
  EXPECT_EQ(verify(make()).reason, "");
  EXPECT_EQ(verify(make(), kNow + seconds(60)).reason, "implicit-deny");
}

TEST_F(LoginLimitsTest, TheSameFactsKeepWhatWasProved) {
  const std::string token = make();
  ASSERT_TRUE(verify(token).allowed);
  verifier_.set_databases(databases());
  EXPECT_TRUE(verify(token).allowed);
  auto changed = std::make_shared<DatabaseFacts>(*databases());
  changed->databases[kMember].iam_authentication = false;
  verifier_.set_databases(changed);
  EXPECT_EQ(verify(token).reason, "iam-disabled");
}

TEST_F(LoginLimitsTest, PeopleWhoAskAreToldTheRules) {
  change({.add_aliases = {"db.example.com"}, .token_max_age_s = 60});
  EXPECT_TRUE(verifier_.explain(kMember, "", make("db.example.com"), kNow).is_accepted());
  EXPECT_EQ(verifier_.explain(kMember, "", make(), kNow + seconds(61)).reason, "too-old");
  EXPECT_TRUE(verifier_.explain(kMember, "", make(), kNow).not_checked.empty());
  change({.one_time_tokens = true, .address_logins_per_minute = 9, .connect_conditions = true});
  EXPECT_EQ(verifier_.explain(kMember, "", make(), kNow).not_checked,
            (std::vector<std::string_view>{"one use", "rates", "source address and TLS"}));
}

// A store of which each commit takes as long as the test wants.
class SlowStore final : public StateStore {
 public:
  Result<StoredValue> get(std::string_view key) override { return store_.get(key); }
  Result<std::vector<StoredValue>> list(std::string_view prefix) override {
    return store_.list(prefix);
  }
  Result<Revision> commit(const Commit& commit) override {
    if (is_slow) {
      is_slow = false;
      began.set_value();
      go_on.get_future().wait_for(std::chrono::seconds(10));
    }
    return store_.commit(commit);
  }
  Result<std::unique_ptr<StoreWatch>> watch(
      std::string prefix, std::function<void(const std::vector<StoreEvent>&)> on_events) override {
    return store_.watch(std::move(prefix), std::move(on_events));
  }

  std::atomic<bool> is_slow = false;
  std::promise<void> began;
  std::promise<void> go_on;

 private:
  store_memory::MemoryStore store_;
};

TEST(TokenVerifierAndApi, ACallInTheMiddleOfItsCommitHoldsUpNoLogin) {
  SlowStore store;
  const std::shared_ptr<const Sealer> sealer = *Sealer::create(SecretString(std::string(32, 'k')));
  const auto opened = IamService::open(
      {.store = &store, .sealer = sealer, .realm = {.account = AccountId(kAccount)}});
  ASSERT_TRUE(opened.has_value());
  IamService& iam = **opened;
  ASSERT_TRUE(iam.create_user({.name = "ana"}, kNow).has_value());
  ASSERT_TRUE(iam.put_inline_policy(user_ref("ana"), "p", kAllowAll).has_value());
  const auto key = iam.create_access_key("ana", kNow);
  ASSERT_TRUE(key.has_value());
  TokenVerifier verifier({.identities = iam, .sealer = sealer});
  auto facts = std::make_shared<DatabaseFacts>();
  facts->databases[kMember] = {.resource_id = kResource,
                               .iam_authentication = true,
                               .hosts = {*token::parse_allowed_host(kHost)}};
  verifier.set_databases(facts);
  const std::string token =
      token::make_db_token({.host = kHost, .db_user = "jane", .region = "us-east-1"},
                           {key->record.id.str(), key->secret.copy(), ""}, kNow);
  wire::TokenRequest request;
  request.is_tls = true;
  request.user = "jane";
  request.token = token;

  store.is_slow = true;
  auto call = std::async(std::launch::async, [&] {
    return iam.put_inline_policy(user_ref("ana"), "deny", statement("Deny", "*", "*"));
  });
  ASSERT_EQ(store.began.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_TRUE(verifier.verify(kMember, request, kNow).allowed);
  EXPECT_NE(call.wait_for(std::chrono::seconds(0)), std::future_status::ready)
      << "the call had ended before the login";
  store.go_on.set_value();
  ASSERT_TRUE(call.get().has_value());
  EXPECT_EQ(verifier.verify(kMember, request, kNow).reason, "explicit-deny");
}

TEST(SigningKeys, AreRememberedForOneSnapshotAndSecret) {
  IdentityBed bed;
  SigningKeys keys;
  const sigv4::Scope scope{"20260102", "us-east-1", "rds-db"};
  const auto first = bed.iam().snapshot();
  EXPECT_EQ(keys.get(first, "AKIA1", "secret", scope), sigv4::signing_key("secret", scope));
  EXPECT_EQ(keys.get(first, "AKIA1", "secret", scope), sigv4::signing_key("secret", scope));
  EXPECT_EQ(keys.get(first, "AKIA1", "other", scope), sigv4::signing_key("other", scope));
  EXPECT_EQ(keys.size(), 1U);
  bed.user("ana");
  (void)keys.get(bed.iam().snapshot(), "AKIA2", "secret", scope);
  EXPECT_EQ(keys.size(), 1U) << "those of the snapshot before are gone";
  for (std::size_t i = 0; i < 2 * SigningKeys::kMax; ++i) {
    (void)keys.get(first, std::to_string(i), "secret", scope);
  }
  EXPECT_LE(keys.size(), SigningKeys::kMax);
}

}  // namespace
}  // namespace trivet::service
