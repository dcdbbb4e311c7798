// SPDX-License-Identifier: Apache-2.0
//
// Stage one of Signature Version 4: a request → the canonical request, the one text that both sides
// hash. Every value is decoded and encoded again, never copied raw, so that two spellings of one
// request have one canonical form. The rules are those of every AWS service but S3: dot segments
// and double slashes leave the path, and the path as sent is percent-encoded once more.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/uri.h"

namespace trivet::sigv4 {

using Headers = std::vector<std::pair<std::string, std::string>>;

// SHA-256 of no bytes, in hex: the payload hash of a request without a body.
inline constexpr std::string_view kEmptyPayloadSha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

// An HTTP request as far as a signature covers it. Plain value.
struct SignedRequest {
  std::string method = "GET";
  std::string path = "/";  // as sent, still percent-encoded, without the query
  std::string query;       // as sent, without the '?'
  Headers headers;         // in the order sent, names in any case; Host is among them
  // Lower-case hex of SHA-256 over the body that really came (or will be sent).
  std::string payload_sha256{kEmptyPayloadSha256};
};

// All values of the header joined by ',' in their order, each trimmed and with runs of blanks made
// one; nullopt when there is no such header. `name` is compared without case.
std::optional<std::string> canonical_header_value(const Headers& headers, std::string_view name);

// "/a/./b//c%20d/" → "/a/b/c%2520d/". An empty path is "/".
std::string canonical_path(std::string_view path_as_sent);

// Pairs are encoded by RFC 3986 and sorted by encoded name, then encoded value. X-Amz-Signature is
// left out: nothing else can be.
std::string canonical_query(const QueryParameters& decoded);

// What goes into the canonical request besides the request itself. Views must outlive the call.
struct CanonicalParts {
  const std::vector<std::string>& signed_headers;  // lower case; sorted and made unique here
  std::string_view payload;                        // hex hash, or kUnsignedPayload
};

// nullopt when the query has a malformed escape or a signed header is not in the request.
std::optional<std::string> canonical_request(const SignedRequest& request,
                                             const CanonicalParts& parts);

}  // namespace trivet::sigv4
