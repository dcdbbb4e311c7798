// SPDX-License-Identifier: Apache-2.0
//
// Managed policies: the customer's, and AWS's own by their ARNs.
#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "service/iam_aws_policies.h"
#include "service/iam_ids.h"
#include "service/iam_paging.h"
#include "service/iam_service.h"

namespace trivet::service {
namespace {

std::string version_name(std::int64_t number) {
  return "v" + std::to_string(number);
}

ManagedPolicy customer_policy(const Realm& realm, const IamPolicy& policy,
                              const IamPolicyVersion& version) {
  return {.arn = iam_arn(realm, "policy", policy.path, policy.name),
          .name = policy.name,
          .path = policy.path,
          .id = policy.id,
          .description = policy.description,
          .document = version.document,
          .version = version_name(version.number),
          .default_version = version_name(policy.default_version),
          .version_created = version.created,
          .created = policy.created,
          .updated = policy.updated,
          .attachments = policy.attachments,
          .boundary_uses = policy.boundary_uses,
          .tags = policy.tags};
}

ManagedPolicy customer_policy(const Realm& realm, const IamPolicy& policy) {
  return customer_policy(realm, policy, policy.current());
}

struct Uses {
  std::int64_t attachments = 0;
  std::int64_t boundaries = 0;
};

bool has_attached(const IamEntity& entity, std::string_view arn) {
  const auto& attached = entity.attached_policies;
  return std::find(attached.begin(), attached.end(), arn) != attached.end();
}

// Counted when asked: AWS's policies have no record of ours.
Uses count_uses(const IamState& state, std::string_view arn) {
  Uses uses;
  const auto count = [&](const IamEntity& entity) {
    uses.attachments += has_attached(entity, arn) ? 1 : 0;
    uses.boundaries += entity.permissions_boundary == arn ? 1 : 0;
  };
  for (const auto& [name, entry] : state.users) {
    count(entry->record);
  }
  for (const auto& [name, entry] : state.groups) {
    count(entry->record);
  }
  for (const auto& [name, entry] : state.roles) {
    count(entry->record);
  }
  return uses;
}

ManagedPolicy aws_policy(const IamState& state, const Realm& realm, const AwsPolicy& policy) {
  std::string arn = aws_policy_arn(realm, policy);
  const Uses uses = count_uses(state, arn);
  return {.arn = std::move(arn),
          .name = std::string(policy.name),
          .path = std::string(policy.path),
          .id = std::string(policy.id),
          .description = std::string(policy.description),
          .document = std::string(policy.document),
          .version_created = wall_time_from_ms(kAwsPoliciesCreatedMs),
          .created = wall_time_from_ms(kAwsPoliciesCreatedMs),
          .updated = wall_time_from_ms(kAwsPoliciesCreatedMs),
          .attachments = uses.attachments,
          .boundary_uses = uses.boundaries};
}

Error no_such_policy(std::string_view arn) {
  return no_such_entity("Policy " + std::string(arn) + " was not found.");
}

Error no_such_version(std::string_view arn, std::string_view version) {
  return no_such_entity("Policy " + std::string(arn) + " version " + std::string(version) +
                        " does not exist or is not attachable.");
}

Status check_size(std::string_view document) {
  if (policy::counted_size(document) > kManagedPolicyBytesMax) {
    return limit_exceeded("Cannot exceed quota for PolicySize: " +
                          std::to_string(kManagedPolicyBytesMax));
  }
  return ok();
}

// The record of a customer's policy; AWS's own cannot be changed.
Result<const PolicyEntry*> find_own(const IamState& state, const Realm& realm,
                                    std::string_view arn) {
  if (!parse_arn(arn)) {
    return validation_error("Invalid ARN:  Could not be parsed!");
  }
  if (const PolicyEntry* entry = state.find_policy(realm, arn)) {
    return entry;
  }
  if (find_aws_policy(realm, arn) != nullptr) {
    return aws_fault(Errc::kDenied, "AccessDenied",
                     "Policy " + std::string(arn) + " belongs to AWS and cannot be changed.");
  }
  return no_such_policy(arn);
}

// The version of that name; NoSuchEntity.
Result<const IamPolicyVersion*> find_version(const IamPolicy& policy, std::string_view arn,
                                             std::string_view name) {
  for (const IamPolicyVersion& version : policy.versions) {
    if (version_name(version.number) == name) {
      return &version;
    }
  }
  return no_such_version(arn, name);
}

Commit replace(const PolicyEntry& entry, const IamPolicy& changed) {
  const std::string key = policy_key(entry.record.name);
  return {.compares = {{key, entry.modified}}, .puts = {{key, encode(changed)}}};
}

}  // namespace

Result<ManagedPolicy> IamService::create_policy(const CreatePolicy& request, WallTime now) {
  TRIVET_CHECK_OK(check_name("policyName", request.name, 128));
  TRIVET_CHECK_OK(check_path("path", request.path));
  TRIVET_CHECK_OK(check_description(request.description));
  TRIVET_TRY(const NamedPolicy parsed, check_identity_policy(request.name, request.document));
  static_cast<void>(parsed);
  TRIVET_CHECK_OK(check_size(request.document));
  IamPolicy policy;
  TRIVET_TRY(policy.tags, merge_tags({}, request.tags));
  policy.name = request.name;
  policy.path = request.path;
  policy.id = make_unique_id("ANPA");
  policy.description = request.description;
  policy.versions = {{1, request.document, now}};
  policy.created = now;
  policy.updated = now;
  TRIVET_CHECK_OK(mutate([&](const IamState& state) -> Result<Commit> {
    if (state.policies.contains(to_lower(request.name))) {
      return already_exists("A policy called " + request.name +
                            " already exists. Duplicate names are not allowed.");
    }
    if (state.policies.size() >= kPoliciesMax) {
      return limit_exceeded("Cannot exceed quota for PoliciesPerAccount: " +
                            std::to_string(kPoliciesMax));
    }
    return Commit{.compares = {{policy_key(request.name), Revision(0)}},
                  .puts = {{policy_key(request.name), encode(policy)}}};
  }));
  return customer_policy(options_.realm, policy);
}

Result<ManagedPolicy> IamService::get_policy(std::string_view arn) const {
  if (!parse_arn(arn)) {
    return validation_error("Invalid ARN:  Could not be parsed!");
  }
  const auto now = state();
  if (const PolicyEntry* entry = now->find_policy(options_.realm, arn)) {
    return customer_policy(options_.realm, entry->record);
  }
  if (const AwsPolicy* aws = find_aws_policy(options_.realm, arn)) {
    return aws_policy(*now, options_.realm, *aws);
  }
  return no_such_policy(arn);
}

Result<Page<ManagedPolicy>> IamService::list_policies(const ListPolicies& request) const {
  const auto now = state();
  std::vector<std::pair<std::string, ManagedPolicy>> items;
  const auto add = [&](ManagedPolicy policy) {
    if (policy.path.starts_with(request.page.path_prefix) &&
        (!request.only_attached || policy.attachments + policy.boundary_uses > 0) &&
        (request.use != PolicyUse::kBoundary || policy.boundary_uses > 0) &&
        (request.use != PolicyUse::kPermissions || policy.attachments > 0)) {
      std::string key = to_lower(policy.name) + " " + policy.arn;
      items.emplace_back(std::move(key), std::move(policy));
    }
  };
  if (request.scope != PolicyScope::kAws) {
    for (const auto& [name, entry] : now->policies) {
      add(customer_policy(options_.realm, entry->record));
    }
  }
  if (request.scope != PolicyScope::kLocal) {
    for (const AwsPolicy& policy : aws_policies()) {
      add(aws_policy(*now, options_.realm, policy));
    }
  }
  std::sort(items.begin(), items.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return make_page(std::move(items), request.page);
}

Status IamService::delete_policy(std::string_view arn) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    TRIVET_TRY(const PolicyEntry* entry, find_own(state, options_.realm, arn));
    if (entry->record.attachments + entry->record.boundary_uses > 0) {
      return delete_conflict("Cannot delete a policy attached to entities.");
    }
    if (entry->record.versions.size() > 1) {
      return delete_conflict(
          "This policy has more than one version. Before you delete a policy, you must delete the "
          "policy's versions. The default version is deleted with the policy.");
    }
    const std::string key = policy_key(entry->record.name);
    return Commit{.compares = {{key, entry->modified}}, .deletes = {key}};
  });
}

