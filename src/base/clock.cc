// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

namespace trivet {

Instant SystemClock::now() const {
  return Instant(std::chrono::duration_cast<MonotonicClock::duration>(
      std::chrono::steady_clock::now().time_since_epoch()));
}

WallTime SystemClock::wall_now() const {
  return std::chrono::floor<Millis>(std::chrono::system_clock::now());
}

}  // namespace trivet
