// SPDX-License-Identifier: Apache-2.0
#include "api/iam/identities.h"

#include <optional>
#include <utility>

#include "service/authorization_message.h"
#include "service/identity_access.h"

namespace trivet::api {
namespace {

// One text for all of them, as AWS: whoever has no key learns nothing about keys.
Error invalid_key() {
  return aws_fault(Errc::kDenied, "InvalidClientTokenId",
                   "The security token included in the request is invalid.");
}

// AWS has them for EC2's actions on resources.
bool has_encoded_message(std::string_view action) {
  return action.starts_with("ec2:") && !action.starts_with("ec2:Describe");
}

}  // namespace

Result<AuthenticatedKey> IamIdentities::find_key(std::string_view access_key_id,
                                                 std::string_view session_token) {
  const bool is_temporary = access_key_id.starts_with("ASIA");
  if (is_temporary == session_token.empty()) {
    return invalid_key();
  }
  const auto token = is_temporary ? std::optional(session_token) : std::nullopt;
  service::KeyLookup found = service::look_up_key(*iam_.snapshot(), *sealer_, access_key_id, token);
  if (found.state != service::KeyLookup::State::kActive || found.is_principal_gone ||
      (is_temporary && !found.is_session_token_valid)) {
    return invalid_key();
  }
  if (found.session_expires && clock_.wall_now() >= *found.session_expires) {
    return aws_fault(Errc::kDenied, "ExpiredToken",
                     "The security token included in the request is expired");
  }
  return AuthenticatedKey{std::move(found.secret), std::move(found.principal)};
}

// GetAccessKeyLastUsed counts every call that was signed with the key, allowed or not.
void IamIdentities::note_use(const AccessRequest& request, WallTime now) {
  const std::string& id = request.principal.access_key_id.str();
  if (id.starts_with("ASIA")) {
    return;
  }
  const auto region = request.context.find("aws:RequestedRegion");
  const bool has_region = region != request.context.end() && !region->second.empty();
  iam_.note_access_key_used(
      id, {.time = now,
           .service = std::string(request.action.substr(0, request.action.find(':'))),
           .region = has_region ? region->second.front() : "N/A"});
}

Status IamIdentities::authorize(const AccessRequest& request) {
  const service::AccessQuestion question{.principal = request.principal,
                                         .action = request.action,
                                         .resource = request.resource,
                                         .context = request.context,
                                         .now = clock_.wall_now(),
                                         .resource_policies = request.resource_policies};
  note_use(request, question.now);
  const auto snapshot = iam_.snapshot();
  const policy::Decision decision = service::decide_access(*snapshot, question);
  if (request.decided_by != nullptr) {
    *request.decided_by = {std::string(policy::to_string(decision.kind)), decision.policy,
                           decision.statement, decision.sid};
  }
  if (!decision.allowed()) {
    Error denied = service::access_denied(question, decision);
    if (has_encoded_message(request.action)) {
      denied.message = "You are not authorized to perform this operation. " + denied.message +
                       ". Encoded authorization failure message: " +
                       service::encode_authorization_message(question, decision, *sealer_);
    }
    return denied;
  }
  return ok();
}

}  // namespace trivet::api
