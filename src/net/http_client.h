// SPDX-License-Identifier: Apache-2.0
//
// One HTTP request and its answer, blocking: for the command line tool, which talks to the daemon
// over its unix socket or its API address. Each call makes a connection of its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "net/http_types.h"

namespace trivet::net {

// Where to send a request: a unix socket when `unix_path` is not empty, else host and port.
struct HttpEndpoint {
  std::string host;  // a name or a numeric address
  std::uint16_t port = 80;
  std::string unix_path;
};

// "http://host:port", "http://[::1]:80" (a path behind it is ignored) or "unix:/run/x.sock".
// kInvalidArgument otherwise; https is not spoken.
Result<HttpEndpoint> parse_http_endpoint(std::string_view text);

// Sends method, target, headers and body; adds Host (unless given), Content-Length and Connection:
// close. An answer with any status is a success. kUnavailable when nobody answers there, kTimeout
// after `deadline`, kCorrupt when the answer is not HTTP or its body is over 64 MiB.
Result<HttpResponse> http_call(const HttpEndpoint& endpoint, const HttpRequest& request,
                               Millis deadline);

}  // namespace trivet::net
