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

// How a process that lives can be of no use.
enum class Hang {
  kNone,
  kStopped,  // SIGSTOP: nothing of it runs
  kStuck,    // neither, and no signal is to be seen
  kBusy,     // its threads run on, and nobody gets an answer
};

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
  std::vector<Txn> prepared;      // XA transactions that wait for their end
  Instant disk_stalls_from{};     // nothing is written from then on …
  Instant disk_stalls_until{};    // … until then, whichever process wants to
  TxnSet held;                    // binlog and relay
  TxnSet executed;                // committed in the engine: the binlog but for what waits
  std::size_t committed = 0;      // so many of `binlog` are visible

  // Of the process.
  int pid = 0;  // 0: none
  // The last one was told to end, as its guard and its socket tell for as long as they are there.
  bool ended_in_order = false;
  bool ready = false;
  bool goes_down = false;  // it was told to end, and will at:
  Instant down_at{};
  Instant ready_at{};  // it comes up by itself then, whoever started it
  bool open = false;
  bool writable = false;
  bool holds_writes = false;  // for as long as the session lives that asked for it
  bool semi_sync = false;     // the source side
  bool was_guarded = false;   // a voter was attached since the source side was switched on
  bool applier = false;
  bool receiver = false;   // its thread runs, connected or trying to be
  bool counts = false;     // and acknowledges
  bool half = false;       // the relay log ends in the middle of a transaction …
  bool half_open = false;  // … which the applier has begun: it does not stop by itself
  bool deaf = false;       // hears no acknowledgement any more …
  // … because the thread that should complains without end.
  std::optional<Instant> spins_since;
  Hang hang = Hang::kNone;
  Instant hangs_from{};
  Instant hangs_until = Instant() - std::chrono::hours(1);
  Instant unwatched_at{};          // the driver had no reason to look at it, or could not
  std::uint64_t acknowledged = 0;  // commits that waited and went on
  Micros commit_delay{0};          // flow control's
  Instant slow_from{};
  Instant slow_until{};             // its applier does …
  int slow_percent = 100;           // … so much of what it could
  std::uint64_t behind_before = 0;  // what of the writer's it had not executed when it became slow
  int source_pid = 0;               // the run of the source that it is connected to; 0: none
  std::size_t position = 0;         // in the source's binlog
  Instant connects_at{};

  bool answers() const { return pid != 0 && ready && !goes_down; }
  // Its threads do not run, its disk does not write.
  bool stands() const { return hang == Hang::kStopped || hang == Hang::kStuck; }
  bool disk_stalls(Instant now) const { return disk_stalls_from <= now && now < disk_stalls_until; }
  bool accepts_writes() const { return answers() && open && writable; }
  void append(Txn t);  // a client's commit, prepared and binlogged
  void receive(Txn t);
  void execute_one(const Ledger& ledger);  // the oldest of the relay log
  // Makes the binlog's first `upto` visible.
  void release(const Ledger& ledger, std::size_t upto);
  void stop_receiver();
  void start_process(const Ledger& ledger, int new_pid);
  void end_process();
  void lose_power(std::size_t kept);  // of the relay log; at least relay_synced
  // Of a stopped server: ends the binlog there.
  void rewind(const Ledger& ledger, std::size_t upto);
  void wipe(int new_uuid);
  void become_copy(const Server& donor);

 private:
  void commit_in_engine(const Ledger& ledger, Txn t);
};

}  // namespace trivet::sim
