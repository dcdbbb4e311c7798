// SPDX-License-Identifier: Apache-2.0
#include "core/failover/machine.h"

#include <algorithm>

#include "base/assert.h"
#include "base/overloaded.h"

namespace trivet::failover {
namespace {

using State = MemberView::State;

// A live member whose commands fail this often in a row is taken for hung and killed (I16).
constexpr int kFailuresBeforeKill = 10;
// A member that does not start from what it has is given other data.
constexpr int kRejoinsBeforeClone = 3;
// Replication that breaks again so soon is not cured by following again.
constexpr int kBreaksBeforeClone = 3;
constexpr Millis kBreaksForgotten{60'000};

}  // namespace

std::string_view to_string(State state) {
  switch (state) {
    case State::kDead:
      return "stopped";
    case State::kStarting:
      return "starting";
    case State::kUp:
      return "closed";
    case State::kFollowing:
      return "following";
    case State::kOpen:
      return "available";
    case State::kRebuilding:
      return "rebuilding";
  }
  return "stopped";
}

FailoverMachine::FailoverMachine(Setup setup, Instant now)
    : order_(std::move(setup.members)),
      limits_(setup.limits),
      boot_id_(std::move(setup.boot_id)),
      topology_(std::move(setup.topology)) {
  TRIVET_ASSERT(topology_.phase != Topology::Phase::kForming);
  amnesia_ = topology_.boot_id != boot_id_ || setup.writer_ended_in_order;
  bool all_dead = true;
  for (const MemberId& id : order_) {
    MemberState& m = members_[id];
    if (setup.alive.contains(id)) {
      m.state = State::kUp;
      all_dead = false;
    }
    m.closed = m.state == State::kDead;
    // Neither writer nor voter: it was left out of an election and may hold what the writer lacks.
    m.needs_rejoin = !is_voter(id) && id != last_who_wrote();
  }
  round_began_ = outage_began_ = now;
  const bool steady = topology_.phase == Topology::Phase::kSteady;
  if (steady && is_alive(members_[*topology_.writer])) {
    installing_ = topology_.writer;
    phase_ = Phase::kOpening;
  } else {
    const bool cold = all_dead || amnesia_ || topology_.phase == Topology::Phase::kColdStart;
    begin_round(cold, now,
                setup.writer_ended_in_order ? "the writer had been shut down"
                : cold                      ? "no member was running"
                                            : "the writer was not running");
  }
}

bool FailoverMachine::is_alive(const MemberState& m) const {
  return m.state != State::kDead && m.state != State::kStarting && m.state != State::kRebuilding;
}

std::optional<MemberId> FailoverMachine::last_who_wrote() const {
  return topology_.writer ? topology_.writer : topology_.last_writer;
}

bool FailoverMachine::is_voter(const MemberId& id) const {
  return std::find(topology_.voters.begin(), topology_.voters.end(), id) != topology_.voters.end();
}

// Voters' alone.
int FailoverMachine::promises_given() const {
  return static_cast<int>(std::count_if(members_.begin(), members_.end(), [&](const auto& entry) {
    return is_voter(entry.first) && entry.second.promised;
  }));
}

// R of R + W > N.
int FailoverMachine::promises_needed() const {
  return static_cast<int>(topology_.voters.size()) - topology_.acks + 1;
}

void FailoverMachine::note(Note::Kind kind, const MemberId& id, std::string text) {
  notes_.push_back({kind, id, std::move(text)});
}

std::vector<Note> FailoverMachine::take_notes() {
  return std::exchange(notes_, {});
}

std::optional<MemberId> FailoverMachine::serving_writer() const {
  const bool serves = phase_ == Phase::kSteady || (phase_ == Phase::kSwitchover &&
                                                   switchover_->step != Switchover::Step::kFence);
  if (serves && installing_ && members_.at(*installing_).state == State::kOpen) {
    return installing_;
  }
  return std::nullopt;
}

std::vector<MemberId> FailoverMachine::open_readers() const {
  std::vector<MemberId> out;
  for (const MemberId& id : order_) {
    const MemberState& m = members_.at(id);
    // Through an election all that serve go on; in a new term only those that follow its writer.
    if (installing_ != id && m.serves_reads && (phase_ != Phase::kSteady || m.follows)) {
      out.push_back(id);
    }
  }
  return out;
}

MemberView FailoverMachine::member(const MemberId& id) const {
  const MemberState& m = members_.at(id);
  return {m.state, is_voter(id), m.counts && is_voter(id)};
}

std::vector<Effect> FailoverMachine::step(const Input& input, Instant now) {
  std::visit(Overloaded{
                 [&](const EffectDone& done) { on_done(done, now); },
                 [&](const MemberDied& died) { on_died(died, now); },
                 [&](const FailoverRequested&) {
                   if (phase_ == Phase::kSteady) {
                     begin_round(false, now, "requested");
                   }
                 },
                 [&](const SwitchoverRequested& wish) { begin_switchover(wish.target, now); },
                 [&](const RebootRequested& wish) { begin_reboot(wish.member, now); },
                 [&](const LossAccepted& wish) { accept_loss(wish.member, now); },
                 [&](const ReplicationBroken& broken) { on_broken(broken, now); },
                 [&](const ApplyLag& seen) {
                   if (const auto at = members_.find(seen.member); at != members_.end()) {
                     at->second.apply_lag = seen.lag;
                   }
                 },
                 [](const Tick&) {},
             },
             input);
  advance(now);
  return std::exchange(out_, {});
}

// SIGKILL, as for any member that must end (I8). What follows is what follows any death, but for
// the writer: its own return is what the next round tries first (I11).
void FailoverMachine::begin_reboot(const MemberId& id, Instant now) {
  const auto at = members_.find(id);
  if (phase_ == Phase::kSteady && !rebooting_ && at != members_.end() &&
      at->second.state == State::kOpen && ready(at->second, now)) {
    rebooting_ = id;
    ask(id, KillMember{}, limits_.command, now);
  }
}

void FailoverMachine::ask(const MemberId& id, Action action, Millis limit, Instant now) {
  const EffectId effect = next_id_++;
  if (!id.empty()) {
    members_[id].busy = true;
  }
  pending_.emplace(effect, Pending{id, action, topology_.term});
  out_.push_back({effect, id, topology_.term, now + limit, std::move(action)});
}

void FailoverMachine::commit(Topology next, Instant now) {
  to_commit_.reset();
  committing_ = next;
  ask(MemberId(), CommitTopology{std::move(next)}, limits_.command, now);
}

void FailoverMachine::retry_later(MemberState& m, Instant now) const {
  const int doublings = std::min(m.failures, 6);
  m.failures += 1;
  m.next_try = now + std::min(limits_.retry * (1 << doublings), limits_.restart_pause_max);
}

// A new term is asked for. What was asked of members in the old one is no longer listened to, but
// for starts, rejoins and rebuilds: what they began goes on whoever writes.
void FailoverMachine::begin_round(bool cold, Instant now, const std::string& why) {
  const bool outage_begins =
      phase_ == Phase::kSteady || phase_ == Phase::kOpening || switchover_.has_value();
  if (switchover_ && phase_ != Phase::kOpening) {
    note(Note::Kind::kSwitchoverGivenUp, switchover_->target, why);
  }
  switchover_.reset();
  if (outage_begins) {
    outage_began_ = now;
  }
  std::erase_if(pending_, [](const auto& entry) {
    const Action& action = entry.second.action;
    return !std::holds_alternative<StartMember>(action) &&
           !std::holds_alternative<Rejoin>(action) && !std::holds_alternative<Rebuild>(action);
  });
  for (auto& [id, m] : members_) {
    const bool underway = m.state == State::kStarting || m.state == State::kRebuilding;
    m.busy = underway && m.busy;
    m.promised = m.drained = m.follows = m.counts = m.asked_to_follow = false;
    m.awaits_look = m.broken = false;  // also what is broken has a vote to give
    m.needs_rejoin = m.needs_rejoin && !is_voter(id);
    m.proof = MemberState::Proof::kNone;
    m.failures = 0;
    m.next_try = now;
    m.held = gtid::GtidSet();
    if (is_alive(m)) {
      m.state = State::kUp;
    }
  }
  cold_ = cold;
  elected_ = true;
  installing_.reset();
  rebooting_.reset();
  quorum_at_.reset();
  commits_guarded_ = false;
  guarded_at_.reset();
  round_began_ = now;
  phase_ = Phase::kCommitTerm;
  Topology next = topology_;
  // One that was asked for may be in force, whatever was heard of it.
  const auto& asked_for = committing_ ? committing_ : to_commit_;
  next.term = std::max(topology_.term, asked_for ? asked_for->term : Term()).next();
  next.phase = cold ? Topology::Phase::kColdStart : Topology::Phase::kFailover;
  next.last_writer = last_who_wrote();
  next.writer.reset();
  if (amnesia_) {
    next.boot_id.clear();  // whoever decides next, after a restart of ours, must know
  }
  if (outage_begins) {
    note(cold ? Note::Kind::kColdStartStarted : Note::Kind::kFailoverStarted,
         next.last_writer.value_or(MemberId()), why);
  }
  commit(std::move(next), now);
}

void FailoverMachine::on_done(const EffectDone& done, Instant now) {
  const auto at = pending_.find(done.id);
  if (at == pending_.end()) {
    return;  // of an earlier round
  }
  const Pending pending = std::move(at->second);
  pending_.erase(at);
  if (!pending.member.empty()) {
    members_[pending.member].busy = false;
  }
  if (done.error.empty() ? switchover_succeeded(pending, done, now)
                         : switchover_failed(pending, done.error, now)) {
    return;
  }
  if (!done.error.empty()) {
    on_failed(pending, done, now);
  } else if (std::holds_alternative<CommitTopology>(pending.action)) {
    on_committed(now);
  } else {
    members_[pending.member].failures = 0;
    on_succeeded(pending, done, now);
  }
}

void FailoverMachine::on_failed(const Pending& pending, const EffectDone& done, Instant now) {
  const std::string& error = done.error;
  if (std::holds_alternative<CommitTopology>(pending.action)) {
    to_commit_ = std::exchange(committing_, std::nullopt);
    next_commit_ = now + limits_.retry;
    waiting_for_ = "the state store: " + error;
    return;
  }
  MemberState& m = members_[pending.member];
  retry_later(m, now);
  m.broken = m.broken || done.is_unusable;
  if (std::holds_alternative<KillMember>(pending.action) && rebooting_ == pending.member) {
    rebooting_.reset();
  }
  if (m.failures == 1 || m.failures == kFailuresBeforeKill) {
    note(Note::Kind::kMemberTrouble, pending.member, error);
  }
  if (std::holds_alternative<StartMember>(pending.action)) {
    m.state = State::kDead;
    m.failed_starts += 1;
  } else if (std::holds_alternative<Rejoin>(pending.action)) {
    m.state = State::kDead;
    m.must_clone = m.failures >= kRejoinsBeforeClone;
  } else if (std::holds_alternative<Rebuild>(pending.action)) {
    m.state = State::kDead;
  } else if ((std::holds_alternative<Look>(pending.action) ||
              std::holds_alternative<ProveCommits>(pending.action)) &&
             serving_writer() == pending.member) {
    for (auto& [id, waiting] : members_) {
      waiting.awaits_look = false;
      waiting.proof = MemberState::Proof::kNone;
    }
  } else if (m.failures >= kFailuresBeforeKill && is_alive(m) &&
             !std::holds_alternative<GuardCommits>(pending.action)) {
    ask(pending.member, KillMember{}, limits_.command, now);
  }
}

void FailoverMachine::on_committed(Instant now) {
  TRIVET_ASSERT(committing_.has_value());
  topology_ = *std::exchange(committing_, std::nullopt);
  if (topology_.phase == Topology::Phase::kSteady) {
    amnesia_ = false;
    accepted_loss_.reset();
  }
  for (auto& [id, m] : members_) {
    m.proof = is_voter(id) ? m.proof : MemberState::Proof::kNone;
  }
  if (phase_ == Phase::kCommitTerm) {
    phase_ = Phase::kPromises;
    round_began_ = now;
  } else if (phase_ == Phase::kCommitWriter) {
    phase_ = Phase::kOpening;
    round_began_ = now;
    for (auto& [id, m] : members_) {
      m.needs_rejoin = id != *topology_.writer && !is_voter(id);
      m.must_clone = m.must_clone && m.needs_rejoin;
    }
    if (switchover_) {
      handed_over(now);
    }
  }
}

void FailoverMachine::on_succeeded(const Pending& pending, const EffectDone& done, Instant now) {
  const MemberId& id = pending.member;
  MemberState& m = members_[id];
  std::visit(Overloaded{
                 [](const CommitTopology&) {},
                 [&](const StartMember&) {
                   m.state = State::kUp;
                   m.failed_starts = 0;
                   if (phase_ == Phase::kSteady) {
                     note(Note::Kind::kMemberRestarted, id, "");
                   }
                 },
                 [&](const KillMember&) { on_died({id, done.end}, now); },
                 [&](const AskPromise&) {
                   m.promised = true;
                   m.follows = false;
                   m.held = done.held;
                 },
                 [&](const Drain&) { m.drained = true; },
                 [&](const Follow& follow) {
                   m.follows = installing_ == follow.source;
                   m.counts = m.follows && follow.counts;
                   if (m.state == State::kUp && m.follows) {
                     m.state = State::kFollowing;
                   }
                 },
                 [&](const GuardCommits&) {
                   commits_guarded_ = true;
                   guarded_at_ = now;
                 },
                 [&](const Look&) { on_looked(id, done.held, now); },
                 [&](const ProveCommits&) {
                   for (auto& [other, waiting] : members_) {
                     waiting.proof = waiting.proof == MemberState::Proof::kAsked
                                         ? MemberState::Proof::kGiven
                                         : waiting.proof;
                   }
                 },
                 [](const CatchUp&) {},
                 [](const HoldWrites&) {},
                 [](const ReleaseWrites&) {},
                 [](const StepDown&) {},
                 [&](const Open& open) { on_opened(id, open.as_writer, now); },
                 [&](const Rejoin&) { on_rejoined(pending, done.rejoined); },
                 [&](const Rebuild&) {
                   m.needs_rejoin = m.must_clone = m.broken = false;
                   m.breaks = 0;
                   m.follows = false;
                   m.closed = true;
                   m.state = State::kUp;
                   note(Note::Kind::kMemberRebuilt, id, "");
                 },
             },
             pending.action);
}

void FailoverMachine::on_opened(const MemberId& id, bool as_writer, Instant now) {
  members_[id].state = State::kOpen;
  members_[id].serves_reads = !as_writer;
  if (as_writer && phase_ == Phase::kOpening) {
    phase_ = Phase::kSteady;
    waiting_for_.clear();
    note(switchover_ ? Note::Kind::kSwitchoverCompleted
         : !elected_ ? Note::Kind::kOpened
         : cold_     ? Note::Kind::kColdStartCompleted
                     : Note::Kind::kFailoverCompleted,
         id, std::to_string(since(outage_began_, now).count()));
    elected_ = false;
    switchover_.reset();
  }
}

void FailoverMachine::on_died(const MemberDied& died, Instant now) {
  const auto at = members_.find(died.member);
  const bool rejoins = std::any_of(pending_.begin(), pending_.end(), [&](const auto& entry) {
    return entry.second.member == died.member &&
           std::holds_alternative<Rejoin>(entry.second.action);
  });
  if (at == members_.end() || at->second.state == State::kRebuilding || rejoins) {
    return;  // a rejoin and a rebuild end and start their member by themselves
  }
  MemberState& m = at->second;
  if (m.state == State::kDead) {
    return;
  }
  // What a writer answered on its way down it alone may hold, so nobody else is to take over.
  const bool was_shut_down = died.how.is_orderly && last_who_wrote() == died.member && !m.closed;
  amnesia_ = amnesia_ || was_shut_down;
  std::erase_if(pending_, [&](const auto& entry) { return entry.second.member == died.member; });
  m.state = State::kDead;
  m.closed = true;
  m.busy = m.promised = m.drained = m.follows = m.counts = m.serves_reads = false;
  m.awaits_look = false;
  m.proof = MemberState::Proof::kNone;
  m.died_at = now;
  retry_later(m, now);
  note(Note::Kind::kMemberTrouble, died.member, died.how.how);
  const bool is_reboot = rebooting_ == died.member;
  if (is_reboot) {
    rebooting_.reset();
    m.failures = 0;
    m.next_try = now;
  }
  const bool is_target = switchover_ && switchover_->target == died.member;
  if (installing_ == died.member || was_shut_down ||
      (is_target && phase_ == Phase::kCommitWriter)) {
    begin_round(
        is_reboot || was_shut_down, now,
        is_reboot ? "a reboot was asked for" : "the writer's process ended: " + died.how.how);
  } else if (phase_ == Phase::kSwitchover) {
    give_up_switchover(died.member.str() + " ended", now);
  }
}

void FailoverMachine::on_looked(const MemberId& id, const gtid::GtidSet& held, Instant now) {
  members_[id].held = held;
  if (serving_writer() != id) {
    return;
  }
  for (auto& [other, m] : members_) {
    if (std::exchange(m.awaits_look, false) && ready(m, now)) {
      ask_rejoin(other, held, now);
    }
  }
}

void FailoverMachine::on_rejoined(const Pending& pending, const Rejoined& rejoined) {
  MemberState& m = members_[pending.member];
  if (rejoined.way == RejoinWay::kClone) {
    m.state = State::kDead;
    m.must_clone = true;
    note(Note::Kind::kMemberTrouble, pending.member, "it must be cloned: " + rejoined.reason);
    return;
  }
  m.state = State::kUp;
  m.closed = true;
  // Another writer than it was measured by may lack what that one held.
  if (pending.term == topology_.term && phase_ != Phase::kCommitTerm) {
    m.needs_rejoin = false;
    note(Note::Kind::kMemberRejoined, pending.member, std::string(to_string(rejoined.way)));
  }
}

// What stops by itself is started again; what stops again and again, or holds what the writer
// lacks, gets other data. It is killed first: what does not run acknowledges nothing.
void FailoverMachine::on_broken(const ReplicationBroken& broken, Instant now) {
  const auto at = members_.find(broken.member);
  if (phase_ != Phase::kSteady || installing_ == broken.member || at == members_.end() ||
      !at->second.follows || !ready(at->second, now)) {
    return;
  }
  MemberState& m = at->second;
  note(Note::Kind::kMemberTrouble, broken.member, broken.why);
  if (broken.kind == ReplicationBroken::Kind::kFailed) {
    m.breaks = since(m.last_break, now) > kBreaksForgotten ? 1 : m.breaks + 1;
    m.last_break = now;
  }
  if (broken.kind != ReplicationBroken::Kind::kDiverged && m.breaks < kBreaksBeforeClone) {
    m.follows = m.counts = false;
    return;
  }
  m.broken = true;
  ask(broken.member, KillMember{}, limits_.command, now);
}

}  // namespace trivet::failover
