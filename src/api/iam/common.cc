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
}

}  // namespace trivet::api

namespace trivet::api::iam {

std::string user_arn(const IamService& service, std::string_view path, std::string_view name) {
  return service::iam_arn(service.realm(), "user", path, name);
}

std::string role_arn(const IamService& service, std::string_view path, std::string_view name) {
  return service::iam_arn(service.realm(), "role", path, name);
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
                  .Tags = tag_shapes(role.tags)};
  if (!role.description.empty()) {
    shape.Description = role.description;
  }
  return shape;
}

std::string entity_arn(const IamService& service, const EntityRef& entity) {
  if (entity.kind == EntityRef::Kind::kUser) {
    const auto user = service.get_user(entity.name);
    return user ? user_arn(service, user->path, user->name) : user_arn(service, "/", entity.name);
  }
  const auto role = service.get_role(entity.name);
  return role ? role_arn(service, role->path, role->name) : role_arn(service, "/", entity.name);
}

Permission entity_permission(const IamService& service, std::string_view action,
                             const EntityRef& entity) {
  Permission permission{.action = std::string(action), .resource = entity_arn(service, entity)};
  if (const auto tags = service.list_tags(entity)) {
    for (const auto& [key, value] : *tags) {
      permission.context["aws:ResourceTag/" + key] = {value};
      permission.context["iam:ResourceTag/" + key] = {value};
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
