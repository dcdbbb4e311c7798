// SPDX-License-Identifier: Apache-2.0
#include "service/iam_state.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "service/iam_ids.h"

namespace trivet::service {
namespace {

std::optional<std::string> name_in(std::string_view key, std::string_view prefix) {
  if (!key.starts_with(prefix)) {
    return std::nullopt;
  }
  return std::string(key.substr(prefix.size()));
}

std::string_view last_part(std::string_view arn) {
  return arn.substr(arn.rfind('/') + 1);
}

template <typename Entry>
const Entry* find_in(const IamState::Entries<Entry>& entries, std::string_view key) {
  const auto it = entries.find(key);
  return it == entries.end() ? nullptr : it->second.get();
}

Result<std::vector<NamedPolicy>> parse_all(const IamEntity& entity, std::string_view key) {
  std::vector<NamedPolicy> parsed;
  for (const auto& [name, document] : entity.inline_policies) {
    TRIVET_TRY(auto policy,
               read_stored_policy("inline policy " + name + " of " + entity.name, document, key));
    parsed.push_back(std::move(policy));
  }
  return parsed;
}

Result<std::shared_ptr<const UserEntry>> user_entry(const StoredValue& value) {
  UserEntry entry;
  TRIVET_TRY(entry.record, decode_iam_user(value.value));
  TRIVET_TRY(entry.inline_policies, parse_all(entry.record, value.key));
  entry.modified = value.modified;
  return std::make_shared<const UserEntry>(std::move(entry));
}

Result<std::shared_ptr<const GroupEntry>> group_entry(const StoredValue& value) {
  GroupEntry entry;
  TRIVET_TRY(entry.record, decode_iam_group(value.value));
  TRIVET_TRY(entry.inline_policies, parse_all(entry.record, value.key));
  entry.modified = value.modified;
  return std::make_shared<const GroupEntry>(std::move(entry));
}

Result<std::shared_ptr<const OidcEntry>> oidc_entry(const StoredValue& value) {
  OidcEntry entry;
  TRIVET_TRY(entry.record, decode_iam_oidc_provider(value.value));
  entry.modified = value.modified;
  return std::make_shared<const OidcEntry>(std::move(entry));
}

Result<std::shared_ptr<const ProfileEntry>> profile_entry(const StoredValue& value) {
  ProfileEntry entry;
  TRIVET_TRY(entry.record, decode_iam_instance_profile(value.value));
  entry.modified = value.modified;
  return std::make_shared<const ProfileEntry>(std::move(entry));
}

Result<std::shared_ptr<const AccountEntry>> account_entry(const StoredValue& value) {
  AccountEntry entry;
  TRIVET_TRY(entry.record, decode_iam_account(value.value));
  if (!entry.record.guardrail.empty()) {
    TRIVET_TRY(auto guardrail, read_stored_policy("guardrail", entry.record.guardrail, value.key));
    entry.guardrails.push_back(std::move(guardrail));
  }
  entry.modified = value.modified;
  return std::make_shared<const AccountEntry>(std::move(entry));
}

Result<std::shared_ptr<const RoleEntry>> role_entry(const StoredValue& value) {
  RoleEntry entry;
  TRIVET_TRY(entry.record, decode_iam_role(value.value));
  TRIVET_TRY(entry.inline_policies, parse_all(entry.record, value.key));
  TRIVET_TRY(entry.trust, read_stored_policy("trust policy", entry.record.trust_policy, value.key));
  entry.modified = value.modified;
  return std::make_shared<const RoleEntry>(std::move(entry));
}

Result<std::shared_ptr<const PolicyEntry>> policy_entry(const StoredValue& value) {
  PolicyEntry entry;
  TRIVET_TRY(entry.record, decode_iam_policy(value.value));
  TRIVET_TRY(entry.parsed,
             read_stored_policy(entry.record.name, entry.record.current().document, value.key));
  entry.modified = value.modified;
  return std::make_shared<const PolicyEntry>(std::move(entry));
}

Result<std::shared_ptr<const AccessKeyEntry>> access_key_entry(const StoredValue& value,
                                                               const Sealer& sealer) {
  AccessKeyEntry entry;
  TRIVET_TRY(entry.record, decode_iam_access_key(value.value));
  TRIVET_TRY(auto secret, sealer.open(value.key, entry.record.sealed_secret));
  entry.secret = std::make_shared<const SecretString>(std::move(secret));
  entry.modified = value.modified;
  return std::make_shared<const AccessKeyEntry>(std::move(entry));
}

Result<std::shared_ptr<const SessionDataEntry>> session_data_entry(const StoredValue& value) {
  SessionDataEntry entry;
  TRIVET_TRY(entry.record, decode_stored_session_data(value.value));
  entry.modified = value.modified;
  return std::make_shared<const SessionDataEntry>(std::move(entry));
}

}  // namespace

std::string user_key(std::string_view name) {
  return std::string(kUserPrefix) + to_lower(name);
}
std::string group_key(std::string_view name) {
  return std::string(kGroupPrefix) + to_lower(name);
}
std::string oidc_key(std::string_view url) {
  return std::string(kOidcPrefix) + std::string(url);
}
std::string role_key(std::string_view name) {
  return std::string(kRolePrefix) + to_lower(name);
}
std::string instance_profile_key(std::string_view name) {
  return std::string(kInstanceProfilePrefix) + to_lower(name);
}
std::string policy_key(std::string_view name) {
  return std::string(kPolicyPrefix) + to_lower(name);
}
std::string access_key_key(std::string_view id) {
  return std::string(kAccessKeyPrefix) + std::string(id);
}
std::string session_data_key(std::string_view hash) {
  return std::string(kSessionDataPrefix) + std::string(hash);
}

Status IamState::put(const StoredValue& value, const Sealer& sealer) {
  if (const auto name = name_in(value.key, kUserPrefix)) {
    TRIVET_TRY(users[*name], user_entry(value));
  } else if (const auto group = name_in(value.key, kGroupPrefix)) {
    TRIVET_TRY(groups[*group], group_entry(value));
  } else if (const auto url = name_in(value.key, kOidcPrefix)) {
    TRIVET_TRY(oidc_providers[*url], oidc_entry(value));
  } else if (const auto profile = name_in(value.key, kInstanceProfilePrefix)) {
    TRIVET_TRY(instance_profiles[*profile], profile_entry(value));
  } else if (value.key == kAccountKey) {
    TRIVET_TRY(account, account_entry(value));
  } else if (const auto role = name_in(value.key, kRolePrefix)) {
    TRIVET_TRY(roles[*role], role_entry(value));
  } else if (const auto policy = name_in(value.key, kPolicyPrefix)) {
    TRIVET_TRY(policies[*policy], policy_entry(value));
  } else if (const auto id = name_in(value.key, kAccessKeyPrefix)) {
    TRIVET_TRY(access_keys[*id], access_key_entry(value, sealer));
  } else if (const auto hash = name_in(value.key, kSessionDataPrefix)) {
    TRIVET_TRY(session_data[*hash], session_data_entry(value));
  }
  return ok();
}

void IamState::erase(std::string_view key) {
  if (const auto name = name_in(key, kUserPrefix)) {
    users.erase(*name);
  } else if (const auto group = name_in(key, kGroupPrefix)) {
    groups.erase(*group);
  } else if (const auto url = name_in(key, kOidcPrefix)) {
    oidc_providers.erase(*url);
  } else if (const auto profile = name_in(key, kInstanceProfilePrefix)) {
    instance_profiles.erase(*profile);
  } else if (const auto role = name_in(key, kRolePrefix)) {
    roles.erase(*role);
  } else if (const auto policy = name_in(key, kPolicyPrefix)) {
    policies.erase(*policy);
  } else if (const auto id = name_in(key, kAccessKeyPrefix)) {
    access_keys.erase(*id);
  } else if (const auto hash = name_in(key, kSessionDataPrefix)) {
    session_data.erase(*hash);
  }
}

const ProfileEntry* IamState::find_instance_profile(std::string_view name) const {
  return find_in(instance_profiles, to_lower(name));
}

const UserEntry* IamState::find_user(std::string_view name) const {
  return find_in(users, to_lower(name));
}

const GroupEntry* IamState::find_group(std::string_view name) const {
  return find_in(groups, to_lower(name));
}

std::vector<const GroupEntry*> IamState::groups_of(std::string_view user_id) const {
  std::vector<const GroupEntry*> found;
  for (const auto& [name, entry] : groups) {
    const auto& members = entry->record.member_ids;
    if (std::find(members.begin(), members.end(), user_id) != members.end()) {
      found.push_back(entry.get());
    }
  }
  return found;
}

const RoleEntry* IamState::find_role(std::string_view name) const {
  return find_in(roles, to_lower(name));
}

const PolicyEntry* IamState::find_policy(const Realm& realm, std::string_view arn) const {
  const PolicyEntry* entry = find_in(policies, to_lower(last_part(arn)));
  if (entry == nullptr || iam_arn(realm, "policy", entry->record.path, entry->record.name) != arn) {
    return nullptr;
  }
  return entry;
}

std::optional<std::string> IamState::unique_id_of(const Realm& realm,
                                                  const std::string& arn) const {
  const UserEntry* user = find_user(last_part(arn));
  if (user != nullptr && iam_arn(realm, "user", user->record.path, user->record.name) == arn) {
    return user->record.id;
  }
  const RoleEntry* role = find_role(last_part(arn));
  if (role != nullptr && iam_arn(realm, "role", role->record.path, role->record.name) == arn) {
    return role->record.id;
  }
  return std::nullopt;
}

std::optional<std::string> IamState::arn_of(const Realm& realm, std::string_view unique_id) const {
  for (const auto& [name, entry] : users) {
    if (entry->record.id == unique_id) {
      return iam_arn(realm, "user", entry->record.path, entry->record.name);
    }
  }
  for (const auto& [name, entry] : roles) {
    if (entry->record.id == unique_id) {
      return iam_arn(realm, "role", entry->record.path, entry->record.name);
    }
  }
  return std::nullopt;
}

Replacements IamState::changed_principals(const Realm& realm, const RoleEntry& role) const {
  Replacements replacements;
  for (const auto& [arn, id] : role.record.trusted_ids) {
    if (unique_id_of(realm, arn) != id) {
      replacements[arn] = arn_of(realm, id).value_or(id);
    }
  }
  return replacements;
}

Result<IamState> load_iam_state(StateStore& store, const Sealer& sealer) {
  IamState state;
  TRIVET_TRY(const auto values, store.list("iam/"));
  for (const StoredValue& value : values) {
    TRIVET_CHECK_OK(state.put(value, sealer));
  }
  return state;
}

}  // namespace trivet::service
