// SPDX-License-Identifier: Apache-2.0
//
// Two kinds of time that cannot be mixed: Instant is monotonic (deadlines, ages), WallTime is UTC
// (what tokens, certificates and AWS responses carry). No clock is read here: clock.h is the only
// place.
#pragma once

#include <chrono>
#include <cstdint>

namespace trivet {

using Millis = std::chrono::milliseconds;

struct MonotonicClock {  // the tag of Instant; never read
  using duration = std::chrono::microseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
};
using Instant = MonotonicClock::time_point;

// Milliseconds since 1970-01-01 00:00:00 UTC.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Millis>;

inline WallTime wall_time_from_ms(std::int64_t ms) {
  return WallTime(Millis(ms));
}
inline std::int64_t to_ms(WallTime t) {
  return t.time_since_epoch().count();
}
inline std::int64_t to_seconds(WallTime t) {
  return std::chrono::floor<std::chrono::seconds>(t.time_since_epoch()).count();
}
inline Millis since(Instant from, Instant to) {
  return std::chrono::duration_cast<Millis>(to - from);
}

}  // namespace trivet
