// SPDX-License-Identifier: Apache-2.0
#include "core/token/seen_tokens.h"

#include <algorithm>

#include "base/assert.h"

namespace trivet::token {
namespace {

// At once: each use adds at most one token, so this keeps pace.
constexpr int kForgottenMax = 8;
// After its end, a token is refused for its age before anybody asks here. A clock that is set back
// a little must not make it new.
constexpr Millis kKeptLonger = std::chrono::minutes(5);

}  // namespace

SeenTokens::SeenTokens(WallTime begun, std::size_t tokens_max)
    : tokens_max_(std::max<std::size_t>(tokens_max, 1)), begins_(begun + kOneTimeSkewMax) {}

SeenTokens::Key SeenTokens::key_of(std::string_view signature_hash) {
  Key key{};
  TRIVET_ASSERT(signature_hash.size() >= key.size());
  std::copy_n(signature_hash.begin(), key.size(), key.begin());
  return key;
}

bool SeenTokens::knows(std::string_view signature_hash) const {
  return uses_.contains(key_of(signature_hash));
}

void SeenTokens::forget_ended(WallTime now) {
  for (int i = 0; i < kForgottenMax && !by_end_.empty(); ++i) {
    const auto first = by_end_.begin();
    if (first->first + kKeptLonger >= now) {
      return;
    }
    uses_.erase(first->second);
    by_end_.erase(first);
  }
}

void SeenTokens::make_room() {
  const auto first = by_end_.begin();
  const auto entry = uses_.find(first->second);
  // Signed in the same second as what is forgotten: not known either.
  begins_ = std::max(begins_, entry->second.signed_at + std::chrono::seconds(1));
  uses_.erase(entry);
  by_end_.erase(first);
}

SeenTokens::Use SeenTokens::note(const Token& token, std::string_view from, WallTime now) {
  const Key key = key_of(token.signature_hash);
  forget_ended(now);
  const auto known = uses_.find(key);
  if (known != uses_.end()) {
    ++known->second.use.count;
    return known->second.use;
  }
  if (uses_.size() >= tokens_max_) {
    make_room();
  }
  Entry entry{{1, now, std::string(from)}, token.signed_at};
  by_end_.emplace(token.ends_at, key);
  return uses_.emplace(key, std::move(entry)).first->second.use;
}

}  // namespace trivet::token
