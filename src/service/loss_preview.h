// SPDX-License-Identifier: Apache-2.0
//
// What it costs to let a member write that may not hold everything that was acknowledged: what the
// others are known to hold, and since when nothing is known of them. What an operator decides by.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "core/gtid/gtid_set.h"
#include "model/ids.h"

namespace trivet::service {

struct LossPreview {
  struct Offer {
    MemberId member;
    gtid::GtidSet held;
    gtid::GtidSet lacks;  // what others hold, or held when they were last heard of
  };
  struct Absent {
    MemberId member;
    std::optional<WallTime> last_heard;  // nullopt: not since this daemon started
  };
  std::string waiting_for;
  std::vector<Offer> offers;   // the one that lacks least first
  std::vector<Absent> absent;  // who may hold more than anybody knows
};

// A member that could write, or its last report.
struct Holding {
  MemberId member;
  gtid::GtidSet held;
};

// Pure. `reported`: of all members, also of those that are gone.
std::vector<LossPreview::Offer> weigh_offers(const std::vector<Holding>& offers,
                                             const std::vector<Holding>& reported);

}  // namespace trivet::service
