// SPDX-License-Identifier: Apache-2.0
#include "sim/faults.h"

namespace trivet::sim {

std::string_view to_string(Command command) {
  static constexpr std::array<std::string_view, kCommands> kNames = {
      "start",    "kill",   "adopt",   "promise",   "drain", "follow",  "guard",
      "open",     "rejoin", "rebuild", "look",      "prove", "report",  "store",
      "catch up", "hold",   "release", "step down", "pace",  "progress"};
  return kNames[static_cast<std::size_t>(command)];
}

std::string_view to_string(FaultKind kind) {
  static constexpr std::array<std::string_view, kFaultKinds> kNames = {"kill mysqld",
                                                                       "kill daemon",
                                                                       "power loss",
                                                                       "store outage",
                                                                       "store conflict",
                                                                       "store reply lost",
                                                                       "command fails",
                                                                       "command fails late",
                                                                       "command slow",
                                                                       "adopt fails",
                                                                       "dies at start",
                                                                       "failover requested",
                                                                       "death told oddly",
                                                                       "switchover requested",
                                                                       "replication breaks",
                                                                       "control stalls",
                                                                       "mysqld hangs",
                                                                       "disk stalls",
                                                                       "acknowledgements lost",
                                                                       "daemon stalls",
                                                                       "host stalls",
                                                                       "clock set",
                                                                       "stays away",
                                                                       "applies slowly",
                                                                       "shut down"};
  return kNames[static_cast<std::size_t>(kind)];
}

namespace {

// How often each kind is drawn, in the order of FaultKind.
constexpr std::array<int, kFaultKinds> kWeights = {30, 14, 6, 4,  4, 6, 4, 6, 6, 3, 4, 8, 3,
                                                   10, 4,  2, 14, 6, 6, 3, 3, 2, 2, 3, 8};
// What makes an election when nothing else does.
constexpr std::array<FaultKind, 12> kOpeners = {
    FaultKind::kKillMember, FaultKind::kKillMember, FaultKind::kKillMember, FaultKind::kFailover,
    FaultKind::kKillDaemon, FaultKind::kPowerLoss,  FaultKind::kSwitchover, FaultKind::kSwitchover,
    FaultKind::kHangs,      FaultKind::kHangs,      FaultKind::kAcksLost,   FaultKind::kShutDown};
constexpr Micros kLastsMax = std::chrono::seconds(6);
constexpr Micros kLastsMaxOfLoss = std::chrono::seconds(90);

FaultKind draw_kind(Random& random) {
  int sum = 0;
  for (const int weight : kWeights) {
    sum += weight;
  }
  int left = random.below(sum);
  std::size_t kind = 0;
  while (left >= kWeights[kind]) {
    left -= kWeights[kind++];
  }
  return static_cast<FaultKind>(kind);
}

// What befalls a command, and not the world, has no moment of its own.
void aim(Fault& fault) {
  const bool of_store =
      fault.kind == FaultKind::kStoreConflict || fault.kind == FaultKind::kStoreReplyLost;
  const bool of_command = fault.kind == FaultKind::kCommandFails ||
                          fault.kind == FaultKind::kCommandFailsLate ||
                          fault.kind == FaultKind::kCommandSlow;
  if (of_store) {
    fault.command = Command::kStore;
    fault.stage = Stage::kBegin;
  } else if (fault.kind == FaultKind::kAdoptFails) {
    fault.command = Command::kAdopt;
    fault.stage = Stage::kBegin;
  } else if (of_command) {
    fault.stage = Stage::kBegin;
  }
  fault.aimed = fault.aimed || of_store || of_command || fault.kind == FaultKind::kAdoptFails;
}

// Faults that strike one after the other, each at a step of the cluster's own work.
class Chain {
 public:
  explicit Chain(Instant now) : now_(now) {}
  Chain& then(FaultKind kind, Command command, Stage stage, int target, int skip = 0) {
    Fault fault;
    fault.kind = kind;
    fault.aimed = fault.in_turn = true;
    fault.command = command;
    fault.stage = stage;
    fault.target = target;
    fault.skip = skip;
    fault.at = now_;
    plan_.faults.push_back(fault);
    return *this;
  }
  FaultPlan plan() const { return plan_; }

