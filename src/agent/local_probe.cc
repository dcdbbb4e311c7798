// SPDX-License-Identifier: Apache-2.0
#include "agent/local_probe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <sstream>

#include "adapter/engine/template.h"
#include "adapter/process/guard_client.h"
#include "adapter/process/guard_watcher.h"
#include "agent/accounts.h"
#include "agent/end_of_mysqld.h"
#include "agent/own_file.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"

namespace trivet::agent {
namespace {

// Longer than it takes to find that a member hangs: a late answer must be heard.
constexpr Millis kQueryMax{4'000};
// A process without a stalled disk has ended long before.
constexpr Millis kDying{250};
// Then it is also asked whether commits stand still and who waits for space. mysqld tries a write
// that found none again after a minute.
constexpr std::uint64_t kLowOnSpace = 64U << 20U;
constexpr Millis kLowRemembered{90'000};
constexpr unsigned kServerErrorsFrom = 1'000;  // 2000 to 2999 are the client library's
constexpr unsigned kClientErrorsFrom = 2'000;
constexpr unsigned kClientErrorsTo = 3'000;

constexpr std::string_view kAlive = "SELECT 1";
constexpr std::string_view kSemiSync = "SHOW GLOBAL STATUS LIKE 'Rpl\\_semi\\_sync\\_source\\_%'";
constexpr std::string_view kExecuted = "SELECT @@GLOBAL.gtid_executed AS executed";
// Members run without the instruments that would tell performance_schema of states, and a query of
// information_schema needs a temporary table, which a full disk has no room for.
constexpr std::string_view kSessions = "SHOW PROCESSLIST";
constexpr std::string_view kInACommit = "waiting for handler commit";
constexpr std::string_view kWaitsForSpace = "Waiting for disk space";

// A server that says why it does not serve is no server that hangs: too many connections, say.
bool is_servers_word(unsigned number) {
  return number >= kServerErrorsFrom && !(number >= kClientErrorsFrom && number < kClientErrorsTo);
}

std::uint64_t number_of(const std::string& text) {
  std::uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

// State and CPU time: fields 3, 14 and 15, counted after the name, which may hold anything.
void look_at_process(int pid, failover::Probe& out) {
  const auto text = read_file(fmt::format("/proc/{}/stat", pid));
  const std::size_t end_of_name = text ? text->rfind(')') : std::string::npos;
  if (end_of_name == std::string::npos) {
    return;
  }
  std::istringstream fields(text->substr(end_of_name + 1));
  std::string skipped;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  fields >> out.state;
  for (int field = 4; field < 14; ++field) {
    fields >> skipped;
  }
  if (fields >> user >> system) {
    const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    out.cpu = Millis(static_cast<std::int64_t>((user + system) * 1'000 / ticks));
  }
}

int write_and_sync(const std::string& path, Instant now) {
  const Fd file = open_own(path, O_WRONLY | O_CREAT);
  if (!file.is_open()) {
    return errno;
  }
  const std::string text = fmt::format("{:020}\n", now.time_since_epoch().count());
  const bool done =
      ::pwrite(file.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()) &&
      ::fdatasync(file.get()) == 0;
  return done ? 0 : errno;
}

// Has the kernel's SIGKILL reached it? Then nothing of it runs in user mode any more, though what
// is in the middle of a disk's work stays in the process table until the disk answers.
bool is_dying(int pid) {
  constexpr std::uint64_t kSigkill = 1U << 8U;  // signal 9's bit
  const auto text = read_file(fmt::format("/proc/{}/status", pid));
  if (!text) {
    return true;
  }
  constexpr std::string_view kState = "\nState:\t";
  constexpr std::string_view kPending = "\nSigPnd:\t";
  const std::size_t state = text->find(kState);
  const std::size_t pending = text->find(kPending);
  if (state == std::string::npos || pending == std::string::npos) {
    return false;
  }
  const char letter = (*text)[state + kState.size()];
  if (letter == 'Z' || letter == 'X') {  // the first thread has ended, others may wait
    return true;
  }
  std::uint64_t signals = 0;
  const char* const digits = text->data() + pending + kPending.size();
  std::from_chars(digits, text->data() + text->size(), signals, 16);
  return (signals & kSigkill) != 0 && letter == 'D';
}

Result<failover::MemberEnd> kill_by_guard(const MemberPaths& paths, int mysqld_pid,
                                          Millis deadline) {
  TRIVET_TRY(process::GuardClient guard,
             process::GuardClient::connect(paths.guard_socket(), deadline));
  TRIVET_TRY(const process::GuardStatus status, guard.status(deadline));
  if (status.mysqld_pid != mysqld_pid) {
    return failover::MemberEnd("it was gone");
  }
  TRIVET_TRY(const process::GuardStatus ended, guard.kill(deadline));
  return end_of_mysqld(paths, ended.wait_status);
}

}  // namespace

LocalProbe::LocalProbe(const Clock& clock, MemberPaths paths, const std::string& name)
    : clock_(clock),
      paths_(std::move(paths)),
      error_log_(paths_.error_log(), paths_.old_error_log()),
      query_("ask-" + name),
      disk_("disk-" + name),
      log_growth_("log-" + name) {}

mysql::ConnectOptions LocalProbe::session_options(Millis deadline) const {
  mysql::ConnectOptions options;
  options.unix_socket = paths_.mysqld_socket();
  options.user = engine::kAdminAccount;
  options.deadline = deadline;
  return options;
}

// False: nothing there. True without a session: the server refused with a word of its own.
bool LocalProbe::connect() {
  unsigned server_error = 0;
  auto made = mysql::Connection::open(session_options(kQueryMax), &server_error);
  if (!made) {
    return is_servers_word(server_error);
  }
  session_ = std::move(*made);
  // Whatever the parameter group says: nobody ends this session for being idle.
  return session_->execute("SET SESSION wait_timeout=31536000", kQueryMax).has_value();
}

bool LocalProbe::ask(std::string_view sql, mysql::QueryResult& out) {
  auto result = session_->query(sql, kQueryMax);
  if (result) {
    out = std::move(*result);
    return true;
  }
  const bool word = is_servers_word(session_->last_errno());
  session_.reset();
  return word;
}

std::optional<failover::CommitProgress> LocalProbe::progress() {
  mysql::QueryResult status;
  if (!ask(kSemiSync, status) || !session_) {
    return std::nullopt;
  }
  failover::CommitProgress out;
  for (const mysql::Row& row : status.rows) {
    const std::string name = row.empty() ? "" : row[0].value_or("");
    const std::string value = row.size() < 2 ? "" : row[1].value_or("");
    if (name == "Rpl_semi_sync_source_wait_sessions") {
      out.waiting = static_cast<unsigned>(number_of(value));
    } else if (name == "Rpl_semi_sync_source_yes_tx") {
      out.acknowledged = number_of(value);
    }
  }
  if (out.waiting == 0) {
    return out;
  }
  mysql::QueryResult executed;
  if (!ask(kExecuted, executed) || !session_) {
    return std::nullopt;
  }
  auto set = gtid::GtidSet::parse(executed.text(0, "executed"));
  if (!set) {
    return std::nullopt;
  }
  out.executed = std::move(*set);
  return out;
}

LocalProbe::QueryAnswer LocalProbe::query(bool as_writer, bool low_on_space) {
  if ((!session_ || session_->is_broken()) && (session_.reset(), !connect())) {
    return {};
  }
  if (!session_) {
    return {true, std::nullopt, 0};
  }
  mysql::QueryResult alive;
  if (!ask(kAlive, alive)) {
    return {};
  }
  QueryAnswer answer{true, std::nullopt, 0};
  if (session_ && as_writer) {
    answer.commits = progress();
  }
  if (session_ && low_on_space) {
    count_states(answer);
  }
  return answer;
}

void LocalProbe::count_states(QueryAnswer& answer) {
  mysql::QueryResult sessions;
  if (!ask(kSessions, sessions)) {
    return;
  }
  unsigned committing = 0;
  for (std::size_t row = 0; row < sessions.rows.size(); ++row) {
    const std::string state = sessions.text(row, "State");
    committing += state == kInACommit ? 1U : 0U;
    answer.waiting_for_space += state == kWaitsForSpace ? 1U : 0U;
  }
  if (answer.commits) {
    answer.commits->committing = committing;
  }
}

void LocalProbe::ask_disk() {
  disk_.ask(clock_.now(), [this]() -> DiskAnswer {
    DiskAnswer answer;
    answer.began = clock_.now();
    const int number = write_and_sync(paths_.data() + "/trivet-probe", answer.began);
    // Being rebuilt: there is no such folder now.
    if (number != 0 && number != ENOENT) {
      answer.error = errno_message("fdatasync in " + paths_.data(), number);
      answer.no_space = number == ENOSPC || number == EDQUOT;
    }
    return answer;
  });
}

std::uint64_t LocalProbe::look_at_log() {
  const auto seen = error_log_.look(clock_.wall_now());
  if (!seen) {
    return 0;  // none yet; whatever else is wrong with the disk, the file beside it says
  }
  if (seen->moved > 0 || seen->cut > 0) {
    log(Level::kWarning, "member.error_log_shortened",
        {{"file", paths_.error_log()},
         {"moved_bytes", seen->moved},
         {"to", paths_.old_error_log()},
         {"cut_bytes", seen->cut}});
  }
  return seen->written;
}

void LocalProbe::take_disk(failover::Probe& out) {
  out.disk_began = *disk_.asked_at();
  // Not waited for: what has not ended by the next look is found then.
  const auto answer = disk_.take(clock_, clock_.now());
  if (!answer) {
    out.disk = failover::Probe::Disk::kPending;
    return;
  }
  out.disk_began = answer->began;
  out.disk =
      answer->error.empty() ? failover::Probe::Disk::kSynced : failover::Probe::Disk::kFailed;
  out.disk_error = answer->error;
  out.no_space = answer->no_space;
}

failover::Probe LocalProbe::look(const LookOrder& order) {
  using Query = failover::Probe::Query;
  failover::Probe out;
  out.asked = clock_.now();
  const bool low = low_on_space_at_ && since(*low_on_space_at_, out.asked) < kLowRemembered;
  query_.ask(out.asked, [this, as_writer = order.as_writer, low] { return query(as_writer, low); });
  ask_disk();
  log_growth_.ask(out.asked, [this] { return look_at_log(); });
  auto answer = query_.take(clock_, out.asked + order.deadline);
  out.query = !answer ? Query::kSilent : answer->answered ? Query::kAnswered : Query::kRefused;
  if (answer) {
    out.commits = std::move(answer->commits);
    out.waiting_for_space = answer->waiting_for_space;
  }
  out.ended = clock_.now();
  take_disk(out);
  struct statvfs space{};
  if (out.disk != failover::Probe::Disk::kPending &&
      ::statvfs(paths_.data().c_str(), &space) == 0) {  // it would wait for a stalled disk too
    out.disk_free = static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
    if (*out.disk_free < kLowOnSpace) {
      low_on_space_at_ = out.ended;
    }
  }
  out.log_written = log_growth_.take(clock_, clock_.now());
  look_at_process(order.mysqld_pid, out);
  return out;
}

Status LocalProbe::nudge(Millis deadline) {
  TRIVET_TRY(mysql::Connection session, mysql::Connection::open(session_options(deadline)));
  return session.execute(kHeartbeat, deadline);
}

Result<failover::MemberEnd> LocalProbe::kill(int mysqld_pid, Millis deadline) {
  const auto killed = kill_by_guard(paths_, mysqld_pid, std::min(deadline, kDying));
  if (!killed && killed.error().code == Errc::kTimeout && is_dying(mysqld_pid)) {
    return end_of_mysqld(paths_, SIGKILL);
  }
  if (killed ||
      (killed.error().code != Errc::kNotFound && killed.error().code != Errc::kUnavailable)) {
    return killed;
  }
  // The guard is gone, and the kernel kills mysqld with it; that may take a moment.
  if (!process::wait_process_gone(mysqld_pid, deadline)) {
    return make_error(Errc::kTimeout, fmt::format("process {} does not end", mysqld_pid));
  }
  return end_of_mysqld(paths_, std::nullopt);
}

}  // namespace trivet::agent
