// SPDX-License-Identifier: Apache-2.0
//
// Calls of RDS's API as anybody else makes them: signed, over HTTP. The keys are fresh ones of the
// installation's root, which the daemon gives to who may use its socket.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/uri.h"
#include "cli/admin_client.h"

namespace trivet::cli {

// Thread-compatible.
class ApiClient {
 public:
  // Errors as AdminClient::credentials.
  static Result<ApiClient> open(const AdminClient& admin);

  // The answer's XML. Errors: kUnavailable and kTimeout when there is no answer; kConflict with
  // AWS's code and text when it is a refusal.
  Result<std::string> call(std::string_view action, const QueryParameters& parameters) const;
  // The same for an action of IAM.
  Result<std::string> call_iam(std::string_view action, const QueryParameters& parameters) const;

 private:
  struct Service {
    std::string_view name, version;
  };
  Result<std::string> call(const Service& service, std::string_view action,
                           const QueryParameters& parameters) const;
  explicit ApiClient(SessionCredentials session) : session_(std::move(session)) {}

  SessionCredentials session_;
};

// "DBClusterNotFoundFault: DBCluster x not found." of an ErrorResponse; its beginning when it is
// none. Pure.
std::string refusal_text(std::string_view xml);

}  // namespace trivet::cli
