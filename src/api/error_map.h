// SPDX-License-Identifier: Apache-2.0
//
// The only table from Error to what AWS's clients see: a wire code, an HTTP status and who is to
// blame. The faults of the models come from the generated tables; those common to all services are
// in error_map.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/service_info.h"
#include "base/result.h"

namespace trivet::api {

struct AwsError {
  std::string code;  // the wire code: "DBInstanceNotFound", not "DBInstanceNotFoundFault"
  int status = 500;
  std::string message;                          // for the client
  std::string_view message_member = "message";  // JSON services: the key of the text
  std::string reason{};                         // TooManyRequestsException only: which limit it was
  bool is_sender() const { return status < 500; }
};

// `error.fault` may be a fault's name, its wire code or a common error's code. Without a known
// fault the Errc decides. What is our own failure is answered with a general text: the details are
// for the log. `service` is nullptr when it could not be told which API was meant.
AwsError map_error(const ServiceInfo* service, const Error& error);

// AWS's text of a call that fails these constraints: "2 validation errors detected: …; …".
std::string validation_message(const std::vector<std::string>& failed);

}  // namespace trivet::api
