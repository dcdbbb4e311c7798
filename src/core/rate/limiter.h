// SPDX-License-Identifier: Apache-2.0
//
// How often something happens for each of many keys (principals, addresses). RateLimiter says when
// it is too often; FailureSlowdown says how long to let somebody wait who keeps failing. Both are
// buckets that fill and drain with time, both bounded: the keys that were quiet longest are
// forgotten first, which is in their favour.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.h"

namespace trivet::rate {

// A level for each key, and when it was last set. Thread-compatible.
class Buckets {
 public:
  struct Bucket {
    std::int64_t level = 0;
    WallTime at{};
  };
  explicit Buckets(std::size_t keys_max) : keys_max_(keys_max) {}
  // nullptr when nothing is known of the key.
  const Bucket* find(std::string_view key) const;
  void set(std::string_view key, const Bucket& bucket);
  void erase(std::string_view key);
  std::size_t size() const { return buckets_.size(); }

 private:
  const std::size_t keys_max_;
  std::map<std::string, Bucket, std::less<>> buckets_;
  std::set<std::pair<WallTime, std::string>> by_time_;
};

// A token bucket for each key: so many a minute in the long run, and as many at once after a quiet
// minute. Thread-compatible.
class RateLimiter {
 public:
  static constexpr std::size_t kKeysMax = 16'384;
  explicit RateLimiter(std::size_t keys_max = kKeysMax) : buckets_(keys_max) {}

  // One more of the key. False: too many, and this one is not counted. 0 a minute: any number. A
  // clock that goes back gives nothing and takes nothing.
  bool take(std::string_view key, std::int64_t per_minute, WallTime now);
  std::size_t size() const { return buckets_.size(); }

 private:
  Buckets buckets_;
};

struct SlowdownLimits {
  std::int64_t free_failures = 10;   // within a minute: a wrong configuration, a typing human
  Millis step = Millis(100);         // one more for each further failure
  Millis delay_max = Millis(1'000);  // well below what clients and the plugin wait
  std::int64_t forgiven_a_minute = 10;
};

// Thread-compatible.
class FailureSlowdown {
 public:
  static constexpr std::size_t kKeysMax = 16'384;
  explicit FailureSlowdown(SlowdownLimits limits = {}, std::size_t keys_max = kKeysMax)
      : limits_(limits), buckets_(keys_max) {}

  // One more failure of the key: how long its answer should wait.
  Millis failed(std::string_view key, WallTime now);
  std::size_t size() const { return buckets_.size(); }

 private:
  const SlowdownLimits limits_;
  Buckets buckets_;
};

}  // namespace trivet::rate
