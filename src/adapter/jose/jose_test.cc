// SPDX-License-Identifier: Apache-2.0
#include "adapter/jose/jose.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <memory>

extern "C" {
#include <cjose/cjose.h>
}

namespace trivet::jose {
namespace {

// A key pair of the kind that providers have.
class Issuer {
 public:
  explicit Issuer(const char* id)
      : key_(cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, nullptr)), id_(id) {
    cjose_jwk_set_kid(key_, id, std::strlen(id), nullptr);
  }
  ~Issuer() { cjose_jwk_release(key_); }
  Issuer(const Issuer&) = delete;
  Issuer& operator=(const Issuer&) = delete;

  std::string jwks() const {
    char* text = cjose_jwk_to_json(key_, false, nullptr);
    std::string out = std::string(R"({"keys":[)") + text + "]}";
    std::free(text);
    return out;
  }
  std::string sign(const std::string& payload) const {
    cjose_header_t* head = cjose_header_new(nullptr);
    cjose_header_set(head, "alg", "ES256", nullptr);
    cjose_header_set(head, "kid", id_.c_str(), nullptr);
    cjose_jws_t* jws = cjose_jws_sign(
        key_, head, reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size(), nullptr);
    const char* text = nullptr;
    cjose_jws_export(jws, &text, nullptr);
    std::string out = text;
    cjose_jws_release(jws);
    cjose_header_release(head);
    return out;
  }

 private:
  cjose_jwk_t* key_;
  std::string id_;
};

TEST(VerifyJws, WhatIsNoBase64urlIsRefusedAndEndsNothing) {
  const Issuer issuer("a");
  const std::string good = issuer.sign("{}");
  const std::string end = good.substr(good.rfind('.'));
  for (const std::string& token :
       {std::string("j=."), std::string("j=.."), std::string("a.b.c"), good + "=",
        good + "==", "=" + good, good + ".a", "+" + good.substr(1), good.substr(0, 5) + end,
        std::string("eyJhbGciOiJFUzI1NiJ9.j=.AAAA"), std::string("eyJhbGciOiJFUzI1NiJ9..j="),
        std::string("eyJhbGciOiJFUzI1NiJ9.A.AAAA"), std::string(".."), std::string(".")}) {
    const auto payload = verify_jws(token, issuer.jwks());
    ASSERT_FALSE(payload.has_value()) << token;
    EXPECT_EQ(payload.error().code, Errc::kDenied) << token;
  }
  for (const std::string number : {"j=", "A", "=", "A===", "AQ=="}) {
    const std::string keys = R"({"keys":[{"kty":"RSA","n":")" + number + R"(","e":"AQAB"}]})";
    EXPECT_FALSE(verify_jws(good, keys).has_value()) << number;
    EXPECT_FALSE(count_keys(keys).has_value()) << number;
  }
}

TEST(VerifyJws, AcceptsWhatAKeyOfTheSetSigned) {
  const Issuer issuer("a");
  const auto payload = verify_jws(issuer.sign(R"({"sub":"x"})"), issuer.jwks());
  ASSERT_TRUE(payload.has_value()) << payload.error().message;
  EXPECT_EQ(*payload, R"({"sub":"x"})");
  EXPECT_EQ(*count_keys(issuer.jwks()), 1);
}

TEST(VerifyJws, RefusesOtherKeysAndChangedTexts) {
  const Issuer issuer("a");
  const Issuer other("a");
  const Issuer renamed("b");
  const std::string token = issuer.sign(R"({"sub":"x"})");
  EXPECT_FALSE(verify_jws(token, other.jwks()).has_value());
  EXPECT_FALSE(verify_jws(token, renamed.jwks()).has_value());
  std::string changed = token;
  const std::size_t at = token.find('.') + 5;
  changed[at] = changed[at] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(verify_jws(changed, issuer.jwks()).has_value());
  EXPECT_FALSE(verify_jws("", issuer.jwks()).has_value());
  EXPECT_FALSE(verify_jws("a.b.c", issuer.jwks()).has_value());
}

TEST(VerifyJws, RefusesUnsignedAndSymmetricTokens) {
  const Issuer issuer("a");
  const std::string none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.";  // {"alg":"none"}
  EXPECT_FALSE(verify_jws(none, issuer.jwks()).has_value());
  EXPECT_FALSE(verify_jws(none, R"({"keys":[{"kty":"oct","k":"AAAA"}]})").has_value());
  EXPECT_EQ(count_keys(R"({"keys":[{"kty":"oct","k":"AAAA"}]})").error().code,
            Errc::kInvalidArgument);
  EXPECT_EQ(verify_jws(none, "{}").error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace trivet::jose
