// SPDX-License-Identifier: Apache-2.0
//
// A member's agent in the simulated world: the steps of agent/local_agent*.cc, against the model of
// mysqld, with the same refusals. Between any two steps time passes and a fault may strike.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ports/member_agent.h"
#include "sim/world.h"

namespace trivet::sim {

// Runs on its member's executor. Holds nothing that its daemon's end should not take away.
class SimAgent final : public MemberAgent {
 public:
  SimAgent(World& world, MemberSeed seed);
  ~SimAgent() override;
  SimAgent(const SimAgent&) = delete;
  SimAgent& operator=(const SimAgent&) = delete;

  bool has_unfinished_clone() const override { return self().unfinished_clone; }
  Status prepare() override;
  Status remove() override;
  Result<std::optional<MemberProcess>> adopt() override;
  bool ended_in_order() const override { return ended_in_order_; }
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
  Result<MemberReport> report() override;
  Result<std::optional<failover::ApplyProgress>> apply_progress() override;
  Status set_commit_delay(const Stamp& stamp, failover::Micros delay) override;
  Result<std::uint32_t> probe_login(const Endpoint& endpoint, Millis deadline) override;

 private:
  // One call: what it is, until when it may take, and what befalls it.
  struct Call {
    Command command;
    Instant until;
    bool fails_late = false;
    bool is_slow = false;
  };
  Result<Call> enter(Command command, Instant until);
  // A step of the call takes its time. kTimeout when it took too long.
  Status step(Call& call, Micros least, Micros most);
  Status leave(const Call& call);
  Status admit(const Stamp& stamp);
  Status refuse_unfinished_clone() const;
  Instant end_of(const Stamp& stamp) const;
  Status answering(Call& call);
  Status writing(Call& call);
  Result<MemberProcess> boot(Call& call);
  Status end_process(Call& call);
  Status await_ready(Call& call, int pid);
  Status stop_applier(Call& call);
  std::optional<Millis> apply_age() const;
  binlog::Tail read_tail(const gtid::GtidSet& writer_held) const;
  Server& self() const { return world_.server(index_); }

  World& world_;
  const int index_;
  MemberSeed seed_;
  bool ended_in_order_ = false;
};

class SimAgents final : public MemberAgents {
 public:
  explicit SimAgents(World& world) : world_(world) {}
  Result<std::unique_ptr<MemberAgent>> make(MemberSeed seed) override {
    return std::unique_ptr<MemberAgent>(std::make_unique<SimAgent>(world_, std::move(seed)));
  }
  std::unique_ptr<MemberProbe> make_probe(const Cluster& cluster, const Member& member) override;
  std::string boot_id() const override { return world_.boot_id(); }

 private:
  World& world_;
};

}  // namespace trivet::sim
