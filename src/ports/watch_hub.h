// SPDX-License-Identifier: Apache-2.0
//
// What every state store in this process needs to serve watches: events go out on one thread, in
// the order of the commits, and a watch that is gone hears nothing more.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/worker.h"
#include "ports/state_store.h"

namespace trivet {

// Owned by a store. Thread-safe. A watch may outlive it.
class WatchHub {
 public:
  using OnEvents = std::function<void(const std::vector<StoreEvent>&)>;

  WatchHub() = default;
  ~WatchHub() {
    if (worker_) {
      worker_->stop();
    }
  }
  WatchHub(const WatchHub&) = delete;
  WatchHub& operator=(const WatchHub&) = delete;

  // Call it with the store's lock held, so that "later" means later in the order of commits.
  std::unique_ptr<StoreWatch> add(std::string prefix, OnEvents on_events) {
    auto listener = std::make_shared<Listener>();
    listener->prefix = std::move(prefix);
    listener->on_events = std::move(on_events);
    MutexLock lock(mutex_);
    listener->first_batch = next_batch_;
    if (!worker_) {
      worker_ = std::make_unique<Worker>("store-watch");
    }
    listeners_.push_back(listener);
    return std::make_unique<Watch>(std::move(listener));
  }

  // The events of one commit. Call it with the store's lock held; returns at once.
  void publish(std::vector<StoreEvent> events) {
    MutexLock lock(mutex_);
    const std::uint64_t number = next_batch_++;
    std::erase_if(listeners_, [](const auto& l) { return !l->active.load(); });
    if (events.empty() || listeners_.empty()) {
      return;
    }
    batches_.emplace_back(number, std::move(events));
    if (!draining_) {
      draining_ = worker_->post([this] { drain(); });
    }
  }

 private:
  struct Listener {
    std::string prefix;
    OnEvents on_events;
    std::uint64_t first_batch = 0;
    std::atomic<bool> active{true};
    std::atomic<std::thread::id> runner{};
    Mutex running;  // held while on_events runs
  };

  class Watch final : public StoreWatch {
   public:
    explicit Watch(std::shared_ptr<Listener> listener) : listener_(std::move(listener)) {}
    ~Watch() override {
      listener_->active = false;
      if (listener_->runner.load() == std::this_thread::get_id()) {
        return;  // destroyed by its own callback
      }
      MutexLock wait_for_callback(listener_->running);
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    std::shared_ptr<Listener> listener_;
  };

  // Hands out batches until there are none; on worker_ only, so one at a time and in order.
  void drain() EXCLUDES_LOCK(mutex_) {
    for (;;) {
      std::vector<std::shared_ptr<Listener>> listeners;
      std::pair<std::uint64_t, std::vector<StoreEvent>> batch;
      {
        MutexLock lock(mutex_);
        if (batches_.empty()) {
          draining_ = false;
          return;
        }
        batch = std::move(batches_.front());
        batches_.pop_front();
        listeners = listeners_;
      }
      for (const auto& listener : listeners) {
        if (batch.first >= listener->first_batch) {
          deliver(*listener, batch.second);
        }
      }
    }
  }

  static void deliver(Listener& listener, const std::vector<StoreEvent>& events) {
    std::vector<StoreEvent> matching;
    for (const StoreEvent& event : events) {
      if (std::string_view(event.value.key).starts_with(listener.prefix)) {
        matching.push_back(event);
      }
    }
    if (matching.empty()) {
      return;
    }
    MutexLock lock(listener.running);
    if (listener.active.load()) {
      listener.runner = std::this_thread::get_id();
      listener.on_events(matching);
      listener.runner = std::thread::id();
    }
  }

  Mutex mutex_;
  std::vector<std::shared_ptr<Listener>> listeners_ GUARDED_BY(mutex_);
  std::deque<std::pair<std::uint64_t, std::vector<StoreEvent>>> batches_ GUARDED_BY(mutex_);
  std::uint64_t next_batch_ GUARDED_BY(mutex_) = 0;
  bool draining_ GUARDED_BY(mutex_) = false;
  // Made for the first watch. Last: its thread ends before the rest goes.
  std::unique_ptr<Worker> worker_ GUARDED_BY(mutex_);
};

// What every store refuses before it looks at its data: an empty key, a key twice in one commit.
inline Status check_commit(const Commit& commit) {
  std::vector<std::string_view> keys;
  for (const Write& put : commit.puts) {
    keys.push_back(put.key);
  }
  for (const std::string& key : commit.deletes) {
    keys.push_back(key);
  }
  std::sort(keys.begin(), keys.end());
  if (!keys.empty() && keys.front().empty()) {
    return make_error(Errc::kInvalidArgument, "a store key may not be empty");
  }
  if (const auto twice = std::adjacent_find(keys.begin(), keys.end()); twice != keys.end()) {
    return make_error(Errc::kInvalidArgument,
                      "key '" + std::string(*twice) + "' occurs twice in one commit");
  }
  return ok();
}

}  // namespace trivet
