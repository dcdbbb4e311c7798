// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/crypto.h"
#include "base/iso8601.h"
#include "core/sigv4/canonical.h"
#include "core/token/db_token.h"
#include "core/token/steps.h"

namespace trivet::token {
namespace {

// Signed with when the key is unknown, so that the answer takes as long.
constexpr std::string_view kDummySecret = "0000000000000000000000000000000000000000";

std::int64_t whole_seconds(Millis span) {
  return std::chrono::ceil<std::chrono::seconds>(span).count();
}

std::string canonical_request_of(const DbToken& token, std::string_view signed_host) {
  // The path is "/" even where the text has none; the payload is always empty.
  constexpr std::size_t kOtherBytes = 128;
  std::string out;
  out.reserve(token.canonical_query.size() + signed_host.size() + kOtherBytes);
  out += "GET\n/\n";
  out += token.canonical_query;
  out += "\nhost:";
  out += signed_host;
  out += "\n\nhost\n";
  out += sigv4::kEmptyPayloadSha256;
  return out;
}

}  // namespace

// Every candidate is tried, also after a match, so that time tells nothing.
std::optional<std::string> steps::signed_host(const DbToken& token, const KeyFacts& facts) {
  const bool is_known = facts.status != KeyFacts::Status::kUnknown;
  const std::string_view secret = is_known ? facts.secret.reveal() : kDummySecret;
  const SecretString key(facts.signing_key ? facts.signing_key(secret, token.scope)
                                           : sigv4::signing_key(secret, token.scope));
  std::optional<std::string> out;
  for (const std::string& candidate : signed_host_candidates(token.host_text)) {
    const std::string expected = sigv4::signature(
        key.reveal(),
        sigv4::string_to_sign(token.amz_date, token.scope, canonical_request_of(token, candidate)));
    if (constant_time_equal(expected, token.signature) && !out) {
      out = candidate;
    }
  }
  return out;
}

steps::Wrong steps::check_key(const DbToken& token, const KeyFacts& key) {
  switch (key.status) {
    case KeyFacts::Status::kUnknown:
      return Rejection{Reason::kUnknownKey,
                       "access key " + log_quoted(token.access_key_id) + " does not exist"};
    case KeyFacts::Status::kInactive:
      return Rejection{Reason::kInactiveKey,
                       "access key " + log_quoted(token.access_key_id) +
                           " is not active: activate it, or sign with another"};
    case KeyFacts::Status::kActive:
      break;
  }
  return std::nullopt;
}

steps::Wrong steps::check_session_token(const DbToken& token, const KeyFacts& key) {
  const bool is_temporary = token.access_key_id.starts_with("ASIA");
  if (!is_temporary && token.session_token) {
    return Rejection{Reason::kSessionToken,
                     "a long-lived access key came with an X-Amz-Security-Token"};
  }
  if (is_temporary && !token.session_token) {
    return Rejection{Reason::kSessionToken,
                     "a temporary access key came without X-Amz-Security-Token"};
  }
  if (is_temporary && !key.is_session_token_valid) {
    return Rejection{Reason::kSessionToken,
                     "the X-Amz-Security-Token does not belong to this access key"};
  }
  return std::nullopt;
}

steps::Wrong steps::check_host(const DbToken& token, const ServerFacts& server) {
  const bool is_ours =
      std::any_of(server.hosts.begin(), server.hosts.end(),
                  [&](const AllowedHost& allowed) { return matches(allowed, token.host); });
  if (is_ours) {
    return std::nullopt;
  }
  std::string accepted;
  // Records hold 512 bytes: whole names, as many as have room.
  constexpr std::size_t kListMax = 200;
  std::size_t left = server.hosts.size();
  for (const AllowedHost& allowed : server.hosts) {
    const std::string name = log_quoted(allowed.str());
    if (!accepted.empty() && accepted.size() + name.size() > kListMax) {
      accepted += " and " + std::to_string(left) + " more";
      break;
    }
    accepted += (accepted.empty() ? "" : ", ") + name;
    --left;
  }
  return Rejection{Reason::kHostMismatch, "token was made for " + log_quoted(token.host_text) +
                                              ", this server accepts " +
                                              (accepted.empty() ? "no host" : accepted)};
}

steps::Wrong steps::check_user(const DbToken& token, const ServerFacts& server) {
  if (token.db_user == server.login_user) {
    return std::nullopt;
  }
  return Rejection{Reason::kUserMismatch, "token was made for user " + log_quoted(token.db_user) +
                                              ", the login is " + log_quoted(server.login_user)};
}

Rejection steps::bad_signature(const DbToken& token) {
  return {Reason::kBadSignature, "the signature is not this key's over these parameters for " +
                                     log_quoted(token.host_text) +
                                     ": altered text or wrong secret"};
}

std::optional<Rejection> check_times(const TokenTimes& times, const TokenLimits& limits,
                                     WallTime now) {
  const WallTime end = times.signed_at + std::chrono::seconds(times.expires_s);
  if (now < times.signed_at - limits.skew_max) {
    return Rejection{Reason::kNotYetValid,
                     "signed " + std::to_string(whole_seconds(times.signed_at - now)) +
                         " s in the future; at most " +
                         std::to_string(whole_seconds(limits.skew_max)) + " s are accepted"};
  }
  if (now > end + limits.grace) {
    return Rejection{Reason::kExpired, "expired " + std::to_string(whole_seconds(now - end)) +
                                           " s ago: make a new token"};
  }
  if (limits.max_age_s > 0 && now > times.signed_at + std::chrono::seconds(limits.max_age_s)) {
    return Rejection{Reason::kTooOld, "signed " +
                                          std::to_string(whole_seconds(now - times.signed_at)) +
                                          " s ago; the cluster accepts tokens for " +
                                          std::to_string(limits.max_age_s) + " s"};
  }
  if (times.session_expires && now >= *times.session_expires) {
    return Rejection{Reason::kSessionExpired,
                     "the temporary credentials behind it expired " +
                         std::to_string(whole_seconds(now - *times.session_expires)) +
                         " s ago: get new ones (`eval \"$(trivet env)\"`), then a new token"};
  }
  return std::nullopt;
}

TokenVerdict verify_db_token(const DbToken& token, const KeyFacts& key, const ServerFacts& server,
                             WallTime now) {
  const auto host = steps::signed_host(token, key);
  if (auto wrong = steps::check_key(token, key)) {
    return std::move(*wrong);
  }
  if (auto wrong = steps::check_session_token(token, key)) {
    return std::move(*wrong);
  }
  if (!host) {
    return steps::bad_signature(token);
  }
  if (auto wrong = steps::check_host(token, server)) {
    return std::move(*wrong);
  }
  if (auto wrong = steps::check_user(token, server)) {
    return std::move(*wrong);
  }
  if (auto wrong = check_times({token.signed_at, token.expires_s, key.session_expires},
                               server.limits, now)) {
    return std::move(*wrong);
  }
  return Accepted{
      .access_key_id = token.access_key_id,
      .db_user = token.db_user,
      .host_text = token.host_text,
      .signed_host = *host,
      .signed_at = token.signed_at,
      .expires_s = token.expires_s,
      .ends_at = token.signed_at + std::chrono::seconds(token.expires_s),
      .resource_arn = connect_resource_arn(server.realm, server.resource_id, token.db_user),
      .signature_hash = sha256(token.signature)};
}

TokenVerdict check_db_token(std::string_view text, const ServerFacts& server, WallTime now,
                            const KeyLookup& lookup) {
  const ParsedToken parsed = parse_db_token(text, server);
  if (const auto* wrong = std::get_if<Rejection>(&parsed)) {
    return *wrong;
  }
  const DbToken& token = std::get<DbToken>(parsed);
  return verify_db_token(token, lookup(token.access_key_id, token.session_token), server, now);
}

std::string connect_resource_arn(const Realm& realm, std::string_view resource_id,
                                 std::string_view db_user) {
  std::string out =
      "arn:" + realm.partition + ":rds-db:" + realm.region + ":" + realm.account.str() + ":dbuser:";
  out += resource_id;
  out += '/';
  out += db_user;
  return out;
}

}  // namespace trivet::token
