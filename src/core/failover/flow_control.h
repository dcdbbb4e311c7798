// SPDX-License-Identifier: Apache-2.0
//
// How long the writer should delay its commits so that readers keep up: what a reader has received
// and not executed must be executed before it can be promoted, and is the largest part of a
// failover's time. What readers say comes in as values, a delay goes out; no clock, no I/O.
//
// Every voter counts, not the fastest: who is promoted is decided by what it received. A voter whom
// delays do not help is left out, so that a broken reader never stops the writer.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>

#include "base/time.h"
#include "model/ids.h"

namespace trivet::failover {

using Micros = std::chrono::microseconds;

// One commented place.
struct FlowLimits {
  Millis target{300};  // a voter's apply lag stays under it, but for moments
  Millis aim{100};     // where it is held while commits are delayed
  Micros delay_max{250'000};
  Millis fresh{1'500};       // an older lag says nothing
  Millis patience{10'000};   // above the target for so long …
  int progress_percent = 5;  // … without falling by this much: left out until it is under it again
};

// What a voter says of its applier.
struct ApplyProgress {
  std::uint64_t executed = 0;  // transactions, ever
  std::uint64_t waiting = 0;   // received and not executed
  // Since the oldest transaction that is being executed was written to the source's log; nullopt
  // when none is.
  std::optional<Millis> age;
  friend bool operator==(const ApplyProgress&, const ApplyProgress&) = default;
};

// Not thread-safe: owned by the driver of its cluster.
class FlowControl {
 public:
  explicit FlowControl(FlowLimits limits = {}) : limits_(limits) {}

  void on_progress(const MemberId& voter, const ApplyProgress& said, Instant asked);
  // It is no voter now, or not one that could say.
  void forget(const MemberId& id) { voters_.erase(id); }
  // Another writer serves, or none: from the beginning.
  void reset();

  // The delay from now on; 0: none. Asks to be called about every 100 ms while wants_attention.
  Micros step(Instant now);
  // Progress is worth asking for often.
  bool wants_attention() const;
  bool is_left_out(const MemberId& id) const;
  // How long it would take to execute what waits; 0 when nobody said.
  Millis lag(const MemberId& id) const;

 private:
  struct Voter {
    ApplyProgress said;
    Instant asked;
    bool is_new = false;  // since the last step
    double rate = 0;      // transactions a second, while there were some to execute
    double lag = 0;       // seconds
    double previous = 0;  // at the last step
    bool left_out = false;
    std::optional<Instant> over_since;  // above the target, or when that was last judged …
    double highest = 0;                 // … and the highest lag from then on
  };

  void measure(Voter& voter, const ApplyProgress& said, Instant asked) const;
  void judge(Voter& voter) const;
  bool counts(const Voter& voter, Instant now) const;
  void change_effort(Instant now, double passed);

  FlowLimits limits_;
  std::map<MemberId, Voter> voters_;
  double effort_ = 0;  // logarithm of the commit cycle, delay included, over kCycle; 0: no delay
  Micros delay_{0};
  std::optional<Instant> last_step_;
};

}  // namespace trivet::failover
