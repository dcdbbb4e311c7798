// SPDX-License-Identifier: Apache-2.0
#include "sim/clock.h"

namespace trivet::sim {
namespace {

constexpr std::int64_t kBeginMs = 1'767'225'600'000;  // 2026-01-01 UTC
constexpr std::int64_t kMillion = 1'000'000;

}  // namespace

Instant HostClock::shown_at(Instant moment) const {
  const std::int64_t passed = (moment - booted_at_).count();
  return Instant() + uptime_ + Micros(passed + passed * drift_ / kMillion);
}

Instant HostClock::now() const {
  return shown_at(scheduler_.now());
}

WallTime HostClock::wall_now() const {
  return wall_time_from_ms(kBeginMs + scheduler_.now().time_since_epoch().count() / 1000) +
         wall_offset_;
}

Instant HostClock::when(Instant local) const {
  const std::int64_t shown = (local - (Instant() + uptime_)).count();
  Instant at = booted_at_ + Micros(shown * kMillion / (kMillion + drift_));
  while (shown_at(at) < local) {  // what rounding left
    at += Micros(1);
  }
  return at;
}

void HostClock::boot(Micros uptime, int parts_per_million) {
  booted_at_ = scheduler_.now();
  uptime_ = uptime;
  drift_ = parts_per_million;
}

}  // namespace trivet::sim
