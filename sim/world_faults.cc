// SPDX-License-Identifier: Apache-2.0
//
// The faults of a schedule, as they strike, and what an operator does about what does not heal.
#include <algorithm>

#include "sim/daemon.h"

namespace trivet::sim {
namespace {

constexpr Micros kBetweenHangs = std::chrono::milliseconds(400);  // two would be one

}  // namespace

void World::fire_timed() {
  for (std::size_t i = 0; i < plan_.faults.size();) {
    const Fault fault = plan_.faults[i];
    if (fault.aimed || now() < fault.at) {
      ++i;
      continue;
    }
    plan_.faults.erase(plan_.faults.begin() + static_cast<std::ptrdiff_t>(i));
    fire(fault, target_of(fault, random_.below(kMembers)));
  }
}

int World::target_of(const Fault& fault, int at_hand) const {
  if (fault.target >= 0) {
    return fault.target;
  }
  const bool writer = stored_.writer && (fault.target == kTheWriter || !fault.aimed);
  return writer ? index_of(*stored_.writer) : at_hand;
}

std::optional<FaultKind> World::strike(Command command, Stage stage, int member) {
  if (stage_ != RunStage::kFaults) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < plan_.faults.size(); ++i) {
    Fault& fault = plan_.faults[i];
    if (!fault.aimed || now() < fault.at || fault.command != command || fault.stage != stage) {
      continue;
    }
    if ((fault.in_turn && i > 0) || fault.skip-- > 0) {
      continue;
    }
    const Fault fired = fault;
    plan_.faults.erase(plan_.faults.begin() + static_cast<std::ptrdiff_t>(i));
    fire(fired, target_of(fired, member));
    return fired.kind;
  }
  return std::nullopt;
}

