// SPDX-License-Identifier: Apache-2.0
//
// CreateUser, GetUser, ListUsers, UpdateUser, DeleteUser.
#include "api/iam/common.h"
#include "service/iam_ids.h"

namespace trivet::api::iam {
namespace {

using Permissions = std::vector<Permission>;

void add_create_user(ActionTable& table, IamService& service) {
  table.add(make_action<CreateUserRequest>(
      [&service](const Call&, const CreateUserRequest& request) {
        Permission permission{
            .action = "iam:CreateUser",
            .resource = user_arn(service, request.Path.value_or("/"), request.UserName)};
        add_request_tags(request.Tags, permission);
        if (request.PermissionsBoundary) {
          permission.context["iam:PermissionsBoundary"] = {*request.PermissionsBoundary};
        }
        return Permissions{permission};
      },
      [&service](const Call& call, const CreateUserRequest& request) -> Result<CreateUserResponse> {
        TRIVET_TRY(
            const IamUser user,
            service.create_user({.name = request.UserName,
                                 .path = request.Path.value_or("/"),
                                 .permissions_boundary = request.PermissionsBoundary.value_or(""),
                                 .tags = tag_list(request.Tags)},
                                call.now));
        CreateUserResponse response;
        response.User = user_shape(service, user);
        return response;
      }));
}

// Root has no user; AWS answers with the account's facts.
iam::User root_shape(const IamService& service, const Call& call) {
  return {.Path = "/",
          .UserName = call.realm.account.str(),
          .UserId = call.realm.account.str(),
          .Arn = service::root_arn(service.realm()),
          .CreateDate = service.account_created()};
}

void add_get_user(ActionTable& table, IamService& service) {
  table.add(make_action<GetUserRequest>(
      [&service](const Call& call, const GetUserRequest& request) {
        const std::string name = request.UserName.value_or(call.principal.name);
        return Permissions{
            entity_permission(service, "iam:GetUser", {EntityRef::Kind::kUser, name})};
      },
      [&service](const Call& call, const GetUserRequest& request) -> Result<GetUserResponse> {
        if (!request.UserName && call.principal.kind == Principal::Kind::kRoot) {
          return GetUserResponse{.User = root_shape(service, call)};
        }
        if (!request.UserName && call.principal.kind != Principal::Kind::kUser) {
          return service::validation_error(
              "Must specify userName when calling with non-User credentials");
        }
        TRIVET_TRY(const IamUser user,
                   service.get_user(request.UserName.value_or(call.principal.name)));
        return GetUserResponse{.User = user_shape(service, user)};
      }));
}

void add_list_users(ActionTable& table, IamService& service) {
  table.add(make_action<ListUsersRequest>(
      [&service](const Call&, const ListUsersRequest& request) {
        return Permissions{{.action = "iam:ListUsers",
                            .resource = user_arn(service, request.PathPrefix.value_or("/"), "")}};
      },
      [&service](const Call&, const ListUsersRequest& request) -> Result<ListUsersResponse> {
        TRIVET_TRY(const auto page, service.list_users(page_of(request)));
        ListUsersResponse response;
        for (const IamUser& user : page.items) {
          response.Users.push_back(user_shape(service, user));
          response.Users.back().Tags.clear();  // lists are without tags
          response.Users.back().PermissionsBoundary.reset();
        }
        set_page_end(page.marker, response);
        return response;
      }));
}

void add_update_user(ActionTable& table, IamService& service) {
  table.add(make_action<UpdateUserRequest>(
      [&service](const Call&, const UpdateUserRequest& request) {
        Permissions permissions{entity_permission(service, "iam:UpdateUser", entity_of(request))};
        const auto user = service.get_user(request.UserName);
        if (user && (request.NewPath || request.NewUserName)) {
          // AWS asks for the permission on the user as it will be, too.
          permissions.push_back({.action = "iam:UpdateUser",
                                 .resource = user_arn(service, request.NewPath.value_or(user->path),
                                                      request.NewUserName.value_or(user->name))});
        }
        return permissions;
      },
      [&service](const Call&, const UpdateUserRequest& request) {
        return done<UpdateUserResponse>(service.update_user({.name = request.UserName,
                                                             .new_name = request.NewUserName,
                                                             .new_path = request.NewPath}));
      }));
}

void add_delete_user(ActionTable& table, IamService& service) {
  table.add(make_action<DeleteUserRequest>(
      [&service](const Call&, const DeleteUserRequest& request) {
        return Permissions{entity_permission(service, "iam:DeleteUser", entity_of(request))};
      },
      [&service](const Call&, const DeleteUserRequest& request) {
        return done<DeleteUserResponse>(service.delete_user(request.UserName));
      }));
}

}  // namespace

void add_user_actions(ActionTable& table, IamService& service) {
  add_create_user(table, service);
  add_get_user(table, service);
  add_list_users(table, service);
  add_update_user(table, service);
  add_delete_user(table, service);
}

}  // namespace trivet::api::iam
