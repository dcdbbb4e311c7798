// SPDX-License-Identifier: Apache-2.0
//
// What users, roles and groups have alike: inline policies, attached policies, boundaries, tags.
#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "service/iam_aws_policies.h"
#include "service/iam_boundary.h"
#include "service/iam_ids.h"
#include "service/iam_paging.h"
#include "service/iam_service.h"

namespace trivet::service {
namespace {

using Kind = EntityRef::Kind;

struct KindFacts {
  std::string_view word;     // in messages
  std::string_view capital;  // in names of quotas
  std::size_t inline_bytes_max;
};

KindFacts facts_of(const EntityRef& ref) {
  switch (ref.kind) {
    case Kind::kUser:
      return {"user", "User", kUserInlineBytesMax};
    case Kind::kRole:
      return {"role", "Role", kRoleInlineBytesMax};
    case Kind::kGroup:
      return {"group", "Group", kGroupInlineBytesMax};
  }
  return {};
}

// nullptr when there is none.
const IamEntity* look_up(const IamState& state, const EntityRef& ref) {
  switch (ref.kind) {
    case Kind::kUser: {
      const UserEntry* user = state.find_user(ref.name);
      return user == nullptr ? nullptr : &user->record;
    }
    case Kind::kRole: {
      const RoleEntry* role = state.find_role(ref.name);
      return role == nullptr ? nullptr : &role->record;
    }
    case Kind::kGroup: {
      const GroupEntry* group = state.find_group(ref.name);
      return group == nullptr ? nullptr : &group->record;
    }
  }
  return nullptr;
}

Result<const IamEntity*> find_entity(const IamState& state, const EntityRef& ref) {
  const IamEntity* found = look_up(state, ref);
  if (found == nullptr) {
    return no_such_entity("The " + std::string(facts_of(ref).word) + " with name " + ref.name +
                          " cannot be found.");
  }
  return found;
}

using Change = std::function<Status(IamEntity&)>;

template <typename Entry>
Result<Commit> edit_entry(const Entry& entry, const std::string& key, const Change& change) {
  auto record = entry.record;
  TRIVET_CHECK_OK(change(record));
  return Commit{.compares = {{key, entry.modified}}, .puts = {{key, encode(record)}}};
}

// A commit that replaces the record of the user, role or group by what `change` made of it.
Result<Commit> edit(const IamState& state, const EntityRef& ref, const Change& change) {
  TRIVET_TRY(const IamEntity* found, find_entity(state, ref));
  static_cast<void>(found);
  switch (ref.kind) {
    case Kind::kUser:
      return edit_entry(*state.find_user(ref.name), user_key(ref.name), change);
    case Kind::kRole:
      return edit_entry(*state.find_role(ref.name), role_key(ref.name), change);
    case Kind::kGroup:
      return edit_entry(*state.find_group(ref.name), group_key(ref.name), change);
  }
  return Commit{};
}

// The same of what decides what somebody may do.
Result<Commit> edit_policies(const IamState& state, const EntityRef& ref, const Change& change) {
  const RoleEntry* role = ref.kind == Kind::kRole ? state.find_role(ref.name) : nullptr;
  if (role != nullptr) {
    TRIVET_CHECK_OK(check_modifiable(role->record));
  }
  return edit(state, ref, change);
}

// Adds `by` to one of the policy's counts; nothing to do for AWS's own.
void count_use(const PolicyEntry* policy, std::int64_t IamPolicy::* count, std::int64_t by,
               Commit& commit) {
  if (policy == nullptr) {
    return;
  }
  IamPolicy counted = policy->record;
  counted.*count += by;
  commit.compares.push_back({policy_key(counted.name), policy->modified});
  commit.puts.push_back({policy_key(counted.name), encode(counted)});
}

Error no_such_inline_policy(const EntityRef& ref, std::string_view name) {
  return no_such_entity("The " + std::string(facts_of(ref).word) + " policy with name " +
                        std::string(name) + " cannot be found.");
}

Status check_arn(std::string_view arn) {
  if (arn.size() < 20 || !parse_arn(arn)) {
    return validation_error("Invalid ARN:  Could not be parsed!");
  }
  return ok();
}

}  // namespace

Status check_boundary(const IamState& state, const Realm& realm, std::string_view arn) {
  if (!arn.empty() && state.find_policy(realm, arn) == nullptr &&
      find_aws_policy(realm, arn) == nullptr) {
    return no_such_entity("Scope ARN: " + std::string(arn) +
                          " does not exist or is not attachable.");
  }
  return ok();
}

void count_boundary(const IamState& state, const Realm& realm, std::string_view arn,
                    std::int64_t by, Commit& commit) {
  count_use(arn.empty() ? nullptr : state.find_policy(realm, arn), &IamPolicy::boundary_uses, by,
            commit);
}

Status IamService::put_inline_policy(const EntityRef& entity, std::string_view name,
                                     std::string_view document) {
  TRIVET_CHECK_OK(check_name("policyName", name, 128));
  return mutate([&](const IamState& state) -> Result<Commit> {
    TRIVET_TRY(const IamEntity* found, find_entity(state, entity));
    static_cast<void>(found);  // an unknown entity comes before a bad document
    TRIVET_TRY(const NamedPolicy parsed, check_identity_policy(std::string(name), document));
    static_cast<void>(parsed);
    return edit_policies(state, entity, [&](IamEntity& changed) -> Status {
      changed.inline_policies[std::string(name)] = std::string(document);
      std::size_t total = 0;
      for (const auto& [each, text] : changed.inline_policies) {
        total += policy::counted_size(text);
      }
      const std::size_t most = facts_of(entity).inline_bytes_max;
      if (total > most) {
        return limit_exceeded("Maximum policy size of " + std::to_string(most) +
                              " bytes exceeded for " + std::string(facts_of(entity).word) + " " +
                              changed.name);
      }
      return ok();
    });
  });
}

Result<std::string> IamService::get_inline_policy(const EntityRef& entity,
                                                  std::string_view name) const {
  const auto now = state();
  TRIVET_TRY(const IamEntity* found, find_entity(*now, entity));
  const auto it = found->inline_policies.find(std::string(name));
  if (it == found->inline_policies.end()) {
    return no_such_inline_policy(entity, name);
  }
  return it->second;
}

Result<Page<std::string>> IamService::list_inline_policies(const EntityRef& entity,
                                                           const PageRequest& page) const {
  const auto now = state();
  TRIVET_TRY(const IamEntity* found, find_entity(*now, entity));
  std::vector<std::pair<std::string, std::string>> items;
  for (const auto& [name, document] : found->inline_policies) {
    items.emplace_back(name, name);
  }
  return make_page(std::move(items), page);
}

Status IamService::delete_inline_policy(const EntityRef& entity, std::string_view name) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    return edit_policies(state, entity, [&](IamEntity& changed) -> Status {
      if (changed.inline_policies.erase(std::string(name)) == 0) {
        return no_such_inline_policy(entity, name);
      }
      return ok();
    });
  });
}