Instant World::for_a_while(int most_ms) {
  return now() + random_.between(Micros(20'000), Millis(most_ms));
}

// May run within a call of the daemon's, so what ends the daemon is put off until that call waits.
void World::fire(const Fault& fault, int member) {
  trace(to_string(fault.kind), member);
  ++counts_.faults[static_cast<std::size_t>(fault.kind)];
  calm_since_ = now();
  take_effect(fault.kind, member);
}

// By FaultKind; what befalls a command is done where it strikes.
void World::take_effect(FaultKind kind, int member) {
  using Effect = void (World::*)(int);
  static constexpr std::array<Effect, kFaultKinds> kEffects = {&World::end_process,
                                                               &World::kill_daemon_soon,
                                                               &World::lose_power_soon,
                                                               &World::store_goes_out,
                                                               nullptr,
                                                               nullptr,
                                                               nullptr,
                                                               nullptr,
                                                               nullptr,
                                                               nullptr,
                                                               &World::die_at_start,
                                                               &World::want_failover,
                                                               &World::die_oddly,
                                                               &World::want_switchover,
                                                               &World::break_replication,
                                                               &World::stall_control,
                                                               &World::hang_up,
                                                               &World::stall_disks,
                                                               &World::lose_acks,
                                                               &World::stall_daemon,
                                                               &World::stall_host,
                                                               &World::set_clock,
                                                               &World::stay_away,
                                                               &World::apply_slowly,
                                                               &World::shut_down};
  if (const Effect effect = kEffects[static_cast<std::size_t>(kind)]) {
    (this->*effect)(member);
  }
}

void World::kill_daemon_soon(int) {
  nature_.post([this] { kill_daemon(); });
}

void World::lose_power_soon(int) {
  nature_.post([this] { lose_power(); });
}

void World::store_goes_out(int) {
  store_out_until_ = for_a_while(4'000);
}

void World::die_at_start(int member) {
  dies_at_start_until_[static_cast<std::size_t>(member)] = for_a_while(6'000);
  end_process(member);
}

// Longer than an election waits before an operator is asked.
void World::stay_away(int member) {
  dies_at_start_until_[static_cast<std::size_t>(member)] =
      now() + random_.between(Millis(10'000), Millis(30'000));
  end_process(member);
}

void World::die_oddly(int member) {
  odd_news_ = true;
  end_process(member);
}

void World::want_failover(int) {
  if (daemon_) {
    daemon_->request_failover();
  }
}

void World::want_switchover(int member) {
  if (daemon_) {
    const int other = (member + 1 + random_.below(kMembers - 1)) % kMembers;
    const int target = random_.chance(80) ? other : member;
    daemon_->request_switchover(cluster_.members[static_cast<std::size_t>(target)].id);
  }
}

// Of two that cannot follow nobody could be the voter that a writer needs.
void World::break_replication(int member) {
  const bool is_writer = stored_.writer && index_of(*stored_.writer) == member;
  if (!is_writer &&
      std::none_of(servers_.begin(), servers_.end(), [](const Server& s) { return s.breaks; })) {
    server(member).breaks = true;
    stop_receiver(server(member));
  }
}

void World::stall_control(int) {
  if (daemon_) {
    daemon_stalls_until_ = for_a_while(1'500);
    daemon_->stall(daemon_stalls_until_);
  }
}

void World::stall_daemon(int) {
  daemon_stalls_until_ = for_a_while(2'500);
  scheduler_.stall_host(daemon_stalls_until_);
}

void World::stall_host(int) {
  daemon_stalls_until_ = host_stalls_until_ = for_a_while(2'500);
  scheduler_.stall_host(host_stalls_until_);
}

void World::set_clock(int) {
  clock_.set_wall_clock(Millis(random_.below(1'000'000'000) - 500'000'000));
}

void World::lose_acks(int member) {
  acks_lost_until_ = now() + random_.between(Micros(5'000), Micros(300'000));
  if (random_.chance(20)) {
    server(member).deaf = server(member).semi_sync;
    if (server(member).deaf && random_.chance(50)) {
      server(member).spins_since = now();
    }
  }
}

void World::apply_slowly(int member) {
  Server& m = server(member);
  m.slow_from = now();
  m.slow_percent = random_.chance(15) ? 0 : 8 + random_.below(20);
  m.slow_until =
      now() + random_.between(Millis(500), Millis(m.slow_percent == 0 ? 60'000 : 20'000));
}

// A short one must pass, one of those that stand may last until somebody ends it. While a member is
// cloned nobody looks at it, and a clone has an hour: there it passes.
void World::hang_up(int member) {
  Server& m = server(member);
  if (m.pid == 0 || m.hang != Hang::kNone || now() - m.hangs_until < kBetweenHangs) {
    return;
  }
  constexpr Hang kKinds[] = {Hang::kStopped, Hang::kStopped, Hang::kStuck, Hang::kBusy};
  m.hang = kKinds[random_.below(4)];
  m.hangs_from = now();
  if (m.hang != Hang::kBusy && !m.unfinished_clone && random_.chance(40)) {
    m.hangs_until = Instant::max();
  } else {
    m.hangs_until = for_a_while(random_.chance(40) ? 700 : 6'000);
  }
}

void World::stall_disks(int member) {
  const Instant until = for_a_while(random_.chance(30) ? 600 : 8'000);
  const bool all = random_.chance(25);
  for (Server& s : servers_) {
    if ((all || s.index == member) && !s.disk_stalls(now())) {
      s.disk_stalls_from = now();
      s.disk_stalls_until = until;
    }
  }
}

void World::lose_power() {
  kill_daemon();
  ++boot_;
  clock_.boot(random_.between(Millis(1'000), Millis(60'000)), draw_drift());
  for (Server& s : servers_) {
    s.hangs_until = std::min(s.hangs_until, now());
    s.lose_power(s.relay_synced +
                 static_cast<std::size_t>(random_.below(static_cast<int>(s.relay.size()) + 1)));
  }
}

// Somebody sees that the cluster does not come back, is shown what it would cost, and decides.
void World::ask_operator() {
  if (!plan_.accepts_loss || !daemon_ || now() < operator_looks_at_) {
    return;
  }
  operator_looks_at_ = now() + random_.between(Millis(200), Millis(1'500));
  daemon_->accept_a_loss();
}

}  // namespace trivet::sim
