// SPDX-License-Identifier: Apache-2.0
//
// CreatePolicy, GetPolicy, ListPolicies, DeletePolicy, GetPolicyVersion, ListPolicyVersions,
// ListEntitiesForPolicy.
#include "api/iam/common.h"
#include "base/uri.h"
#include "service/iam_ids.h"

namespace trivet::api::iam {
namespace {

using Permissions = std::vector<Permission>;
using service::ManagedPolicy;

iam::Policy policy_shape(const ManagedPolicy& policy) {
  iam::Policy shape;
  shape.PolicyName = policy.name;
  shape.PolicyId = policy.id;
  shape.Arn = policy.arn;
  shape.Path = policy.path;
  shape.DefaultVersionId = policy.version;
  shape.AttachmentCount = static_cast<std::int32_t>(policy.attachments);
  shape.PermissionsBoundaryUsageCount = 0;
  shape.IsAttachable = true;
  shape.CreateDate = policy.created;
  shape.UpdateDate = policy.updated;
  return shape;
}

// GetPolicy shows more than the lists do.
iam::Policy full_policy_shape(const ManagedPolicy& policy) {
  iam::Policy shape = policy_shape(policy);
  if (!policy.description.empty()) {
    shape.Description = policy.description;
  }
  shape.Tags = tag_shapes(policy.tags);
  return shape;
}

iam::PolicyVersion version_shape(const ManagedPolicy& policy) {
  iam::PolicyVersion shape;
  shape.VersionId = policy.version;
  shape.IsDefaultVersion = true;
  shape.CreateDate = policy.updated;
  return shape;
}

template <typename Request>
auto arn_permission(IamService& service) {
  return [&service](const Call&, const Request& request) {
    const std::string action = "iam:" + std::string(Operation<Request>::kAction);
    return Permissions{policy_permission(service, action, request.PolicyArn)};
  };
}

void add_create(ActionTable& table, IamService& service) {
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

void add_get(ActionTable& table, IamService& service) {
  table.add(make_action<GetPolicyRequest>(
      arn_permission<GetPolicyRequest>(service),
      [&service](const Call&, const GetPolicyRequest& request) -> Result<GetPolicyResponse> {
        TRIVET_TRY(const ManagedPolicy policy, service.get_policy(request.PolicyArn));
        GetPolicyResponse response;
        response.Policy = full_policy_shape(policy);
        return response;
      }));
}

void add_list(ActionTable& table, IamService& service) {
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
        ListPoliciesResponse response;
        if (request.PolicyUsageFilter.value_or("") == "PermissionsBoundary") {
          response.IsTruncated = false;  // nothing is a boundary
          return response;
        }
        TRIVET_TRY(const auto page, service.list_policies(list));
        for (const ManagedPolicy& policy : page.items) {
          response.Policies.push_back(policy_shape(policy));
        }
        set_page_end(page.marker, response);
        return response;
      }));
}

void add_delete(ActionTable& table, IamService& service) {
  table.add(make_action<DeletePolicyRequest>(
      arn_permission<DeletePolicyRequest>(service),
      [&service](const Call&, const DeletePolicyRequest& request) {
        return done<DeletePolicyResponse>(service.delete_policy(request.PolicyArn));
      }));
}

void add_versions(ActionTable& table, IamService& service) {
  table.add(make_action<GetPolicyVersionRequest>(
      arn_permission<GetPolicyVersionRequest>(service),
      [&service](const Call&,
                 const GetPolicyVersionRequest& request) -> Result<GetPolicyVersionResponse> {
        TRIVET_TRY(const ManagedPolicy policy, service.get_policy(request.PolicyArn));
        if (request.VersionId != policy.version) {
          return service::no_such_entity("Policy " + request.PolicyArn + " version " +
                                         request.VersionId +
                                         " does not exist or is not attachable.");
        }
        GetPolicyVersionResponse response;
        response.PolicyVersion = version_shape(policy);
        response.PolicyVersion->Document = percent_encode(policy.document);
        return response;
      }));
  table.add(make_action<ListPolicyVersionsRequest>(
      arn_permission<ListPolicyVersionsRequest>(service),
      [&service](const Call&,
                 const ListPolicyVersionsRequest& request) -> Result<ListPolicyVersionsResponse> {
        TRIVET_TRY(const ManagedPolicy policy, service.get_policy(request.PolicyArn));
        ListPolicyVersionsResponse response;
        response.Versions.push_back(version_shape(policy));
        response.IsTruncated = false;
        return response;
      }));
}

void add_entities(ActionTable& table, IamService& service) {
  table.add(make_action<ListEntitiesForPolicyRequest>(
      arn_permission<ListEntitiesForPolicyRequest>(service),
      [&service](const Call&, const ListEntitiesForPolicyRequest& request)
          -> Result<ListEntitiesForPolicyResponse> {
        TRIVET_TRY(const auto entities,
                   service.entities_for_policy(request.PolicyArn, request.PathPrefix.value_or("")));
        const std::string filter = request.EntityFilter.value_or("");
        ListEntitiesForPolicyResponse response;
        response.IsTruncated = false;
        if (request.PolicyUsageFilter.value_or("") == "PermissionsBoundary") {
          return response;
        }
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
        return response;
      }));
}

}  // namespace

void add_policy_actions(ActionTable& table, IamService& service) {
  add_create(table, service);
  add_get(table, service);
  add_list(table, service);
  add_delete(table, service);
  add_versions(table, service);
  add_entities(table, service);
}

}  // namespace trivet::api::iam
