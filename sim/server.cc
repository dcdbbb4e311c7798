// SPDX-License-Identifier: Apache-2.0
#include "sim/server.h"

#include <algorithm>

namespace trivet::sim {

void Server::append(Txn t) {
  binlog.push_back(t);
  held.add(t);
}

void Server::receive(Txn t) {
  relay.push_back(t);
  held.add(t);
}

void Server::execute_one() {
  binlog.push_back(relay.front());
  executed.add(relay.front());
  committed = binlog.size();
  relay.erase(relay.begin());
  relay_synced -= relay_synced > 0 ? 1 : 0;
}

void Server::release(std::size_t upto) {
  for (; committed < std::min(upto, binlog.size()); ++committed) {
    executed.add(binlog[committed]);
  }
}

void Server::stop_receiver() {
  receiver = counts = false;
  source_pid = 0;
}

// Recovery finishes whatever is in the binlog; everything else comes up closed (I6).
void Server::start_process(int new_pid) {
  pid = new_pid;
  file_begins = binlog.size();
  release(binlog.size());
}

void Server::end_process() {
  pid = 0;
  ready = open = writable = holds_writes = semi_sync = was_guarded = applier = false;
  stop_receiver();
}

void Server::lose_power(std::size_t kept) {
  end_process();
  relay.resize(std::clamp(kept, relay_synced, relay.size()));
  held = executed;
  for (const Txn t : binlog) {
    held.add(t);
  }
  for (const Txn t : relay) {
    held.add(t);
  }
}

// What was prepared and is no more in the binlog is rolled back by the next start; what was
// committed in the engine stays there.
void Server::rewind(std::size_t upto) {
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
  *this = std::move(fresh);
}

void Server::become_copy(const Server& donor) {
  binlog.assign(donor.binlog.begin(),
                donor.binlog.begin() + static_cast<std::ptrdiff_t>(donor.committed));
  committed = binlog.size();
  held = executed = donor.executed;
  relay.clear();
  relay_synced = 0;
  half_cloned = false;
}

}  // namespace trivet::sim
