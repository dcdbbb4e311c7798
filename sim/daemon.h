// SPDX-License-Identifier: Apache-2.0
//
// One run of the daemon: its threads, its store, its agents and the real ClusterDriver. Destroyed,
// it is gone as after kill -9; what it started on the host stays.
#pragma once

#include <memory>

#include "adapter/store_memory/store.h"
#include "service/cluster_driver.h"
#include "service/cluster_events.h"
#include "sim/agent.h"
#include "sim/store.h"
#include "sim/world.h"

namespace trivet::sim {

class Daemon {
 public:
  explicit Daemon(World& world);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // False when its store cannot be read: a real one ends and is started again.
  bool begin();
  void request_failover();
  void request_switchover(const MemberId& target);
  void stall(Instant until) { control_.stall(until); }
  // An operator who is shown what could be done without those that are missing, and does it.
  void accept_a_loss();

 private:
  World& world_;
  SimExecutor control_;
  SimExecutor store_worker_;
  SimStore state_;
  service::ClusterStore store_;
  SimAgents agents_;
  SimEventStore event_store_;
  service::EventLog event_log_;
  service::ClusterEvents events_;
  std::unique_ptr<service::ClusterDriver> driver_;
};

std::shared_ptr<const service::Sealer> sealer();

}  // namespace trivet::sim
