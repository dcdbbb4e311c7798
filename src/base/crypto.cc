// SPDX-License-Identifier: Apache-2.0
#include "base/crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <memory>

#include "base/assert.h"

namespace trivet {
namespace {

constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}
using MacContext = std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)>;

// Looked up once: OpenSSL 3 takes longer to find a method than to hash a line.
const EVP_MD* sha256_method() {
  static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  TRIVET_ASSERT(method != nullptr);
  return method;
}

// HMAC-SHA-256 without a key, to be copied.
const EVP_MAC_CTX* hmac_template() {
  static const EVP_MAC_CTX* const context = [] {
    EVP_MAC* const method = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
    EVP_MAC_CTX* const made = EVP_MAC_CTX_new(method);
    std::array<char, 7> digest = {"SHA256"};
    const std::array<OSSL_PARAM, 2> parameters = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_end()};
    TRIVET_ASSERT(made != nullptr && EVP_MAC_CTX_set_params(made, parameters.data()) == 1);
    return made;
  }();
  return context;
}

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

}  // namespace

std::string sha256(std::string_view data) {
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  const int good =
      EVP_Digest(data.data(), data.size(), bytes_of(out), nullptr, sha256_method(), nullptr);
  TRIVET_ASSERT(good == 1);
  return out;
}

std::string hmac_sha256(std::string_view key, std::string_view data) {
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  const MacContext context(EVP_MAC_CTX_dup(hmac_template()), &EVP_MAC_CTX_free);
  std::size_t size = 0;
  // A null key would mean "the key of before".
  const unsigned char* const key_bytes = key.empty() ? bytes_of("") : bytes_of(key);
  bool good = EVP_MAC_init(context.get(), key_bytes, key.size(), nullptr) == 1;
  good = good && EVP_MAC_update(context.get(), bytes_of(data), data.size()) == 1;
  good = good && EVP_MAC_final(context.get(), bytes_of(out), &size, out.size()) == 1;
  TRIVET_ASSERT(good && size == out.size());
  return out;
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  TRIVET_ASSERT(RAND_bytes(bytes_of(out), static_cast<int>(count)) == 1);
  return out;
}

std::string aead_seal(std::string_view key, std::string_view context, std::string_view plain) {
  TRIVET_ASSERT(key.size() == 32);
  std::string out = random_bytes(kNonceBytes);
  out.resize(kNonceBytes + plain.size() + kTagBytes);
  const CipherContext ctx(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int size = 0;
  bool good =
      EVP_EncryptInit_ex(ctx.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key), bytes_of(out)) == 1;
  good = good && EVP_EncryptUpdate(ctx.get(), nullptr, &size, bytes_of(context),
                                   static_cast<int>(context.size())) == 1;
  good = good && EVP_EncryptUpdate(ctx.get(), bytes_of(out) + kNonceBytes, &size, bytes_of(plain),
                                   static_cast<int>(plain.size())) == 1;
  int tail = 0;
  good = good &&
         EVP_EncryptFinal_ex(ctx.get(), bytes_of(out) + kNonceBytes + plain.size(), &tail) == 1;
  good = good && EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes,
                                     bytes_of(out) + kNonceBytes + plain.size()) == 1;
  TRIVET_ASSERT(good);
  return out;
}

std::optional<std::string> aead_open(std::string_view key, std::string_view context,
                                     std::string_view sealed) {
  TRIVET_ASSERT(key.size() == 32);
  if (sealed.size() < kNonceBytes + kTagBytes) {
    return std::nullopt;
  }
  const std::string_view cipher =
      sealed.substr(kNonceBytes, sealed.size() - kNonceBytes - kTagBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  std::string plain(cipher.size(), '\0');
  const CipherContext ctx(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int size = 0;
  bool good = EVP_DecryptInit_ex(ctx.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key),
                                 bytes_of(sealed)) == 1;
  good = good && EVP_DecryptUpdate(ctx.get(), nullptr, &size, bytes_of(context),
                                   static_cast<int>(context.size())) == 1;
  good = good && EVP_DecryptUpdate(ctx.get(), bytes_of(plain), &size, bytes_of(cipher),
                                   static_cast<int>(cipher.size())) == 1;
  good =
      good && EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, bytes_of(tag)) == 1;
  int tail = 0;
  std::string rest(kTagBytes, '\0');
  good = good && EVP_DecryptFinal_ex(ctx.get(), bytes_of(rest), &tail) == 1;
  if (!good) {
    OPENSSL_cleanse(plain.data(), plain.size());
    return std::nullopt;
  }
  return plain;
}

}  // namespace trivet
