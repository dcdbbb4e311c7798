// SPDX-License-Identifier: Apache-2.0
//
// Stages two to four of Signature Version 4: canonical request → string to sign → signature under a
// key that is derived from the secret for one day, region and service. Pure; a signing key may be
// cached for as long as the access key lives.
#pragma once

#include <string>
#include <string_view>

namespace trivet::sigv4 {

inline constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
inline constexpr std::string_view kTerminator = "aws4_request";

// What a signature is good for.
struct Scope {
  std::string date;  // YYYYMMDD, the day of signing
  std::string region;
  std::string service;
  std::string str() const;  // "20150830/us-east-1/iam/aws4_request"
  friend bool operator==(const Scope&, const Scope&) = default;
};

// `amz_date` is the moment of signing, "20150830T123600Z".
std::string string_to_sign(std::string_view amz_date, const Scope& scope,
                           std::string_view canonical_request);

// 32 bytes; as secret as the secret itself for that day, region and service: keep it in a
// SecretString.
std::string signing_key(std::string_view secret_access_key, const Scope& scope);

// 64 lower-case hex digits.
std::string signature(std::string_view signing_key, std::string_view string_to_sign);

}  // namespace trivet::sigv4
