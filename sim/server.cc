// SPDX-License-Identifier: Apache-2.0
#include "sim/server.h"

#include <algorithm>

namespace trivet::sim {

void Server::append(Txn t) {
  binlog.push_back(t);
  held.add(t);
}

// A whole transaction ends what was received of it, or of another one, before.
void Server::receive(Txn t) {
  relay.push_back(t);
  held.add(t);
  half = half_open = false;
}

void Server::commit_in_engine(const Ledger& ledger, Txn t) {
  executed.add(t);
  if (ledger.is_prepare(t)) {
    prepared.push_back(t);
  } else if (const auto begun = ledger.ended_by(t)) {
    std::erase(prepared, *begun);
  }
}

void Server::execute_one(const Ledger& ledger) {
  const Txn t = relay.front();
  binlog.push_back(t);
  commit_in_engine(ledger, t);
  committed = binlog.size();
  relay.erase(relay.begin());
  relay_synced -= relay_synced > 0 ? 1 : 0;
}

void Server::release(const Ledger& ledger, std::size_t upto) {
  for (; committed < std::min(upto, binlog.size()); ++committed) {
    commit_in_engine(ledger, binlog[committed]);
  }
}

void Server::stop_receiver() {
  receiver = counts = false;
  source_pid = 0;
}

// Recovery finishes whatever is in the binlog; everything else comes up closed (I6).
void Server::start_process(const Ledger& ledger, int new_pid) {
  pid = new_pid;
  ended_in_order = false;
  file_begins = binlog.size();
  release(ledger, binlog.size());
}

void Server::end_process() {
  pid = 0;
  ended_in_order = goes_down;
  ready = open = writable = holds_writes = semi_sync = was_guarded = applier = goes_down = false;
  half = half_open = deaf = false;
  spins_since.reset();
  hang = Hang::kNone;
  acknowledged = 0;
  commit_delay = Micros(0);
  stop_receiver();
}

void Server::lose_power(std::size_t kept) {
  end_process();
  ended_in_order = false;
  relay.resize(std::clamp(kept, relay_synced, relay.size()));
  held = executed;
  for (const Txn t : binlog) {
    held.add(t);
  }
  for (const Txn t : relay) {
    held.add(t);
  }
}

// What was prepared for a commit and is no more in the binlog is rolled back by the next start;
// what was committed in the engine stays there, and so does what a client has prepared.
void Server::rewind(const Ledger& ledger, std::size_t upto) {
  for (std::size_t i = std::max(upto, committed); i < binlog.size(); ++i) {
    if (ledger.is_prepare(binlog[i])) {
      prepared.push_back(binlog[i]);
    }
  }
  binlog.resize(upto);
  committed = std::min(committed, upto);
  held = executed;
  for (const Txn t : binlog) {
    held.add(t);
  }
  for (const Txn t : relay) {
    held.add(t);
  }
}

void Server::wipe(int new_uuid) {
  Server fresh;
  fresh.index = index;
  fresh.promised = promised;
  fresh.stopped_for = stopped_for;
  fresh.uuid = new_uuid;
  fresh.unfinished_clone = unfinished_clone;
  fresh.disk_stalls_from = disk_stalls_from;
  fresh.disk_stalls_until = disk_stalls_until;
  *this = std::move(fresh);
}

void Server::become_copy(const Server& donor) {
  binlog.assign(donor.binlog.begin(),
                donor.binlog.begin() + static_cast<std::ptrdiff_t>(donor.committed));
  committed = binlog.size();
  held = executed = donor.executed;
  prepared = donor.prepared;
  relay.clear();
  relay_synced = 0;
  half_cloned = false;
}

}  // namespace trivet::sim
