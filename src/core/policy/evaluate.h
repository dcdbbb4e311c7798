// SPDX-License-Identifier: Apache-2.0
//
// May this principal do this action on this resource? AWS's order: an explicit Deny anywhere wins;
// then guardrails (service control policies), resource-based policies, identity policies,
// permissions boundary and session policies must each let it through. What nothing allows is
// denied. The answer says which policy decided, because "no" alone helps nobody.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/policy/document.h"
#include "core/policy/principal.h"

namespace trivet::policy {

struct NamedPolicy {
  std::string name;  // as the operator knows it: an ARN, "inline policy X of role Y"
  std::shared_ptr<const Policy> policy;  // never null
};

// Everything that applies to a request. The policies are shared, not copied.
struct PolicySet {
  std::vector<NamedPolicy> guardrails;  // none: the account is in no organisation
  std::vector<NamedPolicy> resource;    // on the thing itself, or the trust policy of a role
  // The resource policies are a role's trust policy: one of them must allow, whoever asks.
  bool is_trust = false;
  std::vector<NamedPolicy> identity;  // the user's and its groups', or the role's
  std::vector<NamedPolicy> boundary;  // none: no permissions boundary
  std::vector<NamedPolicy> session;   // of AssumeRole or GetFederationToken; together one
};

struct Request {
  std::string action;    // "rds-db:connect"; any case
  std::string resource;  // an ARN, or "*" for actions that are about no one thing
  Principal principal;
  std::string resource_account;  // empty: the principal's own
  Context context;               // lower-case keys; start from principal_context
};

enum class Outcome { kAllowed, kImplicitDeny, kExplicitDeny };
enum class PolicyKind { kNone, kGuardrail, kResource, kTrust, kIdentity, kBoundary, kSession };

std::string_view to_string(Outcome outcome);  // "allowed", "implicitDeny", "explicitDeny": AWS's
std::string_view to_string(PolicyKind kind);  // "identity-based policy", …: AWS's; kNone is ""

struct Decision {
  Outcome outcome = Outcome::kImplicitDeny;
  // The kind that decided: for an allow or an explicit deny where the statement is, for an implicit
  // deny the kind in which no statement allowed. kNone: the root user, whom nothing needs to allow.
  PolicyKind kind = PolicyKind::kNone;
  std::string policy;  // the name of the policy; empty for an implicit deny
  int statement = -1;  // its index in the policy
  std::string sid;     // its Sid, if it has one
  bool allowed() const { return outcome == Outcome::kAllowed; }
};

// Pure; time grows with the total size of the policies.
Decision evaluate(const PolicySet& policies, const Request& request);

// Whether evaluate says the same whatever `request.context` holds: no statement about the action
// has a condition or a variable. Pure.
bool is_independent_of_context(const PolicySet& policies, const Request& request);

// AWS's text of an AccessDenied error: "User: ARN is not authorized to perform: ACTION on resource:
// ARN because no identity-based policy allows the ACTION action". Requires: !decision.allowed().
std::string access_denied_message(const Decision& decision, const Request& request);

}  // namespace trivet::policy
