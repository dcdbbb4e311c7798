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

ManagedPolicy customer_policy(const Realm& realm, const IamPolicy& policy) {
  return {.arn = iam_arn(realm, "policy", policy.path, policy.name),
          .name = policy.name,
          .path = policy.path,
          .id = policy.id,
          .description = policy.description,
          .document = policy.document,
          .created = policy.created,
          .updated = policy.updated,
          .attachments = policy.attachments,
          .tags = policy.tags};
}

// Counted when asked: AWS's policies have no record of ours.
std::int64_t count_attachments(const IamState& state, std::string_view arn) {
  std::int64_t count = 0;
  const auto has = [&](const IamEntity& entity) {
    const auto& attached = entity.attached_policies;
    return std::find(attached.begin(), attached.end(), arn) != attached.end();
  };
  for (const auto& [name, entry] : state.users) {
    count += has(entry->record) ? 1 : 0;
  }
  for (const auto& [name, entry] : state.roles) {
    count += has(entry->record) ? 1 : 0;
  }
  return count;
}

ManagedPolicy aws_policy(const IamState& state, const Realm& realm, const AwsPolicy& policy) {
  std::string arn = aws_policy_arn(realm, policy);
  const std::int64_t attachments = count_attachments(state, arn);
  return {.arn = std::move(arn),
          .name = std::string(policy.name),
          .path = std::string(policy.path),
          .id = std::string(policy.id),
          .description = std::string(policy.description),
          .document = std::string(policy.document),
          .created = wall_time_from_ms(kAwsPoliciesCreatedMs),
          .updated = wall_time_from_ms(kAwsPoliciesCreatedMs),
          .attachments = attachments};
}

Error no_such_policy(std::string_view arn) {
  return no_such_entity("Policy " + std::string(arn) + " was not found.");
}

}  // namespace

Result<ManagedPolicy> IamService::create_policy(const CreatePolicy& request, WallTime now) {
  TRIVET_CHECK_OK(check_name("policyName", request.name, 128));
  TRIVET_CHECK_OK(check_path("path", request.path));
  TRIVET_CHECK_OK(check_description(request.description));
  TRIVET_TRY(const NamedPolicy parsed, check_identity_policy(request.name, request.document));
  static_cast<void>(parsed);
  if (policy::counted_size(request.document) > kManagedPolicyBytesMax) {
    return limit_exceeded("Cannot exceed quota for PolicySize: " +
                          std::to_string(kManagedPolicyBytesMax));
  }
  IamPolicy policy;
  TRIVET_TRY(policy.tags, merge_tags({}, request.tags));
  policy.name = request.name;
  policy.path = request.path;
  policy.id = make_unique_id("ANPA");
  policy.description = request.description;
  policy.document = request.document;
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
        (!request.only_attached || policy.attachments > 0)) {
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
    const PolicyEntry* entry = state.find_policy(options_.realm, arn);
    if (entry == nullptr) {
      return no_such_policy(arn);
    }
    if (entry->record.attachments > 0) {
      return delete_conflict("Cannot delete a policy attached to entities.");
    }
    const std::string key = policy_key(entry->record.name);
    return Commit{.compares = {{key, entry->modified}}, .deletes = {key}};
  });
}

Result<PolicyEntities> IamService::entities_for_policy(std::string_view arn,
                                                       std::string_view path_prefix) const {
  TRIVET_TRY(const ManagedPolicy policy, get_policy(arn));
  const auto now = state();
  PolicyEntities found;
  const auto has = [&](const IamEntity& entity) {
    const auto& attached = entity.attached_policies;
    return entity.path.starts_with(path_prefix) &&
           std::find(attached.begin(), attached.end(), policy.arn) != attached.end();
  };
  for (const auto& [name, entry] : now->users) {
    if (has(entry->record)) {
      found.users.emplace_back(entry->record.name, entry->record.id);
    }
  }
  for (const auto& [name, entry] : now->roles) {
    if (has(entry->record)) {
      found.roles.emplace_back(entry->record.name, entry->record.id);
    }
  }
  return found;
}

}  // namespace trivet::service
