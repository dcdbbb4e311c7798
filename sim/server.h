// SPDX-License-Identifier: Apache-2.0
//
// A mysqld as far as replication goes: what is on its disk, what its process knows, and what dies
// with which of the two. A commit is in the binlog first and waits there for its acknowledgement
// (after_sync); a receiver has a transaction when it is in its relay log.
#pragma once

#include <optional>
#include <vector>

#include "base/strong_id.h"
#include "model/ids.h"
#include "sim/executor.h"
#include "sim/transactions.h"

namespace trivet::sim {

// Plain data; World moves it.
struct Server {
  // On disk.
  int index = 0;
  int uuid = 0;
  Term stopped_for;         // the highest term for which it was asked and stopped its receiver
  Term promised;            // the agent's file
  std::vector<Txn> binlog;  // executed or, on a writer, waiting for an acknowledgement; in order
  std::vector<Txn> relay;   // received and not executed; in order
  std::size_t relay_synced = 0;   // so many of `relay` survive a power loss
  std::optional<int> channel;     // the source that the channel names
  bool half_cloned = false;       // no server starts from this
  bool unfinished_clone = false;  // the agent's file: what lies there is not to be brought back
  bool breaks = false;            // its receiver stops as often as it is started: needs other data
  std::size_t file_begins = 0;    // where the binlog's last file begins
  TxnSet held;                    // binlog and relay
  TxnSet executed;                // committed in the engine: the binlog but for what waits
  std::size_t committed = 0;      // so many of `binlog` are visible

  // Of the process.
  int pid = 0;  // 0: none
  bool ready = false;
  Instant ready_at{};  // it comes up by itself then, whoever started it
  bool open = false;
  bool writable = false;
  bool holds_writes = false;  // for as long as the session lives that asked for it
  bool semi_sync = false;     // the source side
  bool was_guarded = false;   // a voter was attached since the source side was switched on
  bool applier = false;
  bool receiver = false;     // its thread runs, connected or trying to be
  bool counts = false;       // and acknowledges
  int source_pid = 0;        // the run of the source that it is connected to; 0: none
  std::size_t position = 0;  // in the source's binlog
  Instant connects_at{};

  bool answers() const { return pid != 0 && ready; }
  bool accepts_writes() const { return answers() && open && writable; }
  void append(Txn t);  // a client's commit, prepared and binlogged
  void receive(Txn t);
  void execute_one();              // the oldest of the relay log
  void release(std::size_t upto);  // makes the binlog's first `upto` visible
  void stop_receiver();
  void start_process(int new_pid);
  void end_process();
  void lose_power(std::size_t kept);  // of the relay log; at least relay_synced
  void rewind(std::size_t upto);      // of a stopped server: ends the binlog there
  void wipe(int new_uuid);
  void become_copy(const Server& donor);
};

}  // namespace trivet::sim
