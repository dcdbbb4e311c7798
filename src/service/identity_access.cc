// SPDX-License-Identifier: Apache-2.0
#include "service/identity_access.h"

#include <memory>
#include <utility>
#include <variant>

#include "base/bytes.h"
#include "service/iam_ids.h"
#include "service/sts_token.h"

namespace trivet::service {
namespace {

Principal::Kind kind_of(Identity::Kind kind) {
  switch (kind) {
    case Identity::Kind::kRoot:
      return Principal::Kind::kRoot;
    case Identity::Kind::kUser:
      return Principal::Kind::kUser;
    case Identity::Kind::kRole:
      return Principal::Kind::kRoleSession;
  }
  return Principal::Kind::kUser;
}

Principal principal_of(const Identity& identity, const Realm& realm, AccessKeyId key) {
  Principal principal;
  principal.kind = kind_of(identity.kind);
  principal.account = realm.account;
  principal.arn = identity.arn;
  principal.principal_arn = identity.arn;
  principal.user_id = identity.id;
  principal.identity_id = identity.id;
  principal.name = identity.name;
  principal.path = identity.path;
  principal.tags = identity.tags;
  principal.access_key_id = std::move(key);
  return principal;
}

Principal session_principal(const Identity& identity, const Realm& realm,
                            const SessionClaims& claims, const SessionData& data) {
  Principal principal = principal_of(identity, realm, claims.access_key_id);
  if (claims.kind == SessionClaims::Kind::kRole) {
    principal.arn = assumed_role_arn(realm, identity.name, claims.session_name);
    principal.user_id = identity.id + ":" + claims.session_name;
    principal.session_name = claims.session_name;
  }
  if (claims.kind == SessionClaims::Kind::kFederated) {
    principal.kind = Principal::Kind::kFederatedUser;
    principal.arn = federated_user_arn(realm, claims.session_name);
    principal.principal_arn = principal.arn;
    principal.user_id = realm.account.str() + ":" + claims.session_name;
    principal.session_name = claims.session_name;
    principal.tags.clear();
  }
  for (const auto& [key, value] : data.tags) {
    // A session's tag hides the role's of that name, whatever its case.
    std::erase_if(principal.tags,
                  [&](const auto& tag) { return equals_ignoring_case(tag.first, key); });
    principal.tags[key] = value;
  }
  principal.source_identity = claims.source_identity;
  principal.transitive_tag_keys = data.transitive_keys;
  principal.session_policies = data.policies;
  if (claims.kind != SessionClaims::Kind::kLocalAdmin) {
    principal.token_issued_at = claims.issued;
  }
  return principal;
}

KeyLookup look_up_session(const IdentitySnapshot& snapshot, const Sealer& sealer,
                          std::string_view access_key_id, std::string_view session_token) {
  KeyLookup found;
  auto claims = open_session_token(session_token, sealer);
  if (!claims || claims->access_key_id.str() != access_key_id) {
    return found;
  }
  found.state = KeyLookup::State::kActive;
  found.session_expires = claims->expires;
  const SessionData* data = &claims->data;
  if (!claims->data_hash.empty()) {
    data = snapshot.find_session_data(claims->data_hash);
  }
  // Without its data a session would have lost its limits: it is over.
  found.is_session_token_valid = data != nullptr;
  const Identity* identity = snapshot.find(claims->principal_id);
  found.is_principal_gone = identity == nullptr;
  if (identity != nullptr && data != nullptr) {
    found.principal = session_principal(*identity, snapshot.realm(), *claims, *data);
  }
  found.secret = std::move(claims->secret);
  return found;
}

policy::Principal policy_principal(const Principal& principal) {
  policy::Principal out;
  switch (principal.kind) {
    case Principal::Kind::kRoot:
      out.type = policy::Principal::Type::kRoot;
      break;
    case Principal::Kind::kUser:
      out.type = policy::Principal::Type::kUser;
      out.user_name = principal.name;
      break;
    case Principal::Kind::kRoleSession:
      out.type = policy::Principal::Type::kAssumedRole;
      out.role_arn = principal.principal_arn;
      out.session_name = principal.session_name;
      break;
    case Principal::Kind::kFederatedUser:
      out.type = policy::Principal::Type::kFederatedUser;
      out.session_name = principal.session_name;
      break;
    case Principal::Kind::kAnonymous:
      out.type = policy::Principal::Type::kWebIdentity;
      break;
  }
  out.arn = principal.arn;
  out.account = principal.account.str();
  out.unique_id = principal.identity_id;
  out.tags = principal.tags;
  out.session_issued_at = principal.token_issued_at;
  out.source_identity = principal.source_identity;
  return out;
}

policy::Request policy_request(const AccessQuestion& question) {
  policy::Request request;
  request.action = std::string(question.action);
  request.resource = std::string(question.resource);
  request.principal = policy_principal(question.principal);
  request.context = policy::principal_context(request.principal, question.now);
  if (question.principal.is_temporary()) {
    // Long-lived keys do not have it: conditions tell "no MFA" from "does not apply".
    request.context["aws:multifactorauthpresent"] = {"false"};
  }
  for (const auto& [key, values] : question.context) {
    request.context[to_lower(key)] = values;
  }
  return request;
}

policy::Decision no_policy(policy::PolicyKind kind) {
  return {.outcome = policy::Outcome::kImplicitDeny, .kind = kind};
}

// The principal's own policies and those that limit its session. nullopt when a session policy
// cannot be read: it could be the one that denies.
std::optional<policy::PolicySet> own_policies(const IdentitySnapshot& snapshot,
                                              const Identity& identity,
                                              const Principal& principal) {
  policy::PolicySet set;
  set.identity = identity.policies;
  set.boundary = identity.boundary;
  if (identity.kind != Identity::Kind::kRoot) {
    set.guardrails = snapshot.guardrails();
  }
  for (const std::string& text : principal.session_policies) {
    auto parsed = policy::parse_policy(text);
    if (!parsed) {
      return std::nullopt;
    }
    set.session.push_back(
        {"session policy", std::make_shared<const policy::Policy>(std::move(*parsed))});
  }
  if (identity.kind == Identity::Kind::kRoot && principal.kind == Principal::Kind::kFederatedUser) {
    set.identity = set.session;  // root may do all, so what was passed on is what is left
  }
  return set;
}

bool is_iam_call(std::string_view action) {
  return to_lower(action).starts_with("iam:");
}

bool is_sts_call(std::string_view action) {
  return to_lower(action).starts_with("sts:");
}

struct ToEvaluate {
  policy::PolicySet policies;
  policy::Request request;
};
using Access = std::variant<policy::Decision, ToEvaluate>;

Access access_of(const IdentitySnapshot& snapshot, const AccessQuestion& question) {
  const Principal& principal = question.principal;
  const Identity* identity = snapshot.find(principal.identity_id);
  if (identity == nullptr) {
    return no_policy(policy::PolicyKind::kIdentity);
  }
  // AWS: credentials of GetSessionToken may not call IAM without MFA, which Trivet does not have;
  // those of GetFederationToken may call neither IAM nor STS.
  const bool is_federated = principal.kind == Principal::Kind::kFederatedUser;
  if (principal.is_temporary() && principal.kind != Principal::Kind::kRoleSession &&
      (is_iam_call(question.action) || (is_federated && is_sts_call(question.action)))) {
    return no_policy(policy::PolicyKind::kSession);
  }
  auto policies = own_policies(snapshot, *identity, principal);
  if (!policies) {
    return no_policy(policy::PolicyKind::kSession);
  }
  if (question.resource_policies != nullptr) {
    policies->resource = *question.resource_policies;
  }
  return ToEvaluate{std::move(*policies), policy_request(question)};
}

}  // namespace

KeyLookup look_up_key(const IdentitySnapshot& snapshot, const Sealer& sealer,
                      std::string_view access_key_id,
                      std::optional<std::string_view> session_token) {
  if (access_key_id.starts_with("ASIA")) {
    if (!session_token) {
      return {};
    }
    return look_up_session(snapshot, sealer, access_key_id, *session_token);
  }
  KeyLookup found;
  const IdentitySnapshot::Key* key = snapshot.find_key(access_key_id);
  if (key == nullptr) {
    return found;
  }
  found.state = key->active ? KeyLookup::State::kActive : KeyLookup::State::kInactive;
  found.secret = key->secret->copy();
  found.principal =
      principal_of(*key->owner, snapshot.realm(), AccessKeyId(std::string(access_key_id)));
  return found;
}

policy::Decision decide_access(const IdentitySnapshot& snapshot, const AccessQuestion& question) {
  const Access access = access_of(snapshot, question);
  if (const auto* decided = std::get_if<policy::Decision>(&access)) {
    return *decided;
  }
  const auto& to_evaluate = std::get<ToEvaluate>(access);
  return policy::evaluate(to_evaluate.policies, to_evaluate.request);
}

std::optional<policy::Decision> decide_lasting_access(const IdentitySnapshot& snapshot,
                                                      const Principal& principal,
                                                      std::string_view action,
                                                      std::string_view resource) {
  const ContextKeys none;
  const Access access = access_of(
      snapshot,
      {.principal = principal, .action = action, .resource = resource, .context = none, .now = {}});
  if (const auto* decided = std::get_if<policy::Decision>(&access)) {
    return *decided;
  }
  const auto& to_evaluate = std::get<ToEvaluate>(access);
  if (!policy::is_independent_of_context(to_evaluate.policies, to_evaluate.request)) {
    return std::nullopt;
  }
  return policy::evaluate(to_evaluate.policies, to_evaluate.request);
}

policy::Decision decide_assume(const IdentitySnapshot& snapshot, const AccessQuestion& question,
                               const Identity& role) {
  const policy::Request request = policy_request(question);
  const Identity* identity = snapshot.find(question.principal.identity_id);
  if (identity == nullptr || role.trust.policy == nullptr) {
    return no_policy(policy::PolicyKind::kTrust);
  }
  // AWS: federated users take no roles, whatever was passed on to them.
  if (question.principal.kind == Principal::Kind::kFederatedUser) {
    return no_policy(policy::PolicyKind::kSession);
  }
  auto policies = own_policies(snapshot, *identity, question.principal);
  if (!policies) {
    return no_policy(policy::PolicyKind::kSession);
  }
  policies->is_trust = true;
  policies->resource = {role.trust};
  return policy::evaluate(*policies, request);
}

bool may_service_assume(const IdentitySnapshot& snapshot, const Identity& role,
                        std::string_view service, const ContextKeys& context, WallTime now) {
  if (role.trust.policy == nullptr) {
    return false;
  }
  policy::PolicySet policies;
  policies.is_trust = true;
  policies.resource = {role.trust};
  policy::Request request;
  request.action = "sts:AssumeRole";
  request.resource = role.arn;
  request.principal.type = policy::Principal::Type::kService;
  request.principal.arn = std::string(service);
  request.resource_account = snapshot.realm().account.str();
  request.context = policy::principal_context(request.principal, now);
  for (const auto& [key, values] : context) {
    request.context[to_lower(key)] = values;
  }
  return policy::evaluate(policies, request).allowed();
}

Principal role_session_principal(const IdentitySnapshot& snapshot, const Identity& role,
                                 const std::string& session_name, WallTime now) {
  SessionClaims claims;
  claims.kind = SessionClaims::Kind::kRole;
  claims.session_name = session_name;
  claims.issued = now;
  return session_principal(role, snapshot.realm(), claims, claims.data);
}

Error access_denied(const AccessQuestion& question, const policy::Decision& decision) {
  policy::Request request;
  request.action = std::string(question.action);
  request.resource = std::string(question.resource);
  request.principal = policy_principal(question.principal);
  return aws_fault(Errc::kDenied, "AccessDenied", policy::access_denied_message(decision, request));
}

}  // namespace trivet::service
