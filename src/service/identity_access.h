// SPDX-License-Identifier: Apache-2.0
//
// The two questions that every call and every login asks of a snapshot: whose key is this, and may
// they? Pure over the snapshot: no store, no lock, no clock.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "core/policy/evaluate.h"
#include "model/principal.h"
#include "service/identity_snapshot.h"
#include "service/sealer.h"

namespace trivet::service {

// What is known of an access key id, proved or not. Move-only, because of the secret.
struct KeyLookup {
  enum class State { kUnknown, kInactive, kActive };
  State state = State::kUnknown;
  SecretString secret;
  // ASIA…: a token came with it that we made for this key, and what it refers to is still there.
  bool is_session_token_valid = false;
  std::optional<WallTime> session_expires;  // ASIA…
  // The session's user or role was deleted since; somebody new of that name does not count.
  bool is_principal_gone = false;
  Principal principal;  // set when active and not gone
};

// `session_token`: nullopt when none came. An ASIA… key is unknown without its token, since nothing
// is stored of it.
KeyLookup look_up_key(const IdentitySnapshot& snapshot, const Sealer& sealer,
                      std::string_view access_key_id,
                      std::optional<std::string_view> session_token);

// Condition keys of a request, "aws:SourceIp" → values; names in any case.
using ContextKeys = std::map<std::string, std::vector<std::string>>;

struct AccessQuestion {
  const Principal& principal;
  std::string_view action;     // "rds:CreateDBCluster"
  std::string_view resource;   // ARN or "*"
  const ContextKeys& context;  // keys of this request; those of principal and time are added
  WallTime now{};
  // On the resource itself, which is in the principal's account; nullptr: it has none.
  const std::vector<policy::NamedPolicy>* resource_policies = nullptr;
};

// Root may do everything. Sessions of GetSessionToken may not call IAM.
policy::Decision decide_access(const IdentitySnapshot& snapshot, const AccessQuestion& question);
// The decision that holds at any time and from anywhere, as long as the snapshot does. nullopt: a
// condition or a variable of a policy is to be looked at each time.
std::optional<policy::Decision> decide_lasting_access(const IdentitySnapshot& snapshot,
                                                      const Principal& principal,
                                                      std::string_view action,
                                                      std::string_view resource);
// May the principal do `action` (sts:AssumeRole, sts:TagSession, sts:SetSourceIdentity) to this
// role? Its trust policy must say so and, where that names the account only, the principal's own
// policies too.
policy::Decision decide_assume(const IdentitySnapshot& snapshot, const AccessQuestion& question,
                               const Identity& role);

// May an AWS service ("lambda.amazonaws.com") take this role for itself? Its trust policy alone
// says so; `context` may tell it for what (aws:SourceArn, aws:SourceAccount).
bool may_service_assume(const IdentitySnapshot& snapshot, const Identity& role,
                        std::string_view service, const ContextKeys& context, WallTime now);
// The principal that a session of this role is.
Principal role_session_principal(const IdentitySnapshot& snapshot, const Identity& role,
                                 const std::string& session_name, WallTime now);

// AccessDenied in AWS's words. Requires: !decision.allowed().
Error access_denied(const AccessQuestion& question, const policy::Decision& decision);

}  // namespace trivet::service
