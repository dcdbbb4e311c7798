// SPDX-License-Identifier: Apache-2.0
//
// From an HTTP request to the principal who signed it: SigV4 in the Authorization header or in a
// presigned query, checked on every call. The dispatcher lets one call in without it:
// AssumeRoleWithWebIdentity.
#pragma once

#include <string>
#include <string_view>

#include "api/identities.h"
#include "api/query_params.h"
#include "api/service_info.h"
#include "base/result.h"
#include "base/time.h"
#include "model/ids.h"
#include "model/principal.h"
#include "net/http_types.h"

namespace trivet::api {

struct Authenticated {
  const ServiceInfo* service = nullptr;  // from the credential scope: all services share one port
  std::string region;
  Principal principal;
};

struct AuthContext {
  Identities& identities;
  const Realm& realm;
  WallTime now{};
  Millis clock_skew_max{};
};

// Faults: MissingAuthenticationToken, IncompleteSignature, SignatureDoesNotMatch,
// InvalidClientTokenId, ExpiredToken, RequestExpired; NotImplemented for a service that is not
// built.
Result<Authenticated> authenticate(const net::HttpRequest& request, const AuthContext& context);

// What a request says of itself before anything is proved: for the form of an error and for the log
// only.
struct Claim {
  const ServiceInfo* service =
      nullptr;               // by the credential scope, else by Version; nullptr: neither tells
  std::string service_name;  // of the credential scope; empty when there is none
  std::string access_key_id;

  bool is_other_service() const { return service == nullptr && !service_name.empty(); }
};
Claim read_claim(const net::HttpRequest& request, const QueryParams& params);

// NotImplemented, with the service's name.
Error service_not_built(std::string_view name);

}  // namespace trivet::api
