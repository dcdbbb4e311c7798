// SPDX-License-Identifier: Apache-2.0
//
// Users and their access keys.
#include <utility>

#include "base/bytes.h"
#include "service/iam_boundary.h"
#include "service/iam_ids.h"
#include "service/iam_paging.h"
#include "service/iam_service.h"

namespace trivet::service {
namespace {

Error no_such_user(std::string_view name) {
  return no_such_entity("The user with name " + std::string(name) + " cannot be found.");
}

Error no_such_key(std::string_view id) {
  return no_such_entity("The Access Key with id " + std::string(id) + " cannot be found.");
}

// A key of `user` (empty: of root), or NoSuchEntity also when it is somebody else's.
Result<const AccessKeyEntry*> find_key_of(const IamState& state, std::string_view user,
                                          std::string_view id) {
  const auto it = state.access_keys.find(id);
  if (it == state.access_keys.end() || to_lower(it->second->record.owner_name) != to_lower(user)) {
    return no_such_key(id);
  }
  return it->second.get();
}

std::size_t count_root_keys(const IamState& state) {
  std::size_t count = 0;
  for (const auto& [id, entry] : state.access_keys) {
    count += entry->record.owner_name.empty() ? 1 : 0;
  }
  return count;
}

}  // namespace

WallTime IamService::account_created() const {
  WallTime first{};
  const auto now = state();
  for (const auto& [id, entry] : now->access_keys) {
    const bool is_earlier = first == WallTime{} || entry->record.created < first;
    first = entry->record.owner_name.empty() && is_earlier ? entry->record.created : first;
  }
  return first;
}

Result<IamUser> IamService::create_user(const CreateUser& request, WallTime now) {
  TRIVET_CHECK_OK(check_name("userName", request.name, 64));
  TRIVET_CHECK_OK(check_path("path", request.path));
  IamUser user;
  TRIVET_TRY(user.tags, merge_tags({}, request.tags));
  user.name = request.name;
  user.path = request.path;
  user.id = make_unique_id("AIDA");
  user.created = now;
  user.permissions_boundary = request.permissions_boundary;
  TRIVET_CHECK_OK(mutate([&](const IamState& state) -> Result<Commit> {
    if (state.find_user(request.name) != nullptr) {
      return already_exists("User with name " + request.name + " already exists.");
    }
    if (state.users.size() >= kUsersMax) {
      return limit_exceeded("Cannot exceed quota for UsersPerAccount: " +
                            std::to_string(kUsersMax));
    }
    const Status bound = check_boundary(state, options_.realm, request.permissions_boundary);
    if (!bound) {
      return bound.error();
    }
    Commit commit{.compares = {{user_key(request.name), Revision(0)}},
                  .puts = {{user_key(request.name), encode(user)}}};
    count_boundary(state, options_.realm, request.permissions_boundary, 1, commit);
    return commit;
  }));
  return user;
}

Result<IamUser> IamService::get_user(std::string_view name) const {
  const auto now = state();
  const UserEntry* entry = now->find_user(name);
  if (entry == nullptr) {
    return no_such_user(name);
  }
  return entry->record;
}

Result<Page<IamUser>> IamService::list_users(const PageRequest& page) const {
  std::vector<std::pair<std::string, IamUser>> items;
  const auto now = state();
  for (const auto& [key, entry] : now->users) {
    if (entry->record.path.starts_with(page.path_prefix)) {
      items.emplace_back(key, entry->record);
    }
  }
  return make_page(std::move(items), page);
}

Status IamService::update_user(const UpdateName& request) {
  if (request.new_name) {
    TRIVET_CHECK_OK(check_name("newUserName", *request.new_name, 64));
  }
  if (request.new_path) {
    TRIVET_CHECK_OK(check_path("newPath", *request.new_path));
  }
  return mutate([&](const IamState& state) -> Result<Commit> {
    const UserEntry* entry = state.find_user(request.name);
    if (entry == nullptr) {
      return no_such_user(request.name);
    }
    IamUser user = entry->record;
    const std::string old_key = user_key(user.name);
    user.name = request.new_name.value_or(user.name);
    user.path = request.new_path.value_or(user.path);
    const std::string new_key = user_key(user.name);
    Commit commit{.compares = {{old_key, entry->modified}}, .puts = {{new_key, encode(user)}}};
    if (new_key != old_key) {
      if (state.find_user(user.name) != nullptr) {
        return already_exists("User with name " + user.name + " already exists.");
      }
      commit.compares.push_back({new_key, Revision(0)});
      commit.deletes.push_back(old_key);
    }
    for (const std::string& id : user.access_keys) {
      const auto key = state.access_keys.find(id);
      if (key != state.access_keys.end()) {
        IamAccessKey renamed = key->second->record;
        renamed.owner_name = user.name;
        commit.compares.push_back({access_key_key(id), key->second->modified});
        commit.puts.push_back({access_key_key(id), encode(renamed)});
      }
    }
    return commit;
  });
}

Status IamService::delete_user(std::string_view name) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    const UserEntry* entry = state.find_user(name);
    if (entry == nullptr) {
      return no_such_user(name);
    }
    if (!entry->record.access_keys.empty()) {
      return delete_conflict("Cannot delete entity, must delete access keys first.");
    }
    if (!state.groups_of(entry->record.id).empty()) {
      return delete_conflict("Cannot delete entity, must remove users from group first.");
    }
    if (!entry->record.attached_policies.empty()) {
      return delete_conflict("Cannot delete entity, must detach all policies first.");
    }
    if (!entry->record.inline_policies.empty()) {
      return delete_conflict("Cannot delete entity, must delete policies first.");
    }
    Commit commit{.compares = {{user_key(name), entry->modified}}, .deletes = {user_key(name)}};
    count_boundary(state, options_.realm, entry->record.permissions_boundary, -1, commit);
    return commit;
  });
}

