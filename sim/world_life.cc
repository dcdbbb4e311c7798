// SPDX-License-Identifier: Apache-2.0
//
// What goes on by itself in the world: replication, clients, death and its news, and the faults.
#include <algorithm>

#include "sim/daemon.h"

namespace trivet::sim {
namespace {

constexpr Micros kClientGivesUp = std::chrono::seconds(2);
constexpr int kReleasedPercent = 10;

}  // namespace

gtid::GtidSet World::reported(const Server& server) const {
  TxnSet seen = server.executed;
  for (const Txn t : server.relay) {
    seen.add(t);
  }
  return ledger_.gtids(seen);
}

void World::watch(int index, std::function<void(int pid, const std::string& how)> on_exit) {
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
    s.release(s.committed + 1 + static_cast<std::size_t>(random_.below(waiting)));
  }
  s.end_process();
  if (watchers_[static_cast<std::size_t>(index)]) {
    tell_death(index, pid);
  }
}

void World::tell_death(int index, int pid) {
  const auto tell = [this, index, pid, daemon = daemons_] {
    const auto& on_exit = watchers_[static_cast<std::size_t>(index)];
    if (daemon_ && daemon == daemons_ && on_exit) {
      on_exit(pid, "killed by signal 9");
    }
  };
  if (!odd_news_) {
    nature_.post_at(now() + random_.between(Micros(50), Micros(20'000)), tell);
    return;
  }
  nature_.post_at(now() + random_.between(Micros(500), Micros(2'000'000)), tell);
  nature_.post_at(now() + random_.between(Micros(500), Micros(2'000'000)), tell);
}

void World::pulse() {
  for (Server& s : servers_) {
    s.ready = s.ready || (s.pid != 0 && now() >= s.ready_at);
    if (s.answers()) {
      replicate(s);
      apply(s);
    }
  }
  if (stage_ != RunStage::kConverge) {
    run_clients();
  }
  if (stage_ == RunStage::kFaults) {
    fire_timed();
  }
  advance_stage();
  if (stage_ != RunStage::kDone) {
    nature_.post_at(now() + random_.between(Micros(1'000), Micros(13'000)), [this] { pulse(); });
  }
}

// The receiver: connects when its source is there, then receives in the order of the binlog.
void World::replicate(Server& follower) {
  if (!follower.receiver || !follower.channel) {
    return;
  }
  Server& source = server(*follower.channel);
  if (!source.answers()) {
    follower.source_pid = 0;
    return;
  }
  if (follower.source_pid != source.pid) {
    if (now() < follower.connects_at) {
      return;
    }
    follower.source_pid = source.pid;
    follower.position = 0;
  }
  for (int n = random_.below(5); n > 0; --n) {
    while (follower.position < source.binlog.size() &&
           follower.held.has(source.binlog[follower.position])) {
      ++follower.position;
    }
    if (follower.position >= source.binlog.size()) {
      return;
    }
    follower.receive(source.binlog[follower.position++]);
    if (follower.counts && source.semi_sync) {
      nature_.post_at(now() + random_.between(Micros(50), Micros(3'000)),
                      [this, writer = source.index, pid = source.pid, at = follower.position,
                       from = follower.index] { acknowledge(writer, pid, at, from); });
    }
  }
}

void World::apply(Server& server) {
  if (server.applier) {
    for (int n = random_.below(5); n > 0 && !server.relay.empty(); --n) {
      server.execute_one();
    }
  }
  if (random_.below(8) == 0) {
    server.relay_synced = server.relay.size();
  }
}

// An acknowledgement arrives; it stands for everything up to its position.
void World::acknowledge(int writer, int pid, std::size_t position, int from) {
  Server& w = server(writer);
  if (w.pid != pid || !w.semi_sync) {
    return;
  }
  const std::size_t first = w.committed;
  w.release(position);
  for (std::size_t i = first; i < w.committed; ++i) {
    const Txn t = w.binlog[i];
    for (Client& client : clients_) {
      if (client.waiting == t && client.pid == pid) {
        check_release(w, t, from);
        ledger_.acknowledge(t);
        client.waiting.reset();
        client.next = now() + random_.between(Micros(2'000), Micros(120'000));
      }
    }
  }
}

void World::run_clients() {
  for (Client& client : clients_) {
    if (client.waiting) {
      const bool lost = server(client.member).pid != client.pid;
      if (lost || now() > client.next + kClientGivesUp) {  // unknown; never tried again (I15)
        client.waiting.reset();
        client.member = -1;
        client.next = now() + random_.between(Micros(0), Micros(50'000));
      }
      continue;
    }
    if (now() < client.next) {
      continue;
    }
    // A connection is kept for as long as its server keeps it, whatever the endpoint says.
    if (client.member < 0 || server(client.member).pid != client.pid) {
      if (!view_ || !view_->writer || !server(index_of(*view_->writer)).accepts_writes()) {
        continue;
      }
      client.member = index_of(*view_->writer);
      client.pid = server(client.member).pid;
    }
    Server& writer = server(client.member);
    if (!writer.accepts_writes()) {
      client.member = -1;
      continue;
    }
    if (writer.holds_writes) {
      continue;  // it waits
    }
    const Txn t = ledger_.commit(writer.uuid);
    writer.append(t);
    client.waiting = t;
    client.next = now();
    if (!writer.semi_sync) {
      writer.release(writer.binlog.size());
      check_release(writer, t, -1);
    }
  }
}

void World::fire_timed() {
  for (std::size_t i = 0; i < plan_.faults.size();) {
    const Fault fault = plan_.faults[i];
    if (fault.aimed || now() < fault.at) {
      ++i;
      continue;
    }
    plan_.faults.erase(plan_.faults.begin() + static_cast<std::ptrdiff_t>(i));
    fire(fault, target_of(fault, random_.below(kMembers)));
  }
}

int World::target_of(const Fault& fault, int at_hand) const {
  if (fault.target >= 0) {
    return fault.target;
  }
  const bool writer = stored_.writer && (fault.target == kTheWriter || !fault.aimed);
  return writer ? index_of(*stored_.writer) : at_hand;
}

std::optional<FaultKind> World::strike(Command command, Stage stage, int member) {
  if (stage_ != RunStage::kFaults) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < plan_.faults.size(); ++i) {
    Fault& fault = plan_.faults[i];
    if (!fault.aimed || now() < fault.at || fault.command != command || fault.stage != stage) {
      continue;
    }
    if ((fault.in_turn && i > 0) || fault.skip-- > 0) {
      continue;
    }
    const Fault fired = fault;
    plan_.faults.erase(plan_.faults.begin() + static_cast<std::ptrdiff_t>(i));
    fire(fired, target_of(fired, member));
    return fired.kind;
  }
  return std::nullopt;
}

// May run within a call of the daemon's, so what ends the daemon is put off until that call waits.
void World::fire(const Fault& fault, int member) {
  trace(to_string(fault.kind), member);
  ++counts_.faults[static_cast<std::size_t>(fault.kind)];
  const auto for_a_while = [this](int most_ms) {
    return now() + random_.between(Micros(20'000), Millis(most_ms));
  };
  switch (fault.kind) {
    case FaultKind::kKillMember:
      end_process(member);
      break;
    case FaultKind::kKillDaemon:
      nature_.post([this] { kill_daemon(); });
      break;
    case FaultKind::kPowerLoss:
      nature_.post([this] { lose_power(); });
      break;
    case FaultKind::kStoreOutage:
      store_out_until_ = for_a_while(4'000);
      break;
    case FaultKind::kDiesAtStart:
      dies_at_start_until_[static_cast<std::size_t>(member)] = for_a_while(6'000);
      end_process(member);
      break;
    case FaultKind::kFailover:
      if (daemon_) {
        daemon_->request_failover();
      }
      break;
    case FaultKind::kSwitchover:
      if (daemon_) {
        daemon_->request_switchover(
            cluster_
                .members[static_cast<std::size_t>(
                    random_.chance(80) ? (member + 1 + random_.below(kMembers - 1)) % kMembers
                                       : member)]
                .id);
      }
      break;
    case FaultKind::kDeathTold:
      odd_news_ = true;
      end_process(member);
      break;
    case FaultKind::kBreaksReplication:
      // Of two that cannot follow nobody could be the voter that a writer needs.
      if (!(stored_.writer && index_of(*stored_.writer) == member) &&
          std::none_of(servers_.begin(), servers_.end(),
                       [](const Server& s) { return s.breaks; })) {
        server(member).breaks = true;
        server(member).stop_receiver();
      }
      break;
    case FaultKind::kControlStall:
      if (daemon_) {
        daemon_->stall(for_a_while(1'500));
      }
      break;
    case FaultKind::kStoreConflict:
    case FaultKind::kStoreReplyLost:
    case FaultKind::kCommandFails:
    case FaultKind::kCommandFailsLate:
    case FaultKind::kCommandSlow:
    case FaultKind::kAdoptFails:
      break;  // the command that it struck does it
  }
}

void World::lose_power() {
  kill_daemon();
  ++boot_;
  for (Server& s : servers_) {
    s.lose_power(s.relay_synced +
                 static_cast<std::size_t>(random_.below(static_cast<int>(s.relay.size()) + 1)));
  }
}

}  // namespace trivet::sim
