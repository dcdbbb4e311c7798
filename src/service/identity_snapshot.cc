// SPDX-License-Identifier: Apache-2.0
#include "service/identity_snapshot.h"

#include <utility>

#include "service/iam_aws_policies.h"
#include "service/iam_ids.h"
#include "service/iam_state.h"

namespace trivet::service {
namespace {

template <typename T>
const T* value_in(const std::map<std::string, T, std::less<>>& map, std::string_view key) {
  const auto it = map.find(key);
  return it == map.end() ? nullptr : &it->second;
}

// AWS's policies never change: parsed once for the life of the process.
const std::map<std::string_view, NamedPolicy>& parsed_aws_policies() {
  static const auto* const parsed = [] {
    auto* map = new std::map<std::string_view, NamedPolicy>;
    for (const AwsPolicy& policy : aws_policies()) {
      auto document = read_stored_policy(std::string(policy.name), policy.document, "Trivet");
      TRIVET_ASSERT(document.has_value());
      map->emplace(policy.name, std::move(*document));
    }
    return map;
  }();
  return *parsed;
}

// A managed policy by its ARN; nullopt when there is none.
std::optional<NamedPolicy> managed_policy(const IamState& state, const Realm& realm,
                                          const std::string& arn) {
  if (const PolicyEntry* customer = state.find_policy(realm, arn)) {
    return NamedPolicy{arn, customer->parsed.policy};
  }
  if (const AwsPolicy* aws = find_aws_policy(realm, arn)) {
    return NamedPolicy{arn, parsed_aws_policies().at(aws->name).policy};
  }
  return std::nullopt;
}

std::vector<NamedPolicy> policies_of(const IamState& state, const Realm& realm,
                                     const IamEntity& entity,
                                     const std::vector<NamedPolicy>& inline_policies) {
  std::vector<NamedPolicy> policies = inline_policies;
  for (const std::string& arn : entity.attached_policies) {
    if (auto policy = managed_policy(state, realm, arn)) {
      policies.push_back(std::move(*policy));
    }
  }
  return policies;
}

// A boundary that is not there allows nothing.
std::vector<NamedPolicy> boundary_of(const IamState& state, const Realm& realm,
                                     const IamEntity& entity) {
  const std::string& arn = entity.permissions_boundary;
  if (arn.empty()) {
    return {};
  }
  auto policy = managed_policy(state, realm, arn);
  return {policy ? std::move(*policy) : NamedPolicy{arn, std::make_shared<const policy::Policy>()}};
}

// User's unique id → the policies of its groups.
std::map<std::string, std::vector<NamedPolicy>> group_policies(const IamState& state,
                                                               const Realm& realm) {
  std::map<std::string, std::vector<NamedPolicy>> out;
  for (const auto& [name, entry] : state.groups) {
    const auto policies = policies_of(state, realm, entry->record, entry->inline_policies);
    for (const std::string& user_id : entry->record.member_ids) {
      auto& all = out[user_id];
      all.insert(all.end(), policies.begin(), policies.end());
    }
  }
  return out;
}

Identity identity_of(Identity::Kind kind, const IamEntity& entity, std::string arn) {
  Identity identity;
  identity.kind = kind;
  identity.id = entity.id;
  identity.name = entity.name;
  identity.path = entity.path;
  identity.arn = std::move(arn);
  identity.tags = entity.tags;
  return identity;
}

// The trust policy as it counts now.
NamedPolicy trust_of(const IamState& state, const Realm& realm, const RoleEntry& role) {
  const Replacements changed = state.changed_principals(realm, role);
  return changed.empty() ? role.trust : with_principals(role.trust, changed);
}

std::shared_ptr<const Identity> make_root(const Realm& realm) {
  Identity root;
  root.kind = Identity::Kind::kRoot;
  root.id = realm.account.str();
  root.arn = root_arn(realm);
  return std::make_shared<const Identity>(std::move(root));
}

}  // namespace

const IdentitySnapshot::Key* IdentitySnapshot::find_key(std::string_view access_key_id) const {
  return value_in(keys_, access_key_id);
}

const Identity* IdentitySnapshot::find(std::string_view unique_id) const {
  const auto* found = value_in(by_id_, unique_id);
  return found == nullptr ? nullptr : found->get();
}

const Identity* IdentitySnapshot::find_role_by_arn(std::string_view arn) const {
  const auto* found = value_in(roles_by_arn_, arn);
  return found == nullptr ? nullptr : found->get();
}

const IamOidcProvider* IdentitySnapshot::find_oidc_provider(std::string_view url) const {
  const auto* found = value_in(oidc_providers_, url);
  return found == nullptr ? nullptr : &(*found)->record;
}

const SessionData* IdentitySnapshot::find_session_data(std::string_view hash) const {
  const auto* found = value_in(session_data_, hash);
  return found == nullptr ? nullptr : &(*found)->record.data;
}

std::shared_ptr<const IdentitySnapshot> make_identity_snapshot(const IamState& state,
                                                               const Realm& realm) {
  auto snapshot = std::make_shared<IdentitySnapshot>();
  snapshot->realm_ = realm;
  snapshot->by_id_[realm.account.str()] = make_root(realm);
  const auto of_groups = group_policies(state, realm);
  for (const auto& [name, entry] : state.users) {
    Identity user = identity_of(Identity::Kind::kUser, entry->record,
                                iam_arn(realm, "user", entry->record.path, entry->record.name));
    user.policies = policies_of(state, realm, entry->record, entry->inline_policies);
    if (const auto groups = of_groups.find(user.id); groups != of_groups.end()) {
      user.policies.insert(user.policies.end(), groups->second.begin(), groups->second.end());
    }
    user.boundary = boundary_of(state, realm, entry->record);
    const std::string id = user.id;
    snapshot->by_id_[id] = std::make_shared<const Identity>(std::move(user));
  }
  for (const auto& [name, entry] : state.roles) {
    Identity role = identity_of(Identity::Kind::kRole, entry->record,
                                iam_arn(realm, "role", entry->record.path, entry->record.name));
    role.policies = policies_of(state, realm, entry->record, entry->inline_policies);
    role.boundary = boundary_of(state, realm, entry->record);
    role.trust = trust_of(state, realm, *entry);
    role.session_seconds_max = entry->record.session_seconds_max;
    auto shared = std::make_shared<const Identity>(std::move(role));
    snapshot->by_id_[shared->id] = shared;
    snapshot->roles_by_arn_[shared->arn] = shared;
  }
  for (const auto& [id, entry] : state.access_keys) {
    const auto owner = snapshot->by_id_.find(entry->record.owner_id);
    if (owner != snapshot->by_id_.end()) {
      snapshot->keys_[id] = {entry->secret, entry->record.active, owner->second};
    }
  }
  snapshot->session_data_ = state.session_data;
  snapshot->oidc_providers_ = state.oidc_providers;
  if (state.account != nullptr) {
    snapshot->guardrails_ = state.account->guardrails;
  }
  return snapshot;
}

}  // namespace trivet::service
