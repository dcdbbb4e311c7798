// SPDX-License-Identifier: Apache-2.0
//
// The clocks of the simulated host. The world has one true time (Scheduler); the host's monotonic
// clock runs a little faster or slower and begins anew when the host boots, and its wall clock is
// set forward and back by whoever has a mind to.
#pragma once

#include "base/clock.h"
#include "sim/executor.h"

namespace trivet::sim {

// Owned by the world; outlives what reads it. Not thread-safe.
class HostClock final : public Clock {
 public:
  explicit HostClock(const Scheduler& scheduler) : scheduler_(scheduler) {}

  Instant now() const override;
  WallTime wall_now() const override;
  // The earliest moment of the world at which now() has come to `local`.
  Instant when(Instant local) const;

  // The host has just booted: its monotonic clock shows `uptime`, and is so much too fast.
  void boot(Micros uptime, int parts_per_million);
  void set_wall_clock(Millis by) { wall_offset_ += by; }

 private:
  Instant shown_at(Instant moment) const;

  const Scheduler& scheduler_;
  Instant booted_at_{};  // of the world
  Micros uptime_{};      // at that moment
  int drift_ = 0;        // parts per million
  Millis wall_offset_{};
};

}  // namespace trivet::sim
