// SPDX-License-Identifier: Apache-2.0
//
// A member's commands: what is said to its server. Its files and its process are in local_agent.cc.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "adapter/engine/files.h"
#include "adapter/mysql/sql_text.h"
#include "agent/accounts.h"
#include "agent/local_agent.h"
#include "agent/roles.h"
#include "base/file.h"
#include "base/iso8601.h"
#include "base/random.h"

namespace trivet::agent {
namespace {

constexpr Millis kCommandLook{3'000};  // one statement to a live member
constexpr Millis kReport{2'000};
constexpr Millis kStatement{10'000};  // one statement of the bootstrap
constexpr Millis kCommandGuard{5'000};
constexpr Millis kPause{5};  // between two looks at something that is waited for

void pause() {
  ::poll(nullptr, 0, static_cast<int>(kPause.count()));
}

Result<gtid::GtidSet> held_of(const mysql::MemberReport& report) {
  TRIVET_TRY(gtid::GtidSet received, gtid::GtidSet::parse(report.received));
  TRIVET_TRY(const gtid::GtidSet executed, gtid::GtidSet::parse(report.executed));
  received.add(executed);
  return received;
}

bool is_ours(const mysql::DumpThread& thread) {
  return thread.user.starts_with(kReplicationAccountPrefix);
}

}  // namespace

Status LocalAgent::bootstrap(const Bootstrap& what) {
  TRIVET_CHECK_OK(
      admin_.execute("SET GLOBAL super_read_only=OFF, GLOBAL read_only=OFF", kCommandLook));
  for (const SecretString& sql : bootstrap_statements(seed_.cluster, *seed_.secrets, what)) {
    TRIVET_CHECK_OK(admin_.execute_secret(sql, kStatement));
  }
  return admin_.execute("SET GLOBAL super_read_only=ON", kCommandLook);
}

bool LocalAgent::has_unfinished_clone() const {
  return engine::exists(paths_.unfinished_clone());
}

// It starts like any other, and holds nothing or the half of something.
Status LocalAgent::refuse_unfinished_clone() const {
  return has_unfinished_clone()
             ? Status(make_error(Errc::kConflict, "its data is an unfinished clone"))
             : ok();
}

Result<gtid::GtidSet> LocalAgent::ask_promise(const Stamp& stamp) {
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(refuse_unfinished_clone());
  TRIVET_CHECK_OK(admin_.stop_receiver(left(stamp)));
  return look();
}

Result<gtid::GtidSet> LocalAgent::look() {
  TRIVET_TRY(const mysql::MemberReport report, admin_.report(kCommandLook));
  return held_of(report);
}

Status LocalAgent::drain(const Stamp& stamp, const gtid::GtidSet& until) {
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_TRY(const mysql::MemberReport before, admin_.report(kCommandLook));
  if (before.receiver == mysql::ReceiverState::kNotConfigured) {
    TRIVET_TRY(const gtid::GtidSet executed, gtid::GtidSet::parse(before.executed));
    return executed.contains(until)
               ? ok()
               : Status(make_error(Errc::kConflict, "the relay logs are gone"));
  }
  TRIVET_CHECK_OK(admin_.stop_receiver(left(stamp)));
  if (!before.applier_running) {
    TRIVET_CHECK_OK(admin_.start_applier(kCommandLook));
  }
  TRIVET_TRY(gtid::GtidSet all, look());
  all.add(until);
  return admin_.end_applier(all.str(), left(stamp));
}

Status LocalAgent::catch_up(const Stamp& stamp, const gtid::GtidSet& until) {
  TRIVET_CHECK_OK(admit(stamp));
  return admin_.wait_executed(until.str(), left(stamp));
}

Result<gtid::GtidSet> LocalAgent::hold_writes(const Stamp& stamp) {
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(admin_.hold_writes(left(stamp)));
  return look();
}

Status LocalAgent::release_writes(const Stamp& stamp) {
  TRIVET_CHECK_OK(admit(stamp));
  return admin_.release_writes(left(stamp));
}

Result<gtid::GtidSet> LocalAgent::step_down(const Stamp& stamp) {
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(admin_.fence(left(stamp)));
  TRIVET_CHECK_OK(admin_.release_writes(left(stamp)));
  return look();
}

Status LocalAgent::follow(const Stamp& stamp, const FollowTarget& target) {
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(refuse_unfinished_clone());
  ::unlink(paths_.rewind().c_str());  // it was told
  const Member* source = seed_.cluster.find_member(target.source);
  TRIVET_ASSERT(source != nullptr && source->id != seed_.member.id);
  TRIVET_TRY(const mysql::MemberReport now, admin_.report(kCommandLook));
  const bool has_channel = now.receiver != mysql::ReceiverState::kNotConfigured;
  const bool receives = now.receiver == mysql::ReceiverState::kConnected &&
                        now.source_host == source->endpoint.address &&
                        now.source_port == source->endpoint.port;
  if (now.semi_sync_source_enabled) {
    // It handed over. What it applies would wait for acknowledgements; nobody waits any more (I7).
    TRIVET_CHECK_OK(admin_.close(left(stamp)));
    TRIVET_CHECK_OK(admin_.disable_semi_sync_source(left(stamp)));  // takes up to a second
  }
  if (has_channel && !now.applier_running) {
    TRIVET_CHECK_OK(admin_.start_applier(left(stamp)));
  }
  if (receives && now.semi_sync_replica_enabled == target.counts) {
    return ok();
  }
  if (has_channel) {
    TRIVET_CHECK_OK(admin_.stop_receiver(left(stamp)));
  }
  // Flow control was for the writer that it may have been.
  TRIVET_CHECK_OK(admin_.set_commit_delay(failover::Micros(0), left(stamp)));
  // Takes effect when the receiver starts.
  TRIVET_CHECK_OK(admin_.execute(
      fmt::format("SET GLOBAL rpl_semi_sync_replica_enabled={}", target.counts ? "ON" : "OFF"),
      left(stamp)));
  TRIVET_CHECK_OK(admin_.repoint_receiver(
      {source->endpoint.address, source->endpoint.port, paths_.ca()}, left(stamp)));
  TRIVET_CHECK_OK(admin_.start_receiver(replication_account(seed_.member),
                                        seed_.secrets->replication_passwords.at(seed_.member.id),
                                        left(stamp)));
  return has_channel ? ok() : admin_.start_applier(left(stamp));
}

bool LocalAgent::is_voter_attached(const std::vector<mysql::DumpThread>& threads, int acks,
                                   const std::vector<MemberId>& voters) const {
  int attached = 0;
  for (const MemberId& voter : voters) {
    const Member* member = seed_.cluster.find_member(voter);
    const std::string account = member == nullptr ? "" : replication_account(*member);
    attached += std::any_of(threads.begin(), threads.end(), [&](const mysql::DumpThread& thread) {
      return thread.semi_sync && thread.user == account;
    });
  }
  return attached >= acks;
}

Status LocalAgent::guard_commits(const Stamp& stamp, int acks,
                                 const std::vector<MemberId>& voters) {
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(admin_.enable_semi_sync_source(static_cast<unsigned>(acks), left(stamp)));
  while (agents_.settings().clock->now() < stamp.not_after) {
    TRIVET_TRY(const std::vector<mysql::DumpThread> threads, admin_.dump_threads(kCommandLook));
    if (is_voter_attached(threads, acks, voters)) {
      return ok();
    }
    pause();
  }
  return make_error(Errc::kTimeout, "no voter attached in time");
}

Status LocalAgent::prove_commits(const Stamp& stamp) {
  TRIVET_CHECK_OK(admit(stamp));
  return admin_.execute(kHeartbeat, left(stamp));
}

Status LocalAgent::open(const Stamp& stamp, bool as_writer) {
  TRIVET_CHECK_OK(admit(stamp));
  if (!as_writer) {
    return admin_.open_reader(left(stamp));
  }
  TRIVET_CHECK_OK(admin_.release_writes(left(stamp)));  // of a switchover that was given up
  return admin_.open_writer(left(stamp));
}

// What the member held is kept: its tail may be all that is left of commits that nobody else
// received.
Status LocalAgent::make_room_for_clone() {
  TRIVET_CHECK_OK(kill(kCommandGuard));
  TRIVET_CHECK_OK(end_guard(kCommandGuard));
  if (engine::exists(paths_.data())) {
    TRIVET_CHECK_OK(engine::make_folders_exactly(paths_.lost_and_found(), 0700));
    const std::string now = format_amz_date(agents_.settings().clock->wall_now());
    const std::string kept =
        paths_.lost_and_found() + "/" + now + "-" + random_text(4, kLowerAlphanumerics);
    TRIVET_CHECK_OK(engine::rename_path(paths_.data(), kept));
    if (std::exchange(is_kept_data_told_, false)) {
      kept_data_.clear();
    }
    kept_data_ += (kept_data_.empty() ? "" : ", ") + kept;
  }
  TRIVET_TRY(const engine::Engine engine, agents_.settings().find_engine());
  return new_data(engine);
}

Status LocalAgent::clone_from(const Member& donor, Millis deadline) {
  const std::string host = mysql::quote(donor.endpoint.address);
  TRIVET_CHECK_OK(
      admin_.execute("SET GLOBAL super_read_only=OFF, GLOBAL read_only=OFF", kCommandLook));
  TRIVET_CHECK_OK(admin_.execute(
      fmt::format("SET GLOBAL clone_valid_donor_list={}",
                  mysql::quote(fmt::format("{}:{}", donor.endpoint.address, donor.endpoint.port))),
      kCommandLook));
  const SecretString sql(fmt::format("CLONE INSTANCE FROM {}@{}:{} IDENTIFIED BY {} REQUIRE SSL",
                                     mysql::quote(kCloneAccount), host, donor.endpoint.port,
                                     mysql::quote(seed_.secrets->clone_password.reveal())));
  // mysqld ends itself when it has everything, because nobody that it knows of would restart it.
  const Status cloned = admin_.execute_secret(sql, deadline);
  constexpr unsigned kRestartFailed = 3707;
  if (!cloned && admin_.last_errno() != kRestartFailed &&
      cloned.error().code != Errc::kUnavailable) {
    return cloned;
  }
  auto guard = process::GuardClient::connect(paths_.guard_socket(), kCommandGuard);
  if (guard) {
    const auto ended = guard->wait_exit(deadline);
    if (!ended) {
      return ended.error();
    }
  }
  return ok();
}

Status LocalAgent::rebuild(const Stamp& stamp, const MemberId& donor_id) {
  TRIVET_CHECK_OK(admit(stamp));
  const Member* donor = seed_.cluster.find_member(donor_id);
  TRIVET_ASSERT(donor != nullptr);
  // Until it is whole again nothing that lies there is to be brought back in another way.
  TRIVET_CHECK_OK(write_file_atomically(paths_.unfinished_clone(), "", 0600));
  TRIVET_CHECK_OK(make_room_for_clone());
  const auto fresh = start(std::min(left(stamp), Millis(60'000)));
  if (!fresh) {
    return fresh.error();
  }
  TRIVET_CHECK_OK(clone_from(*donor, left(stamp)));
  TRIVET_CHECK_OK(end_guard(kCommandGuard));
  const auto cloned = start(left(stamp));
  if (!cloned) {
    return cloned.error();
  }
  TRIVET_TRY(const mysql::QueryResult how,
             admin_.query("SELECT STATE AS state, ERROR_MESSAGE AS error"
                          " FROM performance_schema.clone_status",
                          kCommandLook));
  if (how.text(0, "state") != "Completed") {
    return make_error(Errc::kUnavailable, "the clone of " + donor_id.str() +
                                              " did not complete: " + how.text(0, "error"));
  }
  is_kept_data_told_ = true;
  // The donor's channel came with its data.
  TRIVET_TRY(const mysql::MemberReport report, admin_.report(kCommandLook));
  if (report.receiver != mysql::ReceiverState::kNotConfigured) {
    TRIVET_CHECK_OK(admin_.execute("RESET REPLICA ALL", kCommandLook));
  }
  ::unlink(paths_.rewind().c_str());
  ::unlink(paths_.unfinished_clone().c_str());
  return ok();
}

trivet::Result<trivet::MemberReport> LocalAgent::report() {
  TRIVET_TRY(const mysql::MemberReport seen, admin_.report(kReport));
  trivet::MemberReport out;
  TRIVET_TRY(out.held, held_of(seen));
  out.server_uuid = seen.server_uuid;
  out.writable = !seen.read_only;
  out.offline = seen.offline_mode;
  out.receiver_running = seen.receiver == mysql::ReceiverState::kConnected;
  out.applier_running = seen.applier_running;
  out.replication_stopped =
      seen.receiver == mysql::ReceiverState::kStopped ||
      (seen.receiver != mysql::ReceiverState::kNotConfigured && !seen.applier_running);
  out.replication_error = seen.applier_error.empty() ? seen.receiver_error : seen.applier_error;
  out.apply_lag = seen.apply_lag;
  if (out.writable) {
    // Not while it was being opened: relay logs' files go, and that takes time.
    if (seen.receiver == mysql::ReceiverState::kStopped && !seen.applier_running) {
      TRIVET_CHECK_OK(admin_.reset_replica_all(kReport));
    }
    TRIVET_TRY(const std::vector<mysql::DumpThread> threads, admin_.dump_threads(kReport));
    for (const mysql::DumpThread& thread : threads) {
      if (thread.semi_sync && !is_ours(thread)) {
        TRIVET_CHECK_OK(admin_.execute(fmt::format("KILL {}", thread.id), kReport));
        ++out.unknown_acknowledgers;
      }
    }
  }
  return out;
}

Result<std::optional<failover::ApplyProgress>> LocalAgent::apply_progress() {
  TRIVET_TRY(const mysql::ApplyProgress seen, admin_.apply_progress(kCommandLook));
  TRIVET_TRY(gtid::GtidSet received, gtid::GtidSet::parse(seen.received));
  TRIVET_TRY(const gtid::GtidSet executed, gtid::GtidSet::parse(seen.executed));
  received.subtract(executed);
  return std::optional(failover::ApplyProgress{executed.count(), received.count(), seen.age});
}

Status LocalAgent::set_commit_delay(const Stamp& stamp, failover::Micros delay) {
  TRIVET_CHECK_OK(admit(stamp));
  return admin_.set_commit_delay(delay, std::min(left(stamp), kCommandLook));
}

Result<std::vector<ClientSession>> LocalAgent::end_sessions(
    const std::vector<ClientSession>& unwanted, Millis deadline) {
  const Clock& clock = *agents_.settings().clock;
  const Instant until = clock.now() + deadline;
  TRIVET_TRY(const std::vector<mysql::Session> seen, admin_.sessions(deadline));
  std::vector<ClientSession> out;
  std::map<std::uint64_t, std::size_t> by_id;
  for (const mysql::Session& session : seen) {
    by_id.emplace(session.id, out.size());
    out.push_back({session.id, session.user, session.host});
  }
  for (const ClientSession& one : unwanted) {
    const auto found = by_id.find(one.id);
    if (found == by_id.end() || out[found->second].user != one.user ||
        !out[found->second].host.ends_with(one.host)) {
      continue;
    }
    const Status killed = admin_.kill_session(one.id, since(clock.now(), until));
    if (!killed && killed.error().code != Errc::kNotFound) {
      return killed.error();
    }
  }
  return out;
}

Status LocalAgent::set_role(const Stamp& stamp, const RoleGrant& grant, Millis deadline) {
  TRIVET_CHECK_OK(admit(stamp));
  return agent::set_role(admin_, grant, std::min(left(stamp), deadline));
}

Status LocalAgent::reset_master_user(const Stamp& stamp, const std::string& name,
                                     const SecretString& password, Millis deadline) {
  TRIVET_CHECK_OK(admit(stamp));
  const Instant end = agents_.settings().clock->now() + std::min(left(stamp), deadline);
  for (const SecretString& sql : master_user_statements(name, password)) {
    TRIVET_CHECK_OK(admin_.execute_secret(sql, since(agents_.settings().clock->now(), end)));
  }
  return ok();
}

Result<std::uint32_t> LocalAgent::probe_login(const Endpoint& endpoint, Millis deadline) {
  mysql::ConnectOptions options;
  options.host = endpoint.address;
  options.port = endpoint.port;
  options.source = agents_.settings().own_source;
  options.tls_ca = paths_.ca();
  options.user = kProbeAccount;
  options.password = seed_.secrets->probe_password.copy();
  options.deadline = deadline;
  TRIVET_TRY(mysql::Connection connection, mysql::Connection::open(options));
  TRIVET_TRY(const mysql::QueryResult result,
             connection.query("SELECT @@server_id AS id", deadline));
  return static_cast<std::uint32_t>(result.number(0, "id"));
}

}  // namespace trivet::agent
