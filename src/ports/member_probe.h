// SPDX-License-Identifier: Apache-2.0
//
// Looks at a member beside the work that goes on with it, so that a stuck command never holds back
// finding out that the member is stuck (I16), and does what helps then: a small write, or
// SIGKILL.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "core/failover/fault_detector.h"
#include "core/failover/member_end.h"

namespace trivet {

struct LookOrder {
  int mysqld_pid = 0;
  bool as_writer = false;  // with its commits' progress
  Millis deadline{300};
};

// Not thread-safe: all calls on one thread of its own. Holds nothing that MemberAgent uses.
class MemberProbe {
 public:
  virtual ~MemberProbe() = default;

  // Blocks until the deadline at most. A question without an answer stays asked: the next look
  // waits for the same one, and hears of a late answer.
  virtual failover::Probe look(const LookOrder& order) = 0;
  // On the writer: a commit of its own, whose acknowledgement is also that of every earlier one
  // (MySQL bug 104015). kTimeout: it waits too.
  virtual Status nudge(Millis deadline) = 0;
  // SIGKILL by the guard, and the kernel's word that this run is gone, or that the signal has
  // reached it in the middle of a stalled disk's work: it never runs again. Another run is left
  // alone: then this one is gone already. kTimeout: neither yet.
  virtual Result<failover::MemberEnd> kill(int mysqld_pid, Millis deadline) = 0;
};

}  // namespace trivet
