// SPDX-License-Identifier: Apache-2.0
#include "agent/local_agent.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "adapter/engine/files.h"
#include "adapter/engine/plugins.h"
#include "adapter/engine/template.h"
#include "adapter/process/address_check.h"
#include "adapter/process/spawn_guard.h"
#include "agent/end_of_mysqld.h"
#include "base/file.h"
#include "base/random.h"

namespace trivet::agent {
namespace {

constexpr Millis kLook{3'000};  // one statement to a live member
constexpr Millis kGuard{5'000};
constexpr Millis kReserve{200};
constexpr std::size_t kUuidCharacters = 36;
constexpr std::size_t kErrorCharactersMax = 500;

Status chown_to(const std::string& path, const std::optional<engine::RunAs>& owner) {
  if (owner && ::lchown(path.c_str(), owner->uid, owner->gid) != 0) {
    return make_error(Errc::kDenied, errno_message("chown " + path, errno));
  }
  return ok();
}

// What the guard wrote: its own number and mysqld's. 0 when it did not get so far.
int last_known_mysqld(const MemberPaths& paths) {
  const auto text = read_file(paths.guard_pid());
  const std::size_t blank = text ? text->find(' ') : std::string::npos;
  return blank == std::string::npos ? 0 : std::atoi(text->c_str() + blank);
}

// mysqld's own last complaint: the log itself may be gone when somebody reads of it. Before it has
// opened its log it complains to its output; both begin each line with the time.
std::string last_error(const MemberPaths& paths) {
  std::string last = "see " + paths.error_log();
  std::string last_line;
  for (const std::string& path : {paths.error_log(), paths.output()}) {
    const auto text = read_file(path);
    const std::size_t at = text ? text->rfind("[ERROR]") : std::string::npos;
    if (at == std::string::npos) {
      continue;
    }
    const std::size_t before = text->rfind('\n', at);
    std::string line = text->substr(before == std::string::npos ? 0 : before + 1);
    if (line > last_line) {
      last = text->substr(at, std::min(text->find('\n', at) - at, kErrorCharactersMax));
      last_line = std::move(line);
    }
  }
  return last;
}

// A folder that mysqld's user passes through. The mode is set each time: a daemon that is killed
// between making it and setting its mode must not leave it shut for ever.
Status make_passage(const std::string& folder) {
  constexpr unsigned kMode = 0711;
  TRIVET_CHECK_OK(engine::make_folders_exactly(folder, kMode));
  if (::chmod(folder.c_str(), kMode) != 0) {
    return make_error(Errc::kUnavailable, errno_message("chmod " + folder, errno));
  }
  return ok();
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

Status LocalAgent::make_member_folders() {
  const auto& owner = agents_.settings().mysqld_user;
  const std::string& home = agents_.settings().home;
  for (const std::string& folder : {home + "/clusters", paths_.cluster_folder, home + "/run"}) {
    TRIVET_CHECK_OK(make_passage(folder));
  }
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
  // Not the cluster's folder: another member may be making its own in it.
  TRIVET_CHECK_OK(remove_member());
  const Endpoint& endpoint = seed_.member.endpoint;
  TRIVET_CHECK_OK(process::can_bind(endpoint.address, endpoint.port));
  TRIVET_TRY(const engine::Engine engine, agents_.settings().find_engine());
  TRIVET_CHECK_OK(make_member_folders());
  TRIVET_CHECK_OK(new_data(engine));
  TRIVET_CHECK_OK(write_certificate());
  return write_configuration(engine);
}

Status LocalAgent::remove_member() {
  TRIVET_CHECK_OK(kill(kGuard));
  TRIVET_CHECK_OK(end_guard(kGuard));
  agents_.settings().close_auth_socket(paths_.auth_socket());
  TRIVET_CHECK_OK(engine::remove_tree(paths_.folder));
  TRIVET_CHECK_OK(engine::remove_tree(paths_.run_folder));
  promise_ = PromiseFile(paths_.promise());
  return ok();
}

Status LocalAgent::remove() {
  TRIVET_CHECK_OK(remove_member());
  ::rmdir(paths_.cluster_folder.c_str());  // by whoever comes last
  return ok();
}

Status LocalAgent::watch() {
  return agents_.watch(seed_.member.id.str(), paths_, seed_.on_exit);
}

Result<std::optional<MemberProcess>> LocalAgent::adopt() {
  auto guard = process::GuardClient::connect(paths_.guard_socket(), kGuard);
  const auto answer = guard ? guard->status(kGuard) : guard.error();
  if (!answer) {
    const Errc code = answer.error().code;
    if (code != (guard ? Errc::kUnavailable : Errc::kNotFound)) {
      return answer.error();
    }
    ended_in_order_ = end_of_mysqld(paths_, std::nullopt).is_orderly;
    return std::optional<MemberProcess>();
  }
  const process::GuardStatus& status = *answer;
  if (status.state != guard_wire::State::kRunning) {
    // The guard stays: whoever asks after us must hear it too, until the store has it.
    ended_in_order_ = end_of_mysqld(paths_, status.wait_status).is_orderly;
    return std::optional<MemberProcess>();
  }
  generation_ = std::max(generation_, status.generation);
  TRIVET_CHECK_OK(
      agents_.settings().open_auth_socket(seed_.cluster, seed_.member, paths_.auth_socket()));
  TRIVET_CHECK_OK(watch());
  // Where clients have taken all connections there is one left for an administrator: it is for the
  // commands. Probes take the server's refusal for the answer that it is.
  (void)admin_.wait_ready(kReserve);
  return std::optional<MemberProcess>(MemberProcess{status.mysqld_pid, status.guard_pid});
}

Result<MemberProcess> LocalAgent::spawn(Millis deadline) {
  TRIVET_TRY(const engine::Engine engine, agents_.settings().find_engine());
  TRIVET_CHECK_OK(make_member_folders());
  TRIVET_CHECK_OK(write_configuration(engine));
  TRIVET_CHECK_OK(
      agents_.settings().open_auth_socket(seed_.cluster, seed_.member, paths_.auth_socket()));
  TRIVET_CHECK_OK(prepare_end_of_mysqld(paths_));
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
    TRIVET_CHECK_OK(end_guard(kGuard));
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
      return make_error(Errc::kUnavailable, "mysqld ended while it started: " + last_error(paths_));
    }
  }
  return make_error(Errc::kTimeout, "mysqld did not answer in time: " + last_error(paths_));
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
  ended_in_order_ = false;
  auto guard = process::GuardClient::connect(paths_.guard_socket(), deadline);
  const auto killed = guard ? guard->kill(deadline) : guard.error();
  if (killed) {
    ended_in_order_ = end_of_mysqld(paths_, killed->wait_status).is_orderly;
    return ok();
  }
  if (killed.error().code != (guard ? Errc::kUnavailable : Errc::kNotFound)) {
    return killed.error();
  }
  // The guard has ended, and the kernel kills mysqld with it; that may take a moment.
  const int pid = guard ? last_known_mysqld(paths_) : 0;
  if (pid != 0 && !process::wait_process_gone(pid, deadline)) {
    return make_error(Errc::kTimeout, fmt::format("process {} does not end", pid));
  }
  ended_in_order_ = end_of_mysqld(paths_, std::nullopt).is_orderly;
  return ok();
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
    (void)admin_.end_own_sessions(kLook);
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

}  // namespace trivet::agent
