// SPDX-License-Identifier: Apache-2.0
//
// Groups and who is in them. A group names its members by unique id, so that a user who is deleted
// and made again is in none.
#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "service/iam_ids.h"
#include "service/iam_paging.h"
#include "service/iam_service.h"

namespace trivet::service {
namespace {

Error no_such_group(std::string_view name) {
  return no_such_entity("The group with name " + std::string(name) + " cannot be found.");
}

Error no_such_user(std::string_view name) {
  return no_such_entity("The user with name " + std::string(name) + " cannot be found.");
}

bool is_member(const IamGroup& group, std::string_view user_id) {
  return std::find(group.member_ids.begin(), group.member_ids.end(), user_id) !=
         group.member_ids.end();
}

// Members that are still there.
std::size_t count_members(const IamState& state, const IamGroup& group) {
  return static_cast<std::size_t>(
      std::count_if(state.users.begin(), state.users.end(),
                    [&](const auto& user) { return is_member(group, user.second->record.id); }));
}

}  // namespace

Result<IamGroup> IamService::create_group(std::string_view name, std::string_view path,
                                          WallTime now) {
  TRIVET_CHECK_OK(check_name("groupName", name, 128));
  TRIVET_CHECK_OK(check_path("path", path));
  IamGroup group;
  group.name = name;
  group.path = path;
  group.id = make_unique_id("AGPA");
  group.created = now;
  TRIVET_CHECK_OK(mutate([&](const IamState& state) -> Result<Commit> {
    if (state.find_group(name) != nullptr) {
      return already_exists("Group with name " + group.name + " already exists.");
    }
    if (state.groups.size() >= kGroupsMax) {
      return limit_exceeded("Cannot exceed quota for GroupsPerAccount: " +
                            std::to_string(kGroupsMax));
    }
    return Commit{.compares = {{group_key(name), Revision(0)}},
                  .puts = {{group_key(name), encode(group)}}};
  }));
  return group;
}

Result<GroupMembers> IamService::get_group(std::string_view name, const PageRequest& page) const {
  const auto now = state();
  const GroupEntry* entry = now->find_group(name);
  if (entry == nullptr) {
    return no_such_group(name);
  }
  std::vector<std::pair<std::string, IamUser>> items;
  for (const auto& [key, user] : now->users) {
    if (is_member(entry->record, user->record.id)) {
      items.emplace_back(key, user->record);
    }
  }
  TRIVET_TRY(auto users, make_page(std::move(items), page));
  return GroupMembers{entry->record, std::move(users)};
}

Result<Page<IamGroup>> IamService::list_groups(const PageRequest& page) const {
  const auto now = state();
  std::vector<std::pair<std::string, IamGroup>> items;
  for (const auto& [key, entry] : now->groups) {
    if (entry->record.path.starts_with(page.path_prefix)) {
      items.emplace_back(key, entry->record);
    }
  }
  return make_page(std::move(items), page);
}

Result<Page<IamGroup>> IamService::list_groups_for_user(std::string_view user,
                                                        const PageRequest& page) const {
  const auto now = state();
  const UserEntry* entry = now->find_user(user);
  if (entry == nullptr) {
    return no_such_user(user);
  }
  std::vector<std::pair<std::string, IamGroup>> items;
  for (const GroupEntry* group : now->groups_of(entry->record.id)) {
    items.emplace_back(to_lower(group->record.name), group->record);
  }
  return make_page(std::move(items), page);
}

Status IamService::update_group(const UpdateName& request) {
  if (request.new_name) {
    TRIVET_CHECK_OK(check_name("newGroupName", *request.new_name, 128));
  }
  if (request.new_path) {
    TRIVET_CHECK_OK(check_path("newPath", *request.new_path));
  }
  return mutate([&](const IamState& state) -> Result<Commit> {
    const GroupEntry* entry = state.find_group(request.name);
    if (entry == nullptr) {
      return no_such_group(request.name);
    }
    IamGroup group = entry->record;
    const std::string old_key = group_key(group.name);
    group.name = request.new_name.value_or(group.name);
    group.path = request.new_path.value_or(group.path);
    const std::string new_key = group_key(group.name);
    Commit commit{.compares = {{old_key, entry->modified}}, .puts = {{new_key, encode(group)}}};
    if (new_key != old_key) {
      if (state.find_group(group.name) != nullptr) {
        return already_exists("Group with name " + group.name + " already exists.");
      }
      commit.compares.push_back({new_key, Revision(0)});
      commit.deletes.push_back(old_key);
    }
    return commit;
  });
}

Status IamService::delete_group(std::string_view name) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    const GroupEntry* entry = state.find_group(name);
    if (entry == nullptr) {
      return no_such_group(name);
    }
    if (count_members(state, entry->record) > 0) {
      return delete_conflict("Cannot delete entity, must remove users from group first.");
    }
    if (!entry->record.attached_policies.empty()) {
      return delete_conflict("Cannot delete entity, must detach all policies first.");
    }
    if (!entry->record.inline_policies.empty()) {
      return delete_conflict("Cannot delete entity, must delete policies first.");
    }
    return Commit{.compares = {{group_key(name), entry->modified}}, .deletes = {group_key(name)}};
  });
}

Status IamService::add_to_group(std::string_view group, std::string_view user) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    const GroupEntry* entry = state.find_group(group);
    if (entry == nullptr) {
      return no_such_group(group);
    }
    const UserEntry* member = state.find_user(user);
    if (member == nullptr) {
      return no_such_user(user);
    }
    IamGroup changed = entry->record;
    if (is_member(changed, member->record.id)) {
      return Commit{};  // as AWS: being in it already is no error
    }
    if (state.groups_of(member->record.id).size() >= kGroupsPerUserMax) {
      return limit_exceeded("Cannot exceed quota for GroupsPerUser: " +
                            std::to_string(kGroupsPerUserMax));
    }
    changed.member_ids.push_back(member->record.id);
    return Commit{
        .compares = {{group_key(group), entry->modified}, {user_key(user), member->modified}},
        .puts = {{group_key(group), encode(changed)}}};
  });
}

Status IamService::remove_from_group(std::string_view group, std::string_view user) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    const GroupEntry* entry = state.find_group(group);
    if (entry == nullptr) {
      return no_such_group(group);
    }
    const UserEntry* member = state.find_user(user);
    if (member == nullptr) {
      return no_such_user(user);
    }
    IamGroup changed = entry->record;
    if (std::erase(changed.member_ids, member->record.id) == 0) {
      return no_such_entity("User " + member->record.name + " is not in group " + changed.name +
                            ".");
    }
    return Commit{.compares = {{group_key(group), entry->modified}},
                  .puts = {{group_key(group), encode(changed)}}};
  });
}

}  // namespace trivet::service
