// SPDX-License-Identifier: Apache-2.0
//
// Sessions for people and programs of others: GetFederationToken, and roles taken with an OIDC
// provider's signed word.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/bytes.h"
#include "service/authorization_message.h"
#include "service/iam_ids.h"
#include "service/sts_rules.h"
#include "service/sts_service.h"

namespace trivet::service {
namespace {

using nlohmann::json;

Error invalid_token(std::string message) {
  return aws_fault(Errc::kInvalidArgument, "InvalidIdentityTokenException", std::move(message));
}

// What is believed of a token once its signature holds.
struct Claims {
  std::string issuer, subject, authorised_party;
  std::vector<std::string> audiences;
  std::vector<std::string> methods;  // amr
  std::optional<WallTime> expires, not_before;
};

std::vector<std::string> strings_of(const json& claims, const char* name) {
  std::vector<std::string> out;
  const auto found = claims.find(name);
  if (found == claims.end()) {
    return out;
  }
  for (const json& each : found->is_array() ? *found : json::array({*found})) {
    if (each.is_string()) {
      out.push_back(each.get<std::string>());
    }
  }
  return out;
}

std::string claim_text(const json& claims, const char* name) {
  const auto all = strings_of(claims, name);
  return all.empty() ? std::string() : all.front();
}

// Seconds since 1970, whole or with a fraction.
std::optional<WallTime> time_of(const json& claims, const char* name) {
  const auto found = claims.find(name);
  constexpr double kLatest = 253'402'300'799.0;  // the end of the year 9999
  if (found == claims.end() || !found->is_number() || found->get<double>() < 0 ||
      found->get<double>() > kLatest) {
    return std::nullopt;
  }
  return wall_time_from_ms(static_cast<std::int64_t>(found->get<double>() * 1000));
}

Result<Claims> read_claims(std::string_view payload) {
  const json claims = json::parse(payload, nullptr, false);
  if (!claims.is_object()) {
    return invalid_token("The ID Token provided is not a valid JWT.");
  }
  return Claims{claim_text(claims, "iss"), claim_text(claims, "sub"), claim_text(claims, "azp"),
                strings_of(claims, "aud"), strings_of(claims, "amr"), time_of(claims, "exp"),
                time_of(claims, "nbf")};
}

// The claims as the token states them, before anything is proved: which provider is meant.
Result<Claims> read_unproved(std::string_view token) {
  const auto first = token.find('.');
  const auto second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos) {
    return invalid_token(
        "The ID Token provided is not a valid JWT. (You may see this error if you "
        "sent an Access Token)");
  }
  std::string text(token.substr(first + 1, second - first - 1));
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  text.append((4 - text.size() % 4) % 4, '=');
  const auto payload = from_base64(text);
  if (!payload) {
    return invalid_token("The ID Token provided is not a valid JWT.");
  }
  return read_claims(*payload);
}

std::string without_scheme(const std::string& url) {
  const auto at = url.find("://");
  return at == std::string::npos ? url : url.substr(at + 3);
}

constexpr std::chrono::minutes kSkew(5);  // how far the provider's clock may be off

Status check_times(const Claims& claims, WallTime now) {
  if (!claims.expires) {
    return invalid_token("Missing a required claim: exp");
  }
  if (now >= *claims.expires) {
    return aws_fault(Errc::kInvalidArgument, "ExpiredTokenException",
                     "Token must be used before it expires.");
  }
  if (claims.not_before && now + kSkew < *claims.not_before) {
    return invalid_token("Token is not valid yet.");
  }
  if (claims.subject.empty()) {
    return invalid_token("Missing a required claim: sub");
  }
  return ok();
}

// The audience that the provider is registered for. With an authorised party, that is the audience
// (AWS: "azp" wins over "aud").
Result<std::string> audience_of(const Claims& claims, const IamOidcProvider& provider) {
  std::vector<std::string> meant = claims.audiences;
  if (!claims.authorised_party.empty()) {
    meant = {claims.authorised_party};
  }
  for (const std::string& audience : meant) {
    if (std::find(provider.client_ids.begin(), provider.client_ids.end(), audience) !=
        provider.client_ids.end()) {
      return audience;
    }
  }
  return invalid_token("Incorrect token audience");
}

Error not_allowed_with_web_identity() {
  return aws_fault(Errc::kDenied, "AccessDenied",
                   "Not authorized to perform sts:AssumeRoleWithWebIdentity");
}

// Does the role's trust policy take this provider's word for it?
policy::Decision decide_web_identity(const IdentitySnapshot& snapshot, const Identity& role,
                                     const std::string& provider_arn, const ContextKeys& keys,
                                     WallTime now) {
  policy::PolicySet set;
  set.is_trust = true;
  set.resource = {role.trust};
  set.guardrails = snapshot.guardrails();
  policy::Request request;
  request.action = "sts:AssumeRoleWithWebIdentity";
  request.resource = role.arn;
  request.principal.type = policy::Principal::Type::kWebIdentity;
  request.principal.arn = provider_arn;
  request.context = policy::principal_context(request.principal, now);
  request.context.erase("aws:principalarn");
  for (const auto& [key, values] : keys) {
    request.context[to_lower(key)] = values;
  }
  return policy::evaluate(set, request);
}

}  // namespace

