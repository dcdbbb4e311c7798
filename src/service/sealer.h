// SPDX-License-Identifier: Apache-2.0
//
// Secrets at rest: sealed under the installation's 32-byte key, bound to what they are for. A
// sealed value put in another record's place does not open.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace trivet::service {

// Immutable and thread-safe. Owns the key.
class Sealer {
 public:
  static constexpr std::size_t kKeyBytes = 32;
  // kInvalidArgument unless `key` is 32 bytes.
  static Result<std::shared_ptr<const Sealer>> create(SecretString key);

  // `context` says what the secret is for: the record's key.
  std::string seal(std::string_view context, const SecretString& secret) const;
  std::string seal_bytes(std::string_view context, std::string_view bytes) const;
  // kCorrupt when altered, sealed under another key, or for another context.
  Result<SecretString> open(std::string_view context, std::string_view sealed) const;

 private:
  explicit Sealer(SecretString key) : key_(std::move(key)) {}
  SecretString key_;
};

}  // namespace trivet::service
