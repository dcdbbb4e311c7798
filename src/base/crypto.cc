// SPDX-License-Identifier: Apache-2.0
#include "base/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
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
using DigestContext = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

// Looked up once: OpenSSL 3 takes longer to find a method than to hash a line.
const EVP_MD* sha256_method() {
  static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  TRIVET_ASSERT(method != nullptr);
  return method;
}

// Set to SHA-256. Kept: making one costs as much as hashing a token. Its end leaves nothing of the
// data in it but the digest.
EVP_MD_CTX* thread_digest_context() {
  thread_local const DigestContext context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (EVP_MD_CTX_get0_md(context.get()) == nullptr) {
    const int good = EVP_DigestInit_ex2(context.get(), sha256_method(), nullptr);
    TRIVET_ASSERT(good == 1);
  }
  return context.get();
}

constexpr std::size_t kBlockBytes = SHA256_CBLOCK;
using Block = std::array<unsigned char, kBlockBytes>;
using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

// SHA-256 of `first` and `second`.
bool digest(EVP_MD_CTX* context, const Block& first, std::string_view second, unsigned char* out) {
  return EVP_DigestInit_ex2(context, sha256_method(), nullptr) == 1 &&
         EVP_DigestUpdate(context, first.data(), first.size()) == 1 &&
         EVP_DigestUpdate(context, second.data(), second.size()) == 1 &&
         EVP_DigestFinal_ex(context, out, nullptr) == 1;
}

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

}  // namespace

std::string sha256(std::string_view data) {
  return sha256_of_parts({data});
}

std::string sha256_of_parts(std::initializer_list<std::string_view> parts) {
  EVP_MD_CTX* const context = thread_digest_context();
  bool good = EVP_DigestInit_ex2(context, nullptr, nullptr) == 1;
  for (const std::string_view part : parts) {
    good = good && EVP_DigestUpdate(context, part.data(), part.size()) == 1;
  }
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  good = good && EVP_DigestFinal_ex(context, bytes_of(out), nullptr) == 1;
  TRIVET_ASSERT(good);
  return out;
}

// RFC 2104 by hand: OpenSSL's own spends most of its time on making and ending its contexts.
std::string hmac_sha256(std::string_view key, std::string_view data) {
  Block inner_pad{};
  if (key.size() > kBlockBytes) {
    const int good =
        EVP_Digest(key.data(), key.size(), inner_pad.data(), nullptr, sha256_method(), nullptr);
    TRIVET_ASSERT(good == 1);
  } else {
    std::copy(key.begin(), key.end(), inner_pad.begin());
  }
  Block outer_pad = inner_pad;
  for (std::size_t i = 0; i < kBlockBytes; ++i) {
    inner_pad[i] ^= 0x36;
    outer_pad[i] ^= 0x5c;
  }
  const DigestContext context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  Digest inner{};
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  bool good = context != nullptr && digest(context.get(), inner_pad, data, inner.data());
  good = good && digest(context.get(), outer_pad,
                        {reinterpret_cast<const char*>(inner.data()), inner.size()}, bytes_of(out));
  TRIVET_ASSERT(good);
  OPENSSL_cleanse(inner_pad.data(), inner_pad.size());
  OPENSSL_cleanse(outer_pad.data(), outer_pad.size());
  OPENSSL_cleanse(inner.data(), inner.size());
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
