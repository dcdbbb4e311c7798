// SPDX-License-Identifier: Apache-2.0
#include "sim/fiber.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "base/assert.h"

#if defined(__SANITIZE_ADDRESS__)
#define TRIVET_SIM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TRIVET_SIM_ASAN 1
#endif
#endif
#if defined(TRIVET_SIM_ASAN)
#include <sanitizer/common_interface_defs.h>
#endif

namespace trivet::sim {
namespace {

#if defined(TRIVET_SIM_ASAN)
constexpr std::size_t kStackBytes = 512 * 1024;
#else
constexpr std::size_t kStackBytes = 128 * 1024;
#endif

std::vector<std::unique_ptr<char[]>>& spare_stacks() {
  static std::vector<std::unique_ptr<char[]>> spare;
  return spare;
}

void leave([[maybe_unused]] void** shadow, [[maybe_unused]] const void* to,
           [[maybe_unused]] std::size_t size) {
#if defined(TRIVET_SIM_ASAN)
  __sanitizer_start_switch_fiber(shadow, to, size);
#endif
}

void arrive([[maybe_unused]] void* shadow, [[maybe_unused]] const void** from,
            [[maybe_unused]] std::size_t* size) {
#if defined(TRIVET_SIM_ASAN)
  __sanitizer_finish_switch_fiber(shadow, from, size);
#endif
}

}  // namespace

Fiber::Fiber() {
  auto& spare = spare_stacks();
  if (spare.empty()) {
    stack_ = std::make_unique<char[]>(kStackBytes);
  } else {
    stack_ = std::move(spare.back());
    spare.pop_back();
  }
  ::getcontext(&inside_);
  inside_.uc_stack.ss_sp = stack_.get();
  inside_.uc_stack.ss_size = kStackBytes;
  inside_.uc_link = nullptr;
  const auto self = reinterpret_cast<std::uintptr_t>(this);
  ::makecontext(&inside_, reinterpret_cast<void (*)()>(&Fiber::enter), 2,
                static_cast<unsigned>(self >> 32U), static_cast<unsigned>(self));
}

Fiber::~Fiber() {
  abandon();
  spare_stacks().push_back(std::move(stack_));
}

void Fiber::start(std::function<void()> work) {
  TRIVET_ASSERT(!busy());
  work_ = std::move(work);
  switch_in();
}

void Fiber::resume() {
  TRIVET_ASSERT(busy());
  switch_in();
}

void Fiber::abandon() {
  if (busy()) {
    abandoned_ = true;
    switch_in();
    abandoned_ = false;
    TRIVET_ASSERT(!busy());
  }
}

void Fiber::suspend() {
  switch_out();
  if (abandoned_) {
    throw Abandoned();
  }
}

void Fiber::switch_in() {
  leave(&outside_shadow_, stack_.get(), kStackBytes);
  ::swapcontext(&outside_, &inside_);
  arrive(outside_shadow_, nullptr, nullptr);
}

void Fiber::switch_out() {
  leave(&inside_shadow_, outside_stack_, outside_size_);
  ::swapcontext(&inside_, &outside_);
  arrive(inside_shadow_, &outside_stack_, &outside_size_);
}

void Fiber::enter(unsigned high, unsigned low) {
  reinterpret_cast<Fiber*>((static_cast<std::uintptr_t>(high) << 32U) | low)->loop();
}

void Fiber::loop() {
  arrive(nullptr, &outside_stack_, &outside_size_);
  for (;;) {
    try {
      work_();
    } catch (const Abandoned&) {  // what it held is gone
    }
    work_ = nullptr;
    switch_out();
  }
}

}  // namespace trivet::sim
