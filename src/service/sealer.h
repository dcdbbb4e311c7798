// SPDX-License-Identifier: Apache-2.0
//
// Secrets at rest: sealed under the installation's 32-byte key, bound to what they are for. A
// sealed value put in another record's place does not open. Each names the key that it is under, so
// that while the key is being replaced values of both open.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace trivet::service {

// Thread-safe: its keys are one immutable value that is swapped whole. Owns the keys.
class Sealer {
 public:
  static constexpr std::size_t kKeyBytes = 32;
  // kInvalidArgument unless `key` is 32 bytes.
  static Result<std::shared_ptr<Sealer>> create(SecretString key);

  // `context` says what the secret is for: the record's key.
  std::string seal(std::string_view context, const SecretString& secret) const;
  std::string seal_bytes(std::string_view context, std::string_view bytes) const;
  // kCorrupt when altered, sealed under another key, or for another context.
  Result<SecretString> open(std::string_view context, std::string_view sealed) const;
  // Whether it says that it was sealed under the key that seal() uses now.
  bool is_current(std::string_view sealed) const;

  // From now on `next` seals; what is under the key of before still opens. kInvalidArgument as
  // above; kConflict while another key is being replaced.
  Status begin_rotation(SecretString next);
  // Nothing under the key of before is left: it is wiped.
  void end_rotation();
  bool is_rotating() const { return keys_.load()->former != nullptr; }

 private:
  struct Key {
    SecretString bytes;
    std::string id;
  };
  struct Keys {
    std::shared_ptr<const Key> current;
    std::shared_ptr<const Key> former;  // null: there is none
  };
  static Result<std::shared_ptr<const Key>> make_key(SecretString bytes);
  explicit Sealer(std::shared_ptr<const Key> key)
      : keys_(std::make_shared<const Keys>(Keys{std::move(key), nullptr})) {}

  std::atomic<std::shared_ptr<const Keys>> keys_;
};

}  // namespace trivet::service
