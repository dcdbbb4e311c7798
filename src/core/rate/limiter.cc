// SPDX-License-Identifier: Apache-2.0
#include "core/rate/limiter.h"

#include <algorithm>

namespace trivet::rate {
namespace {

// Levels are counted in this many parts of one, so that what a millisecond gives is a whole number
// of them: N a minute are N parts a millisecond.
constexpr std::int64_t kParts = 60'000;
constexpr Millis kMinute{60'000};

Millis elapsed(WallTime from, WallTime now) {
  return std::clamp(now - from, Millis(0), kMinute);
}

}  // namespace

const Buckets::Bucket* Buckets::find(std::string_view key) const {
  const auto found = buckets_.find(key);
  return found == buckets_.end() ? nullptr : &found->second;
}

void Buckets::erase(std::string_view key) {
  const auto found = buckets_.find(key);
  if (found != buckets_.end()) {
    by_time_.erase({found->second.at, found->first});
    buckets_.erase(found);
  }
}

void Buckets::set(std::string_view key, const Bucket& bucket) {
  erase(key);
  if (buckets_.size() >= keys_max_ && !by_time_.empty()) {
    buckets_.erase(by_time_.begin()->second);
    by_time_.erase(by_time_.begin());
  }
  by_time_.emplace(bucket.at, key);
  buckets_.emplace(key, bucket);
}

bool RateLimiter::take(std::string_view key, std::int64_t per_minute, WallTime now) {
  if (per_minute <= 0) {
    return true;
  }
  const std::int64_t full = per_minute * kParts;
  const Buckets::Bucket* known = buckets_.find(key);
  std::int64_t level = full;
  if (known != nullptr) {
    level = std::min(full, known->level + elapsed(known->at, now).count() * per_minute);
  }
  const bool is_allowed = level >= kParts;
  buckets_.set(key, {is_allowed ? level - kParts : level, now});
  return is_allowed;
}

Millis FailureSlowdown::failed(std::string_view key, WallTime now) {
  const Buckets::Bucket* known = buckets_.find(key);
  std::int64_t level = kParts;
  if (known != nullptr) {
    const std::int64_t forgiven = elapsed(known->at, now).count() * limits_.forgiven_a_minute;
    level += std::max<std::int64_t>(0, known->level - forgiven);
  }
  // No higher than what is needed for the longest delay: it is to end soon after the failures do.
  const std::int64_t steps_max = limits_.delay_max / limits_.step;
  level = std::min(level, (limits_.free_failures + steps_max) * kParts);
  buckets_.set(key, {level, now});
  const std::int64_t excess = level / kParts - limits_.free_failures;
  return std::clamp(limits_.step * excess, Millis(0), limits_.delay_max);
}

}  // namespace trivet::rate
