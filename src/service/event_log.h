// SPDX-License-Identifier: Apache-2.0
//
// The events of an installation: the last fourteen days, at most so many. They are answered from
// memory; a worker of their own writes them to the store a moment later and several at once, so
// that nobody who drives a cluster waits for a disk, and a failover's own commits come first.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/worker.h"
#include "model/event.h"
#include "ports/state_store.h"

namespace trivet::service {

// AWS keeps events for so long.
inline constexpr std::chrono::days kEventsKept{14};

struct EventLogLimits {
  std::size_t events_max = 5'000;
  // Of outages and recoveries; a kill -9 of the daemon loses the ones that are younger. What an
  // operator asked for is written at once.
  Millis write_after{250};
  Millis retry_after{5'000};
};

struct EventQuery {
  std::optional<Event::Source> source;
  std::string source_id;  // empty: all
  WallTime from{};
  WallTime to = WallTime::max();
  std::set<std::string> categories;  // empty: all
};

struct RecordedEvent {
  std::string key;  // sorts by time; an event's for ever
  Event event;
};

// Thread-safe.
class EventLog {
 public:
  // `worker` is where it writes.
  EventLog(StateStore& store, const Clock& clock, EventLogLimits limits = {},
           std::unique_ptr<Executor> worker = std::make_unique<Worker>("events"));
  ~EventLog();

  // What earlier daemons recorded. Once, before record(). Errors of the store; what cannot be read
  // is left alone.
  Status load();
  // Does not block on the store. Too old: dropped.
  void record(Event event);
  // By time, the oldest first.
  std::vector<RecordedEvent> find(const EventQuery& query) const;
  // Writes what is not written yet, on this thread. Errors of the store; then it is tried again
  // later.
  Status write();
  // Writes, and writes nothing afterwards.
  void stop();

 private:
  void prune() REQUIRES_LOCK(mutex_);
  void write_later(Millis delay) REQUIRES_LOCK(mutex_);

  StateStore& store_;
  const Clock& clock_;
  const EventLogLimits limits_;
  mutable Mutex mutex_;
  std::map<std::string, Event> events_ GUARDED_BY(mutex_);
  std::set<std::string> unwritten_ GUARDED_BY(mutex_);  // of events_
  std::set<std::string> doomed_ GUARDED_BY(mutex_);     // in the store, not in events_
  std::uint32_t sequence_ GUARDED_BY(mutex_) = 0;
  std::set<Millis> planned_ GUARDED_BY(mutex_);  // the delays of writes to come
  Mutex write_mutex_;                            // one write at a time
  const std::unique_ptr<Executor> worker_;
};

}  // namespace trivet::service
