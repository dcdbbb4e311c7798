// SPDX-License-Identifier: Apache-2.0
#include "core/policy/principal.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/iso8601.h"

namespace trivet::policy {
namespace {

using Type = Principal::Type;

std::string_view type_name(Type type) {
  switch (type) {
    case Type::kUser:
      return "User";
    case Type::kAssumedRole:
      return "AssumedRole";
    case Type::kRoot:
      return "Account";
    case Type::kFederatedUser:
      return "FederatedUser";
    case Type::kService:
      return "AWSService";
    case Type::kWebIdentity:
      return "Anonymous";  // nobody of the account yet
  }
  return "Anonymous";
}

// What aws:userid is for each kind of caller.
std::string user_id(const Principal& principal) {
  switch (principal.type) {
    case Type::kAssumedRole:
      return principal.unique_id + ":" + principal.session_name;
    case Type::kFederatedUser:
      return principal.account + ":" + principal.session_name;
    case Type::kRoot:
      return principal.account;
    case Type::kUser:
    case Type::kService:
    case Type::kWebIdentity:
      break;
  }
  return principal.unique_id;
}

bool is_account_root(const std::string& value, const std::string& account) {
  if (value == account) {
    return true;
  }
  const ArnText arn(value);
  return arn.is_arn && arn.parts[2] == "iam" && arn.parts[4] == account && arn.parts[5] == "root";
}

Grant grant_of_entry(const PrincipalEntry& entry, const Principal& principal) {
  const bool is_session = principal.type == Type::kAssumedRole;
  // Whoever comes with somebody else's word is trusted by name only: "*" does not mean the world.
  if (principal.type == Type::kWebIdentity) {
    return entry.kind == "Federated" && entry.value == principal.arn ? Grant::kDirect
                                                                     : Grant::kNone;
  }
  if (entry.kind == "*" || (entry.kind == "AWS" && entry.value == "*")) {
    return is_session ? Grant::kRole : Grant::kDirect;
  }
  if (entry.kind == "Service") {
    return principal.type == Type::kService && entry.value == principal.arn ? Grant::kDirect
                                                                            : Grant::kNone;
  }
  if (entry.kind != "AWS" || principal.type == Type::kService || entry.value.empty()) {
    return Grant::kNone;
  }
  if (entry.value == principal.arn) {
    return Grant::kDirect;
  }
  if (is_session && (entry.value == principal.role_arn || entry.value == principal.unique_id)) {
    return Grant::kRole;
  }
  if (principal.type == Type::kUser && entry.value == principal.unique_id) {
    return Grant::kDirect;
  }
  if (!principal.account.empty() && is_account_root(entry.value, principal.account)) {
    return principal.type == Type::kRoot ? Grant::kDirect : Grant::kAccount;
  }
  return Grant::kNone;
}

}  // namespace

Context principal_context(const Principal& principal, WallTime now) {
  Context out;
  const auto set = [&out](std::string_view key, std::string value) {
    if (!value.empty()) {
      out[to_lower(key)] = {std::move(value)};
    }
  };
  set("aws:PrincipalArn",
      principal.type == Type::kAssumedRole ? principal.role_arn : principal.arn);
  set("aws:PrincipalAccount", principal.account);
  set("aws:PrincipalType", std::string(type_name(principal.type)));
  set("aws:userid", user_id(principal));
  if (principal.type == Type::kUser) {
    set("aws:username", principal.user_name);
  }
  for (const auto& [name, value] : principal.tags) {
    out["aws:principaltag/" + to_lower(name)] = {value};
  }
  if (principal.session_issued_at) {
    set("aws:TokenIssueTime", format_iso8601(*principal.session_issued_at));
  }
  set("aws:SourceIdentity", principal.source_identity);
  set("aws:CurrentTime", format_iso8601(now));
  set("aws:EpochTime", std::to_string(to_seconds(now)));
  return out;
}

Grant grant_of(const Statement& statement, const Principal& principal) {
  if (!statement.has_principal) {
    return Grant::kNone;
  }
  Grant best = Grant::kNone;
  for (const PrincipalEntry& entry : statement.principals) {
    best = std::max(best, grant_of_entry(entry, principal));
  }
  if (!statement.is_not_principal) {
    return best;
  }
  return best == Grant::kNone ? Grant::kDirect : Grant::kNone;
}

}  // namespace trivet::policy
