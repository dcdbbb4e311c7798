// SPDX-License-Identifier: Apache-2.0
//
// "What if": the decision that IAM would take, with the statements that made it. Pure over a
// snapshot of IAM's state; nothing is called and nothing changes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/policy/inspect.h"
#include "service/iam_state.h"
#include "service/identity_access.h"

namespace trivet::service {

struct SimulatedStatement {
  std::string policy_id;    // "PolicyInputList.1", "user_ana_inline", "AdministratorAccess"
  std::string policy_type;  // AWS's words: "IAM Policy", …
  policy::StatementSpan span;
};

struct SimulationResult {
  std::string action, resource, decision;
  std::vector<SimulatedStatement> statements;  // those that decided
  std::vector<std::string> missing_keys;       // asked for by the policies and not given
  std::optional<bool> allowed_by_guardrail;    // where there is one
  std::optional<bool> allowed_by_boundary;     // where there is one
};

struct SimulationRequest {
  std::string source_arn;  // whose policies; empty: only those given here
  std::vector<std::string> policies;
  std::vector<std::string> boundaries;  // instead of the source's own
  std::vector<std::string> guardrails;  // instead of the account's
  std::string resource_policy;
  std::string resource_owner;  // an account's ARN or id; empty: our own
  std::string caller_arn;      // empty: the source, where it is a user
  std::vector<std::string> actions;
  std::vector<std::string> resources;  // empty: "*"
  ContextKeys context;
};

// One result for each action and resource. Faults: InvalidInput, NoSuchEntity.
Result<std::vector<SimulationResult>> simulate(const IamState& state, const Realm& realm,
                                               const SimulationRequest& request);

// The documents that apply to a user, a role or a group: GetContextKeysForPrincipalPolicy.
Result<std::vector<std::string>> documents_of(const IamState& state, const Realm& realm,
                                              std::string_view source_arn);

}  // namespace trivet::service
