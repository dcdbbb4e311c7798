// SPDX-License-Identifier: Apache-2.0
//
// Clients of the writer endpoint, and how they are told OK. Some end a connection that does not
// answer, some wait for as long as their server lives; some write with XA transactions.
#include <algorithm>

#include "sim/world.h"

namespace trivet::sim {
namespace {

constexpr Micros kClientGivesUp = std::chrono::seconds(2);
constexpr int kXaPercent = 8;
constexpr int kEndsInDoubtPercent = 20;

}  // namespace

// An acknowledgement arrives; it stands for everything up to its position. One for a process that
// stands waits in its socket.
void World::acknowledge(int writer, int pid, std::size_t position, int from) {
  Server& w = server(writer);
  if (w.pid != pid || !w.semi_sync || w.deaf) {
    return;
  }
  if (stands(writer)) {
    const Instant goes_on = std::max(hangs(w) ? w.hangs_until : now(), host_stalls_until_);
    if (goes_on != Instant::max()) {
      nature_.post_at(goes_on + random_.between(Micros(50), Micros(20'000)),
                      [=, this] { acknowledge(writer, pid, position, from); });
    }
    return;
  }
  const std::size_t first = w.committed;
  w.release(ledger_, position);
  w.acknowledged += w.committed - first;
  for (std::size_t i = first; i < w.committed; ++i) {
    const Txn t = w.binlog[i];
    for (Client& client : clients_) {
      if (client.waiting == t && client.pid == pid) {
        check_release(w, t, from);
        ledger_.acknowledge(t);
        client.waiting.reset();
        client.prepared = ledger_.is_prepare(t) ? std::optional(t) : std::nullopt;
        client.next = now() + random_.between(Micros(2'000), Micros(120'000)) + w.commit_delay;
      }
    }
  }
}

// Whatever it wrote is unknown now, and never tried again (I15).
void World::give_up(Client& client) {
  client.waiting.reset();
  client.prepared.reset();
  client.member = -1;
  client.next = now() + random_.between(Micros(0), Micros(50'000));
}

// A connection is kept for as long as its server keeps it, whatever the endpoint says.
bool World::connects(Client& client) {
  if (client.member < 0 || server(client.member).pid != client.pid) {
    client.prepared.reset();
    if (!view_ || !view_->writer || !server(index_of(*view_->writer)).accepts_writes()) {
      return false;
    }
    client.member = index_of(*view_->writer);
    client.pid = server(client.member).pid;
  }
  if (!server(client.member).accepts_writes()) {
    client.prepared.reset();
    client.member = -1;
    return false;
  }
  return true;
}

void World::run_clients() {
  for (Client& client : clients_) {
    if (client.waiting) {
      const bool lost = server(client.member).pid != client.pid;
      if (lost || (!client.is_patient && now() > client.next + kClientGivesUp)) {
        give_up(client);
      }
      continue;
    }
    if (now() < client.next || !connects(client)) {
      continue;
    }
    Server& writer = server(client.member);
    if (!writer.holds_writes && !stands(writer.index) && !disk_stalls(writer.index)) {
      write(client, writer);
    }
  }
}

// One that was prepared by somebody whose connection is gone.
std::optional<Txn> World::in_doubt(const Server& writer) const {
  for (const Txn t : writer.prepared) {
    const bool is_owned = std::any_of(clients_.begin(), clients_.end(),
                                      [t](const Client& c) { return c.prepared == t; });
    const bool is_ending = std::any_of(
        writer.binlog.begin() + static_cast<std::ptrdiff_t>(writer.committed), writer.binlog.end(),
        [&](Txn waiting) { return ledger_.ended_by(waiting) == t; });
    if (!is_owned && !is_ending) {
      return t;
    }
  }
  return std::nullopt;
}

Txn World::next_of(Client& client, const Server& writer) {
  if (client.prepared) {
    return ledger_.end(writer.uuid, *std::exchange(client.prepared, std::nullopt), now());
  }
  if (has_xa_ && random_.chance(kEndsInDoubtPercent)) {
    if (const auto prepared = in_doubt(writer)) {
      return ledger_.end(writer.uuid, *prepared, now());
    }
  }
  if (has_xa_ && random_.chance(kXaPercent)) {
    ++counts_.xa_prepared;
    return ledger_.prepare(writer.uuid, now());
  }
  return ledger_.commit(writer.uuid, now());
}

void World::write(Client& client, Server& writer) {
  const Txn t = next_of(client, writer);
  writer.append(t);
  client.waiting = t;
  client.next = now();
  if (!writer.semi_sync) {
    writer.release(ledger_, writer.binlog.size());
    check_release(writer, t, -1);
  }
}

}  // namespace trivet::sim
