// SPDX-License-Identifier: Apache-2.0
//
// A call of a service that speaks JSON: which action is meant, and where its members are. Lambda
// says the action by method and path (REST), CloudWatch Logs by the header X-Amz-Target.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "api/service_info.h"
#include "base/result.h"
#include "base/uri.h"
#include "net/http_types.h"

namespace trivet::api {

// The parts of one request, decoded. Refers to it: the request outlives this.
struct JsonRequest {
  std::string_view action;  // AWS's name; of a service's table, so it stays
  std::map<std::string, std::string, std::less<>> labels;  // of the path: "FunctionName" → "report"
  QueryParameters query;                                   // in the order sent
  const net::Headers* headers = nullptr;
  std::string_view body;
};

// Does a request look like one of a JSON service although its signature does not say so? For the
// form of an error.
const ServiceInfo* guess_json_service(const net::HttpRequest& request);

// Faults: UnknownOperationException (no such path or target), SerializationException (an escape
// that is malformed, or text that is not UTF-8).
Result<JsonRequest> read_json_request(const ServiceInfo& service, const net::HttpRequest& request);

}  // namespace trivet::api
