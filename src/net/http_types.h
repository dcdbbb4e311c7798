// SPDX-License-Identifier: Apache-2.0
//
// An HTTP request and response as plain values: what the API layer sees, without an HTTP library.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace trivet::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

// The first header of that name, compared without case; empty when there is none.
inline std::string_view find_header(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (equals_ignoring_case(key, name)) {
      return value;
    }
  }
  return {};
}

struct HttpRequest {
  std::string method;
  std::string target;  // as sent: path, and '?' with the raw query
  Headers headers;     // in the order sent, names as sent
  std::string body;
  std::string peer_address;  // "127.0.0.1"
  bool is_tls = false;
};

struct HttpResponse {
  int status = 200;
  Headers headers;  // Content-Length, Date and Connection are the server's business
  std::string body;
};

}  // namespace trivet::net
