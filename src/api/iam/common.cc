// SPDX-License-Identifier: Apache-2.0
#include "api/iam/common.h"

#include "api/iam/actions.h"
#include "base/uri.h"
#include "service/iam_ids.h"

namespace trivet::api {

void add_iam_actions(ActionTable& table, service::IamService& service) {
  iam::add_user_actions(table, service);
  iam::add_access_key_actions(table, service);
  iam::add_role_actions(table, service);
  iam::add_entity_actions(table, service);
  iam::add_policy_actions(table, service);
  iam::add_policy_version_actions(table, service);
  iam::add_group_actions(table, service);
  iam::add_account_actions(table, service);
  iam::add_detail_actions(table, service);
  iam::add_simulation_actions(table, service);
  iam::add_oidc_actions(table, service);
  iam::add_absent_actions(table, service);
  iam::add_instance_profile_actions(table, service);
  iam::add_service_linked_role_actions(table, service);
}

}  // namespace trivet::api

namespace trivet::api::iam {

std::string user_arn(const IamService& service, std::string_view path, std::string_view name) {
  return service::iam_arn(service.realm(), "user", path, name);
}

std::string role_arn(const IamService& service, std::string_view path, std::string_view name) {
  return service::iam_arn(service.realm(), "role", path, name);
}

std::string group_arn(const IamService& service, std::string_view path, std::string_view name) {
  return service::iam_arn(service.realm(), "group", path, name);
}

std::vector<iam::Tag> tag_shapes(const Tags& tags) {
  std::vector<iam::Tag> shapes;
  for (const auto& [key, value] : tags) {
    shapes.push_back({.Key = key, .Value = value});
  }
  return shapes;
}

service::TagList tag_list(const std::vector<iam::Tag>& tags) {
  service::TagList list;
  for (const iam::Tag& tag : tags) {
    list.emplace_back(tag.Key, tag.Value);
  }
  return list;
}

iam::User user_shape(const IamService& service, const IamUser& user) {
  return {.Path = user.path,
          .UserName = user.name,
          .UserId = user.id,
          .Arn = user_arn(service, user.path, user.name),
          .CreateDate = user.created,
          .PermissionsBoundary = boundary_shape(user),
          .Tags = tag_shapes(user.tags)};
}

iam::Role role_shape(const IamService& service, const IamRole& role) {
  iam::Role shape{.Path = role.path,
                  .RoleName = role.name,
                  .RoleId = role.id,
                  .Arn = role_arn(service, role.path, role.name),
                  .CreateDate = role.created,
                  .AssumeRolePolicyDocument = percent_encode(role.trust_policy),
                  .MaxSessionDuration = static_cast<std::int32_t>(role.session_seconds_max),
                  .PermissionsBoundary = boundary_shape(role),
                  .Tags = tag_shapes(role.tags)};
  if (!role.description.empty()) {
    shape.Description = role.description;
  }
  return shape;
}

iam::Group group_shape(const IamService& service, const IamGroup& group) {
  return {.Path = group.path,
          .GroupName = group.name,
          .GroupId = group.id,
          .Arn = group_arn(service, group.path, group.name),
          .CreateDate = group.created};
}

std::optional<iam::AttachedPermissionsBoundary> boundary_shape(const IamEntity& entity) {
  if (entity.permissions_boundary.empty()) {
    return std::nullopt;
  }
  return iam::AttachedPermissionsBoundary{.PermissionsBoundaryType = "Policy",
                                          .PermissionsBoundaryArn = entity.permissions_boundary};
}

iam::Policy policy_shape(const service::ManagedPolicy& policy) {
  iam::Policy shape;
  shape.PolicyName = policy.name;
  shape.PolicyId = policy.id;
  shape.Arn = policy.arn;
  shape.Path = policy.path;
  shape.DefaultVersionId = policy.default_version;
  shape.AttachmentCount = static_cast<std::int32_t>(policy.attachments);
  shape.PermissionsBoundaryUsageCount = static_cast<std::int32_t>(policy.boundary_uses);
  shape.IsAttachable = true;
  shape.CreateDate = policy.created;
  shape.UpdateDate = policy.updated;
  return shape;
}

iam::PolicyVersion version_shape(const service::ManagedPolicy& policy, bool has_document) {
  iam::PolicyVersion shape;
  if (has_document) {
    shape.Document = percent_encode(policy.document);
  }
  shape.VersionId = policy.version;
  shape.IsDefaultVersion = policy.version == policy.default_version;
  shape.CreateDate = policy.version_created;
  return shape;
}

namespace {

struct Found {
  const IamEntity* record = nullptr;  // nullptr: there is none
  std::string arn;                    // as if its path were "/" when there is none
};

// `state` keeps the record alive.
Found find_entity(const IamService& service, const service::IamState& state,
                  const EntityRef& entity) {
  Found found;
  std::string_view kind;
  switch (entity.kind) {
    case EntityRef::Kind::kUser:
      kind = "user";
      if (const auto* user = state.find_user(entity.name)) {
        found.record = &user->record;
      }
      break;
    case EntityRef::Kind::kRole:
      kind = "role";
      if (const auto* role = state.find_role(entity.name)) {
        found.record = &role->record;
      }
      break;
    case EntityRef::Kind::kGroup:
      kind = "group";
      if (const auto* group = state.find_group(entity.name)) {
        found.record = &group->record;
      }
      break;
  }
  found.arn =
      service::iam_arn(service.realm(), kind, found.record != nullptr ? found.record->path : "/",
                       found.record != nullptr ? found.record->name : entity.name);
  return found;
}

}  // namespace

std::string entity_arn(const IamService& service, const EntityRef& entity) {
  return find_entity(service, *service.state(), entity).arn;
}

Permission entity_permission(const IamService& service, std::string_view action,
                             const EntityRef& entity) {
  const auto state = service.state();
  const Found found = find_entity(service, *state, entity);
  Permission permission{.action = std::string(action), .resource = found.arn};
  if (found.record != nullptr) {
    for (const auto& [key, value] : found.record->tags) {
      permission.context["aws:ResourceTag/" + key] = {value};
      permission.context["iam:ResourceTag/" + key] = {value};
    }
    if (!found.record->permissions_boundary.empty()) {
      permission.context["iam:PermissionsBoundary"] = {found.record->permissions_boundary};
    }
  }
  return permission;
}

Permission policy_permission(const IamService& service, std::string_view action,
                             std::string_view arn) {
  Permission permission{.action = std::string(action), .resource = std::string(arn)};
  if (const auto policy = service.get_policy(arn)) {
    for (const auto& [key, value] : policy->tags) {
      permission.context["aws:ResourceTag/" + key] = {value};
      permission.context["iam:ResourceTag/" + key] = {value};
    }
  }
  return permission;
}

void add_request_tags(const std::vector<iam::Tag>& tags, Permission& permission) {
  for (const iam::Tag& tag : tags) {
    permission.context["aws:RequestTag/" + tag.Key] = {tag.Value};
    permission.context["aws:TagKeys"].push_back(tag.Key);
  }
}

}  // namespace trivet::api::iam
