// SPDX-License-Identifier: Apache-2.0
#include "adapter/mysql/member_admin.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "adapter/mysql/queries.h"
#include "adapter/mysql/sql_text.h"
#include "base/clock.h"

namespace trivet::mysql {
namespace {

// Between attempts to reach a mysqld that is starting.
constexpr Millis kReadyInterval{10};
// A stop of the applier takes a few milliseconds, or waits for the rest of a transaction.
constexpr Millis kStopMax{60};
// For killing a session whose statement ran over its deadline: mysqld answers at once or hangs.
constexpr Millis kAbandonDeadline{300};

Instant clock_now() {
  return SystemClock().now();
}
Instant after(Millis deadline) {
  return clock_now() + deadline;
}
// At least 1 ms, so that a call with nothing left fails by its own deadline and not by a special
// case.
Millis left_until(Instant until) {
  return std::max(Millis(1), std::chrono::ceil<Millis>(until - clock_now()));
}

Error conflict(std::string message) {
  return make_error(Errc::kConflict, std::move(message));
}

SecretString secret(std::string text) {
  return SecretString(std::move(text));
}

}  // namespace

Result<Connection*> MemberAdmin::connected(Instant until) {
  if (connection_ && !connection_->is_broken()) {
    return &*connection_;
  }
  connection_.reset();
  last_errno_ = 0;
  ConnectOptions options;
  options.unix_socket = options_.socket;
  options.user = options_.user;
  options.deadline = left_until(until);
  TRIVET_TRY(Connection connection, Connection::open(options));
  TRIVET_CHECK_OK(connection.execute(queries::kPrepareSession, left_until(until)));
  connection_ = std::move(connection);
  return &*connection_;
}

void MemberAdmin::note(const Error& error) {
  last_errno_ = connection_ ? connection_->last_errno() : 0;
  if (error.code == Errc::kTimeout && connection_ && connection_->is_broken()) {
    abandon();
  } else if (connection_ && connection_->is_broken()) {
    connection_.reset();
  }
}

void MemberAdmin::abandon() {
  const std::uint64_t id = connection_->connection_id();
  connection_.reset();
  const Instant until = after(kAbandonDeadline);
  if (auto fresh = connected(until)) {
    // No such thread any more is as good.
    const Status killed =
        (*fresh)->execute(bind(queries::kKill, {std::to_string(id)}), left_until(until));
    if (!killed && connection_->is_broken()) {
      connection_.reset();
    }
  }
}

Result<QueryResult> MemberAdmin::query_until(std::string_view sql, Instant until) {
  TRIVET_TRY(Connection* const connection, connected(until));
  Result<QueryResult> result = connection->query(sql, left_until(until));
  last_errno_ = 0;
  if (!result) {
    note(result.error());
  }
  return result;
}

Status MemberAdmin::execute_until(std::string_view sql, Instant until) {
  TRIVET_TRY([[maybe_unused]] const QueryResult result, query_until(sql, until));
  return ok();
}

Status MemberAdmin::execute_secret_until(const SecretString& sql, Instant until) {
  TRIVET_TRY(Connection* const connection, connected(until));
  Status done = connection->execute_secret(sql, left_until(until));
  last_errno_ = 0;
  if (!done) {
    note(done.error());
  }
  return done;
}

Result<QueryResult> MemberAdmin::query(std::string_view sql, Millis deadline) {
  return query_until(sql, after(deadline));
}

Status MemberAdmin::execute(std::string_view sql, Millis deadline) {
  return execute_until(sql, after(deadline));
}

Status MemberAdmin::execute_secret(const SecretString& sql, Millis deadline) {
  return execute_secret_until(sql, after(deadline));
}

Status MemberAdmin::execute_unlogged(std::string_view sql, Millis deadline) {
  const Instant until = after(deadline);
  TRIVET_CHECK_OK(execute_until(queries::kBinlogOff, until));
  const Status done = execute_until(sql, until);
  const unsigned number = last_errno_;
  // Should the connection have been replaced meanwhile, this is the default anyway.
  const Status back = execute_until(queries::kBinlogOn, after(kAbandonDeadline));
  if (!back) {
    connection_.reset();
  }
  last_errno_ = number;
  return done;
}

Status MemberAdmin::wait_ready(Millis deadline) {
  const Instant until = after(deadline);
  for (;;) {
    const auto connection = connected(until);
    if (connection) {
      return ok();
    }
    if (clock_now() + kReadyInterval >= until) {
      return make_error(Errc::kTimeout, "mysqld did not answer: " + connection.error().message);
    }
    std::this_thread::sleep_for(kReadyInterval);
  }
}

Result<QueryResult> MemberAdmin::replica_status(Instant until) {
  return query_until(queries::kReplicaStatus, until);
}

Result<bool> MemberAdmin::is_executed(const std::string& gtid_set, Instant until) {
  TRIVET_TRY(const QueryResult result,
             query_until(bind(queries::kIsSubset, {quote(gtid_set)}), until));
  return result.number(0, "inside") == 1;
}

Result<MemberReport> MemberAdmin::report(Millis deadline) {
  const Instant until = after(deadline);
  // The received set first: it is then surely a part of what is received or executed afterwards.
  TRIVET_TRY(const QueryResult replica, replica_status(until));
  const std::string retrieved = without_line_breaks(replica.text(0, "Retrieved_Gtid_Set"));
  TRIVET_TRY(const QueryResult variables,
             query_until(bind(queries::kVariables, {quote(retrieved)}), until));
  TRIVET_TRY(const QueryResult semi_sync, query_until(queries::kSemiSyncStatus, until));
  QueryResult apply_times;
  if (without_line_breaks(variables.text(0, "received")) !=
      without_line_breaks(variables.text(0, "executed"))) {
    TRIVET_TRY(apply_times, query_until(queries::kApplyTimes, until));
  }
  return make_report({variables, semi_sync, replica, apply_times});
}

Result<ApplyProgress> MemberAdmin::apply_progress(Millis deadline) {
  TRIVET_TRY(const QueryResult seen, query_until(queries::kApplyProgress, after(deadline)));
  ApplyProgress out{without_line_breaks(seen.text(0, "received")),
                    without_line_breaks(seen.text(0, "executed")),
                    {}};
  if (!seen.text(0, "age_us").empty()) {
    out.age = Millis(std::max<std::int64_t>(0, seen.number(0, "age_us") / 1'000));
  }
  return out;
}

Status MemberAdmin::set_commit_delay(std::chrono::microseconds delay, Millis deadline) {
  return execute_until(bind(queries::kCommitDelay, {std::to_string(delay.count())}),
                       after(deadline));
}

Status MemberAdmin::stop_receiver(Millis deadline) {
  return execute_until(queries::kStopReceiver, after(deadline));
}

Status MemberAdmin::repoint_receiver(const Source& source, Millis deadline) {
  const Instant until = after(deadline);
  TRIVET_TRY(const QueryResult replica, replica_status(until));
  if (!replica.rows.empty() && replica.text(0, "Replica_IO_Running") != "No") {
    return conflict("the receiver still runs");
  }
  const bool applier_runs = replica.text(0, "Replica_SQL_Running") == "Yes";
  const std::string retrieved = without_line_breaks(replica.text(0, "Retrieved_Gtid_Set"));
  if (!applier_runs && !retrieved.empty()) {
    TRIVET_TRY(const bool executed, is_executed(retrieved, until));
    if (!executed) {
      return conflict("repointing with the applier stopped would drop received transactions");
    }
  }
  const bool positioned = replica.text(0, "Auto_Position") == "1";
  if (!positioned && applier_runs) {
    return conflict("the channel has no auto-position and its applier runs");
  }
  return execute_until(bind(queries::kChangeSource,
                            {quote(source.host), std::to_string(source.port), quote(source.tls_ca),
                             positioned ? std::string_view() : queries::kAutoPosition}),
                       until);
}

Status MemberAdmin::start_receiver(const std::string& user, const SecretString& password,
                                   Millis deadline) {
  return execute_secret_until(
      secret(bind(queries::kStartReceiver, {quote(user), quote(password.reveal())})),
      after(deadline));
}

Status MemberAdmin::start_applier(Millis deadline) {
  return execute_until(queries::kStartApplier, after(deadline));
}

Status MemberAdmin::wait_executed(const std::string& gtid_set, Millis deadline) {
  const Instant until = after(deadline);
  if (gtid_set.empty()) {
    return ok();
  }
  // The server's own wait ends a little earlier than ours, so that the connection survives a late
  // set.
  constexpr Millis kReserve{50};
  const double seconds =
      static_cast<double>(std::max(Millis(1), left_until(until) - kReserve).count()) / 1000.0;
  TRIVET_TRY(
      const QueryResult result,
      query_until(bind(queries::kWaitExecuted, {quote(gtid_set), std::to_string(seconds)}), until));
  if (result.text(0, "late") != "0") {
    return make_error(Errc::kTimeout, "not everything received was executed within the deadline");
  }
  return ok();
}

Status MemberAdmin::kill_all_of(std::string_view query, Instant until) {
  TRIVET_TRY(const QueryResult threads, query_until(query, until));
  for (std::size_t i = 0; i < threads.rows.size(); ++i) {
    const Status done = execute_until(bind(queries::kKill, {threads.text(i, "id")}), until);
    if (!done && done.error().code != Errc::kNotFound) {  // that: it ended meanwhile
      return done.error();
    }
  }
  return ok();
}

Status MemberAdmin::end_own_sessions(Millis deadline) {
  return kill_all_of(queries::kOwnOtherSessions, after(deadline));
}

Status MemberAdmin::stop_applier(Millis deadline) {
  return execute_until(queries::kStopApplier, after(deadline));
}

Status MemberAdmin::end_applier(const std::string& received, Millis deadline) {
  const Instant until = after(deadline);
  TRIVET_CHECK_OK(wait_executed(received, deadline));
  // A transaction that was received by halves would keep the coordinator for 60 s: the stop ends
  // once it and its workers are killed. Not before: without workers the coordinator was seen to
  // sleep on for 300 ms (replica_checkpoint_period).
  for (;;) {
    const Status stopped = execute_until(queries::kStopApplier, std::min(until, after(kStopMax)));
    if (stopped || stopped.error().code != Errc::kTimeout || clock_now() >= until) {
      return stopped;
    }
    TRIVET_CHECK_OK(kill_all_of(queries::kApplierThreads, until));
  }
}

Status MemberAdmin::reset_replica_all(Millis deadline) {
  const Instant until = after(deadline);
  TRIVET_TRY(const QueryResult replica, replica_status(until));
  if (replica.rows.empty()) {
    return ok();
  }
  if (replica.text(0, "Replica_IO_Running") != "No" ||
      replica.text(0, "Replica_SQL_Running") != "No") {
    return conflict("replication still runs");
  }
  const std::string retrieved = without_line_breaks(replica.text(0, "Retrieved_Gtid_Set"));
  TRIVET_TRY(const bool executed, is_executed(retrieved, until));
  if (!executed) {
    return conflict("something received is not yet executed: forgetting the source would drop it");
  }
  return execute_until(queries::kResetReplica, until);
}

Status MemberAdmin::enable_semi_sync_source(unsigned acknowledgements, Millis deadline) {
  const Instant until = after(deadline);
  TRIVET_CHECK_OK(
      execute_until(bind(queries::kSourceWaitsForever, {std::to_string(acknowledgements)}), until));
  return execute_until(queries::kSourceOn, until);
}

Status MemberAdmin::disable_semi_sync_source(Millis deadline) {
  const Instant until = after(deadline);
  TRIVET_TRY(const MemberReport seen, report(left_until(until)));
  if (!seen.super_read_only || seen.semi_sync_waiting != 0) {
    return conflict("semi-sync is not switched off while a client could be waiting");
  }
  return execute_until(queries::kSourceOff, until);
}

Status MemberAdmin::open_writer(Millis deadline) {
  const Instant until = after(deadline);
  TRIVET_TRY(const MemberReport seen, report(left_until(until)));
  if (!seen.semi_sync_source_enabled || !seen.semi_sync_source_active ||
      seen.semi_sync_clients == 0) {
    return conflict("a writer opens only with semi-sync on and a voter attached");
  }
  TRIVET_CHECK_OK(execute_until(queries::kOpenForWrites, until));
  TRIVET_CHECK_OK(execute_until(queries::kEventsOn, until));
  return execute_until(queries::kOfflineOff, until);
}

Status MemberAdmin::open_reader(Millis deadline) {
  const Instant until = after(deadline);
  TRIVET_CHECK_OK(execute_until(queries::kCloseForWrites, until));
  return execute_until(queries::kOfflineOff, until);
}

Status MemberAdmin::fence(Millis deadline) {
  const Instant until = after(deadline);
  TRIVET_CHECK_OK(execute_until(queries::kOfflineOn, until));
  return execute_until(queries::kCloseForWrites, until);
}

Status MemberAdmin::close(Millis deadline) {
  const Instant until = after(deadline);
  TRIVET_CHECK_OK(fence(left_until(until)));
  return execute_until(queries::kEventsOff, until);
}

Result<std::string> MemberAdmin::who_is_in_the_way(int seconds, Instant until) {
  const std::string limit = std::to_string(seconds);
  TRIVET_TRY(const QueryResult found, query_until(bind(queries::kInTheWay, {limit, limit}), until));
  if (found.rows.empty()) {
    return std::string();
  }
  return fmt::format("session {} ({}@{}), {}, for {} s", found.text(0, "id"), found.text(0, "user"),
                     found.text(0, "host"), found.text(0, "what"), found.text(0, "seconds"));
}

Status MemberAdmin::hold_writes(Millis deadline) {
  constexpr int kLong = 2;  // in whole seconds, as the server counts them
  const Instant until = after(deadline);
  TRIVET_TRY(const std::string in_the_way, who_is_in_the_way(kLong, until));
  if (!in_the_way.empty()) {
    return conflict("in the way is " + in_the_way);
  }
  const Status held = execute_until(queries::kHoldWrites, until);
  if (held || held.error().code != Errc::kTimeout) {
    return held;
  }
  const auto who = who_is_in_the_way(0, after(kAbandonDeadline));
  return make_error(Errc::kTimeout,
                    "what is written does not end within the deadline" +
                        (who && !who->empty() ? "; in the way may be " + *who : std::string()));
}

Status MemberAdmin::release_writes(Millis deadline) {
  return execute_until(queries::kReleaseWrites, after(deadline));
}

Status MemberAdmin::create_replication_account(const std::string& user,
                                               const SecretString& password, Millis deadline) {
  const Instant until = after(deadline);
  const std::string account = quote_account(user, "%");
  const std::string text = quote(password.reveal());
  TRIVET_CHECK_OK(execute_secret_until(
      secret(bind(queries::kCreateReplicationAccount, {account, text})), until));
  TRIVET_CHECK_OK(
      execute_secret_until(secret(bind(queries::kSetPassword, {account, text})), until));
  return execute_until(bind(queries::kGrantReplication, {account}), until);
}

Status MemberAdmin::account_statement(std::string_view pattern, const std::string& account,
                                      Millis deadline) {
  return execute_until(bind(pattern, {account}), after(deadline));
}

Status MemberAdmin::lock_account(const std::string& user, const std::string& host,
                                 Millis deadline) {
  return account_statement(queries::kLockAccount, quote_account(user, host), deadline);
}

Status MemberAdmin::unlock_account(const std::string& user, const std::string& host,
                                   Millis deadline) {
  return account_statement(queries::kUnlockAccount, quote_account(user, host), deadline);
}

Result<std::vector<DumpThread>> MemberAdmin::dump_threads(Millis deadline) {
  TRIVET_TRY(const QueryResult result, query_until(queries::kDumpThreads, after(deadline)));
  std::vector<DumpThread> out;
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    out.push_back({.id = static_cast<std::uint64_t>(result.number(i, "id")),
                   .user = result.text(i, "user"),
                   .host = result.text(i, "host"),
                   .semi_sync = result.number(i, "semi_sync") == 1});
  }
  return out;
}

Result<std::vector<Session>> MemberAdmin::sessions(Millis deadline) {
  TRIVET_TRY(const QueryResult result, query_until(queries::kSessions, after(deadline)));
  std::vector<Session> out;
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    out.push_back({.id = static_cast<std::uint64_t>(result.number(i, "Id")),
                   .user = result.text(i, "User"),
                   .host = result.text(i, "Host")});
  }
  return out;
}

Status MemberAdmin::kill_session(std::uint64_t id, Millis deadline) {
  return execute_until(bind(queries::kKill, {std::to_string(id)}), after(deadline));
}

Result<unsigned> MemberAdmin::kill_dump_threads(const std::string& user, Millis deadline) {
  const Instant until = after(deadline);
  TRIVET_TRY(const std::vector<DumpThread> threads, dump_threads(left_until(until)));
  unsigned killed = 0;
  for (const DumpThread& thread : threads) {
    if (thread.user != user) {
      continue;
    }
    const Status done = execute_until(bind(queries::kKill, {std::to_string(thread.id)}), until);
    if (done) {
      ++killed;
    } else if (done.error().code != Errc::kNotFound) {
      return done.error();
    }
  }
  return killed;
}

}  // namespace trivet::mysql
