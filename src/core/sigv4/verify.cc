// SPDX-License-Identifier: Apache-2.0
#include "core/sigv4/verify.h"

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/crypto.h"
#include "base/iso8601.h"
#include "base/secret.h"

namespace trivet::sigv4 {
namespace {

constexpr std::string_view kMismatchMessage =
    "The request signature we calculated does not match the signature you provided. Check your AWS "
    "Secret Access Key and signing method. Consult the service documentation for details.";

bool is_sha256_hex(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string minutes_text(Millis skew) {
  return std::to_string(std::chrono::duration_cast<std::chrono::minutes>(skew).count()) + " min.)";
}

Verdict check_scope(const ParsedAuth& auth, const VerifyOptions& options) {
  const std::string_view day = std::string_view(auth.amz_date).substr(0, 8);
  if (auth.terminator != kTerminator) {
    return {Reason::kScopeTerminator,
            "Credential should be scoped with a valid terminator: 'aws4_request', not '" +
                auth.terminator + "'."};
  }
  if (auth.scope.date != day) {
    return {Reason::kScopeDate,
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            "HTTP: '" +
                auth.scope.date + "' != '" + std::string(day) + "', from '" + auth.amz_date + "'."};
  }
  if (auth.scope.region.empty() ||
      (!options.region.empty() && auth.scope.region != options.region)) {
    return {Reason::kScopeRegion,
            "Credential should be scoped to a valid region, not '" + auth.scope.region + "'."};
  }
  if (auth.scope.service.empty() ||
      (!options.service.empty() && auth.scope.service != options.service)) {
    return {Reason::kScopeService,
            "Credential should be scoped to correct service: '" + options.service + "'."};
  }
  return {Reason::kNone, {}};
}

Verdict check_time(const ParsedAuth& auth, const VerifyOptions& options) {
  if (auth.is_presigned && auth.expires_s > options.presigned_expires_max_s) {
    return {Reason::kExpiresTooLong, "X-Amz-Expires must be less than " +
                                         std::to_string(options.presigned_expires_max_s + 1) +
                                         " seconds."};
  }
  if (auth.signed_at > options.now + options.skew_max) {
    return {Reason::kNotYetCurrent,
            "Signature not yet current: " + auth.amz_date + " is still later than " +
                format_amz_date(options.now + options.skew_max) + " (" +
                format_amz_date(options.now) + " + " + minutes_text(options.skew_max)};
  }
  if (auth.is_presigned) {
    const WallTime end = auth.signed_at + std::chrono::seconds(auth.expires_s);
    if (end < options.now) {
      return {Reason::kExpired, "Signature expired: " + format_amz_date(end) +
                                    " is now earlier than " + format_amz_date(options.now) + "."};
    }
  } else if (auth.signed_at < options.now - options.skew_max) {
    return {Reason::kExpired, "Signature expired: " + auth.amz_date + " is now earlier than " +
                                  format_amz_date(options.now - options.skew_max) + " (" +
                                  format_amz_date(options.now) + " - " +
                                  minutes_text(options.skew_max)};
  }
  return {Reason::kNone, {}};
}

// What must be inside the signature so that nobody can add it on the way.
Verdict check_headers(const ParsedAuth& auth, const SignedRequest& request) {
  const auto is_signed = [&auth](std::string_view name) {
    return std::find(auth.signed_headers.begin(), auth.signed_headers.end(), name) !=
           auth.signed_headers.end();
  };
  if (!is_signed("host") && !is_signed(":authority")) {
    return {Reason::kHostNotSigned,
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."};
  }
  for (const auto& header : request.headers) {
    const std::string name = to_lower(header.first);
    if (name.starts_with("x-amz-") && !is_signed(name)) {
      return {Reason::kHeaderNotSigned,
              "There were headers present in the request which were not signed: " + name};
    }
  }
  return {Reason::kNone, {}};
}

// The payload texts that may stand in the canonical request, or why there is none.
struct Payloads {
  Verdict verdict{Reason::kNone, {}};
  std::vector<std::string> candidates;
};

Payloads payloads_of(const ParsedAuth& auth, const SignedRequest& request, bool is_tls) {
  Payloads out;
  const auto declared = canonical_header_value(request.headers, "x-amz-content-sha256");
  if (!declared) {
    out.candidates.push_back(request.payload_sha256);
    // Presigned requests are often signed before there is a body; without a body it makes no
    // difference.
    if (auth.is_presigned && request.payload_sha256 == kEmptyPayloadSha256) {
      out.candidates.emplace_back(kUnsignedPayload);
    }
    return out;
  }
  if (*declared == kUnsignedPayload) {
    const bool is_bodyless = request.payload_sha256 == kEmptyPayloadSha256;
    if (!is_tls && !(auth.is_presigned && is_bodyless)) {
      out.verdict = {Reason::kPayloadNotSigned, "UNSIGNED-PAYLOAD is accepted over TLS only."};
      return out;
    }
  } else if (!is_sha256_hex(*declared)) {
    out.verdict = {Reason::kPayloadMismatch,
                   "x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a valid sha256 value."};
    return out;
  } else if (*declared != request.payload_sha256) {
    out.verdict = {Reason::kPayloadMismatch,
                   "The provided 'x-amz-content-sha256' header does not match what was computed."};
    return out;
  }
  out.candidates.push_back(*declared);
  return out;
}

}  // namespace

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::kNone:
      return "accepted";
    case Reason::kMissingAuthentication:
      return "missing-authentication";
    case Reason::kIncomplete:
      return "incomplete";
    case Reason::kHostNotSigned:
      return "host-not-signed";
    case Reason::kHeaderNotSigned:
      return "header-not-signed";
    case Reason::kScopeDate:
      return "scope-date";
    case Reason::kScopeTerminator:
      return "scope-terminator";
    case Reason::kScopeRegion:
      return "scope-region";
    case Reason::kScopeService:
      return "scope-service";
    case Reason::kExpired:
      return "expired";
    case Reason::kNotYetCurrent:
      return "not-yet-current";
    case Reason::kExpiresTooLong:
      return "expires-too-long";
    case Reason::kPayloadMismatch:
      return "payload-mismatch";
    case Reason::kPayloadNotSigned:
      return "unsigned-payload";
    case Reason::kSignatureMismatch:
      return "signature-mismatch";
  }
  return "unknown";
}

std::string_view aws_code(Reason reason) {
  switch (reason) {
    case Reason::kMissingAuthentication:
      return "MissingAuthenticationToken";
    case Reason::kIncomplete:
    case Reason::kExpiresTooLong:
      return "IncompleteSignature";
    case Reason::kPayloadMismatch:
    case Reason::kPayloadNotSigned:
      return "XAmzContentSHA256Mismatch";
    case Reason::kNone:
    case Reason::kHostNotSigned:
    case Reason::kHeaderNotSigned:
    case Reason::kScopeDate:
    case Reason::kScopeTerminator:
    case Reason::kScopeRegion:
    case Reason::kScopeService:
    case Reason::kExpired:
    case Reason::kNotYetCurrent:
    case Reason::kSignatureMismatch:
      break;
  }
  return "SignatureDoesNotMatch";
}

int http_status(Reason reason) {
  const std::string_view code = aws_code(reason);
  return code == "IncompleteSignature" || code == "XAmzContentSHA256Mismatch" ? 400 : 403;
}

Error Verdict::error() const {
  TRIVET_ASSERT(!ok());
  return aws_fault(http_status(reason) == 400 ? Errc::kInvalidArgument : Errc::kDenied,
                   aws_code(reason), message);
}

Verdict verify(const ParsedAuth& auth, const SignedRequest& request, std::string_view secret,
               const VerifyOptions& options) {
  for (Verdict verdict :
       {check_scope(auth, options), check_headers(auth, request), check_time(auth, options)}) {
    if (!verdict.ok()) {
      return verdict;
    }
  }
  const Payloads payloads = payloads_of(auth, request, options.is_tls);
  if (!payloads.verdict.ok()) {
    return payloads.verdict;
  }
  const SecretString key(signing_key(secret, auth.scope));
  for (const std::string& payload : payloads.candidates) {
    const auto canonical = canonical_request(request, {auth.signed_headers, payload});
    if (!canonical) {
      break;
    }
    const std::string expected =
        signature(key.reveal(), string_to_sign(auth.amz_date, auth.scope, *canonical));
    if (constant_time_equal(expected, auth.signature)) {
      return {Reason::kNone, {}};
    }
  }
  return {Reason::kSignatureMismatch, std::string(kMismatchMessage)};
}

}  // namespace trivet::sigv4
