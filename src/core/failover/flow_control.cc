// SPDX-License-Identifier: Apache-2.0
//
// The loop: clients that wait for their commits make a rate that is inverse to the commit's cycle,
// and lag grows with (rate / what the applier can do). So the controller works on the logarithm of
// the cycle, proportional to the lag's growth and integral to its distance from the aim: a
// second-order loop of about 3 rad/s, damped critically, whatever the rates are.
//
// Lag is what waits over the applier's rate, and not the age of what it executes: age tells of a
// change only when the applier comes to it. But a transaction that is young does not wait, whatever
// the rate, which is small where there is little to do: hence twice the age is a bound.
#include "core/failover/flow_control.h"

#include <algorithm>
#include <cmath>

namespace trivet::failover {
namespace {

constexpr double kCycle = 0.001;        // seconds; a commit without delay, about
constexpr double kGrowthGain = 0.6;     // of (growth / aim)
constexpr double kDistanceGain = 0.9;   // a second, of ((lag - aim) / aim)
constexpr double kFarAway = 0.3;        // of the lag, against the aim
constexpr double kDistanceMax = 3;      // so that a long backlog does not stop the writer
constexpr double kReleaseFactor = 4;    // when the lag is nearly gone, the delay goes faster
constexpr double kNearlyGone = 0.3;     // of the aim
constexpr double kEffortStepMax = 0.7;  // twice the cycle at a step
constexpr double kRateSpan = 1.2;       // seconds over which an applier's rate is averaged
constexpr double kStepMax = 0.5;        // seconds; a longer pause says nothing of the growth
constexpr Millis kStepMin{50};
constexpr Micros kDelayMin{100};  // what is less is none

double seconds(std::chrono::duration<double> t) {
  return t.count();
}

}  // namespace

void FlowControl::reset() {
  voters_.clear();
  effort_ = 0;
  delay_ = Micros(0);
  last_step_.reset();
}

void FlowControl::on_progress(const MemberId& voter, const ApplyProgress& said, Instant asked) {
  const auto [at, is_first] = voters_.try_emplace(voter);
  Voter& v = at->second;
  if (!is_first && (asked <= v.asked || said.executed < v.said.executed)) {
    return;
  }
  if (!is_first) {
    measure(v, said, asked);
  } else if (said.age) {
    v.lag = v.previous = seconds(*said.age);
  }
  v.said = said;
  v.asked = asked;
  v.is_new = true;
  judge(v);
}

void FlowControl::measure(Voter& v, const ApplyProgress& said, Instant asked) const {
  const double rate =
      static_cast<double>(said.executed - v.said.executed) / seconds(asked - v.asked);
  const bool was_busy = said.waiting > 0 && v.said.waiting > 0;
  if (was_busy && v.rate > 0) {
    const double passed = seconds(asked - v.asked);
    v.rate += (rate - v.rate) * -std::expm1(-passed / kRateSpan);
  } else {
    v.rate = std::max(v.rate, rate);
  }
  if (said.waiting == 0) {
    v.lag = 0;
  } else if (said.age) {
    const double age = std::max(0.0, seconds(*said.age - delay_));
    const double to_drain = static_cast<double>(said.waiting) / std::max(v.rate, 1e-3);
    v.lag = std::min(2 * age, to_drain);
  }
}

void FlowControl::judge(Voter& v) const {
  if (v.lag <= seconds(limits_.target)) {
    v.left_out = false;
    v.over_since.reset();
    return;
  }
  if (!v.over_since) {
    v.over_since = v.asked;
    v.highest = 0;
  }
  v.highest = std::max(v.highest, v.lag);
  if (since(*v.over_since, v.asked) < limits_.patience) {
    return;
  }
  v.left_out = v.left_out || v.lag > v.highest * (1 - limits_.progress_percent / 100.0);
  v.over_since = v.asked;
  v.highest = v.lag;
}

bool FlowControl::counts(const Voter& v, Instant now) const {
  return !v.left_out && since(v.asked, now) <= limits_.fresh;
}

void FlowControl::change_effort(Instant now, double passed) {
  double worst = 0;
  double before = 0;
  for (auto& [id, v] : voters_) {
    if (counts(v, now)) {
      worst = std::max(worst, v.lag);
      before = std::max(before, v.previous);
    }
    v.previous = v.lag;
    v.is_new = false;
  }
  const double aim = seconds(limits_.aim);
  if (effort_ == 0 && worst <= aim) {
    return;
  }
  double distance = std::min(kDistanceMax, (worst - aim) / aim);
  if (worst < kNearlyGone * aim) {
    distance *= kReleaseFactor;
  }
  // Far above the aim the lag is known by the half, and its growth is mostly that error: there the
  // distance decides.
  const double scale = std::max(aim, kFarAway * std::max(worst, before));
  const double change = kGrowthGain * (worst - before) / scale + kDistanceGain * distance * passed;
  const double max = std::log1p(seconds(limits_.delay_max) / kCycle);
  effort_ = std::clamp(effort_ + std::clamp(change, -kEffortStepMax, kEffortStepMax), 0.0, max);
}

Micros FlowControl::step(Instant now) {
  bool is_known = false;
  bool is_new = false;
  for (const auto& [id, v] : voters_) {
    is_known = is_known || counts(v, now);
    is_new = is_new || (v.is_new && counts(v, now));
  }
  const double passed = last_step_ ? seconds(now - *last_step_) : seconds(kStepMin);
  if (!is_known) {
    effort_ = 0;
    last_step_ = now;
  } else if (is_new && passed >= seconds(kStepMin)) {
    change_effort(now, std::min(passed, kStepMax));
    last_step_ = now;
  }
  delay_ = std::min(limits_.delay_max, Micros(std::llround(kCycle * std::expm1(effort_) * 1e6)));
  if (delay_ < kDelayMin) {
    delay_ = Micros(0);
  }
  return delay_;
}

bool FlowControl::wants_attention() const {
  return effort_ > 0 || std::any_of(voters_.begin(), voters_.end(), [&](const auto& v) {
           return !v.second.left_out && v.second.lag * 2 > seconds(limits_.aim);
         });
}

bool FlowControl::is_left_out(const MemberId& id) const {
  const auto at = voters_.find(id);
  return at != voters_.end() && at->second.left_out;
}

Millis FlowControl::lag(const MemberId& id) const {
  const auto at = voters_.find(id);
  return at == voters_.end() ? Millis(0) : Millis(std::llround(at->second.lag * 1'000));
}

}  // namespace trivet::failover
