// SPDX-License-Identifier: Apache-2.0
//
// Tokens made by unmodified AWS SDKs must verify, with every derived part as an independent
// verifier found it; and each refusal must have exactly its reason.
#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/iso8601.h"
#include "core/sigv4/canonical.h"
#include "core/token/db_token.h"
#include "core/token/explain.h"
#include "core/token/make.h"
#include "vectors.h"

namespace trivet::token {
namespace {

using nlohmann::json;

std::string text_or_empty(const json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

KeyFacts key_of(const json& input, const std::optional<std::string>& session_token) {
  return {.status = KeyFacts::Status::kActive,
          .secret = SecretString(input["secret_access_key"].get<std::string>()),
          .is_session_token_valid =
              session_token && *session_token == text_or_empty(input["session_token"])};
}

void expect_no_secret(const std::string& shown, const DbToken& token) {
  EXPECT_EQ(shown.find(token.signature), std::string::npos);
  if (token.session_token && token.session_token->size() >= 16) {
    EXPECT_EQ(shown.find(token.session_token->substr(0, 16)), std::string::npos);
  }
}

TEST(TokenVectors, SdkTokensVerifyAndDeriveTheSameParts) {
  const json vectors = read_vectors("rds-auth-tokens.json");
  int count = 0;
  for (const json& vector : vectors["sdk_vectors"]) {
    SCOPED_TRACE(vector["id"].get<std::string>());
    const json& input = vector["input"];
    const json& derived = vector["derived"];
    const auto text = vector["token"].get<std::string>();
    const ServerFacts server = {
        .realm = {.account = AccountId("123456789012"), .region = input["region"]},
        .hosts = {{to_lower(input["hostname"].get<std::string>()), input["port"]}},
        .resource_id = "cluster-ABC",
        .login_user = derived["decoded_dbuser"]};
    EXPECT_EQ(text.size(), derived["token_bytes"].get<std::size_t>());

    const ParsedToken parsed = parse_db_token(text, server);
    const auto* token = std::get_if<DbToken>(&parsed);
    ASSERT_NE(token, nullptr) << std::get<Rejection>(parsed).detail;
    EXPECT_EQ(token->host_text, derived["token_host"].get<std::string>());
    EXPECT_EQ(token->access_key_id, derived["access_key_id"].get<std::string>());
    EXPECT_EQ(token->scope.str(), derived["credential_scope"].get<std::string>());
    EXPECT_EQ(token->amz_date, derived["amz_date"].get<std::string>());
    EXPECT_EQ(token->expires_s, derived["expires"].get<std::int64_t>());
    EXPECT_EQ(token->db_user, derived["decoded_dbuser"].get<std::string>());
    EXPECT_EQ(token->signature, derived["signature"].get<std::string>());
    EXPECT_EQ(token->session_token.value_or(""), text_or_empty(input["session_token"]));
    EXPECT_EQ(token->db_user == input["username"].get<std::string>(),
              vector["user_matches_input"].get<bool>());

    const TokenVerdict verdict = verify_db_token(*token, key_of(input, token->session_token),
                                                 server, token->signed_at + Millis(1000));
    const auto* accepted = std::get_if<Accepted>(&verdict);
    ASSERT_NE(accepted, nullptr) << std::get<Rejection>(verdict).detail;
    const Explanation explained =
        explain_db_token(text, server, token->signed_at + Millis(1000),
                         [&input](const std::string&, const std::optional<std::string>& session) {
                           return key_of(input, session);
                         });
    EXPECT_EQ(explained.reason, "accepted");
    EXPECT_TRUE(explained.not_checked.empty());
    expect_no_secret(to_json(explained), *token);
    EXPECT_EQ(accepted->signed_host, derived["signed_host"].get<std::string>());
    const std::string canonical = "GET\n/\n" + token->canonical_query +
                                  "\nhost:" + accepted->signed_host + "\n\nhost\n" +
                                  std::string(sigv4::kEmptyPayloadSha256);
    EXPECT_EQ(canonical, derived["canonical_request"].get<std::string>());
    EXPECT_EQ(to_hex(sha256(canonical)), derived["canonical_request_sha256"].get<std::string>());
    EXPECT_EQ(sigv4::string_to_sign(token->amz_date, token->scope, canonical),
              derived["string_to_sign"].get<std::string>());
    ++count;
  }
  EXPECT_EQ(count, 208);
}

TEST(TokenVectors, EveryFlippedBitOfASignatureIsNoticed) {
  const json vectors = read_vectors("rds-auth-tokens.json");
  const json& vector = vectors["sdk_vectors"][0];
  const json& input = vector["input"];
  const ServerFacts server = {
      .realm = {.account = AccountId("123456789012"), .region = input["region"]},
      .hosts = {{to_lower(input["hostname"].get<std::string>()), input["port"]}},
      .login_user = input["username"]};
  const ParsedToken parsed = parse_db_token(vector["token"].get<std::string>(), server);
  const DbToken& good = std::get<DbToken>(parsed);
  for (std::size_t i = 0; i < good.signature.size(); ++i) {
    DbToken bad = good;
    bad.signature[i] = bad.signature[i] == '0' ? '1' : '0';
    const TokenVerdict verdict =
        verify_db_token(bad, key_of(input, bad.session_token), server, bad.signed_at);
    const auto* rejection = std::get_if<Rejection>(&verdict);
    ASSERT_NE(rejection, nullptr) << i;
    EXPECT_EQ(rejection->reason, Reason::kBadSignature);
  }
}

TEST(TokenVectors, OurTokensAreBotocores) {
  const json vectors = read_vectors("rds-auth-tokens.json");
  int count = 0;
  for (const json& vector : vectors["sdk_vectors"]) {
    if (vector["generator"].get<std::string>() != "botocore 1.43.11") {
      continue;
    }
    SCOPED_TRACE(vector["id"].get<std::string>());
    const json& input = vector["input"];
    const sigv4::Credentials credentials = {
        input["access_key_id"], SecretString(input["secret_access_key"].get<std::string>()),
        text_or_empty(input["session_token"])};
    EXPECT_EQ(make_db_token({.host = input["hostname"],
                             .port = input["port"],
                             .db_user = input["username"],
                             .region = input["region"]},
                            credentials, *parse_iso8601(input["time"].get<std::string>())),
              vector["token"].get<std::string>());
    ++count;
  }
  EXPECT_EQ(count, 23);
}

KeyFacts look_up(const json& keys, const std::string& id,
                 const std::optional<std::string>& session_token) {
  if (!keys.contains(id)) {
    return {};
  }
  const json& key = keys[id];
  KeyFacts out = {.status = key["status"].get<std::string>() == "Active"
                                ? KeyFacts::Status::kActive
                                : KeyFacts::Status::kInactive,
                  .secret = SecretString(key["secret"].get<std::string>()),
                  .is_session_token_valid = session_token && key["token"].is_string() &&
                                            key["token"].get<std::string>() == *session_token};
  if (key.contains("expires")) {
    out.session_expires = parse_iso8601(key["expires"].get<std::string>());
  }
  return out;
}

// The explanation and the verifier say the same.
void expect_same(const Explanation& explained, const Rejection* rejection) {
  EXPECT_EQ(explained.is_accepted(), rejection == nullptr);
  const auto wrong = std::find_if(explained.checks.begin(), explained.checks.end(),
                                  [](const Check& check) { return !check.ok; });
  ASSERT_EQ(wrong == explained.checks.end(), rejection == nullptr);
  if (rejection != nullptr) {
    EXPECT_EQ(explained.reason, to_string(rejection->reason));
    EXPECT_EQ(wrong->detail, rejection->detail);
  }
  const json shown = json::parse(to_json(explained), nullptr, false);
  ASSERT_TRUE(shown.is_object());
  EXPECT_EQ(shown["verdict"], rejection == nullptr ? "accept" : "reject");
  EXPECT_EQ(shown["reason"], explained.reason);
  EXPECT_EQ(shown["checks"].size(), explained.checks.size());
}

TEST(TokenVectors, AcceptsAndRejectsWithTheRightReason) {
  const json vectors = read_vectors("rds-auth-tokens.json");
  int count = 0;
  for (const json& vector : vectors["accept_reject_vectors"]) {
    SCOPED_TRACE(vector["id"].get<std::string>() + ": " + vector["why"].get<std::string>());
    const json& state = vector["server"];
    ServerFacts server = {
        .realm = {.account = AccountId("123456789012"), .region = state["region"]},
        .resource_id = "cluster-ABC",
        .login_user = state["mysql_user"]};
    for (const json& host : state["expected_hosts"]) {
      server.hosts.push_back(*parse_allowed_host(host.get<std::string>()));
    }
    server.limits.skew_max = std::chrono::seconds(state["max_clock_skew_s"].get<int>());
    server.limits.expires_max_s = state["max_expires_s"];
    const auto text = vector["token"].get<std::string>();
    const WallTime now = *parse_iso8601(state["now"].get<std::string>());
    const KeyLookup lookup = [&state](const std::string& id,
                                      const std::optional<std::string>& session_token) {
      return look_up(state["keys"], id, session_token);
    };
    const TokenVerdict verdict = check_db_token(text, server, now, lookup);
    const auto* rejection = std::get_if<Rejection>(&verdict);
    EXPECT_EQ(
        rejection == nullptr ? "accept" : "reject:" + std::string(to_string(rejection->reason)),
        vector["expect"].get<std::string>())
        << (rejection == nullptr ? "" : rejection->detail);
    expect_same(explain_db_token(text, server, now, lookup), rejection);
    ++count;
  }
  EXPECT_EQ(count, 37);
}

}  // namespace
}  // namespace trivet::token
