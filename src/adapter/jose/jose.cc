// SPDX-License-Identifier: Apache-2.0
#include "adapter/jose/jose.h"

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>

extern "C" {
#include <cjose/cjose.h>
}

namespace trivet::jose {
namespace {

using nlohmann::json;

constexpr std::size_t kTokenBytesMax = 20'000;  // AWS's limit of WebIdentityToken
constexpr std::size_t kKeySetBytesMax = 100'000;

struct ReleaseJws {
  void operator()(cjose_jws_t* jws) const { cjose_jws_release(jws); }
};
struct ReleaseJwk {
  void operator()(cjose_jwk_t* jwk) const { cjose_jwk_release(jwk); }
};
using Jws = std::unique_ptr<cjose_jws_t, ReleaseJws>;
using Jwk = std::unique_ptr<cjose_jwk_t, ReleaseJwk>;

Error refuse(std::string why) {
  return make_error(Errc::kDenied, std::move(why));
}

// libcjose ends the process when it decodes some texts that are no base64url, and strangers send
// tokens: it sees none that is not strictly that.
bool is_base64url(std::string_view text) {
  return text.size() % 4 != 1 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

// HEAD.PAYLOAD.SIGNATURE.
bool is_compact(std::string_view token) {
  const auto first = token.find('.');
  const auto last = token.rfind('.');
  return first != std::string_view::npos && first != last && is_base64url(token.substr(0, first)) &&
         is_base64url(token.substr(first + 1, last - first - 1)) &&
         is_base64url(token.substr(last + 1));
}

// The member's text; empty when there is no such member or it is no string.
std::string text_of(const json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Keys of the kinds that a public signature is checked with; "use":"enc" is none of them.
Result<std::vector<json>> read_keys(std::string_view jwks) {
  const json set = jwks.size() > kKeySetBytesMax ? json() : json::parse(jwks, nullptr, false);
  if (!set.is_object() || !set.contains("keys") || !set["keys"].is_array()) {
    return make_error(Errc::kInvalidArgument, "this is no JSON Web Key Set");
  }
  std::vector<json> keys;
  for (const json& key : set["keys"]) {
    if (!key.is_object()) {
      continue;
    }
    const std::string kind = text_of(key, "kty");
    const std::string use = text_of(key, "use");
    if ((kind == "RSA" || kind == "EC") && (use.empty() || use == "sig")) {
      keys.push_back(key);
    }
  }
  return keys;
}

// Does the algorithm go with the key? The token's word alone is not trusted.
bool fits(std::string_view algorithm, const json& key) {
  constexpr std::array<std::string_view, 6> kRsa = {"RS256", "RS384", "RS512",
                                                    "PS256", "PS384", "PS512"};
  constexpr std::array<std::string_view, 3> kEc = {"ES256", "ES384", "ES512"};
  const bool is_rsa = text_of(key, "kty") == "RSA";
  const bool is_known = is_rsa ? std::find(kRsa.begin(), kRsa.end(), algorithm) != kRsa.end()
                               : std::find(kEc.begin(), kEc.end(), algorithm) != kEc.end();
  const std::string bound = text_of(key, "alg");
  return is_known && (bound.empty() || bound == algorithm);
}

Jwk import_key(const json& key) {
  for (const char* number : {"n", "e", "d", "p", "q", "dp", "dq", "qi", "x", "y"}) {
    if (!is_base64url(text_of(key, number))) {
      return nullptr;
    }
  }
  const std::string text = key.dump(-1, ' ', false, json::error_handler_t::replace);
  cjose_err error;
  return Jwk(cjose_jwk_import(text.data(), text.size(), &error));
}

Jws import_token(std::string_view token) {
  cjose_err error;
  return Jws(cjose_jws_import(token.data(), token.size(), &error));
}

}  // namespace

Result<std::string> verify_jws(std::string_view token, std::string_view jwks) {
  TRIVET_TRY(const std::vector<json> keys, read_keys(jwks));
  const Jws first =
      token.size() > kTokenBytesMax || !is_compact(token) ? nullptr : import_token(token);
  if (first == nullptr) {
    return refuse("the token is no signed JSON web token");
  }
  cjose_err error;
  cjose_header_t* head = cjose_jws_get_protected(first.get());
  const char* algorithm = head == nullptr ? nullptr : cjose_header_get(head, "alg", &error);
  const char* key_id = head == nullptr ? nullptr : cjose_header_get(head, "kid", &error);
  if (algorithm == nullptr) {
    return refuse("the token names no algorithm");
  }
  for (const json& key : keys) {
    if (!fits(algorithm, key) || (key_id != nullptr && text_of(key, "kid") != key_id)) {
      continue;
    }
    const Jwk jwk = import_key(key);
    // A token that failed once keeps no state that the next key could use.
    const Jws jws = import_token(token);
    if (jwk == nullptr || jws == nullptr || !cjose_jws_verify(jws.get(), jwk.get(), &error)) {
      continue;
    }
    std::uint8_t* bytes = nullptr;
    std::size_t size = 0;
    if (cjose_jws_get_plaintext(jws.get(), &bytes, &size, &error)) {
      return std::string(reinterpret_cast<const char*>(bytes), size);
    }
  }
  return refuse("no key of the provider signed the token");
}

Result<int> count_keys(std::string_view jwks) {
  TRIVET_TRY(const std::vector<json> keys, read_keys(jwks));
  const auto usable = std::count_if(keys.begin(), keys.end(),
                                    [](const json& key) { return import_key(key) != nullptr; });
  if (usable == 0) {
    return make_error(Errc::kInvalidArgument, "the key set has no RSA or EC key for signatures");
  }
  return static_cast<int>(usable);
}

}  // namespace trivet::jose
