// SPDX-License-Identifier: Apache-2.0
//
// The session token: sealed, self-contained, at most 700 characters, because drivers and tools cut
// or break on longer passwords. Whoever holds the installation's key opens it without asking the
// store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "model/iam.h"
#include "model/ids.h"
#include "service/sealer.h"

namespace trivet::service {

inline constexpr std::size_t kSessionTokenMax = 700;

// What a session token says. Move-only, because of the secret.
struct SessionClaims {
  enum class Kind : std::uint8_t {
    kRole = 1,        // AssumeRole
    kUser = 2,        // GetSessionToken of a user
    kRoot = 3,        // GetSessionToken of root
    kLocalAdmin = 4,  // the administrator at this machine; as root's own key
    kFederated = 5,   // GetFederationToken of a user or root
  };
  Kind kind = Kind::kRole;
  AccessKeyId access_key_id;  // ASIA…; the only key that this token goes with
  SecretString secret;        // its secret access key
  std::string principal_id;   // AROA…, AIDA…; the account id for root
  std::string session_name;   // kRole: RoleSessionName; kFederated: Name
  std::string source_identity;
  WallTime issued{};
  WallTime expires{};
  SessionData data;       // when it is small enough to travel
  std::string data_hash;  // else: hex, where it is kept
};

// Fits when `claims.data` is small; the caller keeps larger data in the store and gives its hash
// instead. nullopt when the token would be longer than kSessionTokenMax.
std::optional<std::string> seal_session_token(const SessionClaims& claims, const Sealer& sealer);

// kDenied unless the token was made by this installation. Whether it goes with a key, is current
// and its principal still exists is the caller's to check.
Result<SessionClaims> open_session_token(std::string_view token, const Sealer& sealer);

}  // namespace trivet::service
