// SPDX-License-Identifier: Apache-2.0
//
// Asynchronous events: taken, kept in the spool until they were dealt with, run, tried again. Each
// accepted event runs at least once, over restarts and kills of the daemon.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/executor.h"
#include "base/mutex.h"
#include "ports/event_spool.h"
#include "service/functions/invoker.h"
#include "service/functions/queued_event.h"

namespace trivet::functions {

struct EventQueueLimits {
  std::size_t events_max = 10'000;
  std::size_t bytes_max = 256 << 20;     // of their payloads; they are in memory too
  std::int32_t running_max = 64;         // of all functions together
  std::int32_t running_of_one_max = 16;  // of one function
};

// Thread-safe. What it refers to outlives it.
class EventQueue {
 public:
  struct Needs {
    FunctionService& functions;
    Invoker& invoker;
    EventSpool& spool;
    const Clock& clock;
    Executor& worker;  // decides and writes; nothing else may block it for long
    RetryRules rules{};
    EventQueueLimits limits{};
  };
  explicit EventQueue(Needs needs) : needs_(std::move(needs)) {}

  // Takes up what earlier daemons accepted. Once, before accept().
  Status start();
  // Starts no more events. Those that run end where they are; they run again after a restart.
  void stop();
  // Durable when it returns. Faults: those of Invoker::check, TooManyRequestsException.
  Status accept(InvokeWish wish);
  std::size_t size() const;

 private:
  using Id = std::string;  // sorts by time received

  Status add(QueuedEvent event, bool is_checked);
  void run_due_later(Millis delay);
  void run_due();
  void run(const Id& id);
  void ended(const Id& id, const Result<InvokeAnswer>& answer);
  void settle(const Id& id, QueuedEvent event, Fate fate);
  void tell(const QueuedEvent& event, Fate fate);
  void forget(const Id& id, const QueuedEvent& event);
  EventInvokeConfig config_of(const QueuedEvent& event) const;

  Needs needs_;
  mutable Mutex mutex_;
  std::map<Id, QueuedEvent> events_ GUARDED_BY(mutex_);
  std::set<std::pair<WallTime, Id>> due_ GUARDED_BY(mutex_);        // of those that do not run
  std::map<std::string, std::int32_t> running_ GUARDED_BY(mutex_);  // by function
  std::int32_t running_total_ GUARDED_BY(mutex_) = 0;
  std::size_t bytes_ GUARDED_BY(mutex_) = 0;
  std::uint64_t sequence_ GUARDED_BY(mutex_) = 0;
  bool is_stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace trivet::functions