 private:
  Instant now_;
  FaultPlan plan_;
};

// The writer dies, a member is rebuilt and follows, its vote cannot be stored, the writer dies
// again, and the next election hears of that member late. Or it breaks, and is rebuilt once more.
FaultPlan draw_lost_vote(Random& random, Instant now) {
  const Command returns = random.chance(50) ? Command::kRebuild : Command::kRejoin;
  Chain chain(now);
  chain.then(FaultKind::kKillMember, Command::kReport, Stage::kEnd, kTheWriter)
      .then(FaultKind::kStoreOutage, returns, Stage::kEnd, kAtHand);
  if (random.chance(25)) {
    return chain.then(FaultKind::kBreaksReplication, Command::kFollow, Stage::kEnd, kAtHand)
        .then(FaultKind::kCommandSlow, Command::kRebuild, Stage::kBegin, kAtHand)
        .plan();
  }
  return chain
      .then(FaultKind::kKillMember, Command::kReport, Stage::kMiddle, kTheWriter, random.below(6))
      .then(FaultKind::kCommandSlow, Command::kPromise, Stage::kBegin, kAtHand, random.below(3))
      .plan();
}

// The writer dies; back as a reader without a vote it receives what the voter does not. Then a new
// daemon measures it by the writer of now, and while it does, that one dies too.
FaultPlan draw_late_rejoin(Random& random, Instant now) {
  return Chain(now)
      .then(FaultKind::kKillMember, Command::kReport, Stage::kEnd, kTheWriter)
      .then(FaultKind::kStoreOutage, Command::kRejoin, Stage::kEnd, kAtHand)
      .then(FaultKind::kHangs, Command::kReport, Stage::kBegin, 1 + random.below(2))
      .then(FaultKind::kKillDaemon, Command::kReport, Stage::kMiddle, kAtHand, random.below(4))
      .then(FaultKind::kKillMember, Command::kRejoin,
            random.chance(50) ? Stage::kBegin : Stage::kEnd, kTheWriter)
      .plan();
}

// Nobody receives what the writer commits: one reader is away, the other one's receiver stops.
FaultPlan draw_alone(Random& random, Instant now) {
  FaultPlan plan;
  Fault fault;
  fault.target = 1 + random.below(2);  // the first member writes when no election came before
  fault.kind = FaultKind::kBreaksReplication;
  fault.at = now;
  plan.faults.push_back(fault);
  fault.target = 3 - fault.target;
  fault.kind = FaultKind::kStaysAway;
  fault.at = now + random.between(Millis(0), Millis(500));
  plan.faults.push_back(fault);
  return plan;
}

// A daemon that starts cannot tell whether a member runs. When it looks once more the member is
// dead, and its start is said to have failed when it had not, and fails.
FaultPlan draw_late_adoption(Random& random, Instant now) {
  return Chain(now)
      .then(FaultKind::kKillDaemon, Command::kReport, Stage::kEnd, kAtHand)
      .then(FaultKind::kAdoptFails, Command::kAdopt, Stage::kBegin, kAtHand, random.below(3))
      .then(FaultKind::kKillMember, Command::kAdopt, Stage::kBegin, kAtHand)
      .then(FaultKind::kCommandFailsLate, Command::kStart, Stage::kBegin, kAtHand)
      .then(FaultKind::kCommandFails, Command::kStart, Stage::kBegin, kAtHand, random.below(2))
      .plan();
}

// A switchover is stored and the answer is lost; before it is asked for again, somebody dies.
FaultPlan draw_handover(Random& random, Instant now) {
  FaultPlan plan = Chain(now)
                       .then(FaultKind::kStoreReplyLost, Command::kStore, Stage::kBegin, kAtHand)
                       .then(FaultKind::kKillMember, Command::kStore, Stage::kEnd, random.below(3))
                       .plan();
  Fault begin;
  begin.kind = FaultKind::kSwitchover;
  begin.target = random.below(3);
  begin.at = now;
  plan.faults.push_back(begin);
  return plan;
}

// One reader falls behind, the others stay away, an operator goes on without them, and then they
// come back. Faults in between may end the daemon that was told; or it all happens once more.
FaultPlan draw_loss(Random& random, Instant now) {
  FaultPlan plan;
  plan.accepts_loss = true;
  const auto at = [&](FaultKind kind, int target, Micros least, Micros most) {
    Fault fault;
    fault.kind = kind;
    fault.target = target;
    fault.at = now + random.between(least, most);
    plan.faults.push_back(fault);
  };
  // The first member writes when no election came before; if not, so much the better.
  const int behind = 1 + random.below(2);
  at(FaultKind::kHangs, behind, Millis(0), Millis(1));
  if (random.chance(30)) {
    at(FaultKind::kPowerLoss, kTheWriter, Millis(50), Millis(400));
  }
  at(FaultKind::kStaysAway, kTheWriter, Millis(50), Millis(500));
  at(FaultKind::kStaysAway, random.chance(80) ? 3 - behind : 0, Millis(50), Millis(600));
  if (random.chance(50)) {
    at(random.chance(60) ? FaultKind::kKillDaemon : FaultKind::kKillMember, random.below(3),
       Millis(5'000), Millis(12'000));
  } else if (random.chance(40)) {
    at(FaultKind::kSwitchover, 0, Millis(38'000), Millis(39'000));
    at(FaultKind::kHangs, behind, Millis(40'000), Millis(40'001));
    at(FaultKind::kStaysAway, kTheWriter, Millis(40'050), Millis(40'500));
    at(FaultKind::kStaysAway, 3 - behind, Millis(40'050), Millis(40'600));
  }
  return plan;
}

// The writer is shut down while commits wait, and does not start for a while; meanwhile daemons
// die, or its data's only other holders do.
FaultPlan draw_shutdown(Random& random, Instant now) {
  FaultPlan plan;
  const auto at = [&](FaultKind kind, Micros least, Micros most) {
    Fault fault;
    fault.kind = kind;
    fault.target = kTheWriter;
    fault.at = now + random.between(least, most);
    plan.faults.push_back(fault);
  };
  at(FaultKind::kAcksLost, Millis(0), Millis(1));
  at(FaultKind::kShutDown, Millis(5), Millis(120));
  at(FaultKind::kStaysAway, Millis(120), Millis(400));
  for (int left = random.below(3); left > 0; --left) {
    at(random.chance(75) ? FaultKind::kKillDaemon : FaultKind::kPowerLoss, Millis(5),
       Millis(5'000));
  }
  return plan;
}

FaultPlan draw_any(Random& random, Instant now) {
  FaultPlan plan;
  plan.noise = random.chance(60) ? 0 : 1 + random.below(12);
  const int count = 1 + random.below(5);
  Instant at = now;
  for (int i = 0; i < count; ++i) {
    Fault fault;
    // The second and later ones come soon after the one before.
    at += random.chance(70) ? random.between(Micros(0), Micros(400'000))
                            : random.between(Micros(0), Micros(3'000'000));
    fault.at = at;
    fault.kind = i == 0 ? kOpeners[static_cast<std::size_t>(random.below(kOpeners.size()))]
                        : draw_kind(random);
    fault.aimed = i > 0 && random.chance(60);
    // Elections are made of these; reports and starts come by themselves.
    fault.command = static_cast<Command>(random.below(kCommands));
    fault.stage = static_cast<Stage>(random.below(3));
    aim(fault);
    fault.skip = random.chance(60) ? 0 : random.below(4);
    const bool at_writer = i == 0 ? random.chance(75) : random.chance(45);
    fault.target = at_writer ? kAtHand : random.below(3);
    plan.faults.push_back(fault);
  }
  return plan;
}

}  // namespace

FaultPlan draw_faults(Random& random, Instant now) {
  FaultPlan plan = random.chance(6)   ? draw_lost_vote(random, now)
                   : random.chance(3) ? draw_late_rejoin(random, now)
                   : random.chance(3) ? draw_handover(random, now)
                   : random.chance(3) ? draw_late_adoption(random, now)
                   : random.chance(2) ? draw_alone(random, now)
                   : random.chance(4) ? draw_loss(random, now)
                   : random.chance(4) ? draw_shutdown(random, now)
                                      : draw_any(random, now);
  plan.lasts_max = plan.accepts_loss ? kLastsMaxOfLoss : kLastsMax;
  return plan;
}

}  // namespace trivet::sim
