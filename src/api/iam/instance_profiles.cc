// SPDX-License-Identifier: Apache-2.0
//
// CreateInstanceProfile, GetInstanceProfile, ListInstanceProfiles, ListInstanceProfilesForRole,
// AddRoleToInstanceProfile, RemoveRoleFromInstanceProfile, DeleteInstanceProfile,
// TagInstanceProfile, UntagInstanceProfile, ListInstanceProfileTags.
#include "api/iam/common.h"
#include "service/iam_ids.h"

namespace trivet::api::iam {
namespace {

using Permissions = std::vector<Permission>;

std::string profile_arn(const IamService& service, std::string_view path, std::string_view name) {
  return service::iam_arn(service.realm(), "instance-profile", path, name);
}

// Of a profile that is there: with its path and its tags.
template <typename Request>
Permission profile_permission(const IamService& service, const Request& request) {
  const auto found = service.get_instance_profile(request.InstanceProfileName);
  Permission permission{
      .action = "iam:" + std::string(Operation<Request>::kAction),
      .resource = profile_arn(service, found ? found->path : "/", request.InstanceProfileName)};
  if (found) {
    for (const auto& [key, value] : found->tags) {
      permission.context["aws:ResourceTag/" + key] = {value};
      permission.context["iam:ResourceTag/" + key] = {value};
    }
  }
  return permission;
}

template <typename Request>
auto on_profile(IamService& service) {
  return [&service](const Call&, const Request& request) {
    Permission permission = profile_permission(service, request);
    if constexpr (requires { request.Tags; }) {
      add_request_tags(request.Tags, permission);
    }
    if constexpr (requires { request.TagKeys; }) {
      permission.context["aws:TagKeys"] = request.TagKeys;
    }
    return Permissions{permission};
  };
}

template <typename Response>
Result<Response> list(const IamService& service, const service::PageRequest& wanted,
                      std::string_view role) {
  TRIVET_TRY(const auto page, service.list_instance_profiles(wanted, role));
  Response response;
  for (const IamInstanceProfile& profile : page.items) {
    response.InstanceProfiles.push_back(instance_profile_shape(service, profile));
    response.InstanceProfiles.back().Tags.clear();  // lists are without tags
  }
  set_page_end(page.marker, response);
  return response;
}

void add_create_profile(ActionTable& table, IamService& service) {
  table.add(make_action<CreateInstanceProfileRequest>(
      [&service](const Call&, const CreateInstanceProfileRequest& request) {
        Permission permission{.action = "iam:CreateInstanceProfile",
                              .resource = profile_arn(service, request.Path.value_or("/"),
                                                      request.InstanceProfileName)};
        add_request_tags(request.Tags, permission);
        return Permissions{permission};
      },
      [&service](const Call& call, const CreateInstanceProfileRequest& request)
          -> Result<CreateInstanceProfileResponse> {
        TRIVET_TRY(
            const IamInstanceProfile profile,
            service.create_instance_profile(request.InstanceProfileName, request.Path.value_or("/"),
                                            tag_list(request.Tags), call.now));
        return CreateInstanceProfileResponse{.InstanceProfile =
                                                 instance_profile_shape(service, profile)};
      }));
}

void add_profile_reads(ActionTable& table, IamService& service) {
  table.add(make_action<GetInstanceProfileRequest>(
      on_profile<GetInstanceProfileRequest>(service),
      [&service](const Call&,
                 const GetInstanceProfileRequest& request) -> Result<GetInstanceProfileResponse> {
        TRIVET_TRY(const IamInstanceProfile profile,
                   service.get_instance_profile(request.InstanceProfileName));
        return GetInstanceProfileResponse{.InstanceProfile =
                                              instance_profile_shape(service, profile)};
      }));
  table.add(make_action<ListInstanceProfilesRequest>(
      [&service](const Call&, const ListInstanceProfilesRequest& request) {
        return Permissions{
            {.action = "iam:ListInstanceProfiles",
             .resource = profile_arn(service, request.PathPrefix.value_or("/"), "")}};
      },
      [&service](const Call&, const ListInstanceProfilesRequest& request) {
        return list<ListInstanceProfilesResponse>(service, page_of(request), "");
      }));
  table.add(make_action<ListInstanceProfilesForRoleRequest>(
      [&service](const Call&, const ListInstanceProfilesForRoleRequest& request) {
        return Permissions{
            entity_permission(service, "iam:ListInstanceProfilesForRole", entity_of(request))};
      },
      [&service](const Call&, const ListInstanceProfilesForRoleRequest& request) {
        return list<ListInstanceProfilesForRoleResponse>(service, page_of(request),
                                                         request.RoleName);
      }));
}

void add_profile_tags(ActionTable& table, IamService& service) {
  table.add(make_action<TagInstanceProfileRequest>(
      on_profile<TagInstanceProfileRequest>(service),
      [&service](const Call&, const TagInstanceProfileRequest& request) {
        return done<TagInstanceProfileResponse>(
            service.tag_instance_profile(request.InstanceProfileName, tag_list(request.Tags), {}));
      }));
  table.add(make_action<UntagInstanceProfileRequest>(
      on_profile<UntagInstanceProfileRequest>(service),
      [&service](const Call&, const UntagInstanceProfileRequest& request) {
        return done<UntagInstanceProfileResponse>(
            service.tag_instance_profile(request.InstanceProfileName, {}, request.TagKeys));
      }));
  table.add(make_action<ListInstanceProfileTagsRequest>(
      on_profile<ListInstanceProfileTagsRequest>(service),
      [&service](const Call&, const ListInstanceProfileTagsRequest& request)
          -> Result<ListInstanceProfileTagsResponse> {
        TRIVET_TRY(const IamInstanceProfile profile,
                   service.get_instance_profile(request.InstanceProfileName));
        ListInstanceProfileTagsResponse response;
        response.Tags = tag_shapes(profile.tags);
        set_page_end("", response);
        return response;
      }));
}

void add_profile_changes(ActionTable& table, IamService& service) {
  table.add(make_action<AddRoleToInstanceProfileRequest>(
      [&service](const Call&, const AddRoleToInstanceProfileRequest& request) {
        Permission pass =
            entity_permission(service, "iam:PassRole", {EntityRef::Kind::kRole, request.RoleName});
        pass.context["iam:PassedToService"] = {"ec2.amazonaws.com"};
        return Permissions{profile_permission(service, request), pass};
      },
      [&service](const Call&, const AddRoleToInstanceProfileRequest& request) {
        return done<AddRoleToInstanceProfileResponse>(
            service.add_to_instance_profile(request.InstanceProfileName, request.RoleName));
      }));
  table.add(make_action<RemoveRoleFromInstanceProfileRequest>(
      on_profile<RemoveRoleFromInstanceProfileRequest>(service),
      [&service](const Call&, const RemoveRoleFromInstanceProfileRequest& request) {
        return done<RemoveRoleFromInstanceProfileResponse>(
            service.remove_from_instance_profile(request.InstanceProfileName, request.RoleName));
      }));
  table.add(make_action<DeleteInstanceProfileRequest>(
      on_profile<DeleteInstanceProfileRequest>(service),
      [&service](const Call&, const DeleteInstanceProfileRequest& request) {
        return done<DeleteInstanceProfileResponse>(
            service.delete_instance_profile(request.InstanceProfileName));
      }));
}

}  // namespace

iam::InstanceProfile instance_profile_shape(const IamService& service,
                                            const IamInstanceProfile& profile) {
  iam::InstanceProfile shape{.Path = profile.path,
                             .InstanceProfileName = profile.name,
                             .InstanceProfileId = profile.id,
                             .Arn = profile_arn(service, profile.path, profile.name),
                             .CreateDate = profile.created,
                             .Roles = {},
                             .Tags = tag_shapes(profile.tags)};
  if (const auto role = profile.role_name.empty() ? Result<IamRole>(Error())
                                                  : service.get_role(profile.role_name)) {
    shape.Roles.push_back(role_shape(service, *role));
    shape.Roles.back().Tags.clear();
    shape.Roles.back().MaxSessionDuration.reset();
  }
  return shape;
}

void add_instance_profile_actions(ActionTable& table, IamService& service) {
  add_create_profile(table, service);
  add_profile_reads(table, service);
  add_profile_changes(table, service);
  add_profile_tags(table, service);
}

}  // namespace trivet::api::iam
