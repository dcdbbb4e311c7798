// SPDX-License-Identifier: Apache-2.0
#include "agent/local_agent.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "adapter/engine/files.h"
#include "adapter/engine/plugins.h"
#include "adapter/engine/template.h"
#include "adapter/mysql/sql_text.h"
#include "adapter/process/address_check.h"
#include "adapter/process/spawn_guard.h"
#include "agent/accounts.h"
#include "base/file.h"
#include "base/iso8601.h"
#include "base/random.h"

namespace trivet::agent {
namespace {

constexpr Millis kLook{3'000};  // one statement to a live member
constexpr Millis kReport{2'000};
constexpr Millis kStatement{10'000};  // one statement of the bootstrap
constexpr Millis kGuard{5'000};
constexpr Millis kPause{5};  // between two looks at something that is waited for
constexpr std::size_t kUuidCharacters = 36;

void pause() {
  ::poll(nullptr, 0, static_cast<int>(kPause.count()));
}

Status chown_to(const std::string& path, const std::optional<engine::RunAs>& owner) {
  if (owner && ::lchown(path.c_str(), owner->uid, owner->gid) != 0) {
    return make_error(Errc::kDenied, errno_message("chown " + path, errno));
  }
  return ok();
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

LocalAgent::LocalAgent(LocalAgents& agents, MemberSeed seed)
    : agents_(agents),
      seed_(std::move(seed)),
      paths_(agents.settings().home, seed_.cluster, seed_.member),
      promise_(paths_.promise()),
      admin_({paths_.mysqld_socket(), std::string(engine::kAdminAccount)}) {}

LocalAgent::~LocalAgent() {
  agents_.unwatch(seed_.member.id.str());
}

Status LocalAgent::admit(const Stamp& stamp) {
  return promise_.admit(stamp, agents_.settings().clock->now());
}

Millis LocalAgent::left(const Stamp& stamp) const {
  return std::max(Millis(1), since(agents_.settings().clock->now(), stamp.not_after));
}

// --- files
// -------------------------------------------------------------------------------------------

Status LocalAgent::make_member_folders() {
  const auto& owner = agents_.settings().mysqld_user;
  TRIVET_CHECK_OK(engine::make_folders_exactly(agents_.settings().home + "/clusters", 0711));
  TRIVET_CHECK_OK(engine::make_folders_exactly(paths_.cluster_folder, 0711));
  TRIVET_CHECK_OK(engine::make_folders_exactly(agents_.settings().home + "/run", 0711));
  for (const std::string& folder : {paths_.folder, paths_.tmp(), paths_.run_folder}) {
    TRIVET_CHECK_OK(engine::make_folders_exactly(folder, 0700));
    TRIVET_CHECK_OK(chown_to(folder, owner));
  }
  return ok();
}

Status LocalAgent::write_configuration(const engine::Engine& engine) {
  process::MysqldSpec spec;
  spec.server_id = seed_.member.server_id;
  spec.basedir = engine.layout.basedir;
  spec.share_dir = engine.layout.lc_messages_dir;
  spec.plugin_dir = engine.plugins_folder();
  spec.plugins.clear();
  spec.parameters = engine::plugin_settings();
  spec.datadir = paths_.data();
  spec.tmpdir = paths_.tmp();
  spec.socket = paths_.mysqld_socket();
  spec.pid_file = paths_.mysqld_pid();
  spec.error_log = paths_.error_log();
  spec.bind_address = seed_.member.endpoint.address;
  spec.port = seed_.member.endpoint.port;
  spec.report_host = seed_.member.endpoint.name;
  spec.tls_ca = paths_.ca();
  spec.tls_certificate = paths_.certificate();
  spec.tls_key = paths_.key();
  spec.as_root = ::geteuid() == 0 && !agents_.settings().mysqld_user;
  spec.sizing = agents_.settings().sizing(seed_.cluster.instance_class);
  TRIVET_CHECK_OK(process::write_my_cnf(spec, paths_.my_cnf()));
  return chown_to(paths_.my_cnf(), agents_.settings().mysqld_user);
}

// Any member can become the writer, so each answers under every name of the cluster.
Status LocalAgent::write_certificate() {
  const Cluster& c = seed_.cluster;
  pki::ServerOptions options;
  options.common_name = seed_.member.id.str();
  options.now = agents_.settings().clock->wall_now();
  for (const Endpoint& endpoint : {seed_.member.endpoint, c.writer_endpoint, c.reader_endpoint}) {
    options.addresses.push_back(endpoint.address);
    if (endpoint.name != endpoint.address) {
      options.dns_names.push_back(endpoint.name);
    }
  }
  const pki::KeyPair& authority = *agents_.settings().authority;
  TRIVET_TRY(const pki::KeyPair pair, pki::issue_server_certificate(authority, options));
  TRIVET_CHECK_OK(write_file_atomically(paths_.ca(), authority.certificate_pem, 0644));
  TRIVET_CHECK_OK(write_file_atomically(paths_.certificate(), pair.certificate_pem, 0644));
  TRIVET_CHECK_OK(write_file_atomically(paths_.key(), pair.private_key_pem.reveal(), 0600));
  for (const std::string& file : {paths_.ca(), paths_.certificate(), paths_.key()}) {
    TRIVET_CHECK_OK(chown_to(file, agents_.settings().mysqld_user));
  }
  return ok();
}

Status LocalAgent::new_data(const engine::Engine& engine) {
  const auto& owner = agents_.settings().mysqld_user;
  TRIVET_CHECK_OK(
      engine::copy_template(engine, {.target = paths_.data(), .owner = owner, .durable = false}));
  const std::string uuid = random_uuid();
  TRIVET_ASSERT(uuid.size() == kUuidCharacters);
  const std::string auto_cnf = paths_.data() + "/auto.cnf";
  TRIVET_CHECK_OK(write_file_atomically(auto_cnf, process::auto_cnf_text(uuid), 0640));
  return chown_to(auto_cnf, owner);
}

Status LocalAgent::prepare() {
  TRIVET_CHECK_OK(remove());
  const Endpoint& endpoint = seed_.member.endpoint;
  TRIVET_CHECK_OK(process::can_bind(endpoint.address, endpoint.port));
  TRIVET_TRY(const engine::Engine engine, agents_.settings().find_engine());
  TRIVET_CHECK_OK(make_member_folders());
  TRIVET_CHECK_OK(new_data(engine));
  TRIVET_CHECK_OK(write_certificate());
  return write_configuration(engine);
}

Status LocalAgent::remove() {
  TRIVET_CHECK_OK(kill(kGuard));
  TRIVET_CHECK_OK(end_guard(kGuard));
  agents_.settings().close_auth_socket(paths_.auth_socket());
  TRIVET_CHECK_OK(engine::remove_tree(paths_.folder));
  TRIVET_CHECK_OK(engine::remove_tree(paths_.run_folder));
  ::rmdir(paths_.cluster_folder.c_str());  // by whoever comes last
  promise_ = PromiseFile(paths_.promise());
  return ok();
}

// --- process
// -----------------------------------------------------------------------------------------

Status LocalAgent::watch() {
  return agents_.watch(seed_.member.id.str(), paths_.guard_socket(), seed_.on_exit);
}

Result<std::optional<MemberProcess>> LocalAgent::adopt() {
  auto guard = process::GuardClient::connect(paths_.guard_socket(), kGuard);
  if (!guard) {
    const bool gone = guard.error().code == Errc::kNotFound;
    return gone ? Result<std::optional<MemberProcess>>(std::nullopt) : guard.error();
  }
  TRIVET_TRY(const process::GuardStatus status, guard->status(kGuard));
  if (status.state != guard_wire::State::kRunning) {
    TRIVET_CHECK_OK(guard->quit(kGuard));
    return std::optional<MemberProcess>();
  }
  generation_ = std::max(generation_, status.generation);
  TRIVET_CHECK_OK(
      agents_.settings().open_auth_socket(seed_.cluster, seed_.member, paths_.auth_socket()));
  TRIVET_CHECK_OK(watch());
  return std::optional<MemberProcess>(MemberProcess{status.mysqld_pid, status.guard_pid});
}

Result<MemberProcess> LocalAgent::spawn(Millis deadline) {
  TRIVET_TRY(const engine::Engine engine, agents_.settings().find_engine());
  TRIVET_CHECK_OK(make_member_folders());
  TRIVET_CHECK_OK(write_configuration(engine));
  TRIVET_CHECK_OK(
      agents_.settings().open_auth_socket(seed_.cluster, seed_.member, paths_.auth_socket()));
  process::GuardSpec spec;
  spec.guard_binary = agents_.settings().guard_binary;
  spec.socket = paths_.guard_socket();
  spec.pid_file = paths_.guard_pid();
  spec.log = paths_.guard_log();
  spec.output = paths_.output();
  if (const auto& user = agents_.settings().mysqld_user) {
    spec.user = std::pair(user->uid, user->gid);
  }
  spec.generation = ++generation_;
  spec.environment =
      process::mysqld_environment(agents_.settings().sizing(seed_.cluster.instance_class));
  spec.environment.push_back("TRIVET_AUTH_SOCKET=" + paths_.auth_socket());
  spec.command = process::mysqld_command(engine.layout.command("mysqld"), paths_.my_cnf());
  TRIVET_TRY(const process::GuardStatus status, process::spawn_guard(spec, deadline));
  return MemberProcess{status.mysqld_pid, status.guard_pid};
}

Result<MemberProcess> LocalAgent::start(Millis deadline) {
  const Instant until = agents_.settings().clock->now() + deadline;
  TRIVET_TRY(const std::optional<MemberProcess> running, adopt());
  MemberProcess process;
  if (running) {
    process = *running;
  } else {
    admin_.disconnect();
    TRIVET_TRY(process, spawn(deadline));
    TRIVET_CHECK_OK(watch());
  }
  const Stamp rest{Term(), until};
  while (agents_.settings().clock->now() < until) {
    if (admin_.wait_ready(std::min(left(rest), Millis(1'000)))) {
      return process;
    }
    TRIVET_TRY(const std::optional<MemberProcess> still, adopt());
    if (!still) {
      return make_error(Errc::kUnavailable,
                        "mysqld ended while it started: see " + paths_.error_log());
    }
  }
  return make_error(Errc::kTimeout, "mysqld did not answer in time: see " + paths_.error_log());
}

// The guard of a dead mysqld goes; one of a live mysqld stays.
Status LocalAgent::end_guard(Millis deadline) {
  agents_.unwatch(seed_.member.id.str());
  admin_.disconnect();
  auto guard = process::GuardClient::connect(paths_.guard_socket(), deadline);
  if (!guard) {
    return guard.error().code == Errc::kNotFound ? ok() : Status(guard.error());
  }
  const Status quit = guard->quit(deadline);
  return quit || quit.error().code == Errc::kUnavailable ? ok() : quit;
}

Status LocalAgent::kill(Millis deadline) {
  admin_.disconnect();
  auto guard = process::GuardClient::connect(paths_.guard_socket(), deadline);
  if (!guard) {
    return guard.error().code == Errc::kNotFound ? ok() : Status(guard.error());
  }
  const auto killed = guard->kill(deadline);
  return killed ? ok() : Status(killed.error());
}

Status LocalAgent::stop(Millis deadline) {
  const auto running = adopt();
  if (running && *running) {
    const auto report = admin_.report(kLook);
    if (report && !report->offline_mode) {
      // Clients are gone before SIGTERM: nobody can take a commit that it releases for acknowledged
      // (I8).
      (void)admin_.close(kLook);
    }
    admin_.disconnect();
    auto guard = process::GuardClient::connect(paths_.guard_socket(), kGuard);
    if (guard) {
      const auto ended = guard->terminate(deadline);
      if (!ended) {
        return ended.error();
      }
    }
  }
  return end_guard(kGuard);
}

// --- formation
// ---------------------------------------------------------------------------------------

Status LocalAgent::bootstrap(const Bootstrap& what) {
  TRIVET_CHECK_OK(admin_.execute("SET GLOBAL super_read_only=OFF, GLOBAL read_only=OFF", kLook));
  for (const SecretString& sql : bootstrap_statements(seed_.cluster, *seed_.secrets, what)) {
    TRIVET_CHECK_OK(admin_.execute_secret(sql, kStatement));
  }
  return admin_.execute("SET GLOBAL super_read_only=ON", kLook);
}

// --- commands with a term
// ----------------------------------------------------------------------------

Result<gtid::GtidSet> LocalAgent::ask_promise(const Stamp& stamp) {
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(admin_.stop_receiver(left(stamp)));
  return look();
}

Result<gtid::GtidSet> LocalAgent::look() {
  TRIVET_TRY(const mysql::MemberReport report, admin_.report(kLook));
  return held_of(report);
}

Status LocalAgent::drain(const Stamp& stamp, const gtid::GtidSet& until) {
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_TRY(const mysql::MemberReport before, admin_.report(kLook));
  if (before.receiver == mysql::ReceiverState::kNotConfigured) {
    TRIVET_TRY(const gtid::GtidSet executed, gtid::GtidSet::parse(before.executed));
    return executed.contains(until)
               ? ok()
               : Status(make_error(Errc::kConflict, "the relay logs are gone"));
  }
  if (!before.applier_running) {
    TRIVET_CHECK_OK(admin_.start_applier(kLook));
  }
  TRIVET_CHECK_OK(admin_.end_applier(until.str(), left(stamp)));
  return admin_.reset_replica_all(left(stamp));
}

Status LocalAgent::follow(const Stamp& stamp, const FollowTarget& target) {
  TRIVET_CHECK_OK(admit(stamp));
  const Member* source = seed_.cluster.find_member(target.source);
  TRIVET_ASSERT(source != nullptr && source->id != seed_.member.id);
  TRIVET_TRY(const mysql::MemberReport now, admin_.report(kLook));
  const bool has_channel = now.receiver != mysql::ReceiverState::kNotConfigured;
  const bool receives = now.receiver == mysql::ReceiverState::kConnected &&
                        now.source_host == source->endpoint.address &&
                        now.source_port == source->endpoint.port;
  if (has_channel && !now.applier_running) {
    TRIVET_CHECK_OK(admin_.start_applier(left(stamp)));
  }
  if (receives && now.semi_sync_replica_enabled == target.counts) {
    return ok();
  }
  if (has_channel) {
    TRIVET_CHECK_OK(admin_.stop_receiver(left(stamp)));
  }
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
    TRIVET_TRY(const std::vector<mysql::DumpThread> threads, admin_.dump_threads(kLook));
    if (is_voter_attached(threads, acks, voters)) {
      return ok();
    }
    pause();
  }
  return make_error(Errc::kTimeout, "no voter attached in time");
}

Status LocalAgent::open(const Stamp& stamp, bool as_writer) {
  TRIVET_CHECK_OK(admit(stamp));
  return as_writer ? admin_.open_writer(left(stamp)) : admin_.open_reader(left(stamp));
}

// --- rebuild
// -----------------------------------------------------------------------------------------

// What the member held is kept: its tail may be all that is left of commits that nobody else
// received.
Status LocalAgent::make_room_for_clone() {
  TRIVET_CHECK_OK(kill(kGuard));
  TRIVET_CHECK_OK(end_guard(kGuard));
  if (engine::exists(paths_.data())) {
    TRIVET_CHECK_OK(engine::make_folders_exactly(paths_.lost_and_found(), 0700));
    const std::string now = format_amz_date(agents_.settings().clock->wall_now());
    TRIVET_CHECK_OK(engine::rename_path(paths_.data(), paths_.lost_and_found() + "/" + now + "-" +
                                                           random_text(4, kLowerAlphanumerics)));
  }
  TRIVET_TRY(const engine::Engine engine, agents_.settings().find_engine());
  return new_data(engine);
}

Status LocalAgent::clone_from(const Member& donor, Millis deadline) {
  const std::string host = mysql::quote(donor.endpoint.address);
  TRIVET_CHECK_OK(admin_.execute("SET GLOBAL super_read_only=OFF, GLOBAL read_only=OFF", kLook));
  TRIVET_CHECK_OK(admin_.execute(
      fmt::format("SET GLOBAL clone_valid_donor_list={}",
                  mysql::quote(fmt::format("{}:{}", donor.endpoint.address, donor.endpoint.port))),
      kLook));
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
  auto guard = process::GuardClient::connect(paths_.guard_socket(), kGuard);
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
  TRIVET_CHECK_OK(make_room_for_clone());
  const auto fresh = start(std::min(left(stamp), Millis(60'000)));
  if (!fresh) {
    return fresh.error();
  }
  TRIVET_CHECK_OK(clone_from(*donor, left(stamp)));
  TRIVET_CHECK_OK(end_guard(kGuard));
  const auto cloned = start(left(stamp));
  if (!cloned) {
    return cloned.error();
  }
  TRIVET_TRY(const mysql::QueryResult how,
             admin_.query("SELECT STATE AS state, ERROR_MESSAGE AS error"
                          " FROM performance_schema.clone_status",
                          kLook));
  if (how.text(0, "state") != "Completed") {
    return make_error(Errc::kUnavailable, "the clone of " + donor_id.str() +
                                              " did not complete: " + how.text(0, "error"));
  }
  // The donor's channel came with its data.
  TRIVET_TRY(const mysql::MemberReport report, admin_.report(kLook));
  return report.receiver == mysql::ReceiverState::kNotConfigured
             ? ok()
             : admin_.execute("RESET REPLICA ALL", kLook);
}

// --- looking
// -----------------------------------------------------------------------------------------

trivet::Result<trivet::MemberReport> LocalAgent::report() {
  TRIVET_TRY(const mysql::MemberReport seen, admin_.report(kReport));
  trivet::MemberReport out;
  TRIVET_TRY(out.held, held_of(seen));
  out.writable = !seen.read_only;
  out.offline = seen.offline_mode;
  out.receiver_running = seen.receiver == mysql::ReceiverState::kConnected;
  out.applier_running = seen.applier_running;
  out.replication_error = seen.applier_error.empty() ? seen.receiver_error : seen.applier_error;
  out.apply_lag = seen.apply_lag;
  if (out.writable) {
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

Result<std::uint32_t> LocalAgent::probe_login(const Endpoint& endpoint, Millis deadline) {
  mysql::ConnectOptions options;
  options.host = endpoint.address;
  options.port = endpoint.port;
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
