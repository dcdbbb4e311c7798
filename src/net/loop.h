// SPDX-License-Identifier: Apache-2.0
//
// One named thread that runs socket events, posted tasks and timers, one at a time: HTTP lives on
// such loops. Nothing that runs on it may block. (Byte relays use Poller, poller.h.)
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/time.h"

namespace trivet::net {

// Thread-safe. Owned by the wiring of the process; lives longer than the servers on it.
class Loop {
 public:
  using Task = std::function<void()>;

  // `name` is what `ps -L` shows: at most 15 characters are kept by the kernel.
  explicit Loop(std::string name);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs `task` on the thread after those already posted. False, and dropped, once stopped.
  bool post(Task task);
  bool post_after(Millis delay, Task task);
  // Posts `task` and waits until it has run. False when it did not within `deadline`: it may run
  // later, so it must own what it uses. Requires: not called on the loop's thread.
  bool run(Task task, Millis deadline);
  // Lets the running task end, drops the rest, joins. Requires: not called on the loop's thread.
  void stop();
  bool on_this_thread() const;

  struct Impl;  // for src/net: loop_impl.h
  const std::shared_ptr<Impl>& impl() const { return impl_; }

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace trivet::net
