// SPDX-License-Identifier: Apache-2.0
//
// Who asks, as policies see it, and the context keys that follow from that alone.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "core/policy/document.h"
#include "core/policy/wildcard.h"

namespace trivet::policy {

// An authenticated caller. Plain value.
struct Principal {
  enum class Type { kUser, kAssumedRole, kRoot, kFederatedUser, kService, kWebIdentity };
  Type type = Type::kUser;
  // arn:aws:iam::ACCOUNT:user/PATH/NAME, arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION,
  // arn:aws:iam::ACCOUNT:root, …; a service's name ("lambda.amazonaws.com") for kService; the ARN
  // of the OIDC provider that vouches for kWebIdentity.
  std::string arn;
  std::string account;
  std::string user_name;     // kUser only
  std::string unique_id;     // AIDA…; AROA… of the role; the account of root
  std::string role_arn;      // kAssumedRole: arn:aws:iam::ACCOUNT:role/PATH/ROLE
  std::string session_name;  // kAssumedRole, kFederatedUser
  std::map<std::string, std::string> tags;
  std::optional<WallTime> session_issued_at;  // temporary credentials only
  std::string source_identity;                // empty: none
};

// The keys that every request has: aws:PrincipalArn (a role session's is its role's ARN),
// aws:PrincipalAccount, aws:PrincipalType, aws:userid, aws:username (users only),
// aws:PrincipalTag/…, aws:TokenIssueTime, aws:SourceIdentity, aws:CurrentTime, aws:EpochTime. Names
// are lower case.
Context principal_context(const Principal& principal, WallTime now);

// How a Principal element names somebody, from nobody to most directly.
enum class Grant {
  kNone,
  kAccount,  // the whole account: its identity policies decide who of it
  kRole,     // the role behind a session: a boundary and session policies still bind
  kDirect,   // this very user, session or service, or everyone
};

// What a statement of a resource-based policy grants to the principal; of a NotPrincipal statement
// kDirect for those that it does not name. A statement without principals names nobody.
Grant grant_of(const Statement& statement, const Principal& principal);

}  // namespace trivet::policy
