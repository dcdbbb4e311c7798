// SPDX-License-Identifier: Apache-2.0
#include "core/failover/effects.h"

#include "base/overloaded.h"

namespace trivet::failover {

std::string_view name_of(const Action& action) {
  using Name = std::string_view;
  return std::visit(Overloaded{
                        [](const CommitTopology&) -> Name { return "commit"; },
                        [](const StartMember&) -> Name { return "start"; },
                        [](const KillMember&) -> Name { return "kill"; },
                        [](const AskPromise&) -> Name { return "promise"; },
                        [](const Drain&) -> Name { return "drain"; },
                        [](const Follow&) -> Name { return "follow"; },
                        [](const GuardCommits&) -> Name { return "guard"; },
                        [](const Look&) -> Name { return "look"; },
                        [](const ProveCommits&) -> Name { return "prove"; },
                        [](const Rejoin&) -> Name { return "rejoin"; },
                        [](const Open&) -> Name { return "open"; },
                        [](const Rebuild&) -> Name { return "rebuild"; },
                        [](const CatchUp&) -> Name { return "catch_up"; },
                        [](const HoldWrites&) -> Name { return "hold"; },
                        [](const ReleaseWrites&) -> Name { return "release"; },
                        [](const StepDown&) -> Name { return "step_down"; },
                    },
                    action);
}

}  // namespace trivet::failover
