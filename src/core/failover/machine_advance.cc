// SPDX-License-Identifier: Apache-2.0
//
// What the machine asks for next, phase by phase: promises, installation, opening, followers. What
// it hears is in machine.cc.
#include <algorithm>
#include <bit>

#include "core/failover/machine.h"

namespace trivet::failover {

using State = MemberView::State;

namespace {

// Each takes as long as a voter may take to attach.
constexpr int kGuardsBeforeOtherWay = 2;
constexpr int kStartsBeforeRejoin = 3;
constexpr unsigned kStartsBeforeAfresh = 2;

bool contains(const std::vector<MemberId>& ids, const MemberId& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

void FailoverMachine::advance(Instant now) {
  if (to_commit_ && now >= next_commit_) {
    commit(*to_commit_, now);
  }
  if (phase_ == Phase::kPromises) {
    advance_promises(now);
  }
  if (phase_ == Phase::kInstall) {
    advance_install(now);
  }
  if (phase_ == Phase::kOpening) {
    advance_opening(now);
  }
  if (phase_ == Phase::kSwitchover) {
    advance_switchover(now);
  }
  if (phase_ == Phase::kSteady) {
    for (auto& [id, m] : members_) {
      if (installing_ != id) {
        advance_follower(id, m, now);
      }
    }
    grow_voters(now);
    drop_silent(now);
  }
}

// What has been started and does not come to answer may hang, or recover from a long log: it is
// killed for a new start, and each time given twice as long (I16).
void FailoverMachine::ask_start(const MemberId& id, MemberState& m, Instant now) {
  const auto failed = static_cast<unsigned>(m.failed_starts);
  m.state = State::kStarting;
  ask(id, StartMember{failed >= kStartsBeforeAfresh && std::has_single_bit(failed)}, limits_.start,
      now);
}

void FailoverMachine::ask_for_promise(const MemberId& id, MemberState& m, Instant now) {
  if (!ready(m, now)) {
    return;
  }
  if (m.state == State::kDead || m.state == State::kStarting) {
    ask_start(id, m, now);
  } else if (is_alive(m) && !m.promised) {
    ask(id, AskPromise{}, limits_.command, now);
  }
}

void FailoverMachine::advance_promises(Instant now) {
  const std::optional<MemberId> last = topology_.last_writer;
  bool last_is_gone = true;
  if (last) {
    MemberState& old = members_[*last];
    // F2: killed first, and its death waited for (I8). Back in place it may live on only closed:
    // whom it has let in would write to it while the store names no writer.
    if (old.state != State::kDead && !(cold_ && old.closed)) {
      last_is_gone = false;
      if (ready(old, now)) {
        ask(*last, KillMember{}, limits_.command, now);
      }
    }
  }
  for (const MemberId& id : order_) {
    MemberState& m = members_[id];
    const bool wanted = cold_ || (id != last && (is_voter(id) || is_alive(m)));
    if (wanted && last_is_gone && !m.needs_rejoin) {
      ask_for_promise(id, m, now);
    }
  }
  judge_promises(now);
}

void FailoverMachine::judge_promises(Instant now) {
  bool stragglers = false;
  for (const auto& [id, m] : members_) {
    stragglers = stragglers ||
                 (is_alive(m) && !m.promised && !m.needs_rejoin && id != topology_.last_writer);
  }
  if (cold_) {
    judge_cold(now);
    return;
  }
  const int promises = promises_given();
  if (amnesia_ || promises < promises_needed()) {
    waiting_for_ = missing_promises();
    if (install_at_a_loss(now)) {
      return;
    }
    if (since(round_began_, now) > limits_.last_writer_after) {
      note(Note::Kind::kFailoverStuck, MemberId(), waiting_for_);
      begin_round(true, now, "the election waits for " + waiting_for_);
    }
    return;
  }
  if (!quorum_at_) {
    quorum_at_ = now;
  }
  if ((!stragglers || since(*quorum_at_, now) >= limits_.straggler) && !choose()) {
    install_at_a_loss(now);
  }
}

// The last writer holds everything that was ever acknowledged; where it cannot come back, R
// promises of voters that did not forget do as well.
void FailoverMachine::judge_cold(Instant now) {
  const std::optional<MemberId> last = topology_.last_writer;
  const MemberState* writer = last ? &members_[*last] : nullptr;
  if (writer != nullptr && writer->promised) {
    bool superset = true;
    for (const auto& [id, m] : members_) {
      superset = superset && (!m.promised || writer->held.contains(m.held));
    }
    if (superset) {
      install(*last);
      return;
    }
  }
  const bool writer_lost = writer == nullptr || writer->promised || writer->broken ||
                           (writer->state == State::kDead && writer->failures >= 3) ||
                           since(round_began_, now) > limits_.start;
  if (writer_lost && !amnesia_ && promises_given() >= promises_needed()) {
    if (!choose()) {
      install_at_a_loss(now);
    }
    return;
  }
  waiting_for_ = missing_promises();
  install_at_a_loss(now);
}

std::string FailoverMachine::missing_promises() const {
  std::string missing;
  for (const MemberId& id : order_) {
    const bool counts = is_voter(id) || (cold_ && id == topology_.last_writer);
    if (counts && !members_.at(id).promised) {
      missing += (missing.empty() ? "" : ", ") + id.str();
    }
  }
  if (amnesia_ && topology_.last_writer) {
    return "the last writer " + topology_.last_writer->str() +
           ": the host went down, or somebody shut it down, and only its disk is sure to hold "
           "every acknowledged commit";
  }
  return missing;
}

std::optional<MemberId> FailoverMachine::superset_holder() const {
  std::optional<MemberId> best;
  for (const MemberId& id : order_) {
    const MemberState& candidate = members_.at(id);
    const bool holds_all =
        candidate.promised && std::all_of(members_.begin(), members_.end(), [&](const auto& other) {
          return !other.second.promised || candidate.held.contains(other.second.held);
        });
    if (holds_all && (!best || candidate.apply_lag < members_.at(*best).apply_lag)) {
      best = id;
    }
  }
  return best;
}

bool FailoverMachine::choose() {
  const auto candidate = superset_holder();
  if (!candidate) {
    waiting_for_ = "no member holds everything that the others hold; an operator must decide";
    return false;
  }
  install(*candidate);
  return true;
}

void FailoverMachine::install(const MemberId& id) {
  installing_ = id;
  note(Note::Kind::kCandidateChosen, id, "");
  members_[id].drained = false;
  phase_ = Phase::kInstall;
  waiting_for_ = "a voter to follow " + id.str();
}

std::vector<MemberId> FailoverMachine::followers() const {
  std::vector<MemberId> out;
  for (const MemberId& id : order_) {
    if (installing_ != id && members_.at(id).follows) {
      out.push_back(id);
    }
  }
  return out;
}

void FailoverMachine::advance_install(Instant now) {
  MemberState& writer = members_[*installing_];
  for (const MemberId& id : order_) {
    MemberState& m = members_[id];
    if (id == *installing_ || (id == topology_.last_writer && !cold_)) {
      continue;
    }
    if (m.broken) {
      m.needs_rejoin = m.must_clone = true;
    }
    if (m.needs_rejoin) {
      if (writer.drained && ready(m, now)) {
        advance_rejoin(id, m, now);
      }
    } else if (!m.promised) {
      // What does not start from what it has is given other data, where nothing more is hoped for.
      m.needs_rejoin = accepted_loss_ == installing_ && m.state == State::kDead &&
                       m.failures >= kStartsBeforeRejoin;
      ask_for_promise(id, m, now);
    } else if (!m.follows && !writer.held.contains(m.held)) {
      // It answered late and holds more than the chosen one (I3): choose again, among all.
      begin_round(cold_, now, id.str() + " holds more than " + installing_->str());
      return;
    } else if (!m.follows && ready(m, now)) {
      m.asked_to_follow = true;
      ask(id, Follow{*installing_, true}, limits_.command, now);
    }
  }
  if (!cold_ && followers().empty() && since(round_began_, now) > limits_.last_writer_after) {
    begin_round(true, now, "nobody follows " + installing_->str());
    return;
  }
  if (!ready(writer, now)) {
    return;
  }
  if (writer.drained && !commits_guarded_ && writer.failures >= kGuardsBeforeOtherWay) {
    begin_round(!cold_, now, "nobody attaches to " + installing_->str());
  } else if (!writer.drained) {
    ask(*installing_, Drain{writer.held}, limits_.drain, now);
  } else if (!commits_guarded_ && !followers().empty()) {
    ask(*installing_, GuardCommits{topology_.acks, followers()}, limits_.attach, now);
  } else if (commits_guarded_ && tail_is_safe(now)) {
    commit_writer(now);
  } else if (commits_guarded_ && since(*guarded_at_, now) > limits_.catch_up) {
    begin_round(!cold_, now, "no voter receives what " + installing_->str() + " holds");
  }
}

// F8.
void FailoverMachine::commit_writer(Instant now) {
  Topology next = topology_;
  next.phase = Topology::Phase::kSteady;
  next.writer = next.last_writer = installing_;
  next.boot_id = boot_id_;
  next.voters = next_voters();
  phase_ = Phase::kCommitWriter;
  commit(std::move(next), now);
}

// Whoever was asked to follow may already acknowledge, whether its answer came or not, so it must
// be a voter (I10). So may be whoever promised: it holds nothing that the writer lacks. In a cold
// start nobody loses the vote for being slow; but a disk that is being replaced since an earlier
// round, at a loss, is not to be counted on (I9).
std::vector<MemberId> FailoverMachine::next_voters() const {
  std::vector<MemberId> out;
  for (const MemberId& id : order_) {
    const MemberState& m = members_.at(id);
    const bool votes = m.asked_to_follow || m.promised || (cold_ && is_voter(id));
    const bool is_whole = !m.needs_rejoin && !m.broken && m.state != State::kRebuilding;
    if (installing_ != id && is_whole && votes) {
      out.push_back(id);
    }
  }
  return out;
}

// Old acknowledged work is treated as the new term's first: W of its voters must hold it before the
// store names the writer, or losing the writer now would lose it (I1, I11).
bool FailoverMachine::tail_is_safe(Instant now) {
  const gtid::GtidSet& tail = members_[*installing_].held;
  int holders = 0;
  for (const MemberId& id : followers()) {
    MemberState& m = members_[id];
    if (m.held.contains(tail)) {
      ++holders;
    } else if (ready(m, now)) {
      ask(id, Look{}, limits_.command, now);
      m.next_try = now + Millis(5);
    }
  }
  return holders >= topology_.acks;
}

void FailoverMachine::advance_opening(Instant now) {
  MemberState& writer = members_[*installing_];
  bool voter_follows = false;
  // After a switchover the one that wrote before must know of the new term, and so must the others
  // (I2). They promise by following in it at the latest.
  const bool was_handed_over = topology_.last_writer != topology_.writer;
  bool all_promised = true;
  for (auto& [id, m] : members_) {
    if (installing_ != id) {
      advance_follower(id, m, now);
      voter_follows = voter_follows || (m.follows && is_voter(id));
      all_promised = all_promised && (m.promised || m.follows || !is_alive(m) || !was_handed_over);
    }
  }
  if (since(round_began_, now) > limits_.opening) {
    // Perhaps it is not what it was taken for: bring it back from the beginning.
    begin_round(true, now, installing_->str() + " does not come to serve");
    return;
  }
  if (!ready(writer, now)) {
    return;
  }
  if (was_handed_over &&
      !writer.drained) {  // the last that it received, in a switchover that was cut off here
    ask(*installing_, Drain{writer.held}, limits_.drain, now);
  } else if (!commits_guarded_ && voter_follows && all_promised) {
    ask(*installing_, GuardCommits{topology_.acks, topology_.voters}, limits_.attach, now);
  } else if (commits_guarded_) {
    writer.closed = false;
    ask(*installing_, Open{true}, limits_.command, now);
  } else {
    waiting_for_ = "a voter to follow " + installing_->str();
  }
}

// A vote that was asked for may be in the store, or come to be (I9).
bool FailoverMachine::may_vote(const MemberId& id) const {
  const auto& asked_for = committing_ ? committing_ : to_commit_;
  return is_voter(id) || (asked_for && contains(asked_for->voters, id));
}

// Brings one member that is not the writer as far as it can go: started or rebuilt, following,
// open.
void FailoverMachine::advance_follower(const MemberId& id, MemberState& m, Instant now) {
  if (!ready(m, now)) {
    return;
  }
  if (m.broken && !may_vote(id)) {
    m.needs_rejoin = m.must_clone = true;
  }
  const auto& asked_for = committing_ ? committing_ : to_commit_;
  const bool is_taken = asked_for && !contains(asked_for->voters, id);
  const bool loses_vote = is_alive(m) && (is_taken || m.proof != MemberState::Proof::kNone);
  if (may_vote(id) && (m.broken || loses_vote)) {
    if (m.broken && is_alive(m)) {
      ask(id, KillMember{}, limits_.command, now);
    }
    return;  // silent until its vote is taken away
  }
  if (m.needs_rejoin) {
    if (phase_ == Phase::kSteady) {
      advance_rejoin(id, m, now);
    }
    return;
  }
  if (m.state == State::kDead || m.state == State::kStarting) {
    ask_start(id, m, now);
  } else if (phase_ == Phase::kOpening && topology_.last_writer == id && !m.promised) {
    ask(id, AskPromise{}, limits_.command, now);  // it handed over; to follow takes it longer
  } else if (!m.follows || m.counts != is_voter(id)) {
    ask(id, Follow{*installing_, is_voter(id)}, limits_.command, now);
  } else if (m.state == State::kFollowing) {
    m.closed = false;
    ask(id, Open{false}, limits_.command, now);
  }
}

// Stopped first, then measured by what the writer holds, then brought back or cloned: from a
// reader, or, while nobody serves yet, from the chosen one.
void FailoverMachine::advance_rejoin(const MemberId& id, MemberState& m, Instant now) {
  if (phase_ == Phase::kSteady && may_vote(id)) {
    return;  // its disk is counted on
  }
  MemberState& writer = members_[*installing_];
  if (m.must_clone) {
    const auto readers = open_readers();
    const auto donor = std::find_if(readers.begin(), readers.end(),
                                    [&](const MemberId& other) { return other != id; });
    // With no reader that is well or on its way to be, nobody but the writer is left.
    const bool comes_a_reader =
        std::any_of(members_.begin(), members_.end(), [&](const auto& other) {
          return other.first != id && other.first != *installing_ && !other.second.broken &&
                 !other.second.must_clone;
        });
    if (phase_ != Phase::kSteady || donor != readers.end() || !comes_a_reader) {
      m.state = State::kRebuilding;
      const bool from_reader = phase_ == Phase::kSteady && donor != readers.end();
      ask(id, Rebuild{from_reader ? *donor : *installing_}, limits_.rebuild, now);
    }
  } else if (is_alive(m)) {
    ask(id, KillMember{}, limits_.command, now);
  } else if (phase_ != Phase::kSteady) {
    ask_rejoin(id, writer.held, now);  // it is closed: it holds what it promised with
  } else if (!m.awaits_look && ready(writer, now)) {
    m.awaits_look = true;
    ask(*installing_, Look{}, limits_.command, now);
  }
}

void FailoverMachine::ask_rejoin(const MemberId& id, const gtid::GtidSet& writer_held,
                                 Instant now) {
  members_[id].state = State::kStarting;
  ask(id, Rejoin{writer_held}, limits_.rejoin, now);
}

// A rebuilt reader becomes a voter again: first the store says so (R grows), then its
// acknowledgements count. One change at a time.
void FailoverMachine::grow_voters(Instant now) {
  if (committing_ || to_commit_) {
    return;
  }
  for (const MemberId& id : order_) {
    const MemberState& m = members_[id];
    if (installing_ == id || is_voter(id) || m.needs_rejoin || !m.follows || m.busy) {
      continue;
    }
    Topology next = topology_;
    next.voters.push_back(id);
    commit(std::move(next), now);
    return;
  }
}

// It acknowledges nothing, and nothing that it could do soon changes that.
bool FailoverMachine::is_silent(const MemberState& m, Instant now) const {
  const bool is_down = m.state == State::kDead || m.state == State::kStarting;
  return m.broken ? m.state == State::kDead : is_down && since(m.died_at, now) >= limits_.silence;
}

// Takes the vote of a dead reader, so that the rest can elect without it. What it alone had
// acknowledged must be held by the rest before they are counted without it.
void FailoverMachine::drop_silent(Instant now) {
  using Proof = MemberState::Proof;
  if (committing_ || to_commit_ || static_cast<int>(topology_.voters.size()) <= topology_.acks) {
    return;
  }
  for (const MemberId& id : order_) {
    MemberState& m = members_[id];
    const bool others_acknowledge =
        std::any_of(members_.begin(), members_.end(), [&](const auto& other) {
          return other.first != id && other.second.counts && is_voter(other.first);
        });
    // Proven: it has not followed since.
    if (!is_voter(id) || (m.proof == Proof::kNone && !is_silent(m, now)) || !others_acknowledge) {
      continue;
    }
    if (m.proof == Proof::kGiven) {
      Topology next = topology_;
      std::erase(next.voters, id);
      commit(std::move(next), now);
      return;
    }
    if (m.proof == Proof::kNone && ready(members_[*installing_], now)) {
      m.proof = Proof::kAsked;
      ask(*installing_, ProveCommits{}, limits_.proof, now);
    }
  }
}

}  // namespace trivet::failover
