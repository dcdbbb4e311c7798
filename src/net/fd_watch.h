// SPDX-License-Identifier: Apache-2.0
//
// Tells, on a loop's thread, that a descriptor which is no socket can be read: a pipe, a pidfd.
#pragma once

#include <functional>
#include <memory>

#include "net/loop.h"

namespace trivet::net {

// Used on the loop's thread only, but for the destruction after the loop has stopped.
class FdWatch {
 public:
  // Watches a duplicate of `fd`, which stays the caller's. `on_readable` is called again and again
  // until everything is read; it may destroy the watch.
  FdWatch(Loop& loop, int fd, std::function<void()> on_readable);
  ~FdWatch();
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

  // Between the two, nothing is told.
  void pause();
  void resume();

 private:
  struct State;
  static void wait(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;
};

}  // namespace trivet::net
