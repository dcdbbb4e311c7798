// SPDX-License-Identifier: Apache-2.0
//
// What the shared vectors (tests/vectors) do not cover: keys, hosts, leniency, truncation, log
// texts.
#include "core/token/db_token.h"

#include <gtest/gtest.h>

#include "base/iso8601.h"
#include "base/uri.h"
#include "core/sigv4/canonical.h"
#include "core/token/make.h"

namespace trivet::token {
namespace {

using std::chrono::seconds;

constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const WallTime kSignedAt = *parse_amz_date("20240506T070809Z");

ServerFacts server() {
  return {.realm = {.account = AccountId("123456789012"), .region = "us-east-1"},
          .hosts = {*parse_allowed_host("db.example.com:3306")},
          .resource_id = "cluster-ABC",
          .login_user = "jane"};
}

sigv4::Credentials credentials(const std::string& session_token = "") {
  return {session_token.empty() ? "AKIAIOSFODNN7EXAMPLE" : "ASIAIOSFODNN7EXAMPLE",
          SecretString(std::string(kSecret)), session_token};
}

std::string token_for(const std::string& user = "jane", const std::string& session_token = "") {
  return make_db_token(
      {.host = "db.example.com", .port = 3306, .db_user = user, .region = "us-east-1"},
      credentials(session_token), kSignedAt);
}

KeyFacts active() {
  return {.status = KeyFacts::Status::kActive, .secret = SecretString(std::string(kSecret))};
}

// Signs any query, also one that a good client would never make.
std::string signed_token(const std::string& query,
                         const std::string& host = "db.example.com:3306") {
  const auto pairs = split_query(query);
  const sigv4::Scope scope{"20240506", "us-east-1", "rds-db"};
  const std::string canonical = "GET\n/\n" + sigv4::canonical_query(*pairs) + "\nhost:" + host +
                                "\n\nhost\n" + std::string(sigv4::kEmptyPayloadSha256);
  return host + "/?" + query + "&X-Amz-Signature=" +
         sigv4::signature(sigv4::signing_key(kSecret, scope),
                          sigv4::string_to_sign("20240506T070809Z", scope, canonical));
}

std::string query_with(std::string_view from = "", std::string_view to = "") {
  std::string query =
      "Action=connect&DBUser=jane&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
      "AKIAIOSFODNN7EXAMPLE%2F20240506%2Fus-east-1%2Frds-db%2Faws4_request&X-Amz-Date="
      "20240506T070809Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host";
  if (!from.empty()) {
    const auto at = query.find(from);
    EXPECT_NE(at, std::string::npos);
    query.replace(at, from.size(), to);
  }
  return query;
}

struct Outcome {
  Reason reason;
  std::string detail;
};

Outcome check(std::string_view text, const ServerFacts& facts = server(), KeyFacts key = active(),
              seconds later = seconds(10)) {
  int calls = 0;
  const TokenVerdict verdict =
      check_db_token(text, facts, kSignedAt + later,
                     [&](const std::string& id, const std::optional<std::string>&) {
                       ++calls;
                       EXPECT_FALSE(id.empty());
                       return std::move(key);
                     });
  EXPECT_LE(calls, 1);
  if (const auto* rejection = std::get_if<Rejection>(&verdict)) {
    EXPECT_EQ(rejection->detail.find('\n'), std::string::npos);
    EXPECT_FALSE(rejection->detail.empty());
    return {rejection->reason, rejection->detail};
  }
  return {Reason::kAccepted, std::get<Accepted>(verdict).resource_arn};
}

TEST(DbToken, AcceptedTokenSaysWhoAndWhat) {
  const std::string text = token_for() + std::string(1, '\0');
  const TokenVerdict verdict = check_db_token(
      text, server(), kSignedAt, [](const std::string&, const std::optional<std::string>& session) {
        EXPECT_EQ(session, std::nullopt);
        return active();
      });
  const auto* accepted = std::get_if<Accepted>(&verdict);
  ASSERT_NE(accepted, nullptr);
  EXPECT_EQ(accepted->access_key_id, "AKIAIOSFODNN7EXAMPLE");
  EXPECT_EQ(accepted->db_user, "jane");
  EXPECT_EQ(accepted->host_text, "db.example.com:3306");
  EXPECT_EQ(accepted->signed_at, kSignedAt);
  EXPECT_EQ(accepted->expires_s, 900);
  EXPECT_EQ(accepted->ends_at, kSignedAt + seconds(900));
  EXPECT_EQ(accepted->resource_arn,
            "arn:aws:rds-db:us-east-1:123456789012:dbuser:cluster-ABC/jane");
}

TEST(DbToken, LengthIsChecked) {
  EXPECT_EQ(check("").reason, Reason::kEmpty);
  EXPECT_EQ(check(std::string(1, '\0')).reason, Reason::kEmpty);
  ServerFacts facts = server();
  facts.limits.bytes_max = 100;
  EXPECT_EQ(check(token_for(), facts).reason, Reason::kTooLong);
  EXPECT_EQ(check(std::string(16 * 1024 + 1, 'a')).reason, Reason::kTooLong);
  facts.limits.bytes_max = 1024 * 1024;
  EXPECT_EQ(check(std::string(64 * 1024 + 1, 'a'), facts).reason, Reason::kTooLong);
  EXPECT_EQ(check(std::string(16 * 1024, 'a')).reason, Reason::kMalformed);
}

TEST(DbToken, LineEndIsCutOnlyWhenAsked) {
  ServerFacts facts = server();
  EXPECT_EQ(check(token_for() + "\n", facts).reason, Reason::kMalformed);
  facts.limits.strip_line_end = true;
  EXPECT_EQ(check(token_for() + "\n", facts).reason, Reason::kAccepted);
  EXPECT_EQ(check(token_for() + "\r\n", facts).reason, Reason::kAccepted);
  EXPECT_EQ(check(token_for() + "\n\n", facts).reason, Reason::kMalformed);
}

TEST(DbToken, HostPartIsStrict) {
  const std::string query = token_for().substr(std::string("db.example.com:3306/").size());
  EXPECT_EQ(check("db.example.com:3306" + query).reason, Reason::kAccepted);  // Go leaves '/' out
  for (const std::string host :
       {"", "/", "https://db.example.com:3306/", "u@db.example.com:3306/", "db.example.com:3306//",
        "db.example.com:3306/x/", "db:0/", "db.example.com:x/"}) {
    EXPECT_EQ(check(host + query).reason, Reason::kMalformed) << host;
  }
  EXPECT_EQ(check("db.example.com:3307/" + query).reason, Reason::kBadSignature);
}

TEST(DbToken, ParametersAreStrict) {
  EXPECT_EQ(check(signed_token(query_with())).reason, Reason::kAccepted);
  EXPECT_EQ(check(signed_token(query_with() + "&Extra=1")).reason, Reason::kAccepted);
  EXPECT_EQ(check(signed_token(query_with() + "&DBUser=root")).reason, Reason::kDuplicateParameter);
  EXPECT_EQ(check(signed_token(query_with("=connect&", "=connect&&"))).reason, Reason::kMalformed);
  EXPECT_EQ(check(signed_token(query_with("HMAC-SHA256", "HMAC-SHA1"))).reason, Reason::kAlgorithm);
  EXPECT_EQ(check(signed_token(query_with("us-east-1", "eu-west-1"))).reason,
            Reason::kRegionMismatch);
  EXPECT_EQ(check(signed_token(query_with("AKIAIOSFODNN7EXAMPLE%2F", "%2F"))).reason,
            Reason::kMalformed);
  EXPECT_EQ(check(signed_token(query_with("aws4_request", "aws4_request%2Fx"))).reason,
            Reason::kMalformed);
  EXPECT_EQ(check(signed_token(query_with("=900", "=1000000"))).reason, Reason::kBadExpires);
  EXPECT_EQ(check(signed_token(query_with("=900", "=0900"))).reason, Reason::kBadExpires);
  EXPECT_EQ(check(signed_token(query_with("=900", "="))).reason, Reason::kBadExpires);
  EXPECT_EQ(check(signed_token(query_with("20240506T07", "20240230T07"))).reason,
            Reason::kMalformed);
  // %00 inside a name must not shorten it.
  EXPECT_EQ(check(signed_token(query_with("=jane", "=jane%00x"))).reason, Reason::kUserMismatch);
}

TEST(DbToken, MoreRegionsAreAcceptedWhenConfigured) {
  ServerFacts facts = server();
  facts.realm.region = "eu-west-1";
  EXPECT_EQ(check(token_for(), facts).reason, Reason::kRegionMismatch);
  EXPECT_EQ(check(token_for(), facts).detail,
            "token was signed for region 'us-east-1', this server is in 'eu-west-1'");
  facts.more_regions = {"us-east-1"};
  EXPECT_EQ(check(token_for(), facts).reason, Reason::kAccepted);
}

TEST(DbToken, KeyIsChecked) {
  EXPECT_EQ(check(token_for(), server(), KeyFacts{}).reason, Reason::kUnknownKey);
  KeyFacts inactive = active();
  inactive.status = KeyFacts::Status::kInactive;
  EXPECT_EQ(check(token_for(), server(), std::move(inactive)).reason, Reason::kInactiveKey);
  KeyFacts other = active();
  other.secret = SecretString("another");
  EXPECT_EQ(check(token_for(), server(), std::move(other)).reason, Reason::kBadSignature);
}

TEST(DbToken, SessionTokenBelongsToTemporaryKeys) {
  KeyFacts good = active();
  good.is_session_token_valid = true;
  EXPECT_EQ(check(token_for("jane", "SESSION"), server(), std::move(good)).reason,
            Reason::kAccepted);
  EXPECT_EQ(check(token_for("jane", "SESSION"), server(), active()).reason, Reason::kSessionToken);
  EXPECT_EQ(check(signed_token(query_with() + "&X-Amz-Security-Token=x")).reason,
            Reason::kSessionToken);
  KeyFacts ended = active();
  ended.is_session_token_valid = true;
  ended.session_expires = kSignedAt + seconds(5);
  const Outcome outcome = check(token_for("jane", "SESSION"), server(), std::move(ended));
  EXPECT_EQ(outcome.reason, Reason::kSessionExpired);
  EXPECT_EQ(outcome.detail,
            "the temporary credentials behind it expired 5 s ago: get new ones (`eval \"$(trivet "
            "env)\"`), "
            "then a new token");
}

TEST(DbToken, HostAndUserAreBound) {
  ServerFacts facts = server();
  facts.hosts = {*parse_allowed_host("other:3306"), *parse_allowed_host("*.internal")};
  Outcome outcome = check(token_for(), facts);
  EXPECT_EQ(outcome.reason, Reason::kHostMismatch);
  EXPECT_EQ(outcome.detail,
            "token was made for 'db.example.com:3306', this server accepts 'other:3306', "
            "'*.internal:*'");
  facts.hosts.assign(100, *parse_allowed_host("a-rather-long-name.example.com:3306"));
  EXPECT_TRUE(check(token_for(), facts).detail.ends_with("com:3306' and 95 more"))
      << check(token_for(), facts).detail;
  facts.hosts.clear();
  EXPECT_EQ(check(token_for(), facts).reason, Reason::kHostMismatch);
  facts = server();
  facts.login_user = "Jane";
  outcome = check(token_for(), facts);
  EXPECT_EQ(outcome.reason, Reason::kUserMismatch);
  EXPECT_EQ(outcome.detail, "token was made for user 'jane', the login is 'Jane'");
}

TEST(DbToken, TimeHasNoGraceUnlessConfigured) {
  EXPECT_EQ(check(token_for(), server(), active(), seconds(900)).reason, Reason::kAccepted);
  const Outcome late = check(token_for(), server(), active(), seconds(912));
  EXPECT_EQ(late.reason, Reason::kExpired);
  EXPECT_EQ(late.detail, "expired 12 s ago: make a new token");
  EXPECT_EQ(check(token_for(), server(), active(), seconds(-300)).reason, Reason::kAccepted);
  const Outcome early = check(token_for(), server(), active(), seconds(-301));
  EXPECT_EQ(early.reason, Reason::kNotYetValid);
  EXPECT_EQ(early.detail, "signed 301 s in the future; at most 300 s are accepted");
  ServerFacts facts = server();
  facts.limits.grace = seconds(60);
  EXPECT_EQ(check(token_for(), facts, active(), seconds(960)).reason, Reason::kAccepted);
  EXPECT_EQ(check(token_for(), facts, active(), seconds(961)).reason, Reason::kExpired);
}

TEST(DbToken, TruncationByTheClientIsNamed) {
  const std::string whole = token_for("jane", std::string(3000, 'a'));
  for (const std::size_t length : {79U, 80U, 255U, 256U, 1000U, 1023U, 1024U, 2000U}) {
    const Outcome outcome = check(whole.substr(0, length));
    EXPECT_EQ(outcome.reason, Reason::kTruncated) << length;
    EXPECT_EQ(outcome.detail, "the token is cut after " + std::to_string(length) +
                                  " bytes: a limit of the client or its driver");
  }
  EXPECT_EQ(check(std::string(79, 'p')).reason, Reason::kMalformed);
}

TEST(DbToken, ATokenCutInItsSignatureIsNamedWhereverThatIs) {
  const std::string whole = token_for();
  for (std::size_t left = 1; left <= 64; ++left) {
    EXPECT_EQ(check(whole.substr(0, whole.size() - left)).reason, Reason::kTruncated) << left;
  }
  // In the name of a parameter, too.
  EXPECT_EQ(check(whole.substr(0, whole.find("X-Amz-Signature") + 9)).reason, Reason::kTruncated);
  // What lacks its signature and ends well was not cut, as far as anybody can tell.
  EXPECT_EQ(check(whole.substr(0, whole.find("&X-Amz-Signature"))).reason,
            Reason::kMissingParameter);
  EXPECT_EQ(check(whole + "0").reason, Reason::kBadSignature);
}

TEST(DbToken, AnAdministratorsLifetimeIsShorter) {
  ServerFacts facts = server();
  facts.limits.max_age_s = 60;
  EXPECT_EQ(check(token_for(), facts, active(), seconds(60)).reason, Reason::kAccepted);
  const Outcome late = check(token_for(), facts, active(), seconds(75));
  EXPECT_EQ(late.reason, Reason::kTooOld);
  EXPECT_EQ(late.detail, "signed 75 s ago; the cluster accepts tokens for 60 s");
  EXPECT_EQ(rds_code(late.reason).code, "ExpiredToken");
  EXPECT_EQ(check(token_for(), facts, active(), seconds(912)).reason, Reason::kExpired);
}

TEST(DbToken, NoChangedByteIsAcceptedAsSomethingElse) {
  const std::string good = token_for();
  const ParsedToken parsed = parse_db_token(good, server());
  const std::string canonical = std::get<DbToken>(parsed).canonical_query;
  for (std::size_t i = good.find('?'); i < good.size(); ++i) {
    for (const char c : {'x', '&', '%'}) {
      std::string bad = good;
      bad[i] = c;
      if (bad == good || check(bad).reason != Reason::kAccepted) {
        continue;
      }
      const ParsedToken again = parse_db_token(bad, server());
      EXPECT_EQ(std::get<DbToken>(again).canonical_query, canonical) << i;
    }
  }
}

TEST(DbToken, DetailsNeverHoldTokenOrSignature) {
  std::string text = token_for("jane", "SESSIONTOKENTEXT");
  text.back() = text.back() == '0' ? '1' : '0';
  const Outcome outcome = check(text, server(), [] {
    KeyFacts key = active();
    key.is_session_token_valid = true;
    return key;
  }());
  EXPECT_EQ(outcome.reason, Reason::kBadSignature);
  EXPECT_EQ(outcome.detail.find("SESSIONTOKENTEXT"), std::string::npos);
  EXPECT_EQ(outcome.detail.find(text.substr(text.size() - 32, 16)), std::string::npos);
}

TEST(Quoted, KeepsALogLineOneLine) {
  EXPECT_EQ(log_quoted("jane"), "'jane'");
  EXPECT_EQ(log_quoted("a\nb'c\\\x7f\xC3"), "'a\\x0ab\\x27c\\x5c\\x7f\\xc3'");
  EXPECT_EQ(log_quoted(std::string(200, 'x')).size(), 128 + std::string("'…'").size());
}

TEST(Reason, SpeaksRdss) {
  EXPECT_EQ(iam_db_auth_error(Reason::kBadSignature, "user_1", ""),
            "Failed to authenticate the connection request for user 'user_1' because the provided "
            "token is malformed or otherwise invalid. (Status Code: 400, Error Code: "
            "InvalidToken)");
  EXPECT_EQ(iam_db_auth_error(Reason::kExpired, "u", ""),
            "Failed to authenticate the connection request for user 'u' because the token age is "
            "longer than 15 minutes. (Status Code: 400, Error Code: ExpiredToken)");
  EXPECT_EQ(iam_db_auth_error(Reason::kPolicy, "u", "arn:aws:iam::1:user/x"),
            "Failed to authorize the connection request for user 'u' because the IAM policy "
            "assumed by the caller 'arn:aws:iam::1:user/x' is not authorized to perform "
            "`rds-db:connect` on the DB instance. (Status Code: 403, Error Code: NotAuthorized)");
  EXPECT_EQ(rds_code(Reason::kThrottled).status, 429);
  EXPECT_EQ(rds_code(Reason::kInternal).code, "InternalError");
}

}  // namespace
}  // namespace trivet::token
