// SPDX-License-Identifier: Apache-2.0
#include "adapter/store_memory/store.h"

#include <utility>

namespace trivet::store_memory {

Result<StoredValue> MemoryStore::get(std::string_view key) {
  MutexLock lock(mutex_);
  const auto it = entries_.find(key);
  if (it == entries_.end()) {
    return make_error(Errc::kNotFound, "no key '" + std::string(key) + "' in the store");
  }
  return StoredValue{it->first, it->second.value, it->second.modified};
}

Result<std::vector<StoredValue>> MemoryStore::list(std::string_view prefix) {
  MutexLock lock(mutex_);
  std::vector<StoredValue> found;
  for (auto it = entries_.lower_bound(prefix); it != entries_.end(); ++it) {
    if (!std::string_view(it->first).starts_with(prefix)) {
      break;
    }
    found.push_back({it->first, it->second.value, it->second.modified});
  }
  return found;
}

Result<Revision> MemoryStore::commit(const Commit& commit) {
  TRIVET_CHECK_OK(check_commit(commit));
  MutexLock lock(mutex_);
  for (const Compare& compare : commit.compares) {
    const auto it = entries_.find(compare.key);
    const Revision actual = it == entries_.end() ? Revision(0) : it->second.modified;
    if (actual != compare.modified) {
      return make_error(Errc::kConflict, "key '" + compare.key + "' is at revision " +
                                             std::to_string(actual.value()) + ", not " +
                                             std::to_string(compare.modified.value()));
    }
  }
  const Revision next = revision_.next();
  std::vector<StoreEvent> events;
  for (const Write& put : commit.puts) {
    entries_.insert_or_assign(put.key, Entry{put.value, next});
    events.push_back({StoreEvent::Kind::kPut, {put.key, put.value, next}});
  }
  for (const std::string& key : commit.deletes) {
    if (entries_.erase(key) > 0) {
      events.push_back({StoreEvent::Kind::kDelete, {key, "", next}});
    }
  }
  if (!events.empty()) {
    revision_ = next;
    hub_.publish(std::move(events));
  }
  return revision_;
}

Result<std::unique_ptr<StoreWatch>> MemoryStore::watch(
    std::string prefix, std::function<void(const std::vector<StoreEvent>&)> on_events) {
  MutexLock lock(mutex_);
  return hub_.add(std::move(prefix), std::move(on_events));
}

}  // namespace trivet::store_memory
