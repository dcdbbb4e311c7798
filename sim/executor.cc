// SPDX-License-Identifier: Apache-2.0
#include "sim/executor.h"

#include <algorithm>

#include "sim/clock.h"

namespace trivet::sim {

bool Scheduler::step() {
  SimExecutor* chosen = nullptr;
  Instant earliest = Instant::max();
  int equals = 0;
  for (SimExecutor* executor : executors_) {
    const Instant at = std::max(executor->next(), now_);
    if (executor->next() == Instant::max() || at > earliest) {
      continue;
    }
    equals = at == earliest ? equals + 1 : 1;
    earliest = at;
    if (equals == 1 || random_.below(equals) == 0) {
      chosen = executor;
    }
  }
  if (chosen == nullptr) {
    return false;
  }
  now_ = earliest;
  current_ = chosen;
  chosen->run_one();
  current_ = nullptr;
  return true;
}

void Scheduler::sleep(Micros duration) {
  if (current_ == nullptr || !current_->fiber_) {
    return;
  }
  SimExecutor* self = current_;
  self->wake_ = now_ + duration;
  self->fiber_->suspend();
}

SimExecutor::SimExecutor(Scheduler& scheduler, Kind kind, const HostClock* clock)
    : scheduler_(scheduler), clock_(clock) {
  if (kind == Kind::kWithFiber) {
    fiber_ = std::make_unique<Fiber>();
  }
  scheduler_.executors_.push_back(this);
}

SimExecutor::~SimExecutor() {
  stop();
  std::erase(scheduler_.executors_, this);
}

bool SimExecutor::post(Task task) {
  return post_at(scheduler_.now_, std::move(task));
}

bool SimExecutor::post_after(Millis delay, Task task) {
  return post_at(clock_ != nullptr ? clock_->when(clock_->now() + delay) : scheduler_.now_ + delay,
                 std::move(task));
}

bool SimExecutor::post_at(Instant due, Task task) {
  if (stopped_) {
    return false;
  }
  tasks_.emplace(std::pair(due, sequence_++), std::move(task));
  return true;
}

void SimExecutor::stop() {
  stopped_ = true;
  tasks_.clear();
  if (fiber_) {
    fiber_->abandon();
  }
}

Instant SimExecutor::not_before() const {
  return clock_ != nullptr ? std::max(not_before_, scheduler_.host_not_before_) : not_before_;
}

Instant SimExecutor::next() const {
  if (fiber_ && fiber_->busy()) {
    return std::max(wake_, not_before());
  }
  return tasks_.empty() ? Instant::max() : std::max(tasks_.begin()->first.first, not_before());
}

void SimExecutor::run_one() {
  if (fiber_ && fiber_->busy()) {
    fiber_->resume();
    return;
  }
  Task task = std::move(tasks_.begin()->second);
  tasks_.erase(tasks_.begin());
  if (fiber_) {
    fiber_->start(std::move(task));
  } else {
    task();
  }
}

}  // namespace trivet::sim
