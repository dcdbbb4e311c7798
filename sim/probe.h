// SPDX-License-Identifier: Apache-2.0
//
// A member's probe in the simulated world: what agent/local_probe.cc would see of the model of
// mysqld, of its process and of its disk.
#pragma once

#include <optional>

#include "ports/member_probe.h"
#include "sim/world.h"

namespace trivet::sim {

// Runs on its member's prober.
class SimProbe final : public MemberProbe {
 public:
  SimProbe(World& world, int index) : world_(world), index_(index) {}

  failover::Probe look(const LookOrder& order) override;
  Status nudge(Millis deadline) override;
  Result<failover::MemberEnd> kill(int mysqld_pid, Millis deadline) override;

 private:
  struct Question {
    int pid = 0;
    Instant asked;     // of the world
    Instant answered;  // when the answer is there, unless it hangs then
  };
  Instant after(Millis time) const { return world_.clock().when(world_.clock().now() + time); }
  failover::Probe::Query ask(Instant until);
  failover::CommitProgress progress() const;
  void look_at_disk(failover::Probe& out);
  void look_at_process(failover::Probe& out) const;
  bool wait(Instant until);
  Server& self() const { return world_.server(index_); }

  World& world_;
  const int index_;
  // Stay asked until they are answered.
  std::optional<Question> question_;
  std::optional<Instant> disk_asked_;  // by the host's clock
  Instant disk_ends_{};                // of the world, when the disk does not stall
};

}  // namespace trivet::sim
