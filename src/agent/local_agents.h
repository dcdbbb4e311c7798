// SPDX-License-Identifier: Apache-2.0
//
// Agents of members on this host: guards, data directories and SQL over the members' own sockets.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "adapter/engine/engine.h"
#include "adapter/engine/subprocess.h"
#include "adapter/pki/pki.h"
#include "adapter/process/guard_watcher.h"
#include "adapter/process/my_cnf.h"
#include "agent/member_paths.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/worker.h"
#include "ports/member_agent.h"

namespace trivet::agent {

struct AgentSettings {
  std::string home;
  std::string guard_binary;
  // The engine that members run; asked when a member is prepared or started, because it can be
  // installed while the daemon runs. kNotFound names the cure.
  std::function<Result<engine::Engine>()> find_engine;
  // Whose processes mysqld are; nullopt: ours.
  std::optional<engine::RunAs> mysqld_user;
  std::shared_ptr<const pki::KeyPair> authority;
  const Clock* clock = nullptr;
  std::string own_source;  // the address that logins through endpoints come from; empty: any
  std::function<process::MemberSizing(const std::string& instance_class)> sizing;
  // Opens the login check's socket for a member before its mysqld starts, and closes it
  // (thread-safe).
  std::function<Status(const Cluster&, const Member&, const std::string& path)> open_auth_socket;
  std::function<void(const std::string& path)> close_auth_socket;
};

// Thread-safe. Outlives the agents that it made.
class LocalAgents final : public MemberAgents {
 public:
  explicit LocalAgents(AgentSettings settings);
  ~LocalAgents() override;
  Result<std::unique_ptr<MemberAgent>> make(MemberSeed seed) override;
  std::unique_ptr<MemberProbe> make_probe(const Cluster& cluster, const Member& member) override;
  std::string boot_id() const override { return boot_id_; }

  const AgentSettings& settings() const { return settings_; }
  // `on_exit` is called once for the run of `member` that has `pid`, when the kernel has it no
  // more.
  using OnExit = std::function<void(int pid, const failover::MemberEnd& how)>;
  Status watch(const std::string& member, const MemberPaths& paths, OnExit on_exit);
  void unwatch(const std::string& member);

 private:
  struct Watched {
    MemberPaths paths;
    OnExit on_exit;
  };

  void ended(const process::MemberExit& exit);

  AgentSettings settings_;
  std::string boot_id_;
  Mutex mutex_;
  std::map<std::string, Watched> watched_ GUARDED_BY(mutex_);
  Worker reaper_;  // waits for processes whose guard vanished
  process::GuardWatcher watcher_;
};

}  // namespace trivet::agent
