// SPDX-License-Identifier: Apache-2.0
//
// One member's agent on this host. See ports/member_agent.h for what each call means.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adapter/mysql/member_admin.h"
#include "agent/local_agents.h"
#include "agent/log_end.h"
#include "agent/member_paths.h"
#include "agent/promise.h"

namespace trivet::agent {

class LocalAgent final : public MemberAgent {
 public:
  LocalAgent(LocalAgents& agents, MemberSeed seed);
  ~LocalAgent() override;

  // Reads the promise. kCorrupt.
  Status load() { return promise_.load(); }

  bool has_unfinished_clone() const override;
  Status prepare() override;
  Status remove() override;
  Result<std::optional<MemberProcess>> adopt() override;
  Result<MemberProcess> start(Millis deadline) override;
  Status kill(Millis deadline) override;
  Status stop(Millis deadline) override;
  Status bootstrap(const Bootstrap& what) override;
  Result<gtid::GtidSet> ask_promise(const Stamp& stamp) override;
  Status drain(const Stamp& stamp, const gtid::GtidSet& until) override;
  Status follow(const Stamp& stamp, const FollowTarget& target) override;
  Status guard_commits(const Stamp& stamp, int acks, const std::vector<MemberId>& voters) override;
  Status prove_commits(const Stamp& stamp) override;
  Status open(const Stamp& stamp, bool as_writer) override;
  Result<failover::Rejoined> rejoin(const Stamp& stamp, const gtid::GtidSet& writer_held) override;
  Status rebuild(const Stamp& stamp, const MemberId& donor) override;
  Result<gtid::GtidSet> look() override;
  Status catch_up(const Stamp& stamp, const gtid::GtidSet& until) override;
  Result<gtid::GtidSet> hold_writes(const Stamp& stamp) override;
  Status release_writes(const Stamp& stamp) override;
  Result<gtid::GtidSet> step_down(const Stamp& stamp) override;
  std::string kept_data() const override { return kept_data_; }
  bool ended_in_order() const override { return ended_in_order_; }
  trivet::Result<trivet::MemberReport> report() override;
  Result<std::optional<failover::ApplyProgress>> apply_progress() override;
  Status set_commit_delay(const Stamp& stamp, failover::Micros delay) override;
  Result<std::vector<ClientSession>> end_sessions(const std::vector<ClientSession>& unwanted,
                                                  Millis deadline) override;
  Status set_role(const Stamp& stamp, const RoleGrant& grant, Millis deadline) override;
  Status reset_master_user(const Stamp& stamp, const std::string& name,
                           const SecretString& password, Millis deadline) override;
  Result<std::uint32_t> probe_login(const Endpoint& endpoint, Millis deadline) override;

 private:
  Status refuse_unfinished_clone() const;
  Status admit(const Stamp& stamp);
  Millis left(const Stamp& stamp) const;
  Status remove_member();
  Status make_member_folders();
  Status write_configuration(const engine::Engine& engine);
  Status write_certificate();
  Status new_data(const engine::Engine& engine);
  Result<MemberProcess> spawn(Millis deadline);
  Status watch();
  Status end_guard(Millis deadline);
  // In local_rejoin.cc.
  Status rewind(const LogEnd& log, failover::Rejoined& out);
  Result<failover::RejoinLook> look_closed();
  Status make_room_for_clone();
  Status clone_from(const Member& donor, Millis deadline);
  bool is_voter_attached(const std::vector<mysql::DumpThread>& threads, int acks,
                         const std::vector<MemberId>& voters) const;

  LocalAgents& agents_;
  MemberSeed seed_;
  MemberPaths paths_;
  PromiseFile promise_;
  std::string kept_data_;  // by the rebuild, or its attempts, that are told next
  bool ended_in_order_ = false;
  bool is_kept_data_told_ = false;  // of a rebuild that is complete
  mysql::MemberAdmin admin_;
  std::uint64_t generation_ = 0;
};

}  // namespace trivet::agent
