// SPDX-License-Identifier: Apache-2.0
#include "core/sigv4/signing.h"

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/secret.h"

namespace trivet::sigv4 {

std::string Scope::str() const {
  std::string out = date;
  out += '/';
  out += region;
  out += '/';
  out += service;
  out += '/';
  out += kTerminator;
  return out;
}

std::string string_to_sign(std::string_view amz_date, const Scope& scope,
                           std::string_view canonical_request) {
  constexpr std::size_t kUsualBytes = 192;
  std::string out;
  out.reserve(kUsualBytes);
  out += kAlgorithm;
  out += '\n';
  out += amz_date;
  out += '\n';
  out += scope.str();
  out += '\n';
  out += to_hex(sha256(canonical_request));
  return out;
}

std::string signing_key(std::string_view secret_access_key, const Scope& scope) {
  std::string key = "AWS4";
  key.reserve(key.size() + secret_access_key.size());
  key += secret_access_key;
  for (const std::string_view part : {std::string_view(scope.date), std::string_view(scope.region),
                                      std::string_view(scope.service), kTerminator}) {
    std::string next = hmac_sha256(key, part);
    wipe(key);
    key = std::move(next);
  }
  return key;
}

std::string signature(std::string_view signing_key, std::string_view string_to_sign) {
  return to_hex(hmac_sha256(signing_key, string_to_sign));
}

}  // namespace trivet::sigv4
