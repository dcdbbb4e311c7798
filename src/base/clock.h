// SPDX-License-Identifier: Apache-2.0
//
// The only place where time is read. Whatever decides takes `now` as a value instead.
#pragma once

#include "base/time.h"

namespace trivet {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
  virtual WallTime wall_now() const = 0;
};

// The machine's clocks. Thread-safe.
class SystemClock final : public Clock {
 public:
  Instant now() const override;
  WallTime wall_now() const override;
};

}  // namespace trivet
