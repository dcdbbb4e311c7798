// SPDX-License-Identifier: Apache-2.0
//
// One effect of the failover machine, carried out by a member's agent.
#pragma once

#include <optional>

#include "core/failover/effects.h"
#include "ports/member_agent.h"

namespace trivet::service {

struct EffectOutcome {
  failover::EffectDone done;
  std::optional<MemberProcess> process;  // of a member that was started or rebuilt
  std::string kept_data;                 // MemberAgent::kept_data() after a rebuild
};

// Blocks, at most until the effect's not-after time. Requires: the effect is a member's (not
// CommitTopology).
EffectOutcome carry_out(const failover::Effect& effect, MemberAgent& agent, Instant now);

}  // namespace trivet::service
