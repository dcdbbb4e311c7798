// SPDX-License-Identifier: Apache-2.0
//
// One named thread that runs what it is given, in order, and can run things later. The control
// plane is built from these: a driver on `control`, blocking work on `mysql-<member>`, `store`,
// `api-N`.
#pragma once

#include <map>
#include <string>
#include <thread>

#include "base/executor.h"
#include "base/mutex.h"
#include "base/time.h"

namespace trivet {

// Thread-safe. stop() (or the destructor) lets the running task end, drops the rest and joins.
class Worker final : public Executor {
 public:
  // `name` is what `ps -L` and the log show: at most 15 characters are kept by the kernel.
  // `capacity` bounds the tasks that wait.
  explicit Worker(std::string name, std::size_t capacity = 10'000);
  ~Worker() override;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Runs `task` after those already posted. False when stopping or full: the task is dropped.
  bool post(Task task) override;
  // Runs `task` not before `delay` has passed. Equal times keep their order.
  bool post_after(Millis delay, Task task) override;
  void stop() override;
  bool on_this_thread() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  using Due = std::pair<std::chrono::steady_clock::time_point, std::uint64_t>;
  void run();
  Mutex mutex_;
  CondVar changed_;
  std::map<Due, Task> tasks_ GUARDED_BY(mutex_);
  std::uint64_t sequence_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  const std::size_t capacity_;
  std::thread thread_;
};

}  // namespace trivet
