// SPDX-License-Identifier: Apache-2.0
//
// Says when a member that still has a process hangs, and when commits wait for an acknowledgement
// that got lost. Probes come in as values with their times; findings go out; no clock, no I/O.
//
// The rule against needless failovers: only time in which we really waited counts. Misses must
// follow each other without an answer, a late answer is an answer, a process that uses CPU time is
// given longer than one that stands still, and after a stall of our own counting begins anew.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "core/gtid/gtid_set.h"
#include "model/ids.h"

namespace trivet::failover {

// One commented place.
struct DetectorLimits {
  Millis probe{300};           // how long a probe is waited for before it counts as a miss
  int misses = 3;              // in a row …
  Millis silence{900};         // … and together at least so long
  Millis silence_busy{3'000};  // of a process that goes on using CPU time: it may be overloaded
  int busy_percent = 10;       // of one processor
  int refusals = 10;           // looks in a row at which nobody listened …
  Millis refused{3'000};       // … over at least so long
  Millis disk{900};            // one fdatasync, while another member's disk works
  int disk_looks = 3;
  std::uint64_t full_bytes = 8U << 20U;  // a disk with less than this is full
  Millis full_stuck{2'000};              // commits that stand still on a full disk
  Millis full_remembered{90'000};        // mysqld tries again after a minute
  Millis space_again{1'000};             // threads that wait for space although there is some
  Millis overslept{300};   // a look that took so much longer than `probe`: we stood still ourselves
  Millis look_gap{1'000};  // so did we when two looks are further apart
  Millis acknowledgement{600};        // no commit acknowledged while some wait
  Millis nudge_every{700};            //
  int nudges = 3;                     // that did not help …
  Millis acknowledgements{5'000};     // … and no progress for so long: the source itself hangs
  std::uint64_t flood = 128U << 10U;  // bytes in its error log between two looks …
  int flood_looks = 4;                // … in a row
  int flood_again = 16;               // looks, until a small write is tried again
  Millis flooded{1'300};              // … and no progress for so long: it spins
};

// What a writer says of its commits.
struct CommitProgress {
  unsigned waiting = 0;            // sessions that wait for an acknowledgement
  unsigned committing = 0;         // sessions in a commit that wait for something else
  std::uint64_t acknowledged = 0;  // grows with each commit
  gtid::GtidSet executed;          // without those that wait
};

// One look at one member. `asked` to `ended` is what the prober really waited.
struct Probe {
  enum class Query {
    kAnswered,  // an error of the server's own is an answer too
    kSilent,    // no answer until now; the question stays asked
    kRefused,   // nobody listens, or the connection broke
  };
  enum class Disk {
    kSynced,   // one that began at `disk_began`
    kPending,  // since `disk_began`
    kFailed,
  };
  Instant asked;
  Instant ended;
  Query query = Query::kSilent;
  Disk disk = Disk::kSynced;
  Instant disk_began;
  std::string disk_error;
  std::optional<std::uint64_t> disk_free;    // bytes
  bool no_space = false;                     // the file system said so
  unsigned waiting_for_space = 0;            // threads of the server, a receiver for one
  std::optional<std::uint64_t> log_written;  // bytes in its error log since the look before
  std::optional<Millis> cpu;                 // used by the process since it began
  char state = '?';                       // as in /proc/PID/stat: T is stopped, D waits for a disk
  std::optional<CommitProgress> commits;  // of a writer
};

struct Finding {
  enum class Kind {
    kHung,                 // SIGKILL it
    kLostAcknowledgement,  // a small write lets the waiting commits go on
    kLogFlood,             // a small write shows whether commits still go on
    kDiskFull,
    kDiskFailed,
    kDiskWell,  // again
  };
  Kind kind = Kind::kHung;
  std::string reason;  // names the evidence
  Millis since{0};     // how long it has been so
};

// Not thread-safe: owned by the driver of its cluster.
class FaultDetector {
 public:
  explicit FaultDetector(DetectorLimits limits = {}) : limits_(limits) {}

  // Its process ended, or is one that need not answer now (starting, being rebuilt).
  void forget(const MemberId& id) { members_.erase(id); }
  // What a voter said at `asked` that it holds: received ∪ executed.
  void on_held(const MemberId& voter, const gtid::GtidSet& held, Instant asked);
  // In the order of their times. kHung is found once for each run (until forget).
  std::vector<Finding> on_probe(const MemberId& id, const Probe& probe);
  // Some commit has waited for two looks without progress: fresh on_held are worth asking for.
  bool suspects_acknowledgements(const MemberId& writer) const;

 private:
  struct Stall {
    std::uint64_t acknowledged = 0;
    Instant began;
    int looks = 0;
    int nudges = 0;
    Instant next_nudge;
  };
  struct Watched {
    std::optional<Instant> last_ended;
    int silent = 0;
    Millis silence{0};
    std::optional<Millis> cpu_at_first;
    Millis silence_at_first{0};
    int refused = 0;
    Instant refused_since;
    int flood_looks = 0;
    int disk_looks = 0;   // at the same pending fdatasync
    Instant disk_since;   // that one, or when counting began anew
    Instant disk_synced;  // when the last one that ended had begun
    bool disk_pending = false;
    std::string disk_trouble;
    bool full = false;
    std::optional<std::uint64_t> acknowledged;
    std::optional<Instant> stuck_since;
    std::optional<Instant> waits_since;
    std::optional<Instant> full_at;  // the last look at which it was
    std::optional<Stall> stall;
    std::optional<Instant> held_asked;
    gtid::GtidSet held;
    bool hung = false;
  };
  using Findings = std::vector<Finding>;

  void restart(Watched& m) const;
  void judge_query(Watched& m, const Probe& probe, Findings& out) const;
  void judge_disk(const MemberId& id, Watched& m, const Probe& probe, Findings& out) const;
  void judge_space(const MemberId& id, Watched& m, const Probe& probe, Findings& out) const;
  void judge_space_again(Watched& m, const Probe& probe, Findings& out) const;
  void judge_standstill(const MemberId& id, Watched& m, const Probe& probe, Findings& out) const;
  void judge_acknowledgements(const MemberId& id, Watched& m, const Probe& probe,
                              Findings& out) const;
  void judge_log(Watched& m, const Probe& probe, Findings& out) const;
  bool is_busy(const Watched& m, const Probe& probe) const;
  // The member that holds what `writer` still waits for.
  std::optional<MemberId> holder(const MemberId& writer, const Stall& stall,
                                 const gtid::GtidSet& executed) const;
  bool other_disk_works(const MemberId& id, Instant since) const;
  bool other_has_space(const MemberId& id) const;
  static void hang(Watched& m, std::string reason, Millis since, Findings& out);

  DetectorLimits limits_;
  std::map<MemberId, Watched> members_;
};

}  // namespace trivet::failover
