// SPDX-License-Identifier: Apache-2.0
//
// What an operator is shown before a member may write that is not known to hold everything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace trivet::cli {

struct LossOffer {
  std::string member;
  std::string held;   // a GTID set
  std::string lacks;  // what others are known to hold or to have held
  std::uint64_t lacks_count = 0;
};

struct Loss {
  struct Absent {
    std::string member;
    std::string last_heard;  // empty: never
  };
  std::string waiting_for;
  std::vector<LossOffer> offers;  // the one that lacks least first; never empty
  std::vector<Absent> absent;
};

// The daemon's GET /clusters/ID/loss. kCorrupt.
Result<Loss> parse_loss(std::string_view json);

// The offer of `member`, or the first. kConflict: it is none, with those that are.
Result<LossOffer> choose_offer(const Loss& loss, const std::string& member);

// For people, several lines.
std::string describe_loss(const Loss& loss, const LossOffer& offer);

}  // namespace trivet::cli
