// SPDX-License-Identifier: Apache-2.0
//
// AddPermission, RemovePermission, GetPolicy: who else may invoke a function.
#include <utility>

#include "api/lambda/common.h"

namespace trivet::api::lambda {
namespace {

Result<AddPermissionResponse> add(const LambdaServices& services, const Realm& realm,
                                  const AddPermissionRequest& request) {
  if (request.FunctionUrlAuthType || request.InvokedViaFunctionUrl || request.EventSourceToken) {
    return not_implemented(
        "FunctionUrlAuthType, InvokedViaFunctionUrl and EventSourceToken are not implemented.");
  }
  TRIVET_TRY(const Target target, target_of(realm, request.FunctionName, request.Qualifier));
  TRIVET_TRY(std::string statement,
             services.functions.add_permission(target.name, target.qualifier,
                                               {.statement_id = request.StatementId,
                                                .action = request.Action,
                                                .principal = request.Principal,
                                                .source_arn = request.SourceArn,
                                                .source_account = request.SourceAccount,
                                                .principal_org_id = request.PrincipalOrgID,
                                                .revision_id = request.RevisionId.value_or("")}));
  return AddPermissionResponse{.Statement = std::move(statement)};
}

}  // namespace

void add_permission_actions(ActionTable& table, const LambdaServices& services) {
  table.add(make_action<AddPermissionRequest>(
      [services](const Call& call, const AddPermissionRequest& request) {
        Permission wanted = function_permission(services, call.realm, "lambda:AddPermission",
                                                request.FunctionName, request.Qualifier);
        wanted.context["lambda:Principal"] = {request.Principal};
        return std::vector<Permission>{std::move(wanted)};
      },
      [services](const Call& call, const AddPermissionRequest& request) {
        return add(services, call.realm, request);
      }));
  table.add(make_action<RemovePermissionRequest>(
      [services](const Call& call, const RemovePermissionRequest& request) {
        return std::vector<Permission>{
            function_permission(services, call.realm, "lambda:RemovePermission",
                                request.FunctionName, request.Qualifier)};
      },
      [services](const Call& call,
                 const RemovePermissionRequest& request) -> Result<RemovePermissionResponse> {
        TRIVET_TRY(const Target target,
                   target_of(call.realm, request.FunctionName, request.Qualifier));
        TRIVET_CHECK_OK(services.functions.remove_permission(
            target.name, target.qualifier, request.StatementId, request.RevisionId.value_or("")));
        return RemovePermissionResponse{};
      }));
  table.add(make_action<GetPolicyRequest>(
      [services](const Call& call, const GetPolicyRequest& request) {
        return std::vector<Permission>{function_permission(
            services, call.realm, "lambda:GetPolicy", request.FunctionName, request.Qualifier)};
      },
      [services](const Call& call, const GetPolicyRequest& request) -> Result<GetPolicyResponse> {
        TRIVET_TRY(const Target target,
                   target_of(call.realm, request.FunctionName, request.Qualifier));
        TRIVET_TRY(auto policy, services.functions.policy(target.name, target.qualifier));
        return GetPolicyResponse{.Policy = std::move(policy.first),
                                 .RevisionId = std::move(policy.second)};
      }));
}

}  // namespace trivet::api::lambda
