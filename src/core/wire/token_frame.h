// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
//
// What the authentication plugin inside mysqld and the daemon say to each other over a unix socket:
// one request, one response, and the next request when there is one. The same code is linked into
// both, so it allocates nothing, throws nothing and works in the caller's buffers; decoded values
// point into the decoded bytes. A running mysqld keeps its plugin while the daemon is upgraded: a
// daemon answers every version it ever knew in that version, and any other with a frame about
// versions, which never changes. All integers are big-endian; plugin/README.md has the layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace trivet::wire {

inline constexpr std::uint8_t kTokenProtocolVersion = 3;
// The oldest version that a daemon of this source still answers.
inline constexpr std::uint8_t kOldestTokenProtocolVersion = 1;
// The first version whose answers may name another account.
inline constexpr std::uint8_t kVersionOfAccounts = 2;
// The first version whose requests may come without a token: the login is refused, and recorded.
inline constexpr std::uint8_t kVersionOfNoToken = 3;

// A frame is this many bytes of payload length, then the payload.
inline constexpr std::size_t kFramePrefixBytes = 4;
inline constexpr std::size_t kMaxFramePayloadBytes = std::size_t{80} * 1024;

inline constexpr std::size_t kMaxUserBytes = 255;
inline constexpr std::size_t kMaxHostBytes = 255;
inline constexpr std::size_t kMaxPeerAddressBytes = 45;  // the longest text form of an IPv6 address
inline constexpr std::size_t kMaxTokenBytes = std::size_t{64} * 1024;
inline constexpr std::size_t kMaxPrincipalBytes = 511;  // @@external_user holds 511 bytes and a NUL
inline constexpr std::size_t kMaxReasonBytes = 64;
inline constexpr std::size_t kMaxTlsNameBytes = 64;  // "TLSv1.3", "TLS_AES_256_GCM_SHA384"
inline constexpr std::size_t kMaxAccountBytes = 96;  // as mysql.user.User

// Buffers of these sizes hold every request head and every response frame.
inline constexpr std::size_t kMaxRequestHeadBytes = 768;
inline constexpr std::size_t kMaxResponseFrameBytes = 768;

enum class Transport : std::uint8_t {
  kTcp = 1,         // host or address of a TCP peer
  kUnixSocket = 2,  // mysqld's own socket; there is no peer address
};

// What mysqld knows of a login. A view: whoever made the bytes keeps them alive.
struct TokenRequest {
  std::uint8_t version = kTokenProtocolVersion;  // of the protocol; the answer must have it too
  Transport transport = Transport::kTcp;
  bool is_tls = false;
  std::uint64_t connection_id = 0;  // mysqld's CONNECTION_ID(); 0 when it is not known
  std::uint16_t peer_port = 0;      // 0: none; with peer_address it names one TCP connection
  std::string_view user;            // the login user, as the client sent it; never empty
  std::string_view host;            // the peer as mysqld names it: a host name or an address
  std::string_view peer_address;  // numeric, of the peer mysqld sees: behind a router, the router's
  // "TLSv1.3", "TLS_AES_256_GCM_SHA384": what Ssl_version and Ssl_cipher of the session will say.
  // Empty: not known, or no TLS. Since version 2.
  std::string_view tls_version;
  std::string_view tls_cipher;
  // The password without its terminating NUL. Empty since version 3: there was none, or it was not
  // asked for.
  std::string_view token;
};

// Zero is none of them, so that a buffer of zeros never means "allow".
enum class Verdict : std::uint8_t {
  kAllow = 1,
  kDeny = 2,   // the token or the policy says no
  kError = 3,  // the daemon could not decide
};

// A view, as TokenRequest.
struct TokenResponse {
  std::uint8_t version = kTokenProtocolVersion;  // of the request
  Verdict verdict = Verdict::kError;
  std::string_view principal;  // ARN; not empty when allowed, empty or not otherwise
  std::string_view reason;     // a name ("expired", "no-policy") for logs; empty when allowed
  // The account whose privileges the session gets, by MySQL's proxying; empty: its own. Since
  // version 2, and with "allow" only.
  std::string_view account;
};

// The versions of this protocol that the sender speaks. As a question it says which one the plugin
// uses; as an answer what the daemon understands. Of version 0 and the same for ever, so that both
// sides understand it however far apart they are.
struct Versions {
  std::uint8_t lowest = kOldestTokenProtocolVersion;
  std::uint8_t highest = kTokenProtocolVersion;
  bool fit(std::uint8_t version) const { return lowest <= version && version <= highest; }
};
inline constexpr std::size_t kVersionsFrameBytes = kFramePrefixBytes + 4;

// Length of the payload that follows a prefix. nullopt: fewer than four bytes, an empty payload, or
// more than `max_payload`; the connection is then of no further use.
std::optional<std::size_t> decode_frame_size(std::string_view prefix,
                                             std::size_t max_payload = kMaxFramePayloadBytes);

// Writes the frame up to, not including, the token's bytes: the token is the last field, so a
// sender gathers head and token without copying the secret. Returns the bytes written; 0 when a
// field is over its limit, the user is empty, or `out` is too small (kMaxRequestHeadBytes
// always suffices).
std::size_t encode_request_head(const TokenRequest& request, std::span<char> out);

// The whole frame. Returns the bytes written, 0 as above.
std::size_t encode_request(const TokenRequest& request, std::span<char> out);

// `payload` is a frame without its prefix. nullopt: another version or kind, a field over its
// limit, a field that is missing, an unknown transport or flag, or bytes too few or too many.
std::optional<TokenRequest> decode_request(std::string_view payload);

// Returns the bytes written; 0 when a field is over its limit, "allow" has no principal, or `out`
// is too small (kMaxResponseFrameBytes always suffices).
std::size_t encode_response(const TokenResponse& response, std::span<char> out);

// As decode_request. A principal or a reason with a byte outside printable ASCII is refused: both
// end in logs and in @@external_user.
std::optional<TokenResponse> decode_response(std::string_view payload);

// The whole frame. Returns the bytes written; 0 when `out` is too small (kVersionsFrameBytes).
std::size_t encode_versions_question(const Versions& versions, std::span<char> out);
std::size_t encode_versions_answer(const Versions& versions, std::span<char> out);
// `payload` as above. More bytes than today's are ignored; nullopt for every other frame.
std::optional<Versions> decode_versions_question(std::string_view payload);
std::optional<Versions> decode_versions_answer(std::string_view payload);
// Whether a payload is a request of a version that this source does not know, which is answered
// with the versions that it does.
bool is_of_unknown_version(std::string_view payload);

}  // namespace trivet::wire
