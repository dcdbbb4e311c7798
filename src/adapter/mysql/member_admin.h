// SPDX-License-Identifier: Apache-2.0
//
// What the agent does to one mysqld: look, stop receiving, repoint, drain, open, close. Each call
// is one step of failover.md with its deadline; which steps, in which order and under which term is
// decided above.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/mysql/connection.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace trivet::mysql {

enum class ReceiverState { kNotConfigured, kStopped, kConnecting, kConnected };

// One look at one member. GTID sets are MySQL's text without line breaks.
struct MemberReport {
  std::string server_uuid;
  std::uint32_t server_id = 0;
  std::string executed;   // gtid_executed
  std::string retrieved;  // what the relay logs still on disk hold
  std::string received;   // retrieved ∪ executed: what a promise is about (failover.md I3)
  bool read_only = false;
  bool super_read_only = false;
  bool offline_mode = false;
  bool event_scheduler = false;

  ReceiverState receiver = ReceiverState::kNotConfigured;
  bool applier_running = false;
  std::string source_host;
  std::uint16_t source_port = 0;
  std::string source_uuid;  // empty until the receiver was connected once
  unsigned receiver_errno = 0;
  std::string receiver_error;
  unsigned applier_errno = 0;
  std::string applier_error;
  // Age of the oldest commit that was received and is not applied; 0 when there is none; nullopt
  // when the member cannot say.
  std::optional<Millis> apply_lag;

  bool semi_sync_source_enabled = false;  // the variable
  bool semi_sync_source_active =
      false;                       // the status: off also means "fell back", which must not be
  unsigned semi_sync_clients = 0;  // counts attached readers also while the source side is off
  unsigned semi_sync_waiting = 0;  // sessions whose commit waits for an acknowledgement
  std::uint64_t semi_sync_acknowledged = 0;
  std::uint64_t semi_sync_unacknowledged = 0;
  bool semi_sync_replica_enabled = false;
  bool semi_sync_replica_active = false;  // its receiver acknowledges
};

// What a reader says often.
struct ApplyProgress {
  std::string received;
  std::string executed;
  // Since the oldest transaction that is being executed was written to its first server's log.
  std::optional<Millis> age;
};

struct Source {
  std::string host;  // must be in the source's certificate
  std::uint16_t port = 3306;
  std::string tls_ca;
};

struct Session {
  std::uint64_t id = 0;
  std::string user;
  std::string host;  // with the client's port
};

struct DumpThread {
  std::uint64_t id = 0;
  std::string user;  // each member replicates with an account of its own (failover.md I10)
  std::string host;
  bool semi_sync = false;
};

struct MemberAdminOptions {
  std::string socket;
  std::string user = "trivet_admin";
};

// Used by one thread (the member's own worker). Connects when needed and again after a break. After
// a statement ran into its deadline, its session is killed through a new connection, so that it
// does not take effect later; whether it had taken effect is unknown, look with report().
class MemberAdmin {
 public:
  explicit MemberAdmin(MemberAdminOptions options) : options_(std::move(options)) {}

  // Tries until mysqld answers: after a start. kTimeout when it never did.
  Status wait_ready(Millis deadline);
  Result<MemberReport> report(Millis deadline);
  Result<ApplyProgress> apply_progress(Millis deadline);
  // Each group of commits waits so long before it is synced; 0: not at all. Until the next start.
  Status set_commit_delay(std::chrono::microseconds delay, Millis deadline);

  // The promise's half of F2. A connected receiver stops within 15 ms, a connecting one in 2 s.
  Status stop_receiver(Millis deadline);
  // Points the stopped receiver at another source and keeps the relay logs. kConflict, and nothing
  // is changed, when the receiver runs, or when the applier is stopped while something received is
  // not yet executed: that would drop it (failover.md I9). The first call for a member makes its
  // channel.
  Status repoint_receiver(const Source& source, Millis deadline);
  // The password is kept in the server's memory only; reconnects use it too.
  Status start_receiver(const std::string& user, const SecretString& password, Millis deadline);
  Status start_applier(Millis deadline);
  // kTimeout: not executed within the deadline.
  Status wait_executed(const std::string& gtid_set, Millis deadline);
  // Can wait 60 s for the rest of a half-received transaction: end_applier is the way out.
  Status stop_applier(Millis deadline);
  // F5: executes everything of `received`, ends what was received by halves, stops the applier.
  // Requires: the receiver is stopped.
  Status end_applier(const std::string& received, Millis deadline);
  // Forgets the source. kConflict unless both threads are stopped and everything received is
  // executed.
  Status reset_replica_all(Millis deadline);

