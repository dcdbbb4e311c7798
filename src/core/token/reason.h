// SPDX-License-Identifier: Apache-2.0
//
// Every reason for which a login token is refused, one for each check, and what each is in RDS's
// own words (the iam-db-auth-error log and its five error codes).
#pragma once

#include <string>
#include <string_view>

namespace trivet::token {

enum class Reason {
  kAccepted,
  kEmpty,
  kTooLong,
  kMalformed,
  kTruncated,  // a client or driver cut it
  kDuplicateParameter,
  kMissingParameter,
  kAlgorithm,
  kSignedHeaders,
  kServiceMismatch,
  kRegionMismatch,
  kAction,
  kScopeDateMismatch,
  kBadExpires,
  kExpiresTooLong,
  kUnknownKey,
  kInactiveKey,
  kSessionToken,
  kBadSignature,
  kHostMismatch,
  kUserMismatch,
  kNotYetValid,
  kExpired,
  kSessionExpired,
  kTooOld,              // older than the cluster's rules accept
  kPolicy,              // the principal may not rds-db:connect as this user; found by the caller
  kTokenUsed,           // of a cluster with one-time tokens; found by the caller
  kSignedBeforeMemory,  // of such a cluster, and nobody remembers whether it was used; by the
                        // caller
  kThrottled,           // found by the caller
  kPrincipalRate,       // more logins of the principal than the rules accept; found by the caller
  kAddressRate,         // more logins from the address; found by the caller
  kInternal,            // found by the caller
};

// "unknown-key": stable, for logs, metrics and test vectors. Static.
std::string_view to_string(Reason reason);

// RDS's status and code for the reason: 400 InvalidToken, 400 ExpiredToken, 403 NotAuthorized,
// 429 ThrottlingException, 500 InternalError.
struct RdsCode {
  int status;
  std::string_view code;
};
RdsCode rds_code(Reason reason);

// The text of RDS's iam-db-auth-error line, without its time prefix. `principal_arn` is used for
// kPolicy only. Requires: reason is not kAccepted.
std::string iam_db_auth_error(Reason reason, std::string_view db_user,
                              std::string_view principal_arn);

// The text in single quotes, cut to 128 bytes, with control characters, quotes and bytes above 0x7E
// made visible: a name out of a token may hold anything, and a log line must stay one line.
std::string log_quoted(std::string_view text);

}  // namespace trivet::token
