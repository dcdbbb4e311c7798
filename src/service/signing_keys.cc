// SPDX-License-Identifier: Apache-2.0
#include "service/signing_keys.h"

#include <utility>

#include "base/crypto.h"

namespace trivet::service {

std::string SigningKeys::get(const std::shared_ptr<const IdentitySnapshot>& identities,
                             std::string_view access_key_id, std::string_view secret,
                             const sigv4::Scope& scope) {
  std::string name(access_key_id);
  name += '/';
  name += scope.date;
  name += '/';
  name += scope.region;
  name += '/';
  name += scope.service;
  const MutexLock lock(mutex_);
  if (identities_ != identities || keys_.size() >= kMax) {
    keys_.clear();
    identities_ = identities;
  }
  const auto known = keys_.find(name);
  if (known != keys_.end() && constant_time_equal(known->second.secret.reveal(), secret)) {
    return std::string(known->second.key.reveal());
  }
  std::string key = sigv4::signing_key(secret, scope);
  keys_.insert_or_assign(std::move(name),
                         Entry{SecretString(std::string(secret)), SecretString(key)});
  return key;
}

std::size_t SigningKeys::size() const {
  const MutexLock lock(mutex_);
  return keys_.size();
}

}  // namespace trivet::service
