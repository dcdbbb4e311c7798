// SPDX-License-Identifier: Apache-2.0
//
// The invariants of docs/failover.md, checked where something takes effect. What each knows is the
// world itself: disks, processes and what the store holds, never what the machine believes.
#include <algorithm>

#include "sim/world.h"

namespace trivet::sim {
namespace {

using Phase = Topology::Phase;

bool contains(const std::vector<MemberId>& ids, int index) {
  return std::any_of(ids.begin(), ids.end(),
                     [&](const MemberId& id) { return index_of(id) == index; });
}

std::string name(int index) {
  return "m" + std::to_string(index + 1);
}

}  // namespace

bool World::is_voter(int member) const {
  return contains(stored_.voters, member);
}

// Each commit of the topology record.
void World::check_topology(const Topology& next) {
  const Topology before = std::exchange(stored_, next);
  trace("topology", next.term.value(), static_cast<int>(next.phase),
        next.writer ? index_of(*next.writer) : -1);
  if (next.term < before.term) {
    violate("I4", "the term went back");
  }
  if (next.term > before.term) {
    ++counts_.terms;
  } else if (before.phase == Phase::kSteady &&
             (next.phase != Phase::kSteady || next.writer != before.writer)) {
    violate("I4", "the writer changes without a new term");
  }
  if (next.acks < 1) {
    violate("I7", "commits need no acknowledgement");
  }
  if (before.phase == Phase::kForming) {
    return;
  }
  if (next.phase != Phase::kSteady) {
    if (next.writer) {
      violate("I13", "an election names a writer before its end");
    }
    check_election(before, next);
    return;
  }
  if (before.phase == Phase::kSteady && next.term > before.term) {
    undone_ = before;
    check_switchover(before, next);
    return;
  }
  const bool in_place = before.last_writer == next.writer;
  if (before.phase != Phase::kSteady) {
    undone_ = before;
  } else {
    check_dropped(before, next);
    return;
  }
  ++(in_place ? counts_.returns : counts_.failovers);
  check_new_writer(before, next);
  accepted_.reset();
}

// Named at the end of an election.
void World::check_new_writer(const Topology& before, const Topology& next) {
  const int writer = index_of(*next.writer);
  const bool in_place = before.last_writer == next.writer;
  const Server& chosen = server(writer);
  int promised = 0;
  for (const MemberId& id : before.voters) {
    promised += server(index_of(id)).stopped_for >= next.term ? 1 : 0;
  }
  const int needed = static_cast<int>(before.voters.size()) - before.acks + 1;
  const bool must_be_chosen_well = !in_place && !is_loss_accepted(writer);
  if (must_be_chosen_well && promised < needed) {
    violate("I2", name(writer) + " becomes the writer after " + std::to_string(promised) +
                      " promises of " + std::to_string(needed));
  }
  if (must_be_chosen_well && before.boot_id != boot_id()) {
    violate("I9a", name(writer) + " was chosen by voters that lost power");
  }
  check_loss(writer);
  int holders = 0;
  for (const MemberId& id : next.voters) {
    holders += server(index_of(id)).held.contains(chosen.held) ? 1 : 0;
  }
  if (holders < next.acks) {
    violate("I11", "no voter holds all of the new writer " + name(writer));
  }
  for (const Server& other : servers_) {
    if (other.counts && other.channel == writer && !is_voter(other.index)) {
      violate("I10", name(other.index) + " acknowledges and is no voter");
    }
  }
}

// The one that wrote has said its last word, and everybody who votes now holds it or will.
void World::check_switchover(const Topology& before, const Topology& next) {
  ++counts_.switchovers;
  const Server& former = server(index_of(*before.writer));
  const Server& chosen = server(index_of(*next.writer));
  if (former.open || former.writable) {
    violate("I2", name(former.index) + " is open while " + name(chosen.index) + " is named");
  }
  if (next.last_writer != before.writer || !contains(next.voters, former.index)) {
    violate("I13", "a switchover forgets who wrote last");
  }
  if (!chosen.executed.contains(former.held) || !chosen.executed.contains(ledger_.acknowledged())) {
    violate("I3", name(chosen.index) + " is handed over to without all that was written");
  }
}

// A vote may be taken from who is dead or does not count; the rest must hold what it acknowledged.
void World::check_dropped(const Topology& before, const Topology& next) {
  if (next.voters == before.voters) {
    return;  // said again, because the answer was lost
  }
  dropped_.clear();
  for (const MemberId& id : before.voters) {
    if (!contains(next.voters, index_of(id))) {
      dropped_.push_back(id);
      if (server(index_of(id)).counts) {
        violate("I10", id.str() + " loses its vote and acknowledges");
      }
    }
  }
  int holders = 0;
  for (const MemberId& id : next.voters) {
    holders += server(index_of(id)).held.contains(ledger_.acknowledged()) ? 1 : 0;
  }
  // One that was shut down meanwhile is the only one with what it told clients: it is waited for.
  const bool was_shut_down = next.writer && (server(index_of(*next.writer)).ended_in_order ||
                                             server(index_of(*next.writer)).goes_down);
  if (!dropped_.empty() && holders < next.acks && !was_shut_down) {
    violate("I1", "who is left to vote lacks what was acknowledged");
  }
}

// An election keeps who wrote last and who voted. Of a writer that was named and never opened,
// because the answer to its naming came late or never, it may know nothing: nobody acted on it.
void World::check_election(const Topology& before, const Topology& next) {
  if (undone_ && !forgotten_by_election(*undone_, next)) {
    return;
  }
  if (const auto forgotten = forgotten_by_election(before, next)) {
    violate(forgotten->first, forgotten->second);
  }
}

// What `next` has forgotten of `known`: the rule, and what happened. One whose vote was stored and
// the answer lost may go again: it was never told to count. One whose vote was taken may have it
// again: more must promise then.
std::optional<std::pair<std::string, std::string>> World::forgotten_by_election(
    const Topology& known, const Topology& next) const {
  if (next.last_writer != (known.writer ? known.writer : known.last_writer)) {
    return {{"I13", "an election forgets who wrote last"}};
  }
  for (const Server& s : servers_) {
    const bool voted = contains(known.voters, s.index);
    const bool votes = contains(next.voters, s.index);
    if (votes ? !voted && !contains(dropped_, s.index) : voted && s.counts) {
      return {{"I10", "an election changes whether " + name(s.index) + " votes"}};
    }
  }
  return std::nullopt;
}

void World::check_promise(int member, Term term) {
  if (term != stored_.term || stored_.phase != Phase::kFailover || !stored_.last_writer) {
    return;
  }
  const int old = index_of(*stored_.last_writer);
  // At a loss it is brought back beside the others, as in a cold start.
  if (old != member && server(old).pid != 0 && !accepted_) {
    violate("I8", name(member) + " is asked while the former writer " + name(old) + " lives");
  }
}

void World::check_follow(int member, int source, Term term) {
  trace("follows", member, source, term.value());
  if (term != stored_.term) {
    return;  // late; its agent has promised no higher term, so nobody has counted on it
  }
  if (server(member).writable) {
    violate("I5", name(member) + " follows and is open for writing");
  }
  const bool attaches_early = now() <= switching_until_ && stored_.writer &&
                              index_of(*stored_.writer) != source && is_voter(source);
  if (attaches_early) {
    return;  // the writer still writes: its next voter is made ready
  }
  const auto [at, is_new] = sources_.emplace(term, source);
  if (at->second != source || (stored_.writer && index_of(*stored_.writer) != source)) {
    violate("I5", name(member) + " follows " + name(source) + ", which is not this term's");
  }
  if (!server(source).held.contains(server(member).held)) {
    violate("I12", name(member) + " follows " + name(source) + " and holds what that one lacks");
  }
}

void World::check_open_writer(int member, Term term) {
  trace("opens", member, term.value());
  const Server& m = server(member);
  if (m.open && m.writable) {
    return;  // it was open: a new daemon makes sure
  }
  const bool is_writer = stored_.writer && index_of(*stored_.writer) == member;
  const bool was_writer = stored_.last_writer && index_of(*stored_.last_writer) == member;
  if (!is_writer && !(term < stored_.term && was_writer)) {
    violate("I13", name(member) + " opens before the store names it");
  }
  if (!m.semi_sync || !m.was_guarded) {
    violate("I7", name(member) + " opens before a voter guards its commits");
  }
  if (m.receiver || m.applier) {
    violate("I5", name(member) + " opens for writing and still follows");
  }
  if (!m.executed.contains(ledger_.acknowledged()) || !m.relay.empty()) {
    violate("I3", name(member) + " opens and has not executed all that was acknowledged");
  }
  if (m.half_open) {
    violate("I9", name(member) + " opens while half a transaction holds its locks");
  }
  for (const Server& other : servers_) {
    // One that has just been started is closed, follows nobody and is asked for its promise next.
    const bool has_a_part =
        other.open || other.receiver || stored_.last_writer == MemberId(name(other.index));
    if (is_writer && stored_.last_writer != stored_.writer && other.answers() && has_a_part &&
        other.promised < stored_.term) {
      violate("I2", name(member) + " opens before " + name(other.index) + " promised its term");
    }
  }
  int holders = 0;
  for (const MemberId& id : stored_.voters) {
    holders += server(index_of(id)).held.contains(m.held) ? 1 : 0;
  }
  // Of a new cluster nothing is promised before every member has proved its accounts.
  if (is_writer && holders < stored_.acks && stored_.term > Term(1)) {
    violate("I11", name(member) + " opens before a voter holds all that it holds");
  }
  undone_.reset();
}

// A rebuild takes a disk out of the count: it must not be one that somebody counts on.
void World::check_wipe(int member) {
  ++counts_.rebuilds;
  trace("wipes", member);
  check_uncounted(member, "rebuilt");
}

void World::check_rewind(int member) {
  trace("rewinds", member);
  check_uncounted(member, "rewound");
}

void World::count_rejoin(failover::RejoinWay way) {
  ++counts_.rejoins;
  counts_.rewinds += way == failover::RejoinWay::kRewind ? 1 : 0;
}

void World::check_uncounted(int member, const std::string& what) {
  if (server(member).unfinished_clone) {
    return;
  }
  if (accepted_ && accepted_->member != member && stored_.phase != Phase::kSteady) {
    check_loss(accepted_->member);  // what it alone holds is given up from now on
    return;
  }
  const bool last = stored_.last_writer && index_of(*stored_.last_writer) == member;
  if (is_voter(member) || (stored_.writer && index_of(*stored_.writer) == member) ||
      (stored_.phase != Phase::kSteady && last)) {
    violate("I9", name(member) + " is " + what + " while its disk is counted on");
  }
}

void World::check_view(const service::ClusterView& view) {
  if (!view.writer) {
    return;
  }
  if (stored_.phase != Phase::kSteady || stored_.writer != view.writer) {
    violate("I14", view.writer->str() + " is routed to, and the store names another");
  }
  for (const service::MemberStatus& m : view.members) {
    const Server& s = server(index_of(m.id));
    if (m.serves_reads && s.answers() &&
        (s.writable || (s.channel && s.receiver && *s.channel != index_of(*view.writer) &&
                        !(view.is_switching_over && is_voter(*s.channel))))) {
      violate("I14", m.id.str() + " serves reads and does not follow the writer");
    }
  }
}

void World::check_release(const Server& writer, Txn t, int from) {
  int holders = 0;
  for (const MemberId& id : stored_.voters) {
    holders += server(index_of(id)).held.has(t) ? 1 : 0;
  }
  if (!writer.semi_sync) {
    violate("I7", name(writer.index) + " tells a client OK without an acknowledgement");
  }
  if (from >= 0 && !is_voter(from)) {
    violate("I10", name(from) + " acknowledges and is no voter");
  }
  if (holders < stored_.acks) {
    violate("I1", "a client is told OK and " + std::to_string(holders) + " voters hold it");
  }
}

void World::check_always() {
  int open = 0;
  for (const Server& s : servers_) {
    open += s.accepts_writes() ? 1 : 0;
  }
  if (open > 1) {
    violate("I2", "two members accept writes");
  }
}

// The cluster is whole and nothing is on its way.
void World::check_final() {
  const Server& writer = server(index_of(*stored_.writer));
  for (const Server& s : servers_) {
    if (!s.executed.contains(ledger_.acknowledged())) {
      violate("I1", name(s.index) + " ends without a transaction that was acknowledged");
    }
    if (!writer.executed.contains(s.executed)) {
      violate("I12", name(s.index) + " ends with a transaction that the writer lacks");
    }
    if (!std::is_permutation(s.prepared.begin(), s.prepared.end(), writer.prepared.begin(),
                             writer.prepared.end())) {
      violate("I12", name(s.index) + " ends with other prepared transactions than the writer");
    }
  }
}

}  // namespace trivet::sim
