// SPDX-License-Identifier: Apache-2.0
#include "service/sts_service.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "service/iam_checks.h"
#include "service/iam_ids.h"
#include "service/sts_rules.h"

namespace trivet::service {
namespace {

constexpr std::size_t kSessionPolicyCharactersMax = 2048;
constexpr std::size_t kSessionPoliciesMax = 10;

const policy::Decision kNoTrust{.outcome = policy::Outcome::kImplicitDeny,
                                .kind = policy::PolicyKind::kTrust};

}  // namespace

Error packed_too_large(std::int64_t percent) {
  return aws_fault(Errc::kInvalidArgument, "PackedPolicyTooLargeException",
                   "Packed size of session tags and policies is " + std::to_string(percent) +
                       "% of the allowed size.");
}

Status check_session_name(std::string_view field, std::string_view name) {
  if (name.size() < 2 || name.size() > 64) {
    return constraint_error(name, field,
                            name.size() < 2 ? "Member must have length greater than or equal to 2"
                                            : "Member must have length less than or equal to 64");
  }
  if (!check_name(field, name, 64)) {
    return constraint_error(name, field,
                            "Member must satisfy regular expression pattern: [\\w+=,.@-]*");
  }
  return ok();
}

Status check_duration(std::int64_t seconds, std::int64_t most) {
  if (seconds < 900 || seconds > most) {
    return constraint_error(
        std::to_string(seconds), "durationSeconds",
        seconds < 900 ? std::string("Member must have value greater than or equal to 900")
                      : "Member must have value less than or equal to " + std::to_string(most));
  }
  return ok();
}

// How long a session of this role may last, or why not.
Result<std::chrono::seconds> role_duration(const Principal& caller, const Identity& role,
                                           std::optional<std::int64_t> asked) {
  const std::int64_t seconds = asked.value_or(kHour);
  TRIVET_CHECK_OK(check_duration(seconds, 43200));
  if (seconds > role.session_seconds_max) {
    return validation_error(
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  }
  if (caller.kind == Principal::Kind::kRoleSession && seconds > kHour) {
    return validation_error(
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
        "chaining");
  }
  return std::chrono::seconds(seconds);
}

namespace {

bool has_tag(const Tags& tags, std::string_view key) {
  return std::any_of(tags.begin(), tags.end(),
                     [&](const auto& tag) { return equals_ignoring_case(tag.first, key); });
}

// The tags asked for, and those that the caller's session hands on.
Result<Tags> session_tags(const Principal& caller, const AssumeRole& request) {
  TRIVET_TRY(Tags tags, merge_tags({}, request.tags));
  for (const std::string& key : request.transitive_tag_keys) {
    if (!has_tag(tags, key)) {
      return aws_fault(Errc::kInvalidArgument, "InvalidParameterValue",
                       "The specified transitive tag key must be included in the requested tags.");
    }
  }
  for (const std::string& key : caller.transitive_tag_keys) {
    if (has_tag(tags, key)) {
      return aws_fault(Errc::kInvalidArgument, "InvalidParameterValue",
                       "One of the specified transitive tag keys can't be set because it conflicts "
                       "with a transitive tag key from the calling session.");
    }
    if (const auto tag = caller.tags.find(key); tag != caller.tags.end()) {
      tags.insert(*tag);
    }
  }
  return tags;
}

}  // namespace

Result<std::optional<std::int32_t>> packed_percent(const AssumeRole& request) {
  std::size_t bytes = request.policy.value_or("").size();
  for (const std::string& arn : request.policy_arns) {
    bytes += arn.size();
  }
  for (const auto& [key, value] : request.tags) {
    bytes += key.size() + value.size();
  }
  if (bytes == 0) {
    return std::optional<std::int32_t>();
  }
  const std::int64_t percent =
      (static_cast<std::int64_t>(bytes) * 100 + kPackedBytesMax - 1) / kPackedBytesMax;
  if (percent > 100) {
    return packed_too_large(percent);
  }
  return std::optional<std::int32_t>(static_cast<std::int32_t>(percent));
}

Result<SessionData> StsService::session_data(const StsCaller& caller,
                                             const AssumeRole& request) const {
  SessionData data;
  std::size_t characters = request.policy.value_or("").size();
  if (request.policy) {
    TRIVET_TRY(const NamedPolicy parsed, check_identity_policy("session", *request.policy));
    static_cast<void>(parsed);
    data.policies.push_back(*request.policy);
  }
  if (request.policy_arns.size() > kSessionPoliciesMax) {
    return validation_error(
        "1 validation error detected: Value at 'policyArns' failed to satisfy "
        "constraint: Member must have length less than or equal to 10");
  }
  for (const std::string& arn : request.policy_arns) {
    characters += arn.size();
    const auto policy = iam_.get_policy(arn);
    if (!policy) {
      return malformed_policy("The policy " + arn + " does not exist or is not attachable.");
    }
    data.policies.push_back(policy->document);
  }
  if (characters > kSessionPolicyCharactersMax) {
    return packed_too_large(
        static_cast<std::int64_t>(characters * 100 / kSessionPolicyCharactersMax));
  }
  TRIVET_TRY(data.tags, session_tags(caller.principal, request));
  data.transitive_keys = caller.principal.transitive_tag_keys;
  data.transitive_keys.insert(data.transitive_keys.end(), request.transitive_tag_keys.begin(),
                              request.transitive_tag_keys.end());
  return data;
}

Status StsService::check_allowed(const StsCaller& caller, const AssumeRole& request,
                                 const Identity& role, const SessionData& data) const {
  ContextKeys context = caller.context;
  context["sts:RoleSessionName"] = {request.session_name};
  if (request.external_id) {
    context["sts:ExternalId"] = {*request.external_id};
  }
  if (request.source_identity) {
    context["sts:SourceIdentity"] = {*request.source_identity};
  }
  for (const auto& [key, value] : data.tags) {
    context["aws:RequestTag/" + key] = {value};
    context["aws:TagKeys"].push_back(key);
  }
  if (!data.transitive_keys.empty()) {
    context["sts:TransitiveTagKeys"] = data.transitive_keys;
  }
  for (const auto& [key, value] : role.tags) {
    context["aws:ResourceTag/" + key] = {value};
    context["iam:ResourceTag/" + key] = {value};
  }
  std::vector<std::string_view> actions = {"sts:AssumeRole"};
  if (!data.tags.empty()) {
    actions.emplace_back("sts:TagSession");
  }
  if (request.source_identity || !caller.principal.source_identity.empty()) {
    actions.emplace_back("sts:SetSourceIdentity");
  }
  const auto snapshot = iam_.snapshot();
  for (const std::string_view action : actions) {
    const AccessQuestion question{caller.principal, action, role.arn, context, caller.now};
    const policy::Decision decision = decide_assume(*snapshot, question, role);
    if (!decision.allowed()) {
      return access_denied(question, decision);
    }
  }
  return ok();
}

Result<AssumedRole> StsService::assume_role(const StsCaller& caller, const AssumeRole& request) {
  TRIVET_CHECK_OK(check_session_name("roleSessionName", request.session_name));
  if (request.source_identity) {
    TRIVET_CHECK_OK(check_session_name("sourceIdentity", *request.source_identity));
  }
  const auto arn = parse_arn(request.role_arn);
  if (!arn || arn->service != "iam" || !arn->resource.starts_with("role/")) {
    return validation_error(request.role_arn + " is invalid");
  }
  const auto snapshot = iam_.snapshot();
  const Identity* role = snapshot->find_role_by_arn(request.role_arn);
  if (role == nullptr) {
    // What is not there is refused like what is not allowed: nobody can find out which roles exist.
    return access_denied(
        {caller.principal, "sts:AssumeRole", request.role_arn, caller.context, caller.now},
        kNoTrust);
  }
  TRIVET_TRY(const std::chrono::seconds duration,
             role_duration(caller.principal, *role, request.duration_seconds));
  TRIVET_TRY(SessionData data, session_data(caller, request));
  TRIVET_CHECK_OK(check_allowed(caller, request, *role, data));
  if (!caller.principal.source_identity.empty() && request.source_identity &&
      *request.source_identity != caller.principal.source_identity) {
    return access_denied(
        {caller.principal, "sts:SetSourceIdentity", role->arn, caller.context, caller.now},
        kNoTrust);
  }
  AssumedRole assumed;
  TRIVET_TRY(assumed.packed_policy_percent, packed_percent(request));
  assumed.id = role->id + ":" + request.session_name;
  assumed.arn = assumed_role_arn(iam_.realm(), role->name, request.session_name);
  assumed.source_identity = request.source_identity.value_or(caller.principal.source_identity);
  SessionClaims claims;
  claims.kind = SessionClaims::Kind::kRole;
  claims.principal_id = role->id;
  claims.session_name = request.session_name;
  claims.source_identity = assumed.source_identity;
  claims.data = std::move(data);
  TRIVET_TRY(assumed.credentials, issue(std::move(claims), duration, caller.now));
  return assumed;
}

Result<AssumedRole> StsService::assume_role_for_service(std::string_view service,
                                                        const std::string& role_arn,
                                                        const std::string& session_name,
                                                        const ContextKeys& context, WallTime now) {
  const auto snapshot = iam_.snapshot();
  const Identity* role = snapshot->find_role_by_arn(role_arn);
  if (role == nullptr || !may_service_assume(*snapshot, *role, service, context, now)) {
    return aws_fault(Errc::kDenied, "AccessDenied",
                     std::string(service) + " is not authorized to assume the role " + role_arn +
                         ": it does not exist, or its trust policy does not say so");
  }
  AssumedRole assumed;
  assumed.id = role->id + ":" + session_name;
  assumed.arn = assumed_role_arn(iam_.realm(), role->name, session_name);
  SessionClaims claims;
  claims.kind = SessionClaims::Kind::kRole;
  claims.principal_id = role->id;
  claims.session_name = session_name;
  TRIVET_TRY(assumed.credentials, issue(std::move(claims), std::chrono::seconds(kHour), now));
  return assumed;
}

Result<SessionCredentials> StsService::get_session_token(
    const StsCaller& caller, std::optional<std::int64_t> duration_seconds) {
  const bool is_root = caller.principal.kind == Principal::Kind::kRoot;
  const bool is_local_admin = is_root && !caller.principal.is_temporary() &&
                              caller.principal.access_key_id.str().starts_with("ASIA");
  if (caller.principal.kind == Principal::Kind::kRoleSession || caller.principal.is_temporary() ||
      is_local_admin) {
    return aws_fault(Errc::kDenied, "AccessDenied",
                     "Cannot call GetSessionToken with session credentials");
  }
  TRIVET_CHECK_OK(check_duration(duration_seconds.value_or(kHour), 129600));
  // Root gets an hour at most, whatever it asks for.
  const std::int64_t seconds = is_root ? std::min(duration_seconds.value_or(kHour), kHour)
                                       : duration_seconds.value_or(43200);
  SessionClaims claims;
  claims.kind = is_root ? SessionClaims::Kind::kRoot : SessionClaims::Kind::kUser;
  claims.principal_id = caller.principal.user_id;
  return issue(std::move(claims), std::chrono::seconds(seconds), caller.now);
}

Result<SessionCredentials> StsService::make_local_session(std::chrono::seconds duration,
                                                          WallTime now) {
  SessionClaims claims;
  claims.kind = SessionClaims::Kind::kLocalAdmin;
  claims.principal_id = iam_.realm().account.str();
  return issue(std::move(claims), duration, now);
}

Result<SessionCredentials> StsService::issue(SessionClaims claims, std::chrono::seconds duration,
                                             WallTime now) {
  claims.access_key_id = make_access_key_id("ASIA", iam_.realm().account);
  claims.secret = make_secret_access_key();
  claims.issued = std::chrono::floor<std::chrono::seconds>(now);
  claims.expires = claims.issued + duration;
  SessionCredentials made{claims.access_key_id, claims.secret.copy(), "", claims.expires};
  auto token = seal_session_token(claims, *sealer_);
  if (!token) {
    TRIVET_TRY(claims.data_hash, iam_.keep_session_data(claims.data, claims.expires, now));
    token = seal_session_token(claims, *sealer_);
  }
  if (!token) {
    return make_error(Errc::kInternal, "a session token came out too long");
  }
  made.session_token = std::move(*token);
  return made;
}

}  // namespace trivet::service
