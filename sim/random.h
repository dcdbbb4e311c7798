// SPDX-License-Identifier: Apache-2.0
//
// The one source of chance of a schedule: everything that varies is drawn from its seed.
#pragma once

#include <cstdint>

#include "base/assert.h"
#include "base/time.h"

namespace trivet::sim {

using Micros = MonotonicClock::duration;

// SplitMix64 (Steele, Lea, Flood 2014). Plain value.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  // Over [0, bound). Requires: bound > 0.
  int below(int bound) {
    TRIVET_ASSERT(bound > 0);
    return static_cast<int>(next() % static_cast<std::uint64_t>(bound));
  }
  bool chance(int percent) { return below(100) < percent; }
  Micros between(Micros least, Micros most) {
    return least + Micros(below(static_cast<int>((most - least).count()) + 1));
  }

 private:
  std::uint64_t state_;
};

}  // namespace trivet::sim
