// SPDX-License-Identifier: Apache-2.0
//
// How a member that was left out of an election comes back (failover.md, "Rejoin of a former
// writer"): what it holds and the writer lacks is looked at before a server may start from it, and
// once more when the server runs, closed. Only what passes the second look ever follows or votes
// (I12), whatever the first one said.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/binlog/tail.h"
#include "core/gtid/gtid_set.h"

namespace trivet::failover {

enum class RejoinWay {
  kReplicate,  // it holds nothing that the writer lacks
  kRewind,     // the end of its binary log is cut off, and what was not committed is rolled back
  kClone,      // its data is replaced by a copy
};
std::string_view to_string(RejoinWay way);

struct RejoinPlan {
  RejoinWay way = RejoinWay::kClone;
  std::string reason;  // of a clone
};
// The first look. `tail` was read with what the writer of the present term holds.
RejoinPlan plan_rejoin(const binlog::Tail& tail);

// The started, closed member.
struct RejoinLook {
  gtid::GtidSet held;          // received ∪ executed
  std::uint64_t prepared = 0;  // XA transactions that wait for their end
};
// The second look: why its data must be replaced after all; nullopt: it may follow.
std::optional<std::string> why_clone(const RejoinLook& look, const gtid::GtidSet& writer_held);

// What became of a rejoin.
struct Rejoined {
  RejoinWay way = RejoinWay::kReplicate;
  std::string reason;           // why it must be cloned; the member is stopped then
  std::uint64_t discarded = 0;  // transactions that it held and the writer lacks, as far as known
  std::string kept;             // where the cut-off end of its binary log lies; empty: nowhere
};

}  // namespace trivet::failover
