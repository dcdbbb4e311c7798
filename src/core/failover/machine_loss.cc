// SPDX-License-Identifier: Apache-2.0
//
// The one way around I3: an operator says by name who is to write, when those who may hold more do
// not come back. An election that can go on without it does.
#include "core/failover/machine.h"

namespace trivet::failover {

std::vector<FailoverMachine::LossOffer> FailoverMachine::loss_offers(Instant now) const {
  std::vector<LossOffer> out;
  const bool waits = phase_ == Phase::kPromises && !waiting_for_.empty() && only_waits() &&
                     since(round_began_, now) > limits_.last_writer_after;
  for (const MemberId& id : order_) {
    const MemberState& m = members_.at(id);
    if (waits && is_alive(m) && m.promised) {
      out.push_back({id, m.held});
    }
  }
  return out;
}

// A round that another one follows takes back what it offers: the promises are asked for
// again.
bool FailoverMachine::only_waits() const {
  return cold_ || (!amnesia_ && promises_given() >= promises_needed());
}

void FailoverMachine::accept_loss(const MemberId& id, Instant now) {
  for (const LossOffer& offer : loss_offers(now)) {
    if (offer.member == id) {
      accepted_loss_ = id;
    }
  }
  for (auto& [other, m] : members_) {  // once more: perhaps nothing has to be lost
    if (accepted_loss_ && m.state == MemberView::State::kDead) {
      m.failures = 0;
      m.next_try = now;
    }
  }
}

// All others follow it or are brought to what it holds, the last writer too: as in a cold start.
// Those that answer yet are waited for: with their promises nothing may have to be lost.
bool FailoverMachine::install_at_a_loss(Instant now) {
  if (!accepted_loss_ || !members_[*accepted_loss_].promised ||
      since(round_began_, now) < limits_.straggler) {
    return false;
  }
  const gtid::GtidSet& held = members_[*accepted_loss_].held;
  for (auto& [id, m] : members_) {
    m.needs_rejoin = m.needs_rejoin || (m.promised && !held.contains(m.held));
  }
  cold_ = true;
  install(*accepted_loss_);
  return true;
}

}  // namespace trivet::failover
