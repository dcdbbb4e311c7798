// SPDX-License-Identifier: Apache-2.0
//
// A policy document: parsed once, evaluated many times. parse_policy takes whatever AWS would have
// stored; the two write-time parsers also refuse what AWS refuses to store, in AWS's words. Errors
// are kInvalidArgument with the fault MalformedPolicyDocument.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/policy/condition.h"
#include "core/policy/wildcard.h"

namespace trivet::policy {

enum class Effect { kAllow, kDeny };

// A value of Principal: {"AWS", "arn:aws:iam::123456789012:user/jane"}; {"*", "*"} for everyone.
struct PrincipalEntry {
  std::string kind;  // "*", "AWS", "Service", "Federated", "CanonicalUser"
  std::string value;
};

struct Statement {
  std::string sid;  // may be empty
  Effect effect = Effect::kDeny;
  bool is_not_action = false;
  std::vector<Template> actions;  // lower case
  bool has_resource = false;      // trust policies have none: they are about their role
  bool is_not_resource = false;
  std::vector<ArnPattern> resources;
  bool has_principal = false;
  bool is_not_principal = false;
  std::vector<PrincipalEntry> principals;
  std::vector<Condition> conditions;
};

// Plain value, immutable in use: share it as std::shared_ptr<const Policy> between threads.
struct Policy {
  std::string version = "2008-10-17";  // what a document without Version has
  std::string id;
  std::vector<Statement> statements;
};

// Structure only: what is in the store, guardrails, tests. "Syntax errors in policy.", or "The
// policy failed legacy parsing" for an Effect in the wrong case.
Result<Policy> parse_policy(std::string_view text);

// Write time: identity policies, permissions boundaries, session policies.
Result<Policy> parse_identity_policy(std::string_view text);

// Write time: the trust policy of a role. Whether the principals named in it exist is the caller's
// check.
Result<Policy> parse_trust_policy(std::string_view text);

// The characters that count towards AWS's size quotas: all but white space.
std::size_t counted_size(std::string_view text);

}  // namespace trivet::policy
