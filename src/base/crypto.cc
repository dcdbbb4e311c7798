// SPDX-License-Identifier: Apache-2.0
#include "base/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

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
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

}  // namespace

std::string sha256(std::string_view data) {
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  SHA256(bytes_of(data), data.size(), bytes_of(out));
  return out;
}

std::string hmac_sha256(std::string_view key, std::string_view data) {
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(data), data.size(),
       bytes_of(out), &size);
  TRIVET_ASSERT(size == out.size());
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