Result<NewAccessKey> IamService::create_access_key(std::string_view user, WallTime now) {
  NewAccessKey made;
  TRIVET_CHECK_OK(mutate([&](const IamState& state) -> Result<Commit> {
    const UserEntry* entry = user.empty() ? nullptr : state.find_user(user);
    if (!user.empty() && entry == nullptr) {
      return no_such_user(user);
    }
    const std::size_t have =
        entry != nullptr ? entry->record.access_keys.size() : count_root_keys(state);
    if (have >= kAccessKeysMax) {
      return limit_exceeded("Cannot exceed quota for AccessKeysPerUser: " +
                            std::to_string(kAccessKeysMax));
    }
    made.record.id = make_access_key_id("AKIA", options_.realm.account);
    made.record.owner_id = entry != nullptr ? entry->record.id : options_.realm.account.str();
    made.record.owner_name = entry != nullptr ? entry->record.name : "";
    made.record.created = now;
    made.secret = make_secret_access_key();
    const std::string key = access_key_key(made.record.id.str());
    made.record.sealed_secret = options_.sealer->seal(key, made.secret);
    Commit commit{.compares = {{key, Revision(0)}}, .puts = {{key, encode(made.record)}}};
    if (entry != nullptr) {
      IamUser owner = entry->record;
      owner.access_keys.push_back(made.record.id.str());
      commit.compares.push_back({user_key(owner.name), entry->modified});
      commit.puts.push_back({user_key(owner.name), encode(owner)});
    }
    return commit;
  }));
  return made;
}

Result<Page<IamAccessKey>> IamService::list_access_keys(std::string_view user,
                                                        const PageRequest& page) const {
  const auto now = state();
  if (!user.empty() && now->find_user(user) == nullptr) {
    return no_such_user(user);
  }
  std::vector<std::pair<std::string, IamAccessKey>> items;
  for (const auto& [id, entry] : now->access_keys) {
    if (to_lower(entry->record.owner_name) == to_lower(user)) {
      items.emplace_back(id, entry->record);
    }
  }
  return make_page(std::move(items), page);
}

Status IamService::update_access_key(std::string_view user, std::string_view id, bool active) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    TRIVET_TRY(const AccessKeyEntry* entry, find_key_of(state, user, id));
    IamAccessKey changed = entry->record;
    if (changed.active == active) {
      return Commit{};
    }
    changed.active = active;
    return Commit{.compares = {{access_key_key(id), entry->modified}},
                  .puts = {{access_key_key(id), encode(changed)}}};
  });
}

Status IamService::delete_access_key(std::string_view user, std::string_view id) {
  TRIVET_CHECK_OK(mutate([&](const IamState& state) -> Result<Commit> {
    TRIVET_TRY(const AccessKeyEntry* entry, find_key_of(state, user, id));
    Commit commit{.compares = {{access_key_key(id), entry->modified}},
                  .deletes = {access_key_key(id)}};
    if (const UserEntry* owner = user.empty() ? nullptr : state.find_user(user)) {
      IamUser changed = owner->record;
      std::erase(changed.access_keys, id);
      commit.compares.push_back({user_key(changed.name), owner->modified});
      commit.puts.push_back({user_key(changed.name), encode(changed)});
    }
    return commit;
  }));
  MutexLock lock(use_mutex_);
  if (const auto use = uses_.find(id); use != uses_.end()) {
    uses_.erase(use);
  }
  return ok();
}

Result<std::string> IamService::user_of_access_key(std::string_view id) const {
  const auto now = state();
  const auto it = now->access_keys.find(id);
  if (it == now->access_keys.end()) {
    return no_such_key(id);
  }
  return it->second->record.owner_name;
}

void IamService::note_access_key_used(std::string_view id, AccessKeyUse use) {
  MutexLock lock(use_mutex_);
  uses_.insert_or_assign(std::string(id), std::move(use));
}

Result<AccessKeyLastUsed> IamService::access_key_last_used(std::string_view id) const {
  AccessKeyLastUsed last;
  TRIVET_TRY(last.user_name, user_of_access_key(id));
  MutexLock lock(use_mutex_);
  if (const auto use = uses_.find(id); use != uses_.end()) {
    last.use = use->second;
  }
  return last;
}

}  // namespace trivet::service
