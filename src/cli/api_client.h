// SPDX-License-Identifier: Apache-2.0
//
// Calls of the API as anybody else makes them: signed, over HTTP. The keys are fresh ones of the
// installation's root, which the daemon gives to who may use its socket.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/uri.h"
#include "cli/admin_client.h"
#include "net/http_types.h"

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
  // An action of CloudWatch Logs, with JSON in and out.
  Result<std::string> call_logs(std::string_view action, std::string json) const;
  // The names of Lambda's functions on a runtime.
  Result<std::vector<std::string>> functions_on(std::string_view runtime) const;
  // GetFunction of Lambda.
  Result<std::string> get_function(const std::string& name) const;

 private:
  struct Service {
    std::string_view name, version;
  };
  Result<std::string> call(const Service& service, std::string_view action,
                           const QueryParameters& parameters) const;
  // The body of a 200. `headers`: what is signed beside the host. `get`: the path and the query of
  // a GET.
  Result<std::string> send(const std::string& service, net::Headers headers, std::string body,
                           const std::string& get = "") const;
  explicit ApiClient(SessionCredentials session) : session_(std::move(session)) {}

  SessionCredentials session_;
};

// "DBClusterNotFoundFault: DBCluster x not found." of an ErrorResponse or of an error in JSON; its
// beginning when it is none. Pure.
std::string refusal_text(std::string_view body);

}  // namespace trivet::cli
