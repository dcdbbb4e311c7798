// SPDX-License-Identifier: Apache-2.0
//
// An operator's word lets a member write that may lack acknowledged commits (promise 1): exactly
// the member that was shown, with all that it was shown to hold, once, and on record.
#include "sim/world.h"

namespace trivet::sim {

void World::loss_was_accepted(int member, TxnSet held) {
  accepted_ = AcceptedLoss{member, std::move(held)};
}

bool World::is_loss_accepted(int member) const {
  return accepted_ && accepted_->member == member;
}

// `member` is named, or others are made like it, and may lack what clients were told OK of.
void World::check_loss(int member) {
  const Server& chosen = server(member);
  if (chosen.held.contains(ledger_.acknowledged())) {
    return;
  }
  const std::string who = "m" + std::to_string(member + 1);
  if (!is_loss_accepted(member) || !chosen.held.contains(accepted_->held)) {
    violate("I3", who + " becomes the writer without all that was acknowledged");
    return;
  }
  if (!is_recorded(member)) {
    violate("record", who + " writes at a loss, and no event will tell");
  }
  TxnSet lost = ledger_.acknowledged();
  lost.remove(chosen.held);
  ++counts_.losses;
  counts_.given_up += lost.count();
  ledger_.give_up(lost);
}

bool World::is_recorded(int member) {
  const auto events = event_disk_.list("events/");
  const std::string words = "An operator accepted the loss of data: m" + std::to_string(member + 1);
  for (const StoredValue& event : events ? *events : std::vector<StoredValue>()) {
    if (event.value.find(words) != std::string::npos) {
      return true;
    }
  }
  return false;
}

}  // namespace trivet::sim