Result<ManagedPolicy> IamService::create_policy_version(std::string_view arn,
                                                        std::string_view document, bool is_default,
                                                        WallTime now) {
  TRIVET_TRY(const NamedPolicy parsed, check_identity_policy("policy", document));
  static_cast<void>(parsed);
  TRIVET_CHECK_OK(check_size(document));
  IamPolicy made;
  TRIVET_CHECK_OK(mutate([&](const IamState& state) -> Result<Commit> {
    TRIVET_TRY(const PolicyEntry* entry, find_own(state, options_.realm, arn));
    made = entry->record;
    if (made.versions.size() >= kPolicyVersionsMax) {
      return limit_exceeded("A managed policy can have up to " +
                            std::to_string(kPolicyVersionsMax) +
                            " versions. Before you create a new version, you must delete an "
                            "existing version.");
    }
    made.versions.push_back({++made.last_version, std::string(document), now});
    made.updated = now;
    if (is_default) {
      made.default_version = made.last_version;
    }
    return replace(*entry, made);
  }));
  return customer_policy(options_.realm, made, made.versions.back());
}

Result<std::vector<ManagedPolicy>> IamService::list_policy_versions(std::string_view arn) const {
  TRIVET_TRY(const ManagedPolicy policy, get_policy(arn));
  const auto now = state();
  const PolicyEntry* entry = now->find_policy(options_.realm, arn);
  if (entry == nullptr) {
    return std::vector<ManagedPolicy>{policy};
  }
  std::vector<ManagedPolicy> versions;
  for (auto it = entry->record.versions.rbegin(); it != entry->record.versions.rend(); ++it) {
    versions.push_back(customer_policy(options_.realm, entry->record, *it));
  }
  return versions;
}

