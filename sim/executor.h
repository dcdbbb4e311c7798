// SPDX-License-Identifier: Apache-2.0
//
// Virtual time: what runs next is the earliest task of all executors, and among equals one drawn
// from the seed. Time moves only between tasks, and in a fiber's sleep().
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "sim/fiber.h"
#include "sim/random.h"

namespace trivet::sim {

class HostClock;
class SimExecutor;

// Owns nobody; executors register themselves. Outlives them. Its time is the world's own, which no
// host reads (clock.h).
class Scheduler final {
 public:
  explicit Scheduler(Random& random) : random_(random) {}
  Instant now() const { return now_; }

  // Runs the next task. False when there is none.
  bool step();
  // Within a fiber: lets the rest of the world go on for so long. Elsewhere it does nothing: what
  // blocks `control` is modelled by SimExecutor::stall.
  void sleep(Micros duration);
  // None of a host's executors runs before `until`.
  void stall_host(Instant until) { host_not_before_ = std::max(host_not_before_, until); }

 private:
  friend class SimExecutor;
  Random& random_;
  Instant now_{};
  Instant host_not_before_{};
  std::vector<SimExecutor*> executors_;
  SimExecutor* current_ = nullptr;
};

// One task at a time, in order; with a fiber, a task may sleep. stop() drops everything at once, a
// task that sleeps too: this is kill -9 of the process, not a join.
class SimExecutor final : public Executor {
 public:
  enum class Kind { kPlain, kWithFiber };
  // With a clock it is one of a host's threads: delays are by that clock, and it stands still with
  // its host.
  SimExecutor(Scheduler& scheduler, Kind kind, const HostClock* clock = nullptr);
  ~SimExecutor() override;
  SimExecutor(const SimExecutor&) = delete;
  SimExecutor& operator=(const SimExecutor&) = delete;

  bool post(Task task) override;
  bool post_after(Millis delay, Task task) override;
  bool post_at(Instant due, Task task);
  void stop() override;
  // Runs nothing before `until`.
  void stall(Instant until) { not_before_ = std::max(not_before_, until); }

 private:
  friend class Scheduler;
  Instant not_before() const;
  // When it could run, if there is anything to run.
  Instant next() const;
  void run_one();

  Scheduler& scheduler_;
  const HostClock* const clock_;
  std::unique_ptr<Fiber> fiber_;
  std::map<std::pair<Instant, std::uint64_t>, Task> tasks_;
  std::uint64_t sequence_ = 0;
  Instant not_before_{};
  Instant wake_{};
  bool stopped_ = false;
};

}  // namespace trivet::sim
