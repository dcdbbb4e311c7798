// SPDX-License-Identifier: Apache-2.0
//
// CreateGroup, GetGroup, ListGroups, UpdateGroup, DeleteGroup, AddUserToGroup, RemoveUserFromGroup,
// ListGroupsForUser.
#include "api/iam/common.h"

namespace trivet::api::iam {
namespace {

using Permissions = std::vector<Permission>;

// AWS asks on the group, also where a user is named beside it.
template <typename Request>
auto group_permission(IamService& service) {
  return [&service](const Call&, const Request& request) {
    const std::string action = "iam:" + std::string(Operation<Request>::kAction);
    return Permissions{
        entity_permission(service, action, {EntityRef::Kind::kGroup, request.GroupName})};
  };
}

void add_create_group(ActionTable& table, IamService& service) {
  table.add(make_action<CreateGroupRequest>(
      [&service](const Call&, const CreateGroupRequest& request) {
        return Permissions{
            {.action = "iam:CreateGroup",
             .resource = group_arn(service, request.Path.value_or("/"), request.GroupName)}};
      },
      [&service](const Call& call,
                 const CreateGroupRequest& request) -> Result<CreateGroupResponse> {
        TRIVET_TRY(const IamGroup group,
                   service.create_group(request.GroupName, request.Path.value_or("/"), call.now));
        return CreateGroupResponse{.Group = group_shape(service, group)};
      }));
}

void add_get_group(ActionTable& table, IamService& service) {
  table.add(make_action<GetGroupRequest>(
      group_permission<GetGroupRequest>(service),
      [&service](const Call&, const GetGroupRequest& request) -> Result<GetGroupResponse> {
        TRIVET_TRY(const auto found, service.get_group(request.GroupName, page_of(request)));
        GetGroupResponse response{.Group = group_shape(service, found.group)};
        for (const IamUser& user : found.users.items) {
          response.Users.push_back(user_shape(service, user));
          response.Users.back().Tags.clear();  // lists are without tags
          response.Users.back().PermissionsBoundary.reset();
        }
        set_page_end(found.users.marker, response);
        return response;
      }));
}

void add_lists(ActionTable& table, IamService& service) {
  table.add(make_action<ListGroupsRequest>(
      [&service](const Call&, const ListGroupsRequest& request) {
        return Permissions{{.action = "iam:ListGroups",
                            .resource = group_arn(service, request.PathPrefix.value_or("/"), "")}};
      },
      [&service](const Call&, const ListGroupsRequest& request) -> Result<ListGroupsResponse> {
        TRIVET_TRY(const auto page, service.list_groups(page_of(request)));
        ListGroupsResponse response;
        for (const IamGroup& group : page.items) {
          response.Groups.push_back(group_shape(service, group));
        }
        set_page_end(page.marker, response);
        return response;
      }));
  table.add(make_action<ListGroupsForUserRequest>(
      [&service](const Call&, const ListGroupsForUserRequest& request) {
        return Permissions{entity_permission(service, "iam:ListGroupsForUser", entity_of(request))};
      },
      [&service](const Call&,
                 const ListGroupsForUserRequest& request) -> Result<ListGroupsForUserResponse> {
        TRIVET_TRY(const auto page,
                   service.list_groups_for_user(request.UserName, page_of(request)));
        ListGroupsForUserResponse response;
        for (const IamGroup& group : page.items) {
          response.Groups.push_back(group_shape(service, group));
        }
        set_page_end(page.marker, response);
        return response;
      }));
}

void add_update_group(ActionTable& table, IamService& service) {
  table.add(make_action<UpdateGroupRequest>(
      [&service](const Call&, const UpdateGroupRequest& request) {
        Permissions permissions{entity_permission(service, "iam:UpdateGroup", entity_of(request))};
        const auto state = service.state();
        const auto* group = state->find_group(request.GroupName);
        if (group != nullptr && (request.NewPath || request.NewGroupName)) {
          // AWS asks for the permission on the group as it will be, too.
          permissions.push_back(
              {.action = "iam:UpdateGroup",
               .resource = group_arn(service, request.NewPath.value_or(group->record.path),
                                     request.NewGroupName.value_or(group->record.name))});
        }
        return permissions;
      },
      [&service](const Call&, const UpdateGroupRequest& request) {
        return done<UpdateGroupResponse>(service.update_group({.name = request.GroupName,
                                                               .new_name = request.NewGroupName,
                                                               .new_path = request.NewPath}));
      }));
}

void add_changes(ActionTable& table, IamService& service) {
  table.add(make_action<DeleteGroupRequest>(
      group_permission<DeleteGroupRequest>(service),
      [&service](const Call&, const DeleteGroupRequest& request) {
        return done<DeleteGroupResponse>(service.delete_group(request.GroupName));
      }));
  table.add(make_action<AddUserToGroupRequest>(
      group_permission<AddUserToGroupRequest>(service),
      [&service](const Call&, const AddUserToGroupRequest& request) {
        return done<AddUserToGroupResponse>(
            service.add_to_group(request.GroupName, request.UserName));
      }));
  table.add(make_action<RemoveUserFromGroupRequest>(
      group_permission<RemoveUserFromGroupRequest>(service),
      [&service](const Call&, const RemoveUserFromGroupRequest& request) {
        return done<RemoveUserFromGroupResponse>(
            service.remove_from_group(request.GroupName, request.UserName));
      }));
}

}  // namespace

void add_group_actions(ActionTable& table, IamService& service) {
  add_create_group(table, service);
  add_get_group(table, service);
  add_lists(table, service);
  add_update_group(table, service);
  add_changes(table, service);
}

}  // namespace trivet::api::iam
