// SPDX-License-Identifier: Apache-2.0
//
// The state store in memory: for tests and simulation. Nothing outlives the object.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "ports/state_store.h"
#include "ports/watch_hub.h"

namespace trivet::store_memory {

// Thread-safe; never blocks longer than its own mutex.
class MemoryStore final : public StateStore {
 public:
  MemoryStore() = default;
  Result<StoredValue> get(std::string_view key) override;
  Result<std::vector<StoredValue>> list(std::string_view prefix) override;
  Result<Revision> commit(const Commit& commit) override;
  Result<std::unique_ptr<StoreWatch>> watch(
      std::string prefix, std::function<void(const std::vector<StoreEvent>&)> on_events) override;

 private:
  struct Entry {
    std::string value;
    Revision modified;
  };
  Mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_ GUARDED_BY(mutex_);
  Revision revision_ GUARDED_BY(mutex_);
  WatchHub hub_;
};

}  // namespace trivet::store_memory