Result<ManagedPolicy> IamService::get_policy_version(std::string_view arn,
                                                     std::string_view version) const {
  TRIVET_TRY(const auto versions, list_policy_versions(arn));
  for (const ManagedPolicy& each : versions) {
    if (each.version == version) {
      return each;
    }
  }
  return no_such_version(arn, version);
}

Status IamService::delete_policy_version(std::string_view arn, std::string_view version) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    TRIVET_TRY(const PolicyEntry* entry, find_own(state, options_.realm, arn));
    TRIVET_TRY(const IamPolicyVersion* found, find_version(entry->record, arn, version));
    if (found->number == entry->record.default_version) {
      return delete_conflict("Cannot delete the default version of a policy.");
    }
    IamPolicy changed = entry->record;
    std::erase_if(changed.versions,
                  [&](const IamPolicyVersion& each) { return each.number == found->number; });
    return replace(*entry, changed);
  });
}

Status IamService::set_default_policy_version(std::string_view arn, std::string_view version) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    TRIVET_TRY(const PolicyEntry* entry, find_own(state, options_.realm, arn));
    TRIVET_TRY(const IamPolicyVersion* found, find_version(entry->record, arn, version));
    IamPolicy changed = entry->record;
    changed.default_version = found->number;
    return replace(*entry, changed);
  });
}

Status IamService::tag_policy(std::string_view arn, const TagList& added,
                              const std::vector<std::string>& removed) {
  return mutate([&](const IamState& state) -> Result<Commit> {
    TRIVET_TRY(const PolicyEntry* entry, find_own(state, options_.realm, arn));
    IamPolicy changed = entry->record;
    TRIVET_TRY(changed.tags, merge_tags(changed.tags, added));
    remove_tags(changed.tags, removed);
    return replace(*entry, changed);
  });
}

Result<PolicyEntities> IamService::entities_for_policy(std::string_view arn,
                                                       std::string_view path_prefix,
                                                       PolicyUse use) const {
  TRIVET_TRY(const ManagedPolicy policy, get_policy(arn));
  const auto now = state();
  PolicyEntities found;
  const auto has = [&](const IamEntity& entity) {
    const bool is_bound = entity.permissions_boundary == policy.arn;
    const bool is_attached = has_attached(entity, policy.arn);
    return entity.path.starts_with(path_prefix) &&
           (use == PolicyUse::kBoundary      ? is_bound
            : use == PolicyUse::kPermissions ? is_attached
                                             : is_bound || is_attached);
  };
  const auto collect = [&](const auto& entries, auto& into) {
    for (const auto& [name, entry] : entries) {
      if (has(entry->record)) {
        into.emplace_back(entry->record.name, entry->record.id);
      }
    }
  };
  collect(now->users, found.users);
  collect(now->groups, found.groups);
  collect(now->roles, found.roles);
  return found;
}

}  // namespace trivet::service
