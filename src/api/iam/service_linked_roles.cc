// SPDX-License-Identifier: Apache-2.0
//
// CreateServiceLinkedRole, DeleteServiceLinkedRole, GetServiceLinkedRoleDeletionStatus.
#include <algorithm>

#include "api/iam/common.h"

namespace trivet::api::iam {
namespace {

using Permissions = std::vector<Permission>;

void add_create_linked_role(ActionTable& table, IamService& service) {
  table.add(make_action<CreateServiceLinkedRoleRequest>(
      [&service](const Call&, const CreateServiceLinkedRoleRequest& request) {
        return Permissions{
            {.action = "iam:CreateServiceLinkedRole",
             .resource =
                 role_arn(service, service::service_linked_role_path(request.AWSServiceName), "*"),
             .context = {{"iam:AWSServiceName", {request.AWSServiceName}}}}};
      },
      [&service](const Call& call, const CreateServiceLinkedRoleRequest& request)
          -> Result<CreateServiceLinkedRoleResponse> {
        TRIVET_TRY(const IamRole role,
                   service.create_service_linked_role(request.AWSServiceName,
                                                      request.CustomSuffix.value_or(""),
                                                      request.Description.value_or(""), call.now));
        CreateServiceLinkedRoleResponse response{.Role = role_shape(service, role)};
        response.Role->MaxSessionDuration.reset();  // as CreateRole
        return response;
      }));
}

void add_delete_linked_role(ActionTable& table, IamService& service) {
  table.add(make_action<DeleteServiceLinkedRoleRequest>(
      [&service](const Call&, const DeleteServiceLinkedRoleRequest& request) {
        return Permissions{
            entity_permission(service, "iam:DeleteServiceLinkedRole", entity_of(request))};
      },
      [&service](const Call&, const DeleteServiceLinkedRoleRequest& request)
          -> Result<DeleteServiceLinkedRoleResponse> {
        TRIVET_TRY(const std::string task, service.delete_service_linked_role(request.RoleName));
        return DeleteServiceLinkedRoleResponse{.DeletionTaskId = task};
      }));
  table.add(make_action<GetServiceLinkedRoleDeletionStatusRequest>(
      [&service](const Call&, const GetServiceLinkedRoleDeletionStatusRequest& request) {
        // "task" + the role's path and name + "/" + a number of its own.
        const std::string& task = request.DeletionTaskId;
        const std::size_t begin = std::min(task.find('/'), task.size());
        const std::size_t end = task.rfind('/');
        const bool is_ours = end != std::string::npos && end > begin;
        return Permissions{
            {.action = "iam:GetServiceLinkedRoleDeletionStatus",
             .resource = role_arn(service, is_ours ? task.substr(begin, end - begin) : "/*", "")}};
      },
      [&service](const Call&, const GetServiceLinkedRoleDeletionStatusRequest& request)
          -> Result<GetServiceLinkedRoleDeletionStatusResponse> {
        TRIVET_CHECK_OK(service.check_deletion(request.DeletionTaskId));
        return GetServiceLinkedRoleDeletionStatusResponse{.Status = "SUCCEEDED", .Reason = {}};
      }));
}

}  // namespace

void add_service_linked_role_actions(ActionTable& table, IamService& service) {
  add_create_linked_role(table, service);
  add_delete_linked_role(table, service);
}

}  // namespace trivet::api::iam
