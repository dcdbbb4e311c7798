// SPDX-License-Identifier: Apache-2.0
//
// GetAccountAuthorizationDetails: everything that decides who may do what, page by page.
#include <algorithm>
#include <variant>

#include "api/iam/common.h"
#include "base/overloaded.h"
#include "base/uri.h"
#include "service/iam_paging.h"

namespace trivet::api::iam {
namespace {

using Detail =
    std::variant<iam::UserDetail, iam::GroupDetail, iam::RoleDetail, iam::ManagedPolicyDetail>;
// Sort key and detail: users, groups, roles, policies, each by name.
using Details = std::vector<std::pair<std::string, Detail>>;

std::vector<iam::PolicyDetail> inline_shapes(const IamEntity& entity) {
  std::vector<iam::PolicyDetail> shapes;
  for (const auto& [name, document] : entity.inline_policies) {
    shapes.push_back({.PolicyName = name, .PolicyDocument = percent_encode(document)});
  }
  return shapes;
}

std::vector<iam::AttachedPolicy> attached_shapes(const IamEntity& entity) {
  std::vector<iam::AttachedPolicy> shapes;
  for (const std::string& arn : entity.attached_policies) {
    shapes.push_back({.PolicyName = arn.substr(arn.rfind('/') + 1), .PolicyArn = arn});
  }
  return shapes;
}

void add_users(const IamService& service, const service::IamState& state, Details& out) {
  for (const auto& [key, entry] : state.users) {
    const IamUser& user = entry->record;
    iam::UserDetail detail{.Path = user.path,
                           .UserName = user.name,
                           .UserId = user.id,
                           .Arn = user_arn(service, user.path, user.name),
                           .CreateDate = user.created,
                           .UserPolicyList = inline_shapes(user),
                           .AttachedManagedPolicies = attached_shapes(user),
                           .PermissionsBoundary = boundary_shape(user),
                           .Tags = tag_shapes(user.tags)};
    for (const auto* group : state.groups_of(user.id)) {
      detail.GroupList.push_back(group->record.name);
    }
    out.emplace_back("1" + key, std::move(detail));
  }
}

void add_groups(const IamService& service, const service::IamState& state, Details& out) {
  for (const auto& [key, entry] : state.groups) {
    const IamGroup& group = entry->record;
    out.emplace_back("2" + key,
                     iam::GroupDetail{.Path = group.path,
                                      .GroupName = group.name,
                                      .GroupId = group.id,
                                      .Arn = group_arn(service, group.path, group.name),
                                      .CreateDate = group.created,
                                      .GroupPolicyList = inline_shapes(group),
                                      .AttachedManagedPolicies = attached_shapes(group)});
  }
}

void add_roles(const IamService& service, const service::IamState& state, Details& out) {
  for (const auto& [key, entry] : state.roles) {
    const auto shown = service.get_role(entry->record.name);
    const IamRole& role = shown ? *shown : entry->record;
    iam::RoleDetail detail{.Path = role.path,
                           .RoleName = role.name,
                           .RoleId = role.id,
                           .Arn = role_arn(service, role.path, role.name),
                           .CreateDate = role.created,
                           .AssumeRolePolicyDocument = percent_encode(role.trust_policy),
                           .RolePolicyList = inline_shapes(role),
                           .AttachedManagedPolicies = attached_shapes(role),
                           .PermissionsBoundary = boundary_shape(role),
                           .Tags = tag_shapes(role.tags)};
    for (const auto& [name, profile] : state.instance_profiles) {
      if (profile->record.role_name == role.name) {
        detail.InstanceProfileList.push_back(instance_profile_shape(service, profile->record));
      }
    }
    out.emplace_back("3" + key, std::move(detail));
  }
}

iam::ManagedPolicyDetail policy_detail(const IamService& service,
                                       const service::ManagedPolicy& policy) {
  const iam::Policy shape = policy_shape(policy);
  iam::ManagedPolicyDetail detail{
      .PolicyName = shape.PolicyName,
      .PolicyId = shape.PolicyId,
      .Arn = shape.Arn,
      .Path = shape.Path,
      .DefaultVersionId = shape.DefaultVersionId,
      .AttachmentCount = shape.AttachmentCount,
      .PermissionsBoundaryUsageCount = shape.PermissionsBoundaryUsageCount,
      .IsAttachable = shape.IsAttachable,
      .CreateDate = shape.CreateDate,
      .UpdateDate = shape.UpdateDate};
  if (!policy.description.empty()) {
    detail.Description = policy.description;
  }
  if (const auto versions = service.list_policy_versions(policy.arn)) {
    for (const service::ManagedPolicy& version : *versions) {
      detail.PolicyVersionList.push_back(version_shape(version, true));
    }
  }
  return detail;
}

// AWS's own only where they are in use.
Status add_policies(const IamService& service, service::PolicyScope scope, Details& out) {
  service::ListPolicies list{.scope = scope, .only_attached = scope == service::PolicyScope::kAws};
  list.page.items_max = 1000;
  do {
    TRIVET_TRY(const auto page, service.list_policies(list));
    for (const service::ManagedPolicy& policy : page.items) {
      out.emplace_back("4" + policy.name + " " + policy.arn, policy_detail(service, policy));
    }
    list.page.marker = page.marker;
  } while (!list.page.marker.empty());
  return ok();
}

Result<Details> details_of(const IamService& service, const std::vector<std::string>& filter) {
  const auto wants = [&filter](std::string_view kind) {
    return filter.empty() || std::find(filter.begin(), filter.end(), kind) != filter.end();
  };
  const auto state = service.state();
  Details out;
  if (wants("User")) {
    add_users(service, *state, out);
  }
  if (wants("Group")) {
    add_groups(service, *state, out);
  }
  if (wants("Role")) {
    add_roles(service, *state, out);
  }
  if (wants("LocalManagedPolicy")) {
    TRIVET_CHECK_OK(add_policies(service, service::PolicyScope::kLocal, out));
  }
  if (wants("AWSManagedPolicy")) {
    TRIVET_CHECK_OK(add_policies(service, service::PolicyScope::kAws, out));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return out;
}

}  // namespace

void add_detail_actions(ActionTable& table, IamService& service) {
  table.add(make_action<GetAccountAuthorizationDetailsRequest>(
      [](const Call&, const GetAccountAuthorizationDetailsRequest&) {
        return std::vector<Permission>{
            {.action = "iam:GetAccountAuthorizationDetails", .resource = "*"}};
      },
      [&service](const Call&, const GetAccountAuthorizationDetailsRequest& request)
          -> Result<GetAccountAuthorizationDetailsResponse> {
        TRIVET_TRY(auto details, details_of(service, request.Filter));
        TRIVET_TRY(auto page, service::make_page(std::move(details), page_of(request)));
        GetAccountAuthorizationDetailsResponse response;
        for (Detail& detail : page.items) {
          std::visit(Overloaded{[&](iam::UserDetail& user) {
                                  response.UserDetailList.push_back(std::move(user));
                                },
                                [&](iam::GroupDetail& group) {
                                  response.GroupDetailList.push_back(std::move(group));
                                },
                                [&](iam::RoleDetail& role) {
                                  response.RoleDetailList.push_back(std::move(role));
                                },
                                [&](iam::ManagedPolicyDetail& policy) {
                                  response.Policies.push_back(std::move(policy));
                                }},
                     detail);
        }
        set_page_end(page.marker, response);
        return response;
      }));
}

}  // namespace trivet::api::iam
