// SPDX-License-Identifier: Apache-2.0
#include "adapter/store_memory/store.h"
#include "tests/conformance/state_store_suite.h"

namespace trivet {
namespace {

class MemoryBed final : public StoreBed {
 public:
  StateStore& store() override { return store_; }
  bool reopen() override { return false; }

 private:
  store_memory::MemoryStore store_;
};

INSTANTIATE_TEST_SUITE_P(Memory, StateStoreSuite, testing::Values(StoreBedFactory([] {
                           return std::make_unique<MemoryBed>();
                         })),
                         [](const auto&) { return std::string("store"); });

// The memory store does not outlive its process.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DurableStateStoreSuite);

}  // namespace
}  // namespace trivet
