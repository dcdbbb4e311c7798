// SPDX-License-Identifier: Apache-2.0
//
// What the API asks of IAM on every call: whose key is this, and may they? The daemon hands in an
// implementation over IAM's current state.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "core/policy/evaluate.h"
#include "model/audit.h"
#include "model/principal.h"

namespace trivet::api {

// Condition keys of a request: "aws:SourceIp" → its values (one, but for multi-valued keys).
using ConditionKeys = std::map<std::string, std::vector<std::string>>;

// Move-only, because of the secret.
struct AuthenticatedKey {
  SecretString secret;  // of the access key, to check the signature with
  Principal principal;
};

// One question to the policies. The references outlive the call.
struct AccessRequest {
  const Principal& principal;
  std::string_view action;          // "rds:CreateDBCluster"
  std::string_view resource;        // an ARN, or "*"
  const ConditionKeys& context;     // of the call; the keys of principal and time are not in it
  DecidedBy* decided_by = nullptr;  // is told the statement, where there is one to be told
  // On the resource; nullptr: it has none.
  const std::vector<policy::NamedPolicy>* resource_policies = nullptr;
};

// Thread-safe. The answers come from memory: no call blocks on I/O.
class Identities {
 public:
  virtual ~Identities() = default;
  // `session_token` is empty when none was sent. Says nothing of the signature: the key is only
  // claimed. Faults: InvalidClientTokenId (unknown or inactive key, wrong or missing token),
  // ExpiredToken.
  virtual Result<AuthenticatedKey> find_key(std::string_view access_key_id,
                                            std::string_view session_token) = 0;
  // Success is an allow. kDenied, with AWS's text ("User: … is not authorized to perform: …"), is a
  // denial; any other error is a failure to decide, which also refuses the call.
  virtual Status authorize(const AccessRequest& request) = 0;
};

}  // namespace trivet::api
