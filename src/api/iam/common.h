// SPDX-License-Identifier: Apache-2.0
//
// What IAM's handlers share: shapes from records, resource ARNs and condition keys of a call,
// pages. Only for this folder.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/action.h"
#include "api/shapes/iam.h"
#include "service/iam_service.h"

namespace trivet::api::iam {

using service::EntityRef;
using service::IamService;

void add_user_actions(ActionTable& table, IamService& service);
void add_access_key_actions(ActionTable& table, IamService& service);
void add_role_actions(ActionTable& table, IamService& service);
void add_entity_actions(ActionTable& table, IamService& service);
void add_policy_actions(ActionTable& table, IamService& service);
void add_policy_version_actions(ActionTable& table, IamService& service);
void add_group_actions(ActionTable& table, IamService& service);
void add_account_actions(ActionTable& table, IamService& service);
void add_detail_actions(ActionTable& table, IamService& service);
void add_simulation_actions(ActionTable& table, IamService& service);
void add_oidc_actions(ActionTable& table, IamService& service);
void add_absent_actions(ActionTable& table, IamService& service);
void add_instance_profile_actions(ActionTable& table, IamService& service);
void add_service_linked_role_actions(ActionTable& table, IamService& service);

iam::User user_shape(const IamService& service, const IamUser& user);
iam::Role role_shape(const IamService& service, const IamRole& role);
iam::InstanceProfile instance_profile_shape(const IamService& service,
                                            const IamInstanceProfile& profile);
iam::Group group_shape(const IamService& service, const IamGroup& group);
// nullopt when there is none.
std::optional<iam::AttachedPermissionsBoundary> boundary_shape(const IamEntity& entity);
// As lists show it; GetPolicy adds the description and the tags.
iam::Policy policy_shape(const service::ManagedPolicy& policy);
// With or without the document, which is URL-encoded.
iam::PolicyVersion version_shape(const service::ManagedPolicy& policy, bool has_document);
std::vector<iam::Tag> tag_shapes(const Tags& tags);
service::TagList tag_list(const std::vector<iam::Tag>& tags);

std::string user_arn(const IamService& service, std::string_view path, std::string_view name);
std::string role_arn(const IamService& service, std::string_view path, std::string_view name);
std::string group_arn(const IamService& service, std::string_view path, std::string_view name);
// The ARN of what is there, with its path; of what is not there, as if its path were "/".
std::string entity_arn(const IamService& service, const EntityRef& entity);

// A permission on a user, a role or a group that is there: its ARN, its tags (aws:ResourceTag,
// iam:ResourceTag) and its boundary (iam:PermissionsBoundary).
Permission entity_permission(const IamService& service, std::string_view action,
                             const EntityRef& entity);
Permission policy_permission(const IamService& service, std::string_view action,
                             std::string_view arn);
// aws:RequestTag/… and aws:TagKeys.
void add_request_tags(const std::vector<iam::Tag>& tags, Permission& permission);

// The user, the role or the group that a request names.
template <typename Request>
EntityRef entity_of(const Request& request) {
  if constexpr (requires { request.UserName; }) {
    return {EntityRef::Kind::kUser, request.UserName};
  } else if constexpr (requires { request.GroupName; }) {
    return {EntityRef::Kind::kGroup, request.GroupName};
  } else {
    return {EntityRef::Kind::kRole, request.RoleName};
  }
}

// The permission of an action on one managed policy.
template <typename Request>
auto arn_permission(const IamService& service) {
  return [&service](const Call&, const Request& request) {
    const std::string action = "iam:" + std::string(Operation<Request>::kAction);
    return std::vector<Permission>{policy_permission(service, action, request.PolicyArn)};
  };
}

template <typename Request>
service::PageRequest page_of(const Request& request) {
  service::PageRequest page{.marker = request.Marker.value_or(""),
                            .items_max = request.MaxItems.value_or(100)};
  if constexpr (requires { request.PathPrefix; }) {
    page.path_prefix = request.PathPrefix.value_or("");
  }
  return page;
}

template <typename Response>
void set_page_end(const std::string& marker, Response& response) {
  response.IsTruncated = !marker.empty();
  if (!marker.empty()) {
    response.Marker = marker;
  }
}

// An empty answer, or the error.
template <typename Response>
Result<Response> done(const Status& status) {
  if (!status) {
    return status.error();
  }
  return Response{};
}

}  // namespace trivet::api::iam
