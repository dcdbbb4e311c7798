// SPDX-License-Identifier: Apache-2.0
#include "agent/local_agents.h"

#include <fmt/format.h>
#include <csignal>

#include "agent/end_of_mysqld.h"
#include "agent/local_agent.h"
#include "agent/local_probe.h"
#include "base/file.h"

namespace trivet::agent {
namespace {

constexpr Millis kDyingMax{30'000};

failover::MemberEnd how_it_ended(const process::MemberExit& exit) {
  if (!exit.guard_alive) {
    return "its guard vanished";
  }
  const int status = exit.status.wait_status;
  if (WIFSIGNALED(status)) {
    return fmt::format("killed by signal {}", WTERMSIG(status));
  }
  return {fmt::format("exit status {}", WEXITSTATUS(status)), ended_as_told(status)};
}

}  // namespace

LocalAgents::LocalAgents(AgentSettings settings)
    : settings_(std::move(settings)),
      reaper_("host"),
      watcher_([this](const process::MemberExit& exit) { ended(exit); }) {
  auto id = read_file("/proc/sys/kernel/random/boot_id");
  boot_id_ = id ? id->substr(0, id->find('\n')) : "unknown";
}

LocalAgents::~LocalAgents() = default;

Result<std::unique_ptr<MemberAgent>> LocalAgents::make(MemberSeed seed) {
  auto agent = std::make_unique<LocalAgent>(*this, std::move(seed));
  TRIVET_CHECK_OK(agent->load());
  return std::unique_ptr<MemberAgent>(std::move(agent));
}

std::unique_ptr<MemberProbe> LocalAgents::make_probe(const Cluster& cluster, const Member& member) {
  return std::make_unique<LocalProbe>(*settings_.clock,
                                      MemberPaths(settings_.home, cluster, member),
                                      std::to_string(member.server_id));
}

Status LocalAgents::watch(const std::string& member, const std::string& guard_socket,
                          OnExit on_exit) {
  {
    const MutexLock lock(mutex_);
    watched_[member] = std::move(on_exit);
  }
  return watcher_.watch(member, guard_socket);
}

void LocalAgents::unwatch(const std::string& member) {
  watcher_.unwatch(member);
  const MutexLock lock(mutex_);
  watched_.erase(member);
}

// On the watcher's thread. A guard's word is the kernel's word; without a guard the kernel is
// asked, because "dead" must be true before anybody is promoted (F2).
void LocalAgents::ended(const process::MemberExit& exit) {
  OnExit on_exit;
  {
    const MutexLock lock(mutex_);
    const auto at = watched_.find(exit.member);
    if (at == watched_.end()) {
      return;
    }
    on_exit = at->second;
  }
  const int pid = exit.status.mysqld_pid;
  const failover::MemberEnd how = how_it_ended(exit);
  if (exit.guard_alive) {
    on_exit(pid, how);
    return;
  }
  reaper_.post([on_exit, pid, how] {
    if (process::wait_process_gone(pid, kDyingMax)) {
      on_exit(pid, how);
    }
  });
}

}  // namespace trivet::agent
