// SPDX-License-Identifier: Apache-2.0
//
// The state store as a daemon sees it: the memory store, with calls that take time, fail, lose a
// race or lose their answer.
#pragma once

#include "ports/state_store.h"
#include "sim/world.h"

namespace trivet::sim {

// Not thread-safe. Everything is kept in the world's MemoryStore.
class SimStore final : public StateStore {
 public:
  explicit SimStore(World& world) : world_(world) {}
  Result<StoredValue> get(std::string_view key) override;
  Result<std::vector<StoredValue>> list(std::string_view prefix) override;
  Result<Revision> commit(const Commit& commit) override;
  Result<std::unique_ptr<StoreWatch>> watch(
      std::string prefix, std::function<void(const std::vector<StoreEvent>&)> on_events) override;

 private:
  Status reach();
  World& world_;
};

// Where a daemon's events are kept: written at once, and not any more when the daemon has ended.
class SimEventStore final : public StateStore {
 public:
  explicit SimEventStore(World& world) : world_(world) {}
  Result<StoredValue> get(std::string_view key) override { return world_.event_disk().get(key); }
  Result<std::vector<StoredValue>> list(std::string_view prefix) override {
    return world_.event_disk().list(prefix);
  }
  Result<Revision> commit(const Commit& commit) override {
    if (has_ended_) {
      return make_error(Errc::kUnavailable, "the daemon was killed");
    }
    return world_.event_disk().commit(commit);
  }
  Result<std::unique_ptr<StoreWatch>> watch(
      std::string prefix, std::function<void(const std::vector<StoreEvent>&)> on_events) override;
  void end() { has_ended_ = true; }

 private:
  World& world_;
  bool has_ended_ = false;
};

}  // namespace trivet::sim
