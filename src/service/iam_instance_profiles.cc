// SPDX-License-Identifier: Apache-2.0
//
// Instance profiles: what an EC2 instance would wear. None runs here; tools make them, look for
// them, and ask for a role's before they delete it.
#include <utility>

#include "base/bytes.h"
#include "service/iam_ids.h"
#include "service/iam_paging.h"
#include "service/iam_service.h"

namespace trivet::service {
namespace {

Result<const ProfileEntry*> find_profile(const IamState& state, std::string_view name) {
  const ProfileEntry* found = state.find_instance_profile(name);
  if (found == nullptr) {
    return no_such_entity("Instance Profile " + std::string(name) + " cannot be found.");
  }
  return found;
}

Result<const RoleEntry*> find_role(const IamState& state, std::string_view name) {
  const RoleEntry* found = state.find_role(name);
  if (found == nullptr) {
    return no_such_entity("The role with name " + std::string(name) + " cannot be found.");
  }
  return found;
}

Commit replace(const ProfileEntry& entry, const IamInstanceProfile& changed) {
  const std::string key = instance_profile_key(changed.name);
  return {.compares = {{key, entry.modified}}, .puts = {{key, encode(changed)}}};
}

}  // namespace

Result<IamInstanceProfile> IamService::create_instance_profile(std::string_view name,
                                                               std::string_view path,
                                                               const TagList& tags, WallTime now) {
  TRIVET_CHECK_OK(check_name("instanceProfileName", name, 128));
  TRIVET_CHECK_OK(check_path("path", path));
  IamInstanceProfile profile{.name = std::string(name),
                             .path = std::string(path),
                             .id = make_unique_id("AIPA"),
                             .role_name = {},
                             .created = now,
                             .tags = {}};
  TRIVET_TRY(profile.tags, merge_tags({}, tags));
  const std::string key = instance_profile_key(name);
  TRIVET_CHECK_OK(mutate([&](const IamState& state) -> Result<Commit> {
    if (state.find_instance_profile(name) != nullptr) {
      return already_exists("Instance Profile " + profile.name + " already exists.");
    }
    if (state.instance_profiles.size() >= kInstanceProfilesMax) {
      return limit_exceeded("Cannot exceed quota for InstanceProfilesPerAccount: " +
                            std::to_string(kInstanceProfilesMax));
    }
    return Commit{.compares = {{key, Revision(0)}}, .puts = {{key, encode(profile)}}};
  }));
  return profile;
}

Result<IamInstanceProfile> IamService::get_instance_profile(std::string_view name) const {
  const auto now = state();
  TRIVET_TRY(const ProfileEntry* found, find_profile(*now, name));
  return found->record;
}

Result<Page<IamInstanceProfile>> IamService::list_instance_profiles(const PageRequest& page,
                                                                    std::string_view role) const {
  const auto now = state();
  if (!role.empty()) {
    TRIVET_CHECK_OK(find_role(*now, role));
  }
  std::vector<std::pair<std::string, IamInstanceProfile>> items;
  for (const auto& [key, entry] : now->instance_profiles) {
    const IamInstanceProfile& profile = entry->record;
    if (profile.path.starts_with(page.path_prefix) &&
        (role.empty() || to_lower(profile.role_name) == to_lower(role))) {
      items.emplace_back(key, profile);
    }
  }
  return make_page(std::move(items), page);
}

Status IamService::add_to_instance_profile(std::string_view profile, std::string_view role) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    TRIVET_TRY(const ProfileEntry* entry, find_profile(state, profile));
    TRIVET_TRY(const RoleEntry* found, find_role(state, role));
    if (!entry->record.role_name.empty()) {
      return limit_exceeded("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
    }
    IamInstanceProfile changed = entry->record;
    changed.role_name = found->record.name;
    Commit commit = replace(*entry, changed);
    commit.compares.push_back({role_key(role), found->modified});
    return commit;
  });
}

Status IamService::remove_from_instance_profile(std::string_view profile, std::string_view role) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    TRIVET_TRY(const ProfileEntry* entry, find_profile(state, profile));
    IamInstanceProfile changed = entry->record;
    if (changed.role_name.empty() || to_lower(changed.role_name) != to_lower(role)) {
      return no_such_entity("The role with name " + std::string(role) + " cannot be found.");
    }
    changed.role_name.clear();
    return replace(*entry, changed);
  });
}

Status IamService::tag_instance_profile(std::string_view name, const TagList& added,
                                        const std::vector<std::string>& removed) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    TRIVET_TRY(const ProfileEntry* entry, find_profile(state, name));
    IamInstanceProfile changed = entry->record;
    TRIVET_TRY(changed.tags, merge_tags(changed.tags, added));
    remove_tags(changed.tags, removed);
    return replace(*entry, changed);
  });
}

Status IamService::delete_instance_profile(std::string_view name) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    TRIVET_TRY(const ProfileEntry* entry, find_profile(state, name));
    if (!entry->record.role_name.empty()) {
      return delete_conflict(
          "Cannot delete entity, must remove roles from instance profile first.");
    }
    const std::string key = instance_profile_key(name);
    return Commit{.compares = {{key, entry->modified}}, .deletes = {key}};
  });
}

}  // namespace trivet::service
