// SPDX-License-Identifier: Apache-2.0
//
// Roles and their trust policies.
#include <utility>

#include "base/bytes.h"
#include "service/iam_boundary.h"
#include "service/iam_ids.h"
#include "service/iam_paging.h"
#include "service/iam_service.h"

namespace trivet::service {
namespace {

Error no_such_role(std::string_view name) {
  return no_such_entity("The role with name " + std::string(name) + " cannot be found.");
}

Status check_session_seconds(std::int64_t seconds) {
  if (seconds < 3600 || seconds > 43200) {
    return constraint_error(std::to_string(seconds), "maxSessionDuration",
                            seconds < 3600 ? "Member must have value greater than or equal to 3600"
                                           : "Member must have value less than or equal to 43200");
  }
  return ok();
}

// The document is checked, and each user and role in it is remembered by unique id.
Result<std::map<std::string, std::string>> check_trust(const IamState& state, const Realm& realm,
                                                       std::string_view document) {
  TRIVET_TRY(const NamedPolicy trust, check_trust_policy(document));
  if (policy::counted_size(document) > kTrustPolicyBytesMax) {
    return limit_exceeded("Cannot exceed quota for ACLSizePerRole: " +
                          std::to_string(kTrustPolicyBytesMax));
  }
  return find_trusted_ids(*trust.policy, realm,
                          [&](const std::string& arn) { return state.unique_id_of(realm, arn); });
}

}  // namespace

Result<IamRole> IamService::create_role(const CreateRole& request, WallTime now) {
  TRIVET_CHECK_OK(check_name("roleName", request.name, 64));
  TRIVET_CHECK_OK(check_path("path", request.path));
  if (request.path.starts_with(kServiceLinkedPath)) {
    return invalid_input("Roles under " + request.path + " are made by CreateServiceLinkedRole.");
  }
  TRIVET_CHECK_OK(check_description(request.description));
  TRIVET_CHECK_OK(check_session_seconds(request.session_seconds_max));
  IamRole role;
  TRIVET_TRY(role.tags, merge_tags({}, request.tags));
  role.name = request.name;
  role.path = request.path;
  role.id = make_unique_id("AROA");
  role.created = now;
  role.permissions_boundary = request.permissions_boundary;
  role.description = request.description;
  role.trust_policy = request.trust_policy;
  role.session_seconds_max = request.session_seconds_max;
  TRIVET_CHECK_OK(mutate([&](const IamState& state) -> Result<Commit> {
    if (state.find_role(request.name) != nullptr) {
      return already_exists("Role with name " + request.name + " already exists.");
    }
    if (state.roles.size() >= kRolesMax) {
      return limit_exceeded("Cannot exceed quota for RolesPerAccount: " +
                            std::to_string(kRolesMax));
    }
    TRIVET_TRY(role.trusted_ids, check_trust(state, options_.realm, request.trust_policy));
    const Status bound = check_boundary(state, options_.realm, request.permissions_boundary);
    if (!bound) {
      return bound.error();
    }
    Commit commit{.compares = {{role_key(request.name), Revision(0)}},
                  .puts = {{role_key(request.name), encode(role)}}};
    count_boundary(state, options_.realm, request.permissions_boundary, 1, commit);
    return commit;
  }));
  return role;
}

Result<IamRole> IamService::get_role(std::string_view name) const {
  const auto now = state();
  const RoleEntry* entry = now->find_role(name);
  if (entry == nullptr) {
    return no_such_role(name);
  }
  IamRole role = entry->record;
  role.trust_policy =
      with_strings(role.trust_policy, now->changed_principals(options_.realm, *entry));
  return role;
}

Result<Page<IamRole>> IamService::list_roles(const PageRequest& page) const {
  const auto now = state();
  std::vector<std::pair<std::string, IamRole>> items;
  for (const auto& [key, entry] : now->roles) {
    if (entry->record.path.starts_with(page.path_prefix)) {
      IamRole role = entry->record;
      role.trust_policy =
          with_strings(role.trust_policy, now->changed_principals(options_.realm, *entry));
      items.emplace_back(key, std::move(role));
    }
  }
  return make_page(std::move(items), page);
}

Status IamService::update_role(const UpdateRole& request) {
  if (request.description) {
    TRIVET_CHECK_OK(check_description(*request.description));
  }
  if (request.session_seconds_max) {
    TRIVET_CHECK_OK(check_session_seconds(*request.session_seconds_max));
  }
  return mutate([&](const IamState& state) -> Result<Commit> {
    const RoleEntry* entry = state.find_role(request.name);
    if (entry == nullptr) {
      return no_such_role(request.name);
    }
    IamRole role = entry->record;
    role.description = request.description.value_or(role.description);
    role.session_seconds_max = request.session_seconds_max.value_or(role.session_seconds_max);
    return Commit{.compares = {{role_key(role.name), entry->modified}},
                  .puts = {{role_key(role.name), encode(role)}}};
  });
}

Status IamService::update_trust_policy(std::string_view name, std::string_view document) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    const RoleEntry* entry = state.find_role(name);
    if (entry == nullptr) {
      return no_such_role(name);
    }
    TRIVET_CHECK_OK(check_modifiable(entry->record));
    IamRole role = entry->record;
    TRIVET_TRY(role.trusted_ids, check_trust(state, options_.realm, document));
    role.trust_policy = std::string(document);
    return Commit{.compares = {{role_key(role.name), entry->modified}},
                  .puts = {{role_key(role.name), encode(role)}}};
  });
}

Status IamService::delete_role(std::string_view name) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    const RoleEntry* entry = state.find_role(name);
    if (entry == nullptr) {
      return no_such_role(name);
    }
    TRIVET_CHECK_OK(check_modifiable(entry->record));
    for (const auto& [key, profile] : state.instance_profiles) {
      if (to_lower(profile->record.role_name) == to_lower(name)) {
        return delete_conflict(
            "Cannot delete entity, must remove roles from instance profile first.");
      }
    }
    if (!entry->record.attached_policies.empty()) {
      return delete_conflict("Cannot delete entity, must detach all policies first.");
    }
    if (!entry->record.inline_policies.empty()) {
      return delete_conflict("Cannot delete entity, must delete policies first.");
    }
    Commit commit{.compares = {{role_key(name), entry->modified}}, .deletes = {role_key(name)}};
    count_boundary(state, options_.realm, entry->record.permissions_boundary, -1, commit);
    return commit;
  });
}

}  // namespace trivet::service
