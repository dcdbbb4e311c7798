// SPDX-License-Identifier: Apache-2.0
//
// What goes on by itself in the world: replication, death and its news.
#include <algorithm>

#include "sim/daemon.h"

namespace trivet::sim {
namespace {

constexpr int kReleasedPercent = 10;
// A transaction is cut in two where its receiver ends, seldom so when its source had died before.
constexpr int kHalfPercent = 30;
constexpr int kHalfOfDeadPercent = 3;
constexpr Micros kWayDownMax = std::chrono::seconds(5);

}  // namespace

gtid::GtidSet World::reported(const Server& server) const {
  TxnSet seen = server.executed;
  for (const Txn t : server.relay) {
    seen.add(t);
  }
  return ledger_.gtids(seen);
}

void World::watch(int index, std::function<void(int pid, const failover::MemberEnd& how)> on_exit) {
  watchers_[static_cast<std::size_t>(index)] = std::move(on_exit);
}

void World::end_process(int index) {
  Server& s = server(index);
  if (s.pid == 0) {
    return;
  }
  trace("dies", index);
  const int pid = s.pid;
  // Waiting commits may have been let into the engine without an acknowledgement, and nobody told.
  if (s.semi_sync && s.committed < s.binlog.size() && random_.chance(kReleasedPercent)) {
    const auto waiting = static_cast<int>(s.binlog.size() - s.committed);
    s.release(ledger_, s.committed + 1 + static_cast<std::size_t>(random_.below(waiting)));
  }
  s.hangs_until = std::min(s.hangs_until, now());
  counts_.killed_on_the_way_down += s.goes_down ? 1 : 0;
  s.end_process();
  if (watchers_[static_cast<std::size_t>(index)]) {
    tell_death(index, pid, {"killed by signal 9", s.ended_in_order});
  }
}

// Its clients are told OK whoever holds what they wrote (T43): the cluster must not lose it. Then
// it is on its way for a while, and deaf.
void World::shut_down(int index) {
  Server& s = server(index);
  if (!s.answers() || stands(index) || disk_stalls(index)) {
    return;  // it would end later
  }
  s.release(ledger_, s.binlog.size());
  for (Client& client : clients_) {
    if (client.waiting && client.pid == s.pid) {
      ledger_.acknowledge(*client.waiting);
      ++counts_.told_on_the_way_down;
      client.waiting.reset();
    }
  }
  s.stop_receiver();
  s.applier = false;
  s.goes_down = true;
  s.down_at = now() + random_.between(Micros(0), random_.chance(50) ? Micros(50'000) : kWayDownMax);
}

void World::come_down(Server& s) {
  if (!s.goes_down || now() < s.down_at || stands(s.index) || disk_stalls(s.index)) {
    return;
  }
  trace("has shut down", s.index);
  const int pid = s.pid;
  s.end_process();
  if (watchers_[static_cast<std::size_t>(s.index)]) {
    tell_death(s.index, pid, {"exit status 0", true});
  }
}

// The kernel ends a process whose disk stalls when the disk answers.
void World::tell_death(int index, int pid, const failover::MemberEnd& how) {
  const auto tell = [this, index, pid, how, daemon = daemons_] {
    const auto& on_exit = watchers_[static_cast<std::size_t>(index)];
    if (daemon_ && daemon == daemons_ && on_exit) {
      on_exit(pid, how);
    }
  };
  const Instant from = disk_stalls(index) ? server(index).disk_stalls_until : now();
  if (!odd_news_) {
    nature_.post_at(from + random_.between(Micros(50), Micros(20'000)), tell);
    return;
  }
  nature_.post_at(from + random_.between(Micros(500), Micros(2'000'000)), tell);
  nature_.post_at(from + random_.between(Micros(500), Micros(2'000'000)), tell);
}

bool World::is_hung(int index) const {
  const Server& s = servers_[static_cast<std::size_t>(index)];
  return now() < host_stalls_until_ || (s.pid != 0 && hangs(s));
}

bool World::stands(int index) const {
  const Server& s = servers_[static_cast<std::size_t>(index)];
  return now() < host_stalls_until_ || (s.pid != 0 && hangs(s) && s.stands());
}

bool World::disk_stalls(int index) const {
  return servers_[static_cast<std::size_t>(index)].disk_stalls(now());
}

void World::wake_hung(Server& s) {
  if (s.hang != Hang::kNone && now() >= s.hangs_until) {
    trace("goes on", s.index);
    s.hang = Hang::kNone;
  }
}

void World::pulse() {
  for (Server& s : servers_) {
    wake_hung(s);
    const bool works = !stands(s.index);
    come_down(s);
    s.ready = s.ready || (s.pid != 0 && now() >= s.ready_at && works);
    if (s.answers() && works && !disk_stalls(s.index)) {
      replicate(s);
      apply(s);
    }
  }
  if (is_disturbed()) {
    calm_since_ = now();
  }
  if (stage_ != RunStage::kConverge) {
    run_clients();
  }
  if (stage_ == RunStage::kFaults) {
    fire_timed();
  }
  ask_operator();
  watch_members();
  check_waits();
  check_pace();
  advance_stage();
  if (stage_ != RunStage::kDone) {
    nature_.post_at(now() + random_.between(Micros(1'000), Micros(13'000)), [this] { pulse(); });
  }
}

void World::stop_receiver(Server& follower) {
  if (follower.source_pid != 0 && follower.channel) {
    const Server& source = server(*follower.channel);
    const bool lives = source.pid == follower.source_pid;
    const bool sends = !lives || follower.position < source.binlog.size();
    if (sends && random_.chance(lives ? kHalfPercent : kHalfOfDeadPercent)) {
      ++counts_.halves;
      follower.half = true;
    }
  }
  follower.stop_receiver();
}

// The receiver: connects when its source is there, then receives in the order of the binlog.
void World::replicate(Server& follower) {
  if (!follower.receiver || !follower.channel) {
    return;
  }
  Server& source = server(*follower.channel);
  if (!source.answers()) {
    if (follower.source_pid != 0 && random_.chance(kHalfOfDeadPercent)) {
      ++counts_.halves;
      follower.half = true;
    }
    follower.source_pid = 0;
    return;
  }
  if (stands(source.index)) {
    return;  // it neither sends nor lets in
  }
  if (follower.source_pid != source.pid) {
    if (now() < follower.connects_at) {
      return;
    }
    follower.source_pid = source.pid;
    follower.position = 0;
  }
  receive_from(source, follower);
}

void World::receive_from(Server& source, Server& follower) {
  for (int n = random_.below(5); n > 0; --n) {
    while (follower.position < source.binlog.size() &&
           follower.held.has(source.binlog[follower.position])) {
      ++follower.position;
    }
    if (follower.position >= source.binlog.size()) {
      return;
    }
    follower.receive(source.binlog[follower.position++]);
    if (follower.counts && source.semi_sync && now() >= acks_lost_until_) {
      nature_.post_at(now() + random_.between(Micros(50), Micros(3'000)),
                      [this, writer = source.index, pid = source.pid, at = follower.position,
                       from = follower.index] { acknowledge(writer, pid, at, from); });
    }
  }
}

void World::apply(Server& server) {
  if (server.applier && (now() >= server.slow_until || random_.chance(server.slow_percent))) {
    for (int n = random_.below(5); n > 0 && !server.relay.empty(); --n) {
      server.execute_one(ledger_);
    }
    server.half_open = server.half_open || (server.half && server.relay.empty());
  }
  if (random_.below(8) == 0) {
    server.relay_synced = server.relay.size();
  }
}

}  // namespace trivet::sim
