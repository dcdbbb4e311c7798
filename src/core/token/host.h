// SPDX-License-Identifier: Apache-2.0
//
// The host and port that a token was made for, against those that a server answers to. This is what
// keeps a token for one server from being used on another. Aliases, tunnels and wildcards are
// entries like any other, because people reach a server by more names than its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trivet::token {

// "host:port" taken apart. `host` is lower case and without brackets.
struct HostPort {
  std::string host;
  std::optional<std::uint16_t> port;  // absent when the text names none
};

// nullopt when there is no host, or a port that is not 1 to 65535. "[::1]:3306", "::1:3306" (the
// AWS CLI drops the brackets) and "[::1]" are read as well.
std::optional<HostPort> parse_host_port(std::string_view text);

// A name under which a server may be reached.
struct AllowedHost {
  std::string host;  // lower case; "*.example.com" is every name below example.com; "*" is any
  std::optional<std::uint16_t> port;  // absent: any port (tunnels)
  std::string str() const;            // "db.example.com:3306", "localhost:*"
  friend bool operator==(const AllowedHost&, const AllowedHost&) = default;
};

// "host:port", "host:*" or "host" (any port), any case, with or without a leading "*.". nullopt
// when malformed.
std::optional<AllowedHost> parse_allowed_host(std::string_view text);

// A token without a port was made for 443 or 80: some SDKs leave these out.
bool matches(const AllowedHost& allowed, const HostPort& token_host);

// The Host header values that an SDK may have signed for this text, most likely first: as written,
// in lower case, without port 443 or 80, without the brackets of an IPv6 address. Nothing else is
// tried.
std::vector<std::string> signed_host_candidates(std::string_view host_text);

}  // namespace trivet::token