Status IamService::attach_policy(const EntityRef& entity, std::string_view arn) {
  TRIVET_CHECK_OK(check_arn(arn));
  return mutate([&](const IamState& state) -> Result<Commit> {
    TRIVET_TRY(const IamEntity* found, find_entity(state, entity));
    const PolicyEntry* policy = state.find_policy(options_.realm, arn);
    if (policy == nullptr && find_aws_policy(options_.realm, arn) == nullptr) {
      return no_such_entity("Policy " + std::string(arn) + " does not exist or is not attachable.");
    }
    const auto& attached = found->attached_policies;
    if (std::find(attached.begin(), attached.end(), arn) != attached.end()) {
      return Commit{};  // as AWS: attaching again is no error
    }
    TRIVET_TRY(Commit commit, edit_policies(state, entity, [&](IamEntity& changed) -> Status {
                 if (changed.attached_policies.size() >= kAttachedPoliciesMax) {
                   return limit_exceeded("Cannot exceed quota for PoliciesPer" +
                                         std::string(facts_of(entity).capital) + ": " +
                                         std::to_string(kAttachedPoliciesMax));
                 }
                 changed.attached_policies.emplace_back(arn);
                 return ok();
               }));
    count_use(policy, &IamPolicy::attachments, 1, commit);
    return commit;
  });
}

