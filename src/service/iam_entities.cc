// SPDX-License-Identifier: Apache-2.0
//
// What users and roles have alike: inline policies, attached policies, tags.
#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "service/iam_aws_policies.h"
#include "service/iam_ids.h"
#include "service/iam_paging.h"
#include "service/iam_service.h"

namespace trivet::service {
namespace {

bool is_user(const EntityRef& ref) {
  return ref.kind == EntityRef::Kind::kUser;
}

std::string_view kind_word(const EntityRef& ref) {
  return is_user(ref) ? "user" : "role";
}

Result<const IamEntity*> find_entity(const IamState& state, const EntityRef& ref) {
  const UserEntry* user = is_user(ref) ? state.find_user(ref.name) : nullptr;
  const RoleEntry* role = is_user(ref) ? nullptr : state.find_role(ref.name);
  if (user == nullptr && role == nullptr) {
    return no_such_entity("The " + std::string(kind_word(ref)) + " with name " + ref.name +
                          " cannot be found.");
  }
  return user != nullptr ? static_cast<const IamEntity*>(&user->record) : &role->record;
}

// A commit that replaces the user's or role's record by what `change` made of it.
Result<Commit> edit(const IamState& state, const EntityRef& ref,
                    const std::function<Status(IamEntity&)>& change) {
  TRIVET_TRY(const IamEntity* found, find_entity(state, ref));
  static_cast<void>(found);
  if (is_user(ref)) {
    const UserEntry* entry = state.find_user(ref.name);
    IamUser user = entry->record;
    TRIVET_CHECK_OK(change(user));
    return Commit{.compares = {{user_key(user.name), entry->modified}},
                  .puts = {{user_key(user.name), encode(user)}}};
  }
  const RoleEntry* entry = state.find_role(ref.name);
  IamRole role = entry->record;
  TRIVET_CHECK_OK(change(role));
  return Commit{.compares = {{role_key(role.name), entry->modified}},
                .puts = {{role_key(role.name), encode(role)}}};
}

// Adds `by` to the policy's count of attachments; nothing to do for AWS's own.
void count_attachment(const PolicyEntry* policy, std::int64_t by, Commit& commit) {
  if (policy == nullptr) {
    return;
  }
  IamPolicy counted = policy->record;
  counted.attachments += by;
  commit.compares.push_back({policy_key(counted.name), policy->modified});
  commit.puts.push_back({policy_key(counted.name), encode(counted)});
}

Error no_such_inline_policy(const EntityRef& ref, std::string_view name) {
  return no_such_entity("The " + std::string(kind_word(ref)) + " policy with name " +
                        std::string(name) + " cannot be found.");
}

Status check_arn(std::string_view arn) {
  if (arn.size() < 20 || !parse_arn(arn)) {
    return validation_error("Invalid ARN:  Could not be parsed!");
  }
  return ok();
}

}  // namespace

Status IamService::put_inline_policy(const EntityRef& entity, std::string_view name,
                                     std::string_view document) {
  TRIVET_CHECK_OK(check_name("policyName", name, 128));
  return mutate([&](const IamState& state) -> Result<Commit> {
    TRIVET_TRY(const IamEntity* found, find_entity(state, entity));
    static_cast<void>(found);  // an unknown entity comes before a bad document
    TRIVET_TRY(const NamedPolicy parsed, check_identity_policy(std::string(name), document));
    static_cast<void>(parsed);
    return edit(state, entity, [&](IamEntity& changed) -> Status {
      changed.inline_policies[std::string(name)] = std::string(document);
      std::size_t total = 0;
      for (const auto& [each, text] : changed.inline_policies) {
        total += policy::counted_size(text);
      }
      const std::size_t most = is_user(entity) ? kUserInlineBytesMax : kRoleInlineBytesMax;
      if (total > most) {
        return limit_exceeded("Maximum policy size of " + std::to_string(most) +
                              " bytes exceeded for " + std::string(kind_word(entity)) + " " +
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
    return edit(state, entity, [&](IamEntity& changed) -> Status {
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
    TRIVET_TRY(Commit commit, edit(state, entity, [&](IamEntity& changed) -> Status {
                 if (changed.attached_policies.size() >= kAttachedPoliciesMax) {
                   return limit_exceeded("Cannot exceed quota for PoliciesPer" +
                                         std::string(is_user(entity) ? "User" : "Role") + ": " +
                                         std::to_string(kAttachedPoliciesMax));
                 }
                 changed.attached_policies.emplace_back(arn);
                 return ok();
               }));
    count_attachment(policy, 1, commit);
    return commit;
  });
}

Status IamService::detach_policy(const EntityRef& entity, std::string_view arn) {
  TRIVET_CHECK_OK(check_arn(arn));
  return mutate([&](const IamState& state) -> Result<Commit> {
    TRIVET_TRY(Commit commit, edit(state, entity, [&](IamEntity& changed) -> Status {
                 if (std::erase(changed.attached_policies, arn) == 0) {
                   return no_such_entity("Policy " + std::string(arn) + " was not found.");
                 }
                 return ok();
               }));
    count_attachment(state.find_policy(options_.realm, arn), -1, commit);
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
      for (const std::string& key : keys) {
        std::erase_if(changed.tags,
                      [&](const auto& tag) { return equals_ignoring_case(tag.first, key); });
      }
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
