// SPDX-License-Identifier: Apache-2.0
//
// What goes wrong in one schedule: a few faults at random moments or aimed at a step of the
// cluster's own work (so that a second one strikes in the middle of an election), and commands that
// fail or are slow now and then. All drawn from the seed beforehand.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "sim/executor.h"

namespace trivet::sim {

enum class Command {
  kStart,
  kKill,
  kAdopt,
  kPromise,
  kDrain,
  kFollow,
  kGuard,
  kOpen,
  kRejoin,
  kRebuild,
  kLook,
  kProve,
  kReport,
  kStore,
  kCatchUp,
  kHold,
  kRelease,
  kStepDown,
  kPace,
  kProgress,
};
constexpr int kCommands = 20;
std::string_view to_string(Command command);

// Where in a command a fault can strike. In the middle it has been let in and done nothing yet.
enum class Stage { kBegin, kMiddle, kEnd };

enum class FaultKind {
  kKillMember,        // SIGKILL of a mysqld
  kKillDaemon,        // and a new one some time later, which knows the store and what runs
  kPowerLoss,         // everything at once; what was not synced is lost
  kStoreOutage,       // no call succeeds for a while
  kStoreConflict,     // somebody else wrote the record in between
  kStoreReplyLost,    // committed, but the answer says failed
  kCommandFails,      // without effect
  kCommandFailsLate,  // after it had its effect
  kCommandSlow,
  kAdoptFails,         // a daemon that starts cannot tell whether a member runs
  kDiesAtStart,        // a member dies each time it is started, for a while
  kFailover,           // requested
  kDeathTold,          // the news of a death comes twice, or late
  kSwitchover,         // requested
  kBreaksReplication,  // a reader's receiver stops with an error as often as it is started
  kControlStall,       // the daemon's control thread is not scheduled for a while
  kHangs,              // a mysqld stands still, or is too busy to answer; for a while or for ever
  kDiskStalls,         // of a member, or of all
  kAcksLost,           // for a moment; or the writer hears none any more until its process ends
  kDaemonStall,        // all of the daemon's threads are not scheduled for a while
  kHostStall,          // nor any mysqld
  kClockSet,           // the host's wall clock is set, by up to six days
  kStaysAway,          // a member does not start for longer than an election waits
  kAppliesSlowly,      // a reader, for a while
  kShutDown,           // SIGTERM of a mysqld by somebody else: it answers what waits with OK
};
constexpr int kFaultKinds = 25;
std::string_view to_string(FaultKind kind);

constexpr int kAtHand = -1;  // whom the command is for; at a moment of its own, the writer
constexpr int kTheWriter = -2;

struct Fault {
  FaultKind kind = FaultKind::kKillMember;
  bool aimed = false;
  Instant at{};                      // not before
  Command command = Command::kKill;  // when aimed: at the `skip`-th of these from then on
  Stage stage = Stage::kBegin;
  int skip = 0;
  bool in_turn = false;  // not before the ones ahead of it
  int target = kAtHand;
};

struct FaultPlan {
  std::vector<Fault> faults;
  bool accepts_loss = false;  // an operator gives up what is missing, when asked
  Micros lasts_max{};         // the cluster is then left to itself
  int noise = 0;              // percent of commands that fail or are slow
};

FaultPlan draw_faults(Random& random, Instant now);

}  // namespace trivet::sim
