// SPDX-License-Identifier: Apache-2.0
#include "service/login_history.h"

#include <functional>
#include <vector>

namespace trivet::service {
namespace {

// Neither holds a blank.
std::string key_of(std::string_view cluster, std::string_view who) {
  std::string key(cluster);
  key += ' ';
  key += who;
  return key;
}

}  // namespace

bool LoginHistory::take_principal(std::string_view cluster, std::string_view arn,
                                  std::int64_t per_minute, WallTime now) {
  if (per_minute <= 0) {
    return true;
  }
  const MutexLock lock(mutex_);
  return principals_.take(key_of(cluster, arn), per_minute, now);
}

bool LoginHistory::take_address(std::string_view cluster, std::string_view address,
                                std::int64_t per_minute, WallTime now) {
  if (per_minute <= 0) {
    return true;
  }
  const MutexLock lock(mutex_);
  return addresses_.take(key_of(cluster, address), per_minute, now);
}

Millis LoginHistory::refused(std::string_view address, WallTime now) {
  const MutexLock lock(mutex_);
  return failures_.failed(address, now);
}

LoginHistory::TokenUse LoginHistory::use_token(std::string_view cluster,
                                               const token::SeenTokens::Token& token,
                                               std::string_view from, bool is_one_time,
                                               WallTime now) {
  const MutexLock lock(mutex_);
  auto seen = seen_.find(cluster);
  if (seen == seen_.end()) {
    seen = seen_.emplace(std::string(cluster), token::SeenTokens(begun_)).first;
  }
  TokenUse out;
  if (is_one_time && token.signed_at < seen->second.memory_begins() &&
      !seen->second.knows(token.signature_hash)) {
    out.kind = TokenUse::Kind::kBeforeMemory;
    return out;
  }
  out.use = seen->second.note(token, from, now);
  out.kind = out.use.count == 1 ? TokenUse::Kind::kFirst : TokenUse::Kind::kAgain;
  return out;
}

void LoginHistory::keep_only(const std::set<std::string>& clusters) {
  std::vector<std::map<std::string, token::SeenTokens, std::less<>>::node_type> gone;
  const MutexLock lock(mutex_);
  for (auto at = seen_.begin(); at != seen_.end();) {
    const auto here = at++;
    if (!clusters.contains(here->first)) {
      gone.push_back(seen_.extract(here));  // they end without the lock: they may be large
    }
  }
}

}  // namespace trivet::service