  // I7: timeout for ever, `acknowledgements` set, then on. Before open_writer, with a voter
  // attached.
  Status enable_semi_sync_source(unsigned acknowledgements, Millis deadline);
  // Only on a member that takes no writes: switching it off releases waiting commits with a false
  // OK (failover.md I8). kConflict when it is writable or a commit waits.
  Status disable_semi_sync_source(Millis deadline);
  // Writable, event scheduler on, then the door. kConflict unless semi-sync is on and somebody who
  // acknowledges is attached: I7.
  Status open_writer(Millis deadline);
  // The door only; writes stay refused with 1290.
  Status open_reader(Millis deadline);
  // First offline_mode: clients are gone within 1 ms and none gets a false OK. Then
  // super_read_only, which cannot end while a commit waits for its acknowledgement: kTimeout then,
  // with the door shut.
  Status fence(Millis deadline);
  // The same, and no more scheduled events.
  Status close(Millis deadline);
  // KILLs what else of ours is connected (probes). mysqld's own end does not wake idle sessions: it
  // waits 8 s for them while readers are attached, and 2 s otherwise.
  Status end_own_sessions(Millis deadline);

  // Keeps new writes waiting until release_writes or the end of this object's connection, once
  // those underway are finished and acknowledged. kConflict, naming the session, when something
  // runs that is not over soon: looked for before, so that nobody waits for it in vain. kTimeout,
  // and nothing is held, when it is not over within the deadline.
  Status hold_writes(Millis deadline);
  Status release_writes(Millis deadline);

  // On the writer; replicated; waits for an acknowledgement like any commit.
  Status create_replication_account(const std::string& user, const SecretString& password,
                                    Millis deadline);
  Status lock_account(const std::string& user, const std::string& host, Millis deadline);
  Status unlock_account(const std::string& user, const std::string& host, Millis deadline);
  // Ends a reader's acknowledgements at once, once its account is locked. How many were killed.
  Result<unsigned> kill_dump_threads(const std::string& user, Millis deadline);
  // Of everybody, ours and replication's included.
  Result<std::vector<Session>> sessions(Millis deadline);
  // kNotFound: it has ended.
  Status kill_session(std::uint64_t id, Millis deadline);
  Result<std::vector<DumpThread>> dump_threads(Millis deadline);

  Result<QueryResult> query(std::string_view sql, Millis deadline);
  Status execute(std::string_view sql, Millis deadline);
  Status execute_secret(const SecretString& sql, Millis deadline);
  // On this member only, whatever it is: not in its binary log, so that it makes no GTID of its
  // own.
  Status execute_unlogged(std::string_view sql, Millis deadline);

  // MySQL's number of the last error; 0 after a success or when there was no connection.
  unsigned last_errno() const { return last_errno_; }
  void disconnect() { connection_.reset(); }

 private:
  Result<Connection*> connected(Instant until);
  Result<QueryResult> query_until(std::string_view sql, Instant until);
  Status execute_until(std::string_view sql, Instant until);
  Status execute_secret_until(const SecretString& sql, Instant until);
  // Empty: nobody.
  Result<std::string> who_is_in_the_way(int seconds, Instant until);
  Status account_statement(std::string_view pattern, const std::string& account, Millis deadline);
  Result<bool> is_executed(const std::string& gtid_set, Instant until);
  Result<QueryResult> replica_status(Instant until);
  // Coordinator and workers. They end any half-received transaction; the applier stops with an
  // error, which the next start_applier clears.
  Status kill_all_of(std::string_view query, Instant until);
  void note(const Error& error);
  void abandon();

  const MemberAdminOptions options_;
  std::optional<Connection> connection_;
  unsigned last_errno_ = 0;
};

// SHOW REPLICA STATUS and the rest → a report. In member_report.cc.
struct ReportParts {
  const QueryResult& variables;
  const QueryResult& semi_sync;
  const QueryResult& replica;
  const QueryResult& apply_times;  // empty when nothing is left to apply
};
MemberReport make_report(const ReportParts& parts);
// MySQL breaks long GTID sets into lines.
std::string without_line_breaks(std::string text);

}  // namespace trivet::mysql
