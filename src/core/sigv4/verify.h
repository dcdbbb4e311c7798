// SPDX-License-Identifier: Apache-2.0
//
// Who signed this AWS API request, and is that true? In two steps, because the secret is looked up
// by the access key id between them: parse_auth reads the claim, verify checks it. Both the
// Authorization header and presigned queries (X-Amz-*) are read. The messages are AWS's (reference:
// signature-v4-troubleshooting); none holds a secret or a signature.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "core/sigv4/canonical.h"
#include "core/sigv4/signing.h"

namespace trivet::sigv4 {

// Why a request was not accepted: for audit records and tests. aws_code says what the client is
// told.
enum class Reason {
  kNone,                   // accepted
  kMissingAuthentication,  // neither an Authorization header nor a presigned query
  kIncomplete,             // a part is missing or cannot be read
  kHostNotSigned,
  kHeaderNotSigned,  // an x-amz-* header is there but outside the signature
  kScopeDate,        // the scope's day is not the signing day
  kScopeTerminator,
  kScopeRegion,
  kScopeService,
  kExpired,
  kNotYetCurrent,
  kExpiresTooLong,    // a presigned request may live 7 days
  kPayloadMismatch,   // x-amz-content-sha256 is not the body's hash
  kPayloadNotSigned,  // UNSIGNED-PAYLOAD without TLS
  kSignatureMismatch,
};

std::string_view to_string(Reason reason);
// AWS's error code: "SignatureDoesNotMatch", "IncompleteSignature", "MissingAuthenticationToken"…
// Static.
std::string_view aws_code(Reason reason);
// 403, or 400 where the request could not be read.
int http_status(Reason reason);

// The outcome of verify, or why parse_auth could not read a claim. Refuses unless set otherwise.
struct Verdict {
  Reason reason = Reason::kSignatureMismatch;
  std::string message;  // for the client, in AWS's words; empty when accepted
  bool ok() const { return reason == Reason::kNone; }
  // Requires: !ok(). Errc::kDenied or kInvalidArgument, with AWS's code as the fault.
  Error error() const;
};

// The claim of a request. Nothing in it is proved until verify says so.
struct ParsedAuth {
  std::string access_key_id;
  Scope scope;             // date, region, service as claimed
  std::string terminator;  // must be kTerminator; verify says so in AWS's words when it is not
  std::string amz_date;    // "20150830T123600Z": X-Amz-Date, or the Date header in that form
  WallTime signed_at{};
  std::vector<std::string> signed_headers;  // lower case, as listed
  std::string signature;                    // as sent
  std::optional<std::string> session_token;
  bool is_presigned = false;
  std::int64_t expires_s = 0;  // presigned only
};

using ParseResult = std::variant<ParsedAuth, Verdict>;

// Reads the claim. A Verdict in the result is never ok().
ParseResult parse_auth(const SignedRequest& request);

// What the caller knows. Plain value.
struct VerifyOptions {
  WallTime now{};
  // How far a client's clock may be off, either way. AWS: 15 minutes, for some services 5.
  Millis skew_max = std::chrono::minutes(15);
  std::int64_t presigned_expires_max_s = 7 * 24 * 3600;
  // Empty: any. IAM and STS take any region, because the AWS CLI signs with the user's region when
  // it is given an endpoint.
  std::string region;
  std::string service;  // empty: any
  bool is_tls = false;  // the request came over TLS: UNSIGNED-PAYLOAD is legal
};

// Checks the claim: scope, time, payload, then the signature in constant time. For an unknown
// access key call it with any secret and refuse whatever it says, so that timing does not tell
// which keys exist.
Verdict verify(const ParsedAuth& auth, const SignedRequest& request, std::string_view secret,
               const VerifyOptions& options);

}  // namespace trivet::sigv4
