// SPDX-License-Identifier: Apache-2.0
#include "service/proved_tokens.h"

#include <utility>

#include "base/crypto.h"

namespace trivet::service {

std::string ProvedTokens::digest(const MemberId& member, const wire::TokenRequest& request) {
  // With their lengths, so that no two different triples are the same text.
  const std::string lengths =
      std::to_string(member.str().size()) + ' ' + std::to_string(request.user.size()) + ' ';
  return sha256_of_parts({lengths, member.str(), request.user, request.token});
}

std::shared_ptr<const ProvedToken> ProvedTokens::find(const std::string& digest,
                                                      const Basis& basis) const {
  const MutexLock lock(mutex_);
  const auto found = proved_.find(digest);
  if (found == proved_.end() || found->second->identities.get() != &basis.identities ||
      found->second->databases.get() != &basis.databases || found->second->rules != basis.rules) {
    return nullptr;
  }
  return found->second;
}

void ProvedTokens::add(std::string digest, std::shared_ptr<const ProvedToken> proved) {
  const MutexLock lock(mutex_);
  if (proved_.size() >= kMax) {
    proved_.clear();  // rare, and costs one signature for each token still in use
  }
  proved_[std::move(digest)] = std::move(proved);
}

std::size_t ProvedTokens::size() const {
  const MutexLock lock(mutex_);
  return proved_.size();
}

}  // namespace trivet::service
