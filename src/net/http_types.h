// SPDX-License-Identifier: Apache-2.0
//
// An HTTP request and response as plain values: what the API layer sees, without an HTTP library.
#pragma once

#include <cstdint>
#include <optional>
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

// Who is at the other end of a unix socket, as the kernel knew it when the connection was made.
struct PeerCredentials {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int32_t pid = 0;
};

struct HttpRequest {
  std::string method;
  std::string target;  // as sent: path, and '?' with the raw query
  Headers headers;  // in the order sent (a repeated name directly after its first), names as sent
  std::string body;
  std::string peer_address;  // "127.0.0.1"; empty on a unix socket
  bool is_tls = false;
  std::optional<PeerCredentials> peer_credentials;  // only on a unix socket
};

struct HttpResponse {
  int status = 200;
  Headers headers;  // Content-Length, Date and Connection are the server's business
  std::string body;
};

}  // namespace trivet::net
