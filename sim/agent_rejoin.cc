// SPDX-License-Identifier: Apache-2.0
//
// A member's rejoin in the simulated world: the steps of agent/local_rejoin.cc and the same
// judgement.
#include "sim/agent.h"

namespace trivet::sim {

// The last file begins where the server was last started.
binlog::Tail SimAgent::read_tail(const gtid::GtidSet& writer_held) const {
  const Server& m = self();
  binlog::Tail tail;
  tail.in_use = true;
  tail.file_bytes = m.binlog.size();
  for (std::size_t i = 0; i < m.binlog.size(); ++i) {
    TxnSet one;
    one.add(m.binlog[i]);
    const gtid::GtidSet gtid = world_.ledger().gtids(one);
    if (writer_held.contains(gtid)) {
      tail.is_contiguous = tail.is_contiguous && tail.lacking.empty();
      continue;
    }
    if (tail.lacking.empty()) {
      tail.begins_at = i;
      tail.is_in_last_file = i >= m.file_begins;
    }
    if (world_.ledger().is_xa(m.binlog[i])) {
      tail.obstacle = "a prepared XA transaction";
    }
    tail.lacking.add(gtid);
  }
  return tail;
}

Result<failover::Rejoined> SimAgent::rejoin(const Stamp& stamp, const gtid::GtidSet& writer_held) {
  using failover::RejoinWay;
  TRIVET_TRY(Call call, enter(Command::kRejoin, end_of(stamp)));
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(end_process(call));
  world_.unwatch(index_);
  failover::Rejoined out;
  if (self().unfinished_clone) {
    out.way = RejoinWay::kClone;
    TRIVET_CHECK_OK(leave(call));
    return out;
  }
  const binlog::Tail tail = read_tail(writer_held);
  const failover::RejoinPlan plan = failover::plan_rejoin(tail);
  out.way = plan.way;
  out.discarded = tail.lacking.count();
  if (plan.way == RejoinWay::kRewind) {
    TRIVET_CHECK_OK(step(call, Micros(1'000), Micros(10'000)));
    world_.check_rewind(index_);
    self().rewind(world_.ledger(), static_cast<std::size_t>(tail.begins_at));
    TRIVET_CHECK_OK(step(call, Micros(1'000), Micros(10'000)));
  }
  if (plan.way != RejoinWay::kClone) {
    TRIVET_TRY(const MemberProcess process, boot(call));
    TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
    if (self().pid != process.mysqld_pid) {
      return make_error(Errc::kUnavailable, "mysqld ended");
    }
    if (failover::why_clone({world_.reported(self()), self().prepared.size()}, writer_held)) {
      out.way = RejoinWay::kClone;
      world_.unwatch(index_);
      world_.end_process(index_);
    }
  }
  world_.count_rejoin(out.way);
  TRIVET_CHECK_OK(leave(call));
  return out;
}

}  // namespace trivet::sim
