// SPDX-License-Identifier: Apache-2.0
//
// Flow control: asks voters how far their appliers are, and has the writer delay its commits as the
// controller says. While no writer serves there is nothing to control.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "service/cluster_driver.h"
#include "service/cluster_driver_work.h"

namespace trivet::service {
namespace {

constexpr Millis kProgressEvery{300};
constexpr Millis kProgressOften{80};  // at each tick, that is
constexpr Millis kTellMax{1'000};

// The writer need not hear of every small change.
bool is_news(std::optional<failover::Micros> told, failover::Micros delay) {
  if (!told || *told == delay) {
    return !told;
  }
  return delay.count() == 0 || told->count() == 0 ||
         std::abs((delay - *told).count()) * 20 > told->count();
}

}  // namespace

void ClusterDriver::keep_pace() {
  const std::optional<MemberId> writer =
      machine_ ? machine_->serving_writer() : std::optional<MemberId>();
  if (writer != paced_) {
    flow_.reset();
    delay_ = failover::Micros(0);
    told_.reset();
    paced_ = writer;
  }
  if (!writer) {
    return;
  }
  const Instant now = needs_.clock.now();
  for (auto& [id, hands] : hands_) {
    const failover::MemberView seen = machine_->member(id);
    const bool counts = seen.is_voter && (seen.state == failover::MemberView::State::kOpen ||
                                          seen.state == failover::MemberView::State::kFollowing);
    if (!counts || id == *writer) {
      flow_.forget(id);
    } else if (!hands.asked_progress && now >= hands.next_progress) {
      hands.next_progress = now + (flow_.wants_attention() ? kProgressOften : kProgressEvery);
      ask_progress(id, hands);
    }
  }
  delay_ = flow_.step(now);
  if (is_news(told_, delay_) && !telling_) {
    tell_delay(*writer, delay_);
  }
}

void ClusterDriver::ask_progress(const MemberId& id, Hands& hands) {
  using Progress = Result<std::optional<failover::ApplyProgress>>;
  hands.asked_progress = true;
  const Instant asked = needs_.clock.now();
  on_member<Progress>(
      id, [](MemberAgent& agent) { return agent.apply_progress(); },
      [this, id, asked, writer = *paced_](const Progress& progress) {
        hands_.at(id).asked_progress = false;
        if (!progress || !progress->has_value() || paced_ != writer) {
          return;
        }
        const bool was_left_out = flow_.is_left_out(id);
        flow_.on_progress(id, **progress, asked);
        if (flow_.is_left_out(id) != was_left_out) {
          log(was_left_out ? Level::kInfo : Level::kWarning,
              was_left_out ? "flow_control.counted_again" : "flow_control.left_out",
              {{"member", id.str()}, {"lag_ms", flow_.lag(id).count()}});
        }
      });
}

void ClusterDriver::tell_delay(const MemberId& writer, failover::Micros delay) {
  telling_ = true;
  const Stamp stamp{machine_->topology().term, needs_.clock.now() + kTellMax};
  on_member<Status>(
      writer, [stamp, delay](MemberAgent& agent) { return agent.set_commit_delay(stamp, delay); },
      [this, writer, delay](const Status& done) {
        telling_ = false;
        if (paced_ == writer) {
          told_ = done ? std::optional(delay) : std::nullopt;
        }
      });
}

}  // namespace trivet::service
