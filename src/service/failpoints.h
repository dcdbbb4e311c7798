// SPDX-License-Identifier: Apache-2.0
//
// A testing aid: harm at a chosen step. Only with TRIVET_FAILPOINTS=FILE in the daemon's
// environment. FILE arms one failpoint, "KIND before|after N ACTION", and is removed when that is
// reached: KIND is commit or an effect (start, kill, promise, drain, follow, guard, look, open,
// rebuild, or a step of replacing the sealing key), N counts from when it was armed, ACTION is
// `kill` (SIGKILL to ourselves), `kill-member` (to the mysqld that the effect is for) or `wait MS`.
// docs/testing.md.
#pragma once

#include <string_view>

#include "core/failover/effects.h"
#include "ports/member_agent.h"

namespace trivet::service {

enum class Side { kBefore, kAfter };

// Logs an error when failpoints are possible: nobody wants that outside a test.
void announce_failpoints();
// Thread-safe. `agent` may be null: then `kill-member` does nothing.
void failpoint(const failover::Action& action, Side side, MemberAgent* agent);
// At a step that is of no member.
void failpoint(std::string_view kind, Side side);

}  // namespace trivet::service