Result<std::string> StsService::proved_payload(std::string_view token,
                                               const IamOidcProvider& provider) const {
  const auto no_keys = [](const std::string& why) {
    return aws_fault(Errc::kUnavailable, "IDPCommunicationErrorException", why);
  };
  if (!verify_jws_ || oidc_keys_ == nullptr) {
    return no_keys("this installation takes no web identities");
  }
  const auto keys = oidc_keys_->find(provider);
  if (!keys) {
    return no_keys(keys.error().message);
  }
  auto payload = verify_jws_(token, *keys);
  if (!payload) {
    if (const auto newer = oidc_keys_->newer(provider, *keys)) {
      payload = verify_jws_(token, *newer);
    }
  }
  if (!payload) {
    return invalid_token("Couldn't verify the token: " + payload.error().message);
  }
  return std::move(*payload);
}

Result<WebIdentityRole> StsService::assume_with_web_identity(const ContextKeys& context,
                                                             const AssumeWithWebIdentity& request,
                                                             WallTime now) {
  TRIVET_CHECK_OK(check_session_name("roleSessionName", request.session_name));
  TRIVET_TRY(const Claims unproved, read_unproved(request.token));
  const auto snapshot = iam_.snapshot();
  const std::string url = without_scheme(unproved.issuer);
  const IamOidcProvider* provider = snapshot->find_oidc_provider(url);
  if (provider == nullptr) {
    return invalid_token("No OpenIDConnect provider found in your account for " + unproved.issuer);
  }
  TRIVET_TRY(const std::string payload, proved_payload(request.token, *provider));
  TRIVET_TRY(const Claims claims, read_claims(payload));
  TRIVET_CHECK_OK(check_times(claims, now));
  WebIdentityRole out;
  TRIVET_TRY(out.audience, audience_of(claims, *provider));
  out.subject = claims.subject;
  out.provider = iam_arn(iam_.realm(), "oidc-provider", "/", url);

  ContextKeys keys = context;
  keys[url + ":sub"] = {claims.subject};
  keys[url + ":aud"] = {out.audience};
  if (!claims.authorised_party.empty()) {
    keys[url + ":azp"] = {claims.authorised_party};
    keys[url + ":oaud"] = claims.audiences;
  }
  if (!claims.methods.empty()) {
    keys[url + ":amr"] = claims.methods;
  }
  keys["aws:FederatedProvider"] = {out.provider};
  keys["sts:RoleSessionName"] = {request.session_name};
  const Identity* role = snapshot->find_role_by_arn(request.role_arn);
  if (role == nullptr || role->trust.policy == nullptr ||
      !decide_web_identity(*snapshot, *role, out.provider, keys, now).allowed()) {
    return not_allowed_with_web_identity();
  }
  const Principal nobody{.kind = Principal::Kind::kAnonymous};
  TRIVET_TRY(const std::chrono::seconds duration,
             role_duration(nobody, *role, request.duration_seconds));
  AssumeRole limits;
  limits.policy = request.policy;
  limits.policy_arns = request.policy_arns;
  SessionClaims session;
  TRIVET_TRY(session.data, session_data({nobody, context, now}, limits));
  TRIVET_TRY(out.role.packed_policy_percent, packed_percent(limits));
  out.role.id = role->id + ":" + request.session_name;
  out.role.arn = assumed_role_arn(iam_.realm(), role->name, request.session_name);
  session.kind = SessionClaims::Kind::kRole;
  session.principal_id = role->id;
  session.session_name = request.session_name;
  TRIVET_TRY(out.role.credentials, issue(std::move(session), duration, now));
  return out;
}

Result<FederatedUser> StsService::get_federation_token(const StsCaller& caller,
                                                       const GetFederationToken& request) {
  const bool is_root = caller.principal.kind == Principal::Kind::kRoot;
  if (caller.principal.access_key_id.str().starts_with("ASIA")) {
    return aws_fault(Errc::kDenied, "AccessDenied",
                     "Cannot call GetFederationToken with session credentials");
  }
  if (request.name.size() > 32) {
    return constraint_error(request.name, "name",
                            "Member must have length less than or equal to 32");
  }
  TRIVET_CHECK_OK(check_session_name("name", request.name));
  TRIVET_CHECK_OK(check_duration(request.duration_seconds.value_or(kHour), 129600));
  AssumeRole limits;
  limits.policy = request.policy;
  limits.policy_arns = request.policy_arns;
  limits.tags = request.tags;
  SessionClaims claims;
  TRIVET_TRY(claims.data, session_data(caller, limits));
  FederatedUser out;
  TRIVET_TRY(out.packed_policy_percent, packed_percent(limits));
  claims.kind = SessionClaims::Kind::kFederated;
  claims.principal_id = caller.principal.identity_id;
  claims.session_name = request.name;
  out.id = iam_.realm().account.str() + ":" + request.name;
  out.arn = federated_user_arn(iam_.realm(), request.name);
  // Root's get an hour at most, whatever is asked for.
  const std::int64_t seconds = is_root ? std::min(request.duration_seconds.value_or(kHour), kHour)
                                       : request.duration_seconds.value_or(43200);
  TRIVET_TRY(out.credentials, issue(std::move(claims), std::chrono::seconds(seconds), caller.now));
  return out;
}

Result<std::string> StsService::decode_authorization_message(std::string_view encoded) const {
  return service::decode_authorization_message(encoded, *sealer_);
}

}  // namespace trivet::service
