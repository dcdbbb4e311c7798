// SPDX-License-Identifier: Apache-2.0
//
// How a driver's work gets to a member's worker and back to control. Only for the driver's own
// files.
#pragma once

#include <memory>
#include <utility>

#include "base/log.h"
#include "service/cluster_driver.h"

namespace trivet::service {

// What runs of a member, and whether its last run ended in order when nothing does.
struct Adopted {
  Result<std::optional<MemberProcess>> process;
  bool ended_in_order;
};

inline Adopted adopt_running(MemberAgent& agent) {
  auto process = agent.adopt();
  return {std::move(process), agent.ended_in_order()};
}

// A member that starts or is rebuilt need not answer.
inline bool must_answer(failover::MemberView::State state) {
  using State = failover::MemberView::State;
  return state == State::kUp || state == State::kFollowing || state == State::kOpen;
}

template <typename T>
void ClusterDriver::on_member(const MemberId& id, std::function<T(MemberAgent&)> work,
                              std::function<void(T)> then) {
  Hands& hands = hands_.at(id);
  MemberAgent* agent = hands.agent.get();
  Executor* control = &needs_.control;
  const std::weak_ptr<int> alive = alive_;
  auto shared_then = std::make_shared<std::function<void(T)>>(std::move(then));
  const bool posted = hands.worker->post([agent, control, alive, work, shared_then] {
    auto result = std::make_shared<T>(work(*agent));
    control->post([alive, result, shared_then] {
      if (!alive.expired()) {
        (*shared_then)(std::move(*result));
      }
    });
  });
  if (!posted) {
    log(Level::kError, "member.worker_full", {{"member", id.str()}});
  }
}

}  // namespace trivet::service
