// SPDX-License-Identifier: Apache-2.0
//
// GetCallerIdentity, AssumeRole, GetSessionToken, GetFederationToken, GetAccessKeyInfo,
// DecodeAuthorizationMessage, AssumeRoleWithWebIdentity. AssumeRole asks for no permission here:
// the role's trust policy and the caller's own policies are one decision, which the service takes.
#include "api/sts/actions.h"

#include <utility>

#include "api/context_keys.h"
#include "api/shapes/sts.h"
#include "service/iam_ids.h"

namespace trivet::api {
namespace {

sts::Credentials credentials_shape(service::SessionCredentials credentials) {
  sts::Credentials shape;
  shape.AccessKeyId = credentials.access_key_id.str();
  shape.SecretAccessKey = std::move(credentials.secret);
  shape.SessionToken = std::move(credentials.session_token);
  shape.Expiration = credentials.expires;
  return shape;
}

// What needs a device that Trivet does not have is refused, not left out.
Status refuse_mfa(const std::optional<std::string>& serial,
                  const std::optional<std::string>& code) {
  if (serial || code) {
    return aws_fault(Errc::kDenied, "AccessDenied",
                     "MultiFactorAuthentication failed, unable to validate MFA code. Trivet has no "
                     "MFA devices.");
  }
  return ok();
}

Result<service::AssumeRole> assume_request(const sts::AssumeRoleRequest& request) {
  TRIVET_CHECK_OK(refuse_mfa(request.SerialNumber, request.TokenCode));
  if (!request.ProvidedContexts.empty()) {
    return aws_fault(Errc::kInvalidArgument, "NotImplemented",
                     "ProvidedContexts is not implemented.");
  }
  service::AssumeRole assume{.role_arn = request.RoleArn,
                             .session_name = request.RoleSessionName,
                             .duration_seconds = request.DurationSeconds,
                             .external_id = request.ExternalId,
                             .source_identity = request.SourceIdentity,
                             .policy = request.Policy,
                             .transitive_tag_keys = request.TransitiveTagKeys};
  for (const sts::PolicyDescriptorType& policy : request.PolicyArns) {
    assume.policy_arns.push_back(policy.arn.value_or(""));
  }
  for (const sts::Tag& tag : request.Tags) {
    assume.tags.emplace_back(tag.Key, tag.Value);
  }
  return assume;
}

void add_caller_identity(ActionTable& table) {
  table.add(make_action<sts::GetCallerIdentityRequest>(
      NoPermission{},
      [](const Call& call,
         const sts::GetCallerIdentityRequest&) -> Result<sts::GetCallerIdentityResponse> {
        sts::GetCallerIdentityResponse response;
        response.UserId = call.principal.user_id;
        response.Account = call.principal.account.str();
        response.Arn = call.principal.arn;
        return response;
      }));
}

void add_assume_role(ActionTable& table, service::StsService& service) {
  table.add(make_action<sts::AssumeRoleRequest>(
      NoPermission{},
      [&service](const Call& call,
                 const sts::AssumeRoleRequest& request) -> Result<sts::AssumeRoleResponse> {
        TRIVET_TRY(const service::AssumeRole assume, assume_request(request));
        const ConditionKeys context = request_condition_keys(call);
        TRIVET_TRY(service::AssumedRole assumed,
                   service.assume_role({call.principal, context, call.now}, assume));
        sts::AssumeRoleResponse response;
        response.Credentials = credentials_shape(std::move(assumed.credentials));
        sts::AssumedRoleUser& user = response.AssumedRoleUser.emplace();
        user.AssumedRoleId = assumed.id;
        user.Arn = assumed.arn;
        response.PackedPolicySize = assumed.packed_policy_percent;
        if (!assumed.source_identity.empty()) {
          response.SourceIdentity = assumed.source_identity;
        }
        return response;
      }));
}

void add_session_token(ActionTable& table, service::StsService& service) {
  table.add(make_action<sts::GetSessionTokenRequest>(
      NoPermission{},  // AWS: none is needed, but the caller's kind of credentials matters
      [&service](const Call& call, const sts::GetSessionTokenRequest& request)
          -> Result<sts::GetSessionTokenResponse> {
        TRIVET_CHECK_OK(refuse_mfa(request.SerialNumber, request.TokenCode));
        const ConditionKeys context = request_condition_keys(call);
        TRIVET_TRY(service::SessionCredentials made,
                   service.get_session_token({call.principal, context, call.now},
                                             request.DurationSeconds));
        sts::GetSessionTokenResponse response;
        response.Credentials = credentials_shape(std::move(made));
        return response;
      }));
}

void add_federation_token(ActionTable& table, service::StsService& service) {
  table.add(make_action<sts::GetFederationTokenRequest>(
      [](const Call& call, const sts::GetFederationTokenRequest& request) {
        Permission permission{.action = "sts:GetFederationToken",
                              .resource = service::federated_user_arn(call.realm, request.Name)};
        for (const sts::Tag& tag : request.Tags) {
          permission.context["aws:RequestTag/" + tag.Key] = {tag.Value};
          permission.context["aws:TagKeys"].push_back(tag.Key);
        }
        return std::vector<Permission>{permission};
      },
      [&service](const Call& call, const sts::GetFederationTokenRequest& request)
          -> Result<sts::GetFederationTokenResponse> {
        service::GetFederationToken wish{.name = request.Name,
                                         .duration_seconds = request.DurationSeconds,
                                         .policy = request.Policy};
        for (const sts::PolicyDescriptorType& policy : request.PolicyArns) {
          wish.policy_arns.push_back(policy.arn.value_or(""));
        }
        for (const sts::Tag& tag : request.Tags) {
          wish.tags.emplace_back(tag.Key, tag.Value);
        }
        const ConditionKeys context = request_condition_keys(call);
        TRIVET_TRY(service::FederatedUser made,
                   service.get_federation_token({call.principal, context, call.now}, wish));
        sts::GetFederationTokenResponse response;
        response.Credentials = credentials_shape(std::move(made.credentials));
        sts::FederatedUser& user = response.FederatedUser.emplace();
        user.FederatedUserId = made.id;
        user.Arn = made.arn;
        response.PackedPolicySize = made.packed_policy_percent;
        return response;
      }));
}

void add_access_key_info(ActionTable& table) {
  table.add(make_action<sts::GetAccessKeyInfoRequest>(
      [](const Call&, const sts::GetAccessKeyInfoRequest&) {
        return std::vector<Permission>{{.action = "sts:GetAccessKeyInfo", .resource = "*"}};
      },
      [](const Call&,
         const sts::GetAccessKeyInfoRequest& request) -> Result<sts::GetAccessKeyInfoResponse> {
        const auto account = service::account_of_access_key(request.AccessKeyId);
        if (!account) {
          return aws_fault(Errc::kInvalidArgument, "ValidationError", "Invalid access key id.");
        }
        return sts::GetAccessKeyInfoResponse{.Account = account->str()};
      }));
}

void add_decode_message(ActionTable& table, service::StsService& service) {
  table.add(make_action<sts::DecodeAuthorizationMessageRequest>(
      [](const Call&, const sts::DecodeAuthorizationMessageRequest&) {
        return std::vector<Permission>{
            {.action = "sts:DecodeAuthorizationMessage", .resource = "*"}};
      },
      [&service](const Call&, const sts::DecodeAuthorizationMessageRequest& request)
          -> Result<sts::DecodeAuthorizationMessageResponse> {
        TRIVET_TRY(std::string message,
                   service.decode_authorization_message(request.EncodedMessage));
        return sts::DecodeAuthorizationMessageResponse{.DecodedMessage = std::move(message)};
      }));
}

// Unsigned: the provider's token is the proof.
void add_web_identity(ActionTable& table, service::StsService& service) {
  table.add(make_action<sts::AssumeRoleWithWebIdentityRequest>(
      NoPermission{},
      [&service](const Call& call, const sts::AssumeRoleWithWebIdentityRequest& request)
          -> Result<sts::AssumeRoleWithWebIdentityResponse> {
        if (request.ProviderId) {
          return aws_fault(Errc::kInvalidArgument, "NotImplemented",
                           "ProviderId is for OAuth 2.0 access tokens, which are not built.");
        }
        service::AssumeWithWebIdentity wish{.role_arn = request.RoleArn,
                                            .session_name = request.RoleSessionName,
                                            .token = request.WebIdentityToken.reveal(),
                                            .duration_seconds = request.DurationSeconds,
                                            .policy = request.Policy,
                                            .policy_arns = {}};
        for (const sts::PolicyDescriptorType& policy : request.PolicyArns) {
          wish.policy_arns.push_back(policy.arn.value_or(""));
        }
        TRIVET_TRY(service::WebIdentityRole made,
                   service.assume_with_web_identity(request_condition_keys(call), wish, call.now));
        sts::AssumeRoleWithWebIdentityResponse response;
        response.Credentials = credentials_shape(std::move(made.role.credentials));
        sts::AssumedRoleUser& user = response.AssumedRoleUser.emplace();
        user.AssumedRoleId = made.role.id;
        user.Arn = made.role.arn;
        response.PackedPolicySize = made.role.packed_policy_percent;
        response.SubjectFromWebIdentityToken = made.subject;
        response.Provider = made.provider;
        response.Audience = made.audience;
        return response;
      }));
}

}  // namespace

void add_sts_actions(ActionTable& table, service::StsService& service) {
  add_caller_identity(table);
  add_assume_role(table, service);
  add_session_token(table, service);
  add_federation_token(table, service);
  add_access_key_info(table);
  add_decode_message(table, service);
  add_web_identity(table, service);
}

}  // namespace trivet::api
