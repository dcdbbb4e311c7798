// SPDX-License-Identifier: Apache-2.0
//
// A function on a stack of its own, so that an agent's blocking call can wait in virtual time while
// the rest of the world goes on, all on one thread. A fiber that is dropped while it waits unwinds:
// the call ends where it stood, as in a process that was killed.
#pragma once

#include <ucontext.h>

#include <functional>
#include <memory>

namespace trivet::sim {

// Not thread-safe. start(), resume() and the destructor from outside, suspend() from inside.
class Fiber {
 public:
  Fiber();
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Runs `work` until it ends or suspends. Requires: not busy().
  void start(std::function<void()> work);
  void resume();
  void suspend();
  // There is work that has not ended.
  bool busy() const { return static_cast<bool>(work_); }
  // Ends the work where it waits.
  void abandon();

 private:
  struct Abandoned {};
  static void enter(unsigned high, unsigned low);
  void loop();
  void switch_in();
  void switch_out();

  std::unique_ptr<char[]> stack_;
  ucontext_t inside_{};
  ucontext_t outside_{};
  std::function<void()> work_;
  bool abandoned_ = false;
  void* inside_shadow_ = nullptr;  // AddressSanitizer's, for each of the two stacks
  void* outside_shadow_ = nullptr;
  const void* outside_stack_ = nullptr;
  std::size_t outside_size_ = 0;
};

}  // namespace trivet::sim
