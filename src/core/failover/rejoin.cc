// SPDX-License-Identifier: Apache-2.0
#include "core/failover/rejoin.h"

namespace trivet::failover {

std::string_view to_string(RejoinWay way) {
  switch (way) {
    case RejoinWay::kReplicate:
      return "replicate";
    case RejoinWay::kRewind:
      return "rewind";
    case RejoinWay::kClone:
      return "clone";
  }
  return "clone";
}

RejoinPlan plan_rejoin(const binlog::Tail& tail) {
  const auto clone = [](std::string why) { return RejoinPlan{RejoinWay::kClone, std::move(why)}; };
  if (!tail.unreadable.empty()) {
    return clone("its binary log cannot be relied on: " + tail.unreadable);
  }
  // A transaction that was cut off in the middle of being written is in `begins_at` only: the
  // server drops it when it starts.
  if (tail.lacking.empty()) {
    return {RejoinWay::kReplicate, ""};
  }
  if (!tail.is_in_last_file) {
    return clone("what the writer lacks begins before the last file of its binary log");
  }
  if (!tail.is_contiguous) {
    return clone("what the writer lacks is not the end of its binary log");
  }
  // Whatever ended it in order may have released the waiting commits first.
  if (!tail.in_use) {
    return clone("it holds what the writer lacks and was not killed");
  }
  if (!tail.obstacle.empty()) {
    return clone("what the writer lacks holds " + tail.obstacle);
  }
  return {RejoinWay::kRewind, ""};
}

std::optional<std::string> why_clone(const RejoinLook& look, const gtid::GtidSet& writer_held) {
  if (!writer_held.contains(look.held)) {
    return "it has committed or received what the writer lacks";
  }
  if (look.prepared > 0) {
    return "it holds prepared XA transactions";
  }
  return std::nullopt;
}

}  // namespace trivet::failover
