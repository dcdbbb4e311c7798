// SPDX-License-Identifier: Apache-2.0
//
// CreateRole, GetRole, ListRoles, UpdateRole, UpdateRoleDescription, UpdateAssumeRolePolicy,
// DeleteRole.
#include "api/iam/common.h"

namespace trivet::api::iam {
namespace {

using Permissions = std::vector<Permission>;

void add_create_role(ActionTable& table, IamService& service) {
  table.add(make_action<CreateRoleRequest>(
      [&service](const Call&, const CreateRoleRequest& request) {
        Permission permission{
            .action = "iam:CreateRole",
            .resource = role_arn(service, request.Path.value_or("/"), request.RoleName)};
        add_request_tags(request.Tags, permission);
        if (request.PermissionsBoundary) {
          permission.context["iam:PermissionsBoundary"] = {*request.PermissionsBoundary};
        }
        return Permissions{permission};
      },
      [&service](const Call& call, const CreateRoleRequest& request) -> Result<CreateRoleResponse> {
        TRIVET_TRY(
            const IamRole role,
            service.create_role({.name = request.RoleName,
                                 .path = request.Path.value_or("/"),
                                 .trust_policy = request.AssumeRolePolicyDocument,
                                 .description = request.Description.value_or(""),
                                 .session_seconds_max = request.MaxSessionDuration.value_or(3600),
                                 .permissions_boundary = request.PermissionsBoundary.value_or(""),
                                 .tags = tag_list(request.Tags)},
                                call.now));
        CreateRoleResponse response{.Role = role_shape(service, role)};
        response.Role.MaxSessionDuration.reset();  // as AWS: only GetRole and ListRoles show it
        return response;
      }));
}

void add_get_role(ActionTable& table, IamService& service) {
  table.add(make_action<GetRoleRequest>(
      [&service](const Call&, const GetRoleRequest& request) {
        return Permissions{entity_permission(service, "iam:GetRole", entity_of(request))};
      },
      [&service](const Call&, const GetRoleRequest& request) -> Result<GetRoleResponse> {
        TRIVET_TRY(const IamRole role, service.get_role(request.RoleName));
        return GetRoleResponse{.Role = role_shape(service, role)};
      }));
}

void add_list_roles(ActionTable& table, IamService& service) {
  table.add(make_action<ListRolesRequest>(
      [&service](const Call&, const ListRolesRequest& request) {
        return Permissions{{.action = "iam:ListRoles",
                            .resource = role_arn(service, request.PathPrefix.value_or("/"), "")}};
      },
      [&service](const Call&, const ListRolesRequest& request) -> Result<ListRolesResponse> {
        TRIVET_TRY(const auto page, service.list_roles(page_of(request)));
        ListRolesResponse response;
        for (const IamRole& role : page.items) {
          response.Roles.push_back(role_shape(service, role));
          response.Roles.back().Tags.clear();  // lists are without tags
          response.Roles.back().PermissionsBoundary.reset();
        }
        set_page_end(page.marker, response);
        return response;
      }));
}

void add_update_role(ActionTable& table, IamService& service) {
  table.add(make_action<UpdateRoleRequest>(
      [&service](const Call&, const UpdateRoleRequest& request) {
        return Permissions{entity_permission(service, "iam:UpdateRole", entity_of(request))};
      },
      [&service](const Call&, const UpdateRoleRequest& request) {
        return done<UpdateRoleResponse>(
            service.update_role({.name = request.RoleName,
                                 .description = request.Description,
                                 .session_seconds_max = request.MaxSessionDuration}));
      }));
  table.add(make_action<UpdateRoleDescriptionRequest>(
      [&service](const Call&, const UpdateRoleDescriptionRequest& request) {
        return Permissions{
            entity_permission(service, "iam:UpdateRoleDescription", entity_of(request))};
      },
      [&service](const Call&, const UpdateRoleDescriptionRequest& request)
          -> Result<UpdateRoleDescriptionResponse> {
        TRIVET_CHECK_OK(service.update_role({.name = request.RoleName,
                                             .description = request.Description,
                                             .session_seconds_max = std::nullopt}));
        TRIVET_TRY(const IamRole role, service.get_role(request.RoleName));
        return UpdateRoleDescriptionResponse{.Role = role_shape(service, role)};
      }));
}

void add_update_trust(ActionTable& table, IamService& service) {
  table.add(make_action<UpdateAssumeRolePolicyRequest>(
      [&service](const Call&, const UpdateAssumeRolePolicyRequest& request) {
        return Permissions{
            entity_permission(service, "iam:UpdateAssumeRolePolicy", entity_of(request))};
      },
      [&service](const Call&, const UpdateAssumeRolePolicyRequest& request) {
        return done<UpdateAssumeRolePolicyResponse>(
            service.update_trust_policy(request.RoleName, request.PolicyDocument));
      }));
}

void add_delete_role(ActionTable& table, IamService& service) {
  table.add(make_action<DeleteRoleRequest>(
      [&service](const Call&, const DeleteRoleRequest& request) {
        return Permissions{entity_permission(service, "iam:DeleteRole", entity_of(request))};
      },
      [&service](const Call&, const DeleteRoleRequest& request) {
        return done<DeleteRoleResponse>(service.delete_role(request.RoleName));
      }));
}

}  // namespace

void add_role_actions(ActionTable& table, IamService& service) {
  add_create_role(table, service);
  add_get_role(table, service);
  add_list_roles(table, service);
  add_update_role(table, service);
  add_update_trust(table, service);
  add_delete_role(table, service);
}

}  // namespace trivet::api::iam
