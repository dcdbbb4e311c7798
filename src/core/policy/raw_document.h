// SPDX-License-Identifier: Apache-2.0
//
// A policy's JSON taken apart but not yet judged: what document.cc compiles and validate.cc checks.
// Only what makes the text no policy at all is refused here ("Syntax errors in policy.").
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace trivet::policy {

struct RawCondition {
  std::string op;
  std::string key;
  std::vector<std::string> values;
};

// The values of Principal by their kind, in their order: {"AWS", "arn:…"}. "*" alone is {"*", "*"}.
using RawPrincipals = std::vector<std::pair<std::string, std::string>>;

struct RawStatement {
  std::string sid;
  std::string effect;  // in any case; judged later
  std::optional<std::vector<std::string>> action, not_action, resource, not_resource;
  std::optional<RawPrincipals> principal, not_principal;
  std::vector<RawCondition> conditions;  // operators that are known
};

struct RawPolicy {
  std::optional<std::string> version;  // "2008-10-17" or "2012-10-17"
  std::string id;
  std::vector<RawStatement> statements;  // at least one
};

// kInvalidArgument with AWS's fault MalformedPolicyDocument.
Error malformed_policy(std::string message);
inline constexpr std::string_view kSyntaxErrors = "Syntax errors in policy.";

// kInvalidArgument, MalformedPolicyDocument: "Syntax errors in policy.", also for a name that is
// repeated in one object.
Result<RawPolicy> read_raw_policy(std::string_view text);

}  // namespace trivet::policy
