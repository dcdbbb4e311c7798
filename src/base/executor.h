// SPDX-License-Identifier: Apache-2.0
//
// Where work is handed to: a thread of its own (Worker), or virtual time in the simulator. Whoever
// posts never asks which.
#pragma once

#include <functional>

#include "base/time.h"

namespace trivet {

// Runs what it is given one after the other, in order. Thread-safety is the implementation's.
class Executor {
 public:
  using Task = std::function<void()>;
  virtual ~Executor() = default;
  // Runs `task` after those already posted. False when stopping or full: the task is dropped.
  virtual bool post(Task task) = 0;
  // Runs `task` not before `delay` has passed. Equal times keep their order.
  virtual bool post_after(Millis delay, Task task) = 0;
  // Lets the running task end and drops the rest.
  virtual void stop() = 0;
};

}  // namespace trivet
