// SPDX-License-Identifier: Apache-2.0
//
// What logins leave behind for later ones: which tokens were used, how often principals and
// addresses came, who keeps failing. In memory only, bounded, and safe to lose: a daemon that
// starts anew refuses tokens for one use that its predecessor may have seen.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/time.h"
#include "core/rate/limiter.h"
#include "core/token/seen_tokens.h"

namespace trivet::service {

// Thread-safe; its lock is held for a look-up only and shared with logins only.
class LoginHistory {
 public:
  explicit LoginHistory(WallTime begun) : begun_(begun) {}

  // One more login to the cluster; false: more than so many a minute. 0: any number.
  bool take_principal(std::string_view cluster, std::string_view arn, std::int64_t per_minute,
                      WallTime now);
  bool take_address(std::string_view cluster, std::string_view address, std::int64_t per_minute,
                    WallTime now);
  // A refused login from the address: how long its answer should wait.
  Millis refused(std::string_view address, WallTime now);

  struct TokenUse {
    enum class Kind { kFirst, kAgain, kBeforeMemory };
    Kind kind = Kind::kFirst;
    token::SeenTokens::Use use;
  };
  // One more use of a token on the cluster. `is_one_time`: one that was signed before the memory
  // begins is not noted.
  TokenUse use_token(std::string_view cluster, const token::SeenTokens::Token& token,
                     std::string_view from, bool is_one_time, WallTime now);

  // Forgets the tokens of all other clusters.
  void keep_only(const std::set<std::string>& clusters);

 private:
  const WallTime begun_;
  Mutex mutex_;
  std::map<std::string, token::SeenTokens, std::less<>> seen_ GUARDED_BY(mutex_);
  rate::RateLimiter principals_ GUARDED_BY(mutex_);
  rate::RateLimiter addresses_ GUARDED_BY(mutex_);
  rate::FailureSlowdown failures_ GUARDED_BY(mutex_);
};

}  // namespace trivet::service
