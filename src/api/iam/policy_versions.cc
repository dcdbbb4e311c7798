// SPDX-License-Identifier: Apache-2.0
//
// CreatePolicyVersion, GetPolicyVersion, ListPolicyVersions, DeletePolicyVersion,
// SetDefaultPolicyVersion.
#include "api/iam/common.h"

namespace trivet::api::iam {
namespace {

using service::ManagedPolicy;

void add_create_policy_version(ActionTable& table, IamService& service) {
  table.add(make_action<CreatePolicyVersionRequest>(
      arn_permission<CreatePolicyVersionRequest>(service),
      [&service](const Call& call,
                 const CreatePolicyVersionRequest& request) -> Result<CreatePolicyVersionResponse> {
        TRIVET_TRY(const ManagedPolicy policy,
                   service.create_policy_version(request.PolicyArn, request.PolicyDocument,
                                                 request.SetAsDefault.value_or(false), call.now));
        return CreatePolicyVersionResponse{.PolicyVersion = version_shape(policy, false)};
      }));
}

void add_get_policy_version(ActionTable& table, IamService& service) {
  table.add(make_action<GetPolicyVersionRequest>(
      arn_permission<GetPolicyVersionRequest>(service),
      [&service](const Call&,
                 const GetPolicyVersionRequest& request) -> Result<GetPolicyVersionResponse> {
        TRIVET_TRY(const ManagedPolicy policy,
                   service.get_policy_version(request.PolicyArn, request.VersionId));
        return GetPolicyVersionResponse{.PolicyVersion = version_shape(policy, true)};
      }));
}

void add_list_policy_versions(ActionTable& table, IamService& service) {
  table.add(make_action<ListPolicyVersionsRequest>(
      arn_permission<ListPolicyVersionsRequest>(service),
      [&service](const Call&,
                 const ListPolicyVersionsRequest& request) -> Result<ListPolicyVersionsResponse> {
        // At most five: always one page.
        TRIVET_TRY(const auto versions, service.list_policy_versions(request.PolicyArn));
        ListPolicyVersionsResponse response;
        for (const ManagedPolicy& version : versions) {
          response.Versions.push_back(version_shape(version, false));
        }
        response.IsTruncated = false;
        return response;
      }));
}

void add_change(ActionTable& table, IamService& service) {
  table.add(make_action<DeletePolicyVersionRequest>(
      arn_permission<DeletePolicyVersionRequest>(service),
      [&service](const Call&, const DeletePolicyVersionRequest& request) {
        return done<DeletePolicyVersionResponse>(
            service.delete_policy_version(request.PolicyArn, request.VersionId));
      }));
  table.add(make_action<SetDefaultPolicyVersionRequest>(
      arn_permission<SetDefaultPolicyVersionRequest>(service),
      [&service](const Call&, const SetDefaultPolicyVersionRequest& request) {
        return done<SetDefaultPolicyVersionResponse>(
            service.set_default_policy_version(request.PolicyArn, request.VersionId));
      }));
}

}  // namespace

void add_policy_version_actions(ActionTable& table, IamService& service) {
  add_create_policy_version(table, service);
  add_get_policy_version(table, service);
  add_list_policy_versions(table, service);
  add_change(table, service);
}

}  // namespace trivet::api::iam
