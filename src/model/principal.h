// SPDX-License-Identifier: Apache-2.0
//
// Who makes a call: the root of the account, an IAM user, a session of a role, a federated user, or
// nobody known (AssumeRoleWithWebIdentity only). What policies may
// ask about a principal (aws:PrincipalArn, aws:PrincipalTag/…) is here, and nothing secret.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/ids.h"

namespace trivet {

// Plain value.
struct Principal {
  enum class Kind { kRoot, kUser, kRoleSession, kFederatedUser, kAnonymous };
  Kind kind = Kind::kUser;
  AccountId account;
  // As GetCallerIdentity says it: "arn:aws:iam::123456789012:user/dev/ana", for a role session
  // "arn:aws:sts::123456789012:assumed-role/NAME/SESSION", for root
  // "arn:aws:iam::123456789012:root".
  std::string arn;
  // aws:PrincipalArn: the same, but for a role session the role's ARN with its path.
  std::string principal_arn;
  // aws:userid: "AIDA…", for a role session "AROA…:SESSION", for root the account id.
  std::string user_id;
  std::string identity_id;   // whose policies count: AIDA…, AROA…, the account id for root
  std::string name;          // of the user or the role; empty for root
  std::string path = "/";    // of the user or the role
  std::string session_name;  // role sessions and federated users only
  std::map<std::string, std::string> tags;  // of the user or the session
  AccessKeyId access_key_id;                // the key that signed
  // Set for temporary credentials (AssumeRole, GetSessionToken): when they were issued.
  std::optional<WallTime> token_issued_at;
  std::string source_identity;  // aws:SourceIdentity; set once, kept by later sessions
  std::vector<std::string> transitive_tag_keys;  // of `tags`: handed on to later sessions
  // Policies passed when the session was made, as JSON: they limit what the principal's own
  // policies allow.
  std::vector<std::string> session_policies;

  bool is_temporary() const { return token_issued_at.has_value(); }
};

}  // namespace trivet
