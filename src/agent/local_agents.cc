// SPDX-License-Identifier: Apache-2.0
#include "agent/local_agents.h"

#include <utility>

#include "agent/end_of_mysqld.h"
#include "agent/local_agent.h"
#include "agent/local_probe.h"
#include "base/file.h"

namespace trivet::agent {
namespace {

constexpr Millis kDyingMax{30'000};

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

Status LocalAgents::watch(const std::string& member, const MemberPaths& paths, OnExit on_exit) {
  {
    const MutexLock lock(mutex_);
    watched_.insert_or_assign(member, Watched{paths, std::move(on_exit)});
  }
  return watcher_.watch(member, paths.guard_socket());
}

void LocalAgents::unwatch(const std::string& member) {
  watcher_.unwatch(member);
  const MutexLock lock(mutex_);
  watched_.erase(member);
}

// On the watcher's thread. A guard's word is the kernel's word; without a guard the kernel is
// asked, because "dead" must be true before anybody is promoted (F2).
void LocalAgents::ended(const process::MemberExit& exit) {
  std::optional<Watched> watched;
  {
    const MutexLock lock(mutex_);
    const auto at = watched_.find(exit.member);
    if (at == watched_.end()) {
      return;
    }
    watched = at->second;
  }
  const int pid = exit.status.mysqld_pid;
  if (exit.guard_alive) {
    watched->on_exit(pid, end_of_mysqld(watched->paths, exit.status.wait_status));
    return;
  }
  reaper_.post([watched, pid] {
    if (process::wait_process_gone(pid, kDyingMax)) {
      watched->on_exit(pid, end_of_mysqld(watched->paths, std::nullopt));
    }
  });
}

}  // namespace trivet::agent
