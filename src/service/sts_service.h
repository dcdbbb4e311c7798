// SPDX-License-Identifier: Apache-2.0
//
// STS: temporary credentials. They are a key pair and a sealed token that says whose they are;
// nothing is stored for a session, so there is nothing to look up, to replicate or to clean up (but
// large session policies, which are kept by hash).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "model/principal.h"
#include "service/iam_service.h"
#include "service/identity_access.h"
#include "service/oidc_keys.h"
#include "service/sealer.h"
#include "service/sts_token.h"

namespace trivet::service {

struct AssumeRole {
  std::string role_arn;
  std::string session_name;
  std::optional<std::int64_t> duration_seconds;
  std::optional<std::string> external_id;
  std::optional<std::string> source_identity;
  std::optional<std::string> policy;
  std::vector<std::string> policy_arns;
  TagList tags;
  std::vector<std::string> transitive_tag_keys;
};

struct SessionCredentials {
  AccessKeyId access_key_id;
  SecretString secret;
  std::string session_token;
  WallTime expires{};
};

struct AssumedRole {
  SessionCredentials credentials;
  std::string id;                                     // AROA…:SESSION
  std::string arn;                                    // arn:…:assumed-role/ROLE/SESSION
  std::optional<std::int32_t> packed_policy_percent;  // when policies or tags were given
  std::string source_identity;
};

struct AssumeWithWebIdentity {
  std::string role_arn;
  std::string session_name;
  std::string_view token;  // the provider's signed word
  std::optional<std::int64_t> duration_seconds;
  std::optional<std::string> policy;
  std::vector<std::string> policy_arns;
};
struct WebIdentityRole {
  AssumedRole role;
  std::string subject, provider, audience;
};

struct GetFederationToken {
  std::string name;
  std::optional<std::int64_t> duration_seconds;
  std::optional<std::string> policy;
  std::vector<std::string> policy_arns;
  TagList tags;
};
struct FederatedUser {
  SessionCredentials credentials;
  std::string id;   // ACCOUNT:NAME
  std::string arn;  // arn:…:federated-user/NAME
  std::optional<std::int32_t> packed_policy_percent;
};

// Checks a signed JSON web token against a JSON Web Key Set: its payload, or why not.
using VerifyJws = std::function<Result<std::string>(std::string_view token, std::string_view jwks)>;

// Who asks, with the condition keys of the request. References outlive the call.
struct StsCaller {
  const Principal& principal;
  const ContextKeys& context;
  WallTime now{};
};

// Thread-safe. Does not own the IamService.
class StsService {
 public:
  // Without `verify_jws` and `oidc_keys`, which outlives it, no web identity is accepted.
  StsService(IamService& iam, std::shared_ptr<const Sealer> sealer, VerifyJws verify_jws = {},
             OidcKeys* oidc_keys = nullptr)
      : iam_(iam),
        sealer_(std::move(sealer)),
        verify_jws_(std::move(verify_jws)),
        oidc_keys_(oidc_keys) {}

  // Faults: AccessDenied, ValidationError, MalformedPolicyDocument, PackedPolicyTooLarge. As AWS, a
  // role that does not exist is AccessDenied. Unlike AWS, root may assume roles that trust it: on a
  // new installation there is nobody else.
  Result<AssumedRole> assume_role(const StsCaller& caller, const AssumeRole& request);
  // For an AWS service that works for the account: `service` ("lambda.amazonaws.com") must be
  // trusted by the role. `context`: what the trust policy may ask for (aws:SourceArn). An hour, or
  // what the role allows. kDenied, whatever the reason.
  Result<AssumedRole> assume_role_for_service(std::string_view service, const std::string& role_arn,
                                              const std::string& session_name,
                                              const ContextKeys& context, WallTime now);
  // For nobody known: the provider's word is the proof. Faults: InvalidIdentityToken,
  // ExpiredTokenException, IDPCommunicationError, AccessDenied and those of assume_role. May ask
  // the provider for its keys, and wait for it.
  Result<WebIdentityRole> assume_with_web_identity(const ContextKeys& context,
                                                   const AssumeWithWebIdentity& request,
                                                   WallTime now);
  // For users and root with their long-lived keys, who must be allowed sts:GetFederationToken.
  Result<FederatedUser> get_federation_token(const StsCaller& caller,
                                             const GetFederationToken& request);
  // What encode_authorization_message made.
  Result<std::string> decode_authorization_message(std::string_view encoded) const;
  // For users and root with their long-lived keys. Default 12 h for users, 1 h (the most) for root.
  Result<SessionCredentials> get_session_token(const StsCaller& caller,
                                               std::optional<std::int64_t> duration_seconds);
  // For the administrator at this machine, whom the operating system has identified: as root's own
  // key, for `duration`. Whose uid may have it is the caller's to decide.
  Result<SessionCredentials> make_local_session(std::chrono::seconds duration, WallTime now);

 private:
  Result<SessionData> session_data(const StsCaller& caller, const AssumeRole& request) const;
  Status check_allowed(const StsCaller& caller, const AssumeRole& request, const Identity& role,
                       const SessionData& data) const;
  // What the token says, once one of the provider's keys has signed it.
  Result<std::string> proved_payload(std::string_view token, const IamOidcProvider& provider) const;
  // Fills in key, secret and times; keeps the data in the store when the token would be too long.
  Result<SessionCredentials> issue(SessionClaims claims, std::chrono::seconds duration,
                                   WallTime now);

  IamService& iam_;
  const std::shared_ptr<const Sealer> sealer_;
  const VerifyJws verify_jws_;
  OidcKeys* const oidc_keys_;
};

}  // namespace trivet::service