Status IamService::detach_policy(const EntityRef& entity, std::string_view arn) {
  TRIVET_CHECK_OK(check_arn(arn));
  return mutate([&](const IamState& state) -> Result<Commit> {
    TRIVET_TRY(Commit commit, edit_policies(state, entity, [&](IamEntity& changed) -> Status {
                 if (std::erase(changed.attached_policies, arn) == 0) {
                   return no_such_entity("Policy " + std::string(arn) + " was not found.");
                 }
                 return ok();
               }));
    count_use(state.find_policy(options_.realm, arn), &IamPolicy::attachments, -1, commit);
    return commit;
  });
}

Result<Page<AttachedPolicy>> IamService::list_attached_policies(const EntityRef& entity,
                                                                const PageRequest& page) const {
  const auto now = state();
  TRIVET_TRY(const IamEntity* found, find_entity(*now, entity));
  std::vector<std::pair<std::string, AttachedPolicy>> items;
  for (const std::string& arn : found->attached_policies) {
    const std::size_t colon = arn.rfind(":policy/");
    const std::string path = colon == std::string::npos ? "" : arn.substr(colon + 7);
    const std::size_t slash = path.rfind('/');
    if (path.substr(0, slash + 1).starts_with(page.path_prefix)) {
      items.emplace_back(arn, AttachedPolicy{path.substr(slash + 1), arn});
    }
  }
  std::sort(items.begin(), items.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return make_page(std::move(items), page);
}

Status IamService::set_boundary(const EntityRef& entity, std::string_view arn) {
  if (!arn.empty()) {
    TRIVET_CHECK_OK(check_arn(arn));
  }
  return mutate([&](const IamState& state) -> Result<Commit> {
    TRIVET_TRY(const IamEntity* found, find_entity(state, entity));
    if (arn.empty() && found->permissions_boundary.empty()) {
      return no_such_entity(std::string(facts_of(entity).capital) + " " + found->name +
                            " does not have a permissions boundary.");
    }
    if (arn == found->permissions_boundary) {
      return Commit{};
    }
    TRIVET_CHECK_OK(check_boundary(state, options_.realm, arn));
    const std::string before = found->permissions_boundary;
    TRIVET_TRY(Commit commit, edit_policies(state, entity, [&](IamEntity& changed) -> Status {
                 changed.permissions_boundary = std::string(arn);
                 return ok();
               }));
    count_boundary(state, options_.realm, before, -1, commit);
    count_boundary(state, options_.realm, arn, 1, commit);
    return commit;
  });
}

Status IamService::tag(const EntityRef& entity, const TagList& tags) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    return edit(state, entity, [&](IamEntity& changed) -> Status {
      TRIVET_TRY(changed.tags, merge_tags(changed.tags, tags));
      return ok();
    });
  });
}

Status IamService::untag(const EntityRef& entity, const std::vector<std::string>& keys) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    return edit(state, entity, [&](IamEntity& changed) -> Status {
      remove_tags(changed.tags, keys);
      return ok();
    });
  });
}

Result<Tags> IamService::list_tags(const EntityRef& entity) const {
  const auto now = state();
  TRIVET_TRY(const IamEntity* found, find_entity(*now, entity));
  return found->tags;
}

}  // namespace trivet::service
