// SPDX-License-Identifier: Apache-2.0
//
// May the bearer of this text log in as this database user? An RDS login token is a presigned GET
// without its scheme: HOST:PORT/?Action=connect&DBUser=…&X-Amz-…. Two steps, because the secret is
// looked up between them: parse_db_token reads and checks the form, verify_db_token proves it (key,
// signature, host, user, time). The last check, the policy on rds-db:connect, is the caller's. No
// detail text ever holds the token or a signature.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "core/sigv4/signing.h"
#include "core/token/host.h"
#include "core/token/reason.h"
#include "model/ids.h"

namespace trivet::token {

struct TokenLimits {
  std::size_t bytes_max = 16 * 1024;          // never above 64 KiB, whatever is set
  std::int64_t expires_max_s = 900;           // RDS refuses more
  Millis skew_max = std::chrono::minutes(5);  // how far ahead a client's clock may be
  Millis grace = Millis(0);                   // accepted this long after the end
  std::int64_t max_age_s = 0;                 // since it was signed; 0: no other end than its own
  // Some tools keep the line end of `aws rds generate-db-auth-token`: cut one off before reading.
  bool strip_line_end = false;
};

// The server that is asked. Plain value.
struct ServerFacts {
  Realm realm;                            // its region is one in which tokens may be signed
  std::vector<std::string> more_regions;  // further ones
  std::vector<AllowedHost> hosts;         // the names under which it may be reached
  std::string resource_id;                // "cluster-…": what policies name
  std::string login_user;                 // the MySQL account's name, as the client sent it
  TokenLimits limits;
};

// A refusal.
struct Rejection {
  Reason reason = Reason::kMalformed;
  std::string detail;  // one line for the operator; "expired 12 s ago"
};

// A token that is well-formed. Nothing in it is proved until verify_db_token says so.
struct DbToken {
  std::string host_text;  // as written, "DB.example.com:3306"
  HostPort host;
  std::string access_key_id;
  std::string db_user;  // decoded
  sigv4::Scope scope;
  std::string amz_date;
  WallTime signed_at{};
  std::int64_t expires_s = 0;
  std::optional<std::string> session_token;
  std::string signature;        // as sent
  std::string canonical_query;  // without the signature
};

// What the key lookup found. Move-only, because of the secret.
struct KeyFacts {
  enum class Status { kUnknown, kActive, kInactive };
  Status status = Status::kUnknown;
  SecretString secret;  // empty when unknown
  // For temporary keys (ASIA…): the token given with the key was valid for exactly this key.
  bool is_session_token_valid = false;
  std::optional<WallTime> session_expires;  // temporary keys: when the credentials end
  // Gives the signing key of `secret`; empty: it is computed. For whoever remembers some.
  std::function<std::string(std::string_view secret, const sigv4::Scope& scope)> signing_key;
};

// Proved: the signer of the token holds the key and meant this server and this user, now.
struct Accepted {
  std::string access_key_id;
  std::string db_user;
  std::string host_text;
  std::string signed_host;  // the candidate that verified
  WallTime signed_at{};
  std::int64_t expires_s = 0;
  WallTime ends_at{};          // of the token, not of the session
  std::string resource_arn;    // for the policy check on "rds-db:connect"
  std::string signature_hash;  // SHA-256 of the signature: names the token, and opens nothing
};

// What bounds a token in time.
struct TokenTimes {
  WallTime signed_at{};
  std::int64_t expires_s = 0;
  std::optional<WallTime> session_expires;  // of the temporary credentials behind it
};

using ParsedToken = std::variant<DbToken, Rejection>;
using TokenVerdict = std::variant<Accepted, Rejection>;

// `text` is the password that the client sent; one trailing NUL is dropped.
ParsedToken parse_db_token(std::string_view text, const ServerFacts& server);

// Checks in the order key, signature, host, user, time, session. An unknown key costs as much time
// as a known one.
TokenVerdict verify_db_token(const DbToken& token, const KeyFacts& key, const ServerFacts& server,
                             WallTime now);

// The last check of verify_db_token, alone: for a token that was proved before. nullopt: good now.
std::optional<Rejection> check_times(const TokenTimes& times, const TokenLimits& limits,
                                     WallTime now);

// Both steps. `lookup` is called at most once, and only for a well-formed token.
using KeyLookup = std::function<KeyFacts(const std::string& access_key_id,
                                         const std::optional<std::string>& session_token)>;
TokenVerdict check_db_token(std::string_view text, const ServerFacts& server, WallTime now,
                            const KeyLookup& lookup);

// arn:PARTITION:rds-db:REGION:ACCOUNT:dbuser:RESOURCE_ID/DB_USER
std::string connect_resource_arn(const Realm& realm, std::string_view resource_id,
                                 std::string_view db_user);

}  // namespace trivet::token
