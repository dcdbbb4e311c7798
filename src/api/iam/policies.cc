// SPDX-License-Identifier: Apache-2.0
//
// CreatePolicy, GetPolicy, ListPolicies, DeletePolicy, ListEntitiesForPolicy, TagPolicy,
// UntagPolicy, ListPolicyTags.
#include "api/iam/common.h"
#include "service/iam_ids.h"

namespace trivet::api::iam {
namespace {

using Permissions = std::vector<Permission>;
using service::ManagedPolicy;

// GetPolicy shows more than the lists do.
iam::Policy full_policy_shape(const ManagedPolicy& policy) {
  iam::Policy shape = policy_shape(policy);
  if (!policy.description.empty()) {
    shape.Description = policy.description;
  }
  shape.Tags = tag_shapes(policy.tags);
  return shape;
}

service::PolicyUse use_of(const std::optional<std::string>& filter) {
  const std::string text = filter.value_or("");
  return text == "PermissionsBoundary" ? service::PolicyUse::kBoundary
         : text == "PermissionsPolicy" ? service::PolicyUse::kPermissions
                                       : service::PolicyUse::kAny;
}

void add_create_policy(ActionTable& table, IamService& service) {
  table.add(make_action<CreatePolicyRequest>(
      [&service](const Call&, const CreatePolicyRequest& request) {
        Permission permission{
            .action = "iam:CreatePolicy",
            .resource = service::iam_arn(service.realm(), "policy", request.Path.value_or("/"),
                                         request.PolicyName)};
        add_request_tags(request.Tags, permission);
        return Permissions{permission};
      },
      [&service](const Call& call,
                 const CreatePolicyRequest& request) -> Result<CreatePolicyResponse> {
        TRIVET_TRY(const ManagedPolicy policy,
                   service.create_policy({.name = request.PolicyName,
                                          .path = request.Path.value_or("/"),
                                          .document = request.PolicyDocument,
                                          .description = request.Description.value_or(""),
                                          .tags = tag_list(request.Tags)},
                                         call.now));
        CreatePolicyResponse response;
        response.Policy = policy_shape(policy);
        response.Policy->Tags = tag_shapes(policy.tags);
        return response;
      }));
}

void add_get_policy(ActionTable& table, IamService& service) {
  table.add(make_action<GetPolicyRequest>(
      arn_permission<GetPolicyRequest>(service),
      [&service](const Call&, const GetPolicyRequest& request) -> Result<GetPolicyResponse> {
        TRIVET_TRY(const ManagedPolicy policy, service.get_policy(request.PolicyArn));
        GetPolicyResponse response;
        response.Policy = full_policy_shape(policy);
        return response;
      }));
}

void add_list_policies(ActionTable& table, IamService& service) {
  table.add(make_action<ListPoliciesRequest>(
      [&service](const Call&, const ListPoliciesRequest& request) {
        return Permissions{{.action = "iam:ListPolicies",
                            .resource = service::iam_arn(service.realm(), "policy",
                                                         request.PathPrefix.value_or("/"), "")}};
      },
      [&service](const Call&, const ListPoliciesRequest& request) -> Result<ListPoliciesResponse> {
        const std::string scope = request.Scope.value_or("All");
        service::ListPolicies list{.only_attached = request.OnlyAttached.value_or(false),
                                   .page = page_of(request)};
        list.scope = scope == "AWS"     ? service::PolicyScope::kAws
                     : scope == "Local" ? service::PolicyScope::kLocal
                                        : service::PolicyScope::kAll;
        list.use = use_of(request.PolicyUsageFilter);
        ListPoliciesResponse response;
        TRIVET_TRY(const auto page, service.list_policies(list));
        for (const ManagedPolicy& policy : page.items) {
          response.Policies.push_back(policy_shape(policy));
        }
        set_page_end(page.marker, response);
        return response;
      }));
}

void add_delete_policy(ActionTable& table, IamService& service) {
  table.add(make_action<DeletePolicyRequest>(
      arn_permission<DeletePolicyRequest>(service),
      [&service](const Call&, const DeletePolicyRequest& request) {
        return done<DeletePolicyResponse>(service.delete_policy(request.PolicyArn));
      }));
}

void add_entities(ActionTable& table, IamService& service) {
  table.add(make_action<ListEntitiesForPolicyRequest>(
      arn_permission<ListEntitiesForPolicyRequest>(service),
      [&service](const Call&, const ListEntitiesForPolicyRequest& request)
          -> Result<ListEntitiesForPolicyResponse> {
        TRIVET_TRY(const auto entities,
                   service.entities_for_policy(request.PolicyArn, request.PathPrefix.value_or(""),
                                               use_of(request.PolicyUsageFilter)));
        const std::string filter = request.EntityFilter.value_or("");
        ListEntitiesForPolicyResponse response;
        response.IsTruncated = false;
        if (filter.empty() || filter == "User") {
          for (const auto& [name, id] : entities.users) {
            response.PolicyUsers.push_back({.UserName = name, .UserId = id});
          }
        }
        if (filter.empty() || filter == "Role") {
          for (const auto& [name, id] : entities.roles) {
            response.PolicyRoles.push_back({.RoleName = name, .RoleId = id});
          }
        }
        if (filter.empty() || filter == "Group") {
          for (const auto& [name, id] : entities.groups) {
            response.PolicyGroups.push_back({.GroupName = name, .GroupId = id});
          }
        }
        return response;
      }));
}

void add_tags(ActionTable& table, IamService& service) {
  table.add(make_action<TagPolicyRequest>(
      [&service](const Call&, const TagPolicyRequest& request) {
        Permission permission = policy_permission(service, "iam:TagPolicy", request.PolicyArn);
        add_request_tags(request.Tags, permission);
        return Permissions{permission};
      },
      [&service](const Call&, const TagPolicyRequest& request) {
        return done<TagPolicyResponse>(
            service.tag_policy(request.PolicyArn, tag_list(request.Tags), {}));
      }));
  table.add(make_action<UntagPolicyRequest>(
      [&service](const Call&, const UntagPolicyRequest& request) {
        Permission permission = policy_permission(service, "iam:UntagPolicy", request.PolicyArn);
        permission.context["aws:TagKeys"] = request.TagKeys;
        return Permissions{permission};
      },
      [&service](const Call&, const UntagPolicyRequest& request) {
        return done<UntagPolicyResponse>(
            service.tag_policy(request.PolicyArn, {}, request.TagKeys));
      }));
  table.add(make_action<ListPolicyTagsRequest>(
      arn_permission<ListPolicyTagsRequest>(service),
      [&service](const Call&,
                 const ListPolicyTagsRequest& request) -> Result<ListPolicyTagsResponse> {
        TRIVET_TRY(const ManagedPolicy policy, service.get_policy(request.PolicyArn));
        return ListPolicyTagsResponse{.Tags = tag_shapes(policy.tags), .IsTruncated = false};
      }));
}

}  // namespace

void add_policy_actions(ActionTable& table, IamService& service) {
  add_create_policy(table, service);
  add_get_policy(table, service);
  add_list_policies(table, service);
  add_delete_policy(table, service);
  add_tags(table, service);
  add_entities(table, service);
}

}  // namespace trivet::api::iam
