// SPDX-License-Identifier: Apache-2.0
#include "core/policy/evaluate.h"

#include <algorithm>

#include "base/assert.h"
#include "base/bytes.h"
#include "core/policy/inspect.h"

namespace trivet::policy {
namespace {

// A request made ready for many statements.
struct Prepared {
  const Request& request;
  std::string action;  // lower case
  ArnText resource;
  bool has_boundary = false;
};

bool action_applies(const Statement& statement, const Prepared& asked) {
  const bool is_listed =
      std::any_of(statement.actions.begin(), statement.actions.end(), [&](const Template& action) {
        return action.match(asked.action, asked.request.context) == Match::kYes;
      });
  return is_listed != statement.is_not_action;
}

// Guardrails and resource-based policies must write ARNs out, or end them with a star.
bool may_be_short(PolicyKind kind) {
  return kind != PolicyKind::kGuardrail && kind != PolicyKind::kResource &&
         kind != PolicyKind::kTrust;
}

// Where two readings of a pattern are possible, Deny takes the one that denies more and Allow the
// one that allows less.
bool resource_applies(PolicyKind kind, const Statement& statement, const Prepared& asked) {
  if (!statement.has_resource) {
    return true;
  }
  const bool is_deny = statement.effect == Effect::kDeny;
  const bool takes_wide = is_deny != statement.is_not_resource;
  bool is_unresolved = false;
  for (const ArnPattern& pattern : statement.resources) {
    const Context& context = asked.request.context;
    if (!is_deny && pattern.is_short()) {
      // What such a text leaves out of its complement is anybody's guess.
      is_unresolved = true;
      if (!statement.is_not_resource && !may_be_short(kind) && !pattern.ends_with_star()) {
        continue;
      }
    }
    const Match match = takes_wide ? pattern.match_wide(asked.resource, context)
                                   : pattern.match_narrow(asked.resource, context);
    if (match == Match::kYes) {
      return !statement.is_not_resource;
    }
    is_unresolved = is_unresolved || match == Match::kUnresolved;
  }
  // A variable without a value matches nothing; what NotResource then means is decided for safety.
  return statement.is_not_resource && (is_deny || !is_unresolved);
}

bool conditions_hold(const Statement& statement, const Context& context) {
  const bool on_error = statement.effect == Effect::kDeny;
  return std::all_of(
      statement.conditions.begin(), statement.conditions.end(),
      [&](const Condition& condition) { return condition.holds(context, on_error); });
}

bool applies(PolicyKind kind, const Statement& statement, const Prepared& asked) {
  return action_applies(statement, asked) && resource_applies(kind, statement, asked) &&
         conditions_hold(statement, asked.request.context);
}

// One kind of policies, in the order in which evaluate goes through them.
struct Layer {
  PolicyKind kind;
  const std::vector<NamedPolicy>& policies;
};

bool names_principal(PolicyKind kind, const Statement& statement, const Prepared& asked) {
  if (kind != PolicyKind::kResource && kind != PolicyKind::kTrust) {
    return true;
  }
  // access_policies_boundaries: NotPrincipal with Deny denies whoever has a boundary.
  if (asked.has_boundary && statement.is_not_principal && statement.effect == Effect::kDeny) {
    return true;
  }
  return grant_of(statement, asked.request.principal) != Grant::kNone;
}

Decision decided(Outcome outcome, PolicyKind kind, const NamedPolicy& named, std::size_t index) {
  return {outcome, kind, named.name, static_cast<int>(index), named.policy->statements[index].sid};
}

// The first statement of that effect that applies; outcome kImplicitDeny when there is none.
Decision find(const Layer& layer, Effect effect, const Prepared& asked) {
  for (const NamedPolicy& named : layer.policies) {
    TRIVET_ASSERT(named.policy != nullptr);
    const auto& statements = named.policy->statements;
    for (std::size_t i = 0; i < statements.size(); ++i) {
      if (statements[i].effect == effect && names_principal(layer.kind, statements[i], asked) &&
          applies(layer.kind, statements[i], asked)) {
        return decided(effect == Effect::kDeny ? Outcome::kExplicitDeny : Outcome::kAllowed,
                       layer.kind, named, i);
      }
    }
  }
  return {.outcome = Outcome::kImplicitDeny, .kind = layer.kind};
}

struct ResourceGrant {
  Grant grant = Grant::kNone;
  Decision decision;
};

// The most direct grant of the resource-based policies.
ResourceGrant resource_grant(const Layer& layer, const Prepared& asked) {
  ResourceGrant best{Grant::kNone, {.outcome = Outcome::kImplicitDeny, .kind = layer.kind}};
  for (const NamedPolicy& named : layer.policies) {
    const auto& statements = named.policy->statements;
    for (std::size_t i = 0; i < statements.size(); ++i) {
      const Grant grant = grant_of(statements[i], asked.request.principal);
      if (statements[i].effect == Effect::kAllow && grant > best.grant &&
          applies(layer.kind, statements[i], asked)) {
        best = {grant, decided(Outcome::kAllowed, layer.kind, named, i)};
      }
    }
  }
  return best;
}

// Boundary, then session policies: each, where there is one, must allow. `so_far` is the allow that
// they may take back.
Decision bounded(const PolicySet& policies, const Prepared& asked, Decision so_far) {
  for (const Layer& layer : {Layer{PolicyKind::kBoundary, policies.boundary},
                             Layer{PolicyKind::kSession, policies.session}}) {
    if (!layer.policies.empty()) {
      Decision decision = find(layer, Effect::kAllow, asked);
      if (!decision.allowed()) {
        return decision;
      }
    }
  }
  // A federated user has only what its session policy passes on.
  if (asked.request.principal.type == Principal::Type::kFederatedUser && policies.session.empty()) {
    return {.outcome = Outcome::kImplicitDeny, .kind = PolicyKind::kSession};
  }
  return so_far;
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kAllowed:
      return "allowed";
    case Outcome::kImplicitDeny:
      return "implicitDeny";
    case Outcome::kExplicitDeny:
      return "explicitDeny";
  }
  return "unknown";
}

std::string_view to_string(PolicyKind kind) {
  switch (kind) {
    case PolicyKind::kNone:
      return "";
    case PolicyKind::kGuardrail:
      return "service control policy";
    case PolicyKind::kResource:
      return "resource-based policy";
    case PolicyKind::kTrust:
      return "role trust policy";
    case PolicyKind::kIdentity:
      return "identity-based policy";
    case PolicyKind::kBoundary:
      return "permissions boundary";
    case PolicyKind::kSession:
      return "session policy";
  }
  return "unknown";
}

Decision evaluate(const PolicySet& policies, const Request& request) {
  const Prepared asked{request, to_lower(request.action), ArnText(request.resource),
                       !policies.boundary.empty()};
  const Layer guardrails{PolicyKind::kGuardrail, policies.guardrails};
  const Layer resource{policies.is_trust ? PolicyKind::kTrust : PolicyKind::kResource,
                       policies.resource};
  const Layer identity{PolicyKind::kIdentity, policies.identity};

  for (const Layer& layer :
       {guardrails, resource, identity, Layer{PolicyKind::kBoundary, policies.boundary},
        Layer{PolicyKind::kSession, policies.session}}) {
    Decision denied = find(layer, Effect::kDeny, asked);
    if (denied.outcome == Outcome::kExplicitDeny) {
      return denied;
    }
  }
  if (!policies.guardrails.empty()) {
    Decision decision = find(guardrails, Effect::kAllow, asked);
    if (!decision.allowed()) {
      return decision;
    }
  }
  const bool is_other_account =
      !request.resource_account.empty() && request.resource_account != request.principal.account;
  const ResourceGrant granted = resource_grant(resource, asked);
  if (granted.grant == Grant::kNone && (policies.is_trust || is_other_account)) {
    return granted.decision;
  }
  const bool is_service = request.principal.type == Principal::Type::kService;
  if (granted.grant == Grant::kDirect && (!is_other_account || is_service)) {
    return granted.decision;
  }
  if (granted.grant == Grant::kRole && !is_other_account) {
    return bounded(policies, asked, granted.decision);
  }
  if (request.principal.type == Principal::Type::kRoot) {
    return {.outcome = Outcome::kAllowed};
  }
  Decision decision = find(identity, Effect::kAllow, asked);
  if (!decision.allowed()) {
    return decision;
  }
  return bounded(policies, asked, std::move(decision));
}

bool is_independent_of_context(const PolicySet& policies, const Request& request) {
  const Prepared asked{request, to_lower(request.action), ArnText(request.resource), false};
  const auto is_plain = [&](const Statement& statement) {
    const auto has_variables = [](const auto& text) { return text.has_variables(); };
    return std::ranges::none_of(statement.actions, has_variables) &&
           (!action_applies(statement, asked) ||
            (statement.conditions.empty() &&
             std::ranges::none_of(statement.resources, has_variables)));
  };
  for (const auto* layer : {&policies.guardrails, &policies.resource, &policies.identity,
                            &policies.boundary, &policies.session}) {
    for (const NamedPolicy& named : *layer) {
      if (!std::ranges::all_of(named.policy->statements, is_plain)) {
        return false;
      }
    }
  }
  return true;
}

std::vector<MatchedStatement> matching_statements(const PolicySet& policies, const Request& request,
                                                  Effect effect) {
  const Prepared asked{request, to_lower(request.action), ArnText(request.resource),
                       !policies.boundary.empty()};
  std::vector<MatchedStatement> found;
  for (const Layer& layer :
       {Layer{PolicyKind::kGuardrail, policies.guardrails},
        Layer{policies.is_trust ? PolicyKind::kTrust : PolicyKind::kResource, policies.resource},
        Layer{PolicyKind::kIdentity, policies.identity},
        Layer{PolicyKind::kBoundary, policies.boundary},
        Layer{PolicyKind::kSession, policies.session}}) {
    for (const NamedPolicy& named : layer.policies) {
      const auto& statements = named.policy->statements;
      for (std::size_t i = 0; i < statements.size(); ++i) {
        if (statements[i].effect == effect && names_principal(layer.kind, statements[i], asked) &&
            applies(layer.kind, statements[i], asked)) {
          found.push_back({layer.kind, named.name, static_cast<int>(i)});
        }
      }
    }
  }
  return found;
}

std::string access_denied_message(const Decision& decision, const Request& request) {
  TRIVET_ASSERT(!decision.allowed());
  std::string out = "User: " + request.principal.arn +
                    " is not authorized to perform: " + request.action +
                    " on resource: " + request.resource;
  const std::string kind(to_string(decision.kind));
  if (decision.outcome == Outcome::kExplicitDeny) {
    return out + " with an explicit deny in " +
           (decision.kind == PolicyKind::kIdentity ? "an " : "a ") + kind;
  }
  return out + " because no " + kind + " allows the " + request.action + " action";
}

}  // namespace trivet::policy
