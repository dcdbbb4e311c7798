// SPDX-License-Identifier: Apache-2.0
//
// The planned switchover (failover.md): the writer hands over while it is well. Until the store
// names the target, every failure ends with the writer going on; until it is closed, without any
// error to a client.
//
// Why it is safe: the writer's word in StepDown is final (no commit is underway, none can begin),
// the target has executed all of it before the store names it, the writer itself is one of the new
// term's voters and holds the whole of it (I11), and the target opens only after it and all the
// living others have promised the new term (I2).
#include <algorithm>

#include "core/failover/machine.h"

namespace trivet::failover {

using State = MemberView::State;

std::string FailoverMachine::why_no_switchover(const MemberId& target) const {
  if (phase_ != Phase::kSteady || committing_ || to_commit_ || rebooting_) {
    return "the cluster is busy with something else";
  }
  if (!members_.contains(target)) {
    return target.str() + " is no member";
  }
  if (installing_ == target) {
    return target.str() + " is the writer already";
  }
  for (const auto& [id, m] : members_) {
    const bool is_well = installing_ == id ? m.state == State::kOpen
                                           : m.state == State::kOpen && m.counts && !m.busy;
    if (!is_well) {
      return id.str() + " is not well, and every member is needed for a switchover";
    }
  }
  return "";
}

void FailoverMachine::begin_switchover(const MemberId& target, Instant now) {
  const std::string why_not = why_no_switchover(target);
  if (!why_not.empty()) {
    note(Note::Kind::kSwitchoverGivenUp, target, why_not);
    return;
  }
  switchover_ = Switchover{.target = target, .former = *installing_, .began = now};
  phase_ = Phase::kSwitchover;
  note(Note::Kind::kSwitchoverStarted, target, switchover_->former.str());
}

bool FailoverMachine::holds_new_connections() const {
  using Step = Switchover::Step;
  return phase_ == Phase::kSwitchover &&
         (switchover_->step == Step::kHold || switchover_->step == Step::kCatchUp);
}

void FailoverMachine::go_to_step(Switchover::Step step) {
  switchover_->step = step;
  switchover_->is_asked = false;
}

void FailoverMachine::ask_step(const MemberId& id, Action action, Millis limit, Instant now) {
  switchover_->is_asked = true;
  ask(id, std::move(action), limit, now);
}

void FailoverMachine::advance_switchover(Instant now) {
  using Step = Switchover::Step;
  Switchover& s = *switchover_;
  const bool nobody_waits =
      s.step == Step::kAttach || s.step == Step::kLook || s.step == Step::kNear;
  if (nobody_waits && since(s.began, now) > limits_.come_near) {
    give_up_switchover(
        "the readers do not come near the writer: it is written to faster than they apply", now);
  }
  if (phase_ != Phase::kSwitchover || s.is_asked) {
    return;
  }
  MemberState& writer = members_[s.former];
  switch (s.step) {
    case Step::kAttach:
      for (auto& [id, m] : members_) {
        if (id != s.former && id != s.target) {
          m.follows = m.counts = false;
          ask_step(id, Follow{s.target, true}, limits_.command, now);
        }
      }
      if (!s.is_asked) {
        go_to_step(Step::kLook);  // there are no others
      }
      break;
    case Step::kLook:
      if (ready(writer, now)) {
        ask_step(s.former, Look{}, limits_.command, now);
      }
      break;
    case Step::kNear:
      s.near.clear();
      for (const auto& [id, m] : members_) {
        if (id != s.former) {
          ask_step(id, CatchUp{s.until}, limits_.near, now);
        }
      }
      break;
    case Step::kHold:
      outage_began_ = s.held_since = now;
      ask_step(s.former, HoldWrites{}, limits_.hold, now);
      break;
    case Step::kCatchUp:
      ask_step(s.target, CatchUp{s.until}, limits_.hold_catch_up, now);
      break;
    case Step::kFence:
      writer.serves_reads = false;
      ask_step(s.former, StepDown{}, limits_.command, now);
      break;
    case Step::kHandOver:
      break;
    case Step::kRelease:
      if (ready(writer, now)) {
        ask_step(s.former, ReleaseWrites{}, limits_.command, now);
      }
      break;
  }
}

// True: it was a step's.
bool FailoverMachine::switchover_succeeded(const Pending& pending, const EffectDone& done,
                                           Instant now) {
  using Step = Switchover::Step;
  if (phase_ != Phase::kSwitchover) {
    return false;
  }
  Switchover& s = *switchover_;
  members_[pending.member].failures = 0;
  switch (s.step) {
    case Step::kAttach:
      if (!std::holds_alternative<Follow>(pending.action)) {
        return false;
      }
      go_to_step(Step::kLook);
      return true;
    case Step::kLook:
      if (!std::holds_alternative<Look>(pending.action)) {
        return false;
      }
      s.until = done.held;
      go_to_step(Step::kNear);
      return true;
    case Step::kNear:
      if (!std::holds_alternative<CatchUp>(pending.action)) {
        return false;
      }
      s.near.insert(pending.member);
      near_or_not();
      return true;
    case Step::kHold:
      s.until = done.held;
      go_to_step(Step::kCatchUp);
      return true;
    case Step::kCatchUp:
      go_to_step(Step::kFence);
      return true;
    case Step::kFence:
      if (!s.until.contains(done.held)) {  // the hold was lost in between
        s.until = done.held;
        give_up_switchover("the writer did not hold its writes", now);
        return true;
      }
      s.until = done.held;
      members_[s.former].closed = true;
      hand_over(now);
      return true;
    case Step::kHandOver:
      return false;
    case Step::kRelease:
      if (!std::holds_alternative<ReleaseWrites>(pending.action)) {
        return true;  // of a step before; nobody waits for it
      }
      switchover_.reset();
      phase_ = Phase::kSteady;
      return true;
  }
  return false;
}

bool FailoverMachine::switchover_failed(const Pending& pending, const std::string& error,
                                        Instant now) {
  using Step = Switchover::Step;
  if (phase_ != Phase::kSwitchover) {
    return false;
  }
  Switchover& s = *switchover_;
  MemberState& m = members_[pending.member];
  switch (s.step) {
    case Step::kNear:
      near_or_not();
      return true;
    case Step::kAttach:
    case Step::kLook:
    case Step::kHold:
    case Step::kFence:
      give_up_switchover(error, now);
      return true;
    case Step::kCatchUp:
      give_up_switchover(s.target.str() + " does not execute the rest in time: " + error, now);
      return true;
    case Step::kHandOver:
      return false;
    case Step::kRelease:
      if (std::holds_alternative<ReleaseWrites>(pending.action)) {
        retry_later(m, now);
        s.is_asked = false;
        return m.failures < 3;  // then as with any member that does not do what it is asked
      }
      return true;
  }
  return false;
}

// When all readers have answered: hold, or look again at where the writer is by now.
void FailoverMachine::near_or_not() {
  const bool is_asked = std::any_of(pending_.begin(), pending_.end(), [](const auto& entry) {
    return std::holds_alternative<CatchUp>(entry.second.action);
  });
  if (!is_asked) {
    const bool all_near = switchover_->near.size() + 1 == members_.size();
    go_to_step(all_near ? Switchover::Step::kHold : Switchover::Step::kLook);
  }
}

// The writer goes on. Once it was asked to close, it is opened again as after any adoption.
void FailoverMachine::give_up_switchover(const std::string& why, Instant now) {
  using Step = Switchover::Step;
  Switchover& s = *switchover_;
  if (s.step == Step::kRelease) {
    return;
  }
  note(Note::Kind::kSwitchoverGivenUp, s.target, why);
  std::erase_if(pending_, [&](const auto& entry) { return !entry.second.member.empty(); });
  for (auto& [id, m] : members_) {
    m.busy = false;
  }
  MemberState& writer = members_[s.former];
  if (s.step == Step::kFence) {
    writer.state = State::kUp;
    writer.closed = writer.drained = commits_guarded_ = false;
    round_began_ = now;
    switchover_.reset();
    phase_ = Phase::kOpening;
  } else if (s.step == Step::kHold || s.step == Step::kCatchUp) {
    go_to_step(Step::kRelease);
  } else {
    switchover_.reset();
    phase_ = Phase::kSteady;
  }
}

// The commit point: the store names the target in a new term. All members hold the whole of the
// term before, so all of them vote.
void FailoverMachine::hand_over(Instant now) {
  Topology next = topology_;
  next.term = topology_.term.next();
  next.writer = switchover_->target;
  next.last_writer = switchover_->former;
  next.boot_id = boot_id_;
  next.voters.clear();
  for (const MemberId& id : order_) {
    if (id != switchover_->target) {
      next.voters.push_back(id);
    }
  }
  switchover_->step = Switchover::Step::kHandOver;
  phase_ = Phase::kCommitWriter;
  commit(std::move(next), now);
}

void FailoverMachine::handed_over(Instant now) {
  installing_ = switchover_->target;
  commits_guarded_ = false;
  guarded_at_.reset();
  for (auto& [id, m] : members_) {
    m.follows = m.counts = m.drained = m.promised = false;
    m.next_try = now;
  }
  MemberState& writer = members_[switchover_->target];
  writer.held = switchover_->until;
  writer.serves_reads = false;
  writer.state = State::kUp;
  MemberState& former = members_[switchover_->former];
  former.serves_reads = false;
  former.state = is_alive(former) ? State::kUp : former.state;
}

}  // namespace trivet::failover
