// SPDX-License-Identifier: Apache-2.0
//
// Signing keys that were derived before: a key's is the same all day, and deriving it costs more
// than the rest of a check. Kept for one snapshot of the identities, so that it ends with its
// access key.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/secret.h"
#include "core/sigv4/signing.h"
#include "service/identity_snapshot.h"

namespace trivet::service {

// Thread-safe; its lock is held for a look-up only and shared with logins only.
class SigningKeys {
 public:
  // The key of `secret` for `scope`, from memory when `access_key_id` had the same secret.
  std::string get(const std::shared_ptr<const IdentitySnapshot>& identities,
                  std::string_view access_key_id, std::string_view secret,
                  const sigv4::Scope& scope);
  std::size_t size() const;

  static constexpr std::size_t kMax = 1024;

 private:
  struct Entry {
    SecretString secret;
    SecretString key;
  };
  mutable Mutex mutex_;
  // What the keys belong to. Held, so that no later snapshot can have the same address.
  std::shared_ptr<const IdentitySnapshot> identities_ GUARDED_BY(mutex_);
  std::map<std::string, Entry> keys_ GUARDED_BY(mutex_);
};

}  // namespace trivet::service
