// SPDX-License-Identifier: Apache-2.0
//
// What belongs to the account as a whole: its alias and its guardrail.
#include <utility>

#include "service/iam_service.h"

namespace trivet::service {
namespace {

// A commit that replaces the account's record.
Commit with_account(const IamState& state, const IamAccount& changed) {
  const std::string key(kAccountKey);
  const Revision before = state.account == nullptr ? Revision(0) : state.account->modified;
  return {.compares = {{key, before}}, .puts = {{key, encode(changed)}}};
}

IamAccount account_of(const IamState& state) {
  return state.account == nullptr ? IamAccount{} : state.account->record;
}

}  // namespace

IamAccount IamService::account() const {
  return account_of(*state());
}

Status IamService::set_account_alias(std::string_view alias) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    IamAccount changed = account_of(state);
    changed.alias = alias;  // AWS: the new one takes the old one's place
    return with_account(state, changed);
  });
}

Status IamService::delete_account_alias(std::string_view alias) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    IamAccount changed = account_of(state);
    if (alias.empty() || changed.alias != alias) {
      return no_such_entity("The account alias " + std::string(alias) + " cannot be found.");
    }
    changed.alias.clear();
    return with_account(state, changed);
  });
}

Status IamService::set_guardrail(std::string_view document) {
  if (!document.empty()) {
    TRIVET_TRY(const NamedPolicy parsed, check_identity_policy("guardrail", document));
    static_cast<void>(parsed);
  }
  return mutate([&](const IamState& state) -> Result<Commit> {
    IamAccount changed = account_of(state);
    changed.guardrail = document;
    return with_account(state, changed);
  });
}

}  // namespace trivet::service
