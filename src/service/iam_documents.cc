// SPDX-License-Identifier: Apache-2.0
#include "service/iam_documents.h"

#include <memory>
#include <utility>

#include "model/arn.h"
#include "service/iam_checks.h"

namespace trivet::service {
namespace {

NamedPolicy share(std::string name, policy::Policy parsed) {
  return {std::move(name), std::make_shared<const policy::Policy>(std::move(parsed))};
}

// Does this principal name one user or one role of the account?
bool is_own_entity(const policy::PrincipalEntry& principal, const Realm& realm) {
  if (principal.kind != "AWS") {
    return false;
  }
  const auto arn = parse_arn(principal.value);
  return arn && arn->service == "iam" && arn->account == realm.account.str() &&
         (arn->resource.starts_with("user/") || arn->resource.starts_with("role/"));
}

}  // namespace

Result<NamedPolicy> check_identity_policy(std::string name, std::string_view document) {
  TRIVET_TRY(auto parsed, policy::parse_identity_policy(document));
  return share(std::move(name), std::move(parsed));
}

Result<NamedPolicy> check_trust_policy(std::string_view document) {
  TRIVET_TRY(auto parsed, policy::parse_trust_policy(document));
  return share("trust policy", std::move(parsed));
}

Result<NamedPolicy> read_stored_policy(std::string name, std::string_view document,
                                       std::string_view where) {
  auto parsed = policy::parse_policy(document);
  if (!parsed) {
    return make_error(Errc::kCorrupt, "policy '" + name + "' in " + std::string(where) +
                                          " cannot be read: " + parsed.error().message);
  }
  return share(std::move(name), std::move(*parsed));
}

Result<std::map<std::string, std::string>> find_trusted_ids(const policy::Policy& trust,
                                                            const Realm& realm,
                                                            const FindUniqueId& find) {
  std::map<std::string, std::string> ids;
  for (const policy::Statement& statement : trust.statements) {
    for (const policy::PrincipalEntry& principal : statement.principals) {
      if (!is_own_entity(principal, realm)) {
        continue;
      }
      const auto id = find(principal.value);
      if (!id) {
        return malformed_policy("Invalid principal in policy: \"AWS\":\"" + principal.value + "\"");
      }
      ids[principal.value] = *id;
    }
  }
  return ids;
}

NamedPolicy with_principals(const NamedPolicy& trust, const Replacements& replacements) {
  policy::Policy changed = *trust.policy;
  for (policy::Statement& statement : changed.statements) {
    for (policy::PrincipalEntry& principal : statement.principals) {
      if (const auto it = replacements.find(principal.value); it != replacements.end()) {
        principal.value = it->second;
      }
    }
  }
  return share(trust.name, std::move(changed));
}

std::string with_strings(std::string_view document, const Replacements& replacements) {
  std::string text(document);
  for (const auto& [from, to] : replacements) {
    const std::string quoted = '"' + from + '"';
    const std::string replaced = '"' + to + '"';
    for (std::size_t at = text.find(quoted); at != std::string::npos;
         at = text.find(quoted, at + replaced.size())) {
      text.replace(at, quoted.size(), replaced);
    }
  }
  return text;
}

}  // namespace trivet::service
