// SPDX-License-Identifier: Apache-2.0
#include "service/event_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace trivet::service {
namespace {

constexpr std::string_view kPrefix = "events/";
constexpr std::string_view kFailedOrForced = "RDS-EVENT-0069";

// Digits enough for the year 5138; equal times keep their order.
std::string key_of(WallTime at, std::uint32_t sequence) {
  return fmt::format("{}{:014}-{:08x}", kPrefix, std::max<std::int64_t>(0, to_ms(at)), sequence);
}

// The store has a failover's own commits to write just then. A loss that an operator accepted must
// be on record before it is one.
bool may_wait(const Event& event) {
  return event.id != kFailedOrForced &&
         (event.category == "failover" || event.category == "availability" ||
          event.category == "recovery");
}

}  // namespace

EventLog::EventLog(StateStore& store, const Clock& clock, EventLogLimits limits,
                   std::unique_ptr<Executor> worker)
    : store_(store), clock_(clock), limits_(limits), worker_(std::move(worker)) {}

EventLog::~EventLog() {
  stop();
}

Status EventLog::load() {
  TRIVET_TRY(const std::vector<StoredValue> records, store_.list(kPrefix));
  const MutexLock lock(mutex_);
  const std::string oldest = key_of(clock_.wall_now() - kEventsKept, 0);
  for (const StoredValue& record : records) {
    auto event = decode_event(record.value);
    if (record.key < oldest) {
      doomed_.insert(record.key);
    } else if (event) {
      events_.emplace(record.key, std::move(*event));
    } else {
      log(Level::kWarning, "events.unreadable",
          {{"key", record.key}, {"error", event.error().message}});
    }
  }
  prune();
  if (!doomed_.empty()) {
    write_later(limits_.write_after);
  }
  return ok();
}

void EventLog::prune() {
  const std::string oldest = key_of(clock_.wall_now() - kEventsKept, 0);
  while (!events_.empty() &&
         (events_.begin()->first < oldest || events_.size() > limits_.events_max)) {
    const std::string key = events_.begin()->first;
    events_.erase(events_.begin());
    if (unwritten_.erase(key) == 0) {
      doomed_.insert(key);
    }
  }
}

void EventLog::record(Event event) {
  const MutexLock lock(mutex_);
  std::string key = key_of(event.at, sequence_++);
  while (events_.contains(key)) {  // recorded at this moment before the daemon was restarted
    key = key_of(event.at, sequence_++);
  }
  const bool waits = may_wait(event);
  unwritten_.insert(key);
  events_.emplace(std::move(key), std::move(event));
  prune();
  write_later(waits ? limits_.write_after : Millis(0));
}

void EventLog::write_later(Millis delay) {
  if (!planned_.insert(delay).second) {
    return;
  }
  worker_->post_after(delay, [this, delay] {
    {
      const MutexLock lock(mutex_);
      planned_.erase(delay);
    }
    if (const Status written = write(); !written) {
      log(Level::kWarning, "events.not_written", {{"error", written.error().message}});
      const MutexLock lock(mutex_);
      write_later(limits_.retry_after);
    }
  });
}

Status EventLog::write() {
  const MutexLock writing(write_mutex_);
  Commit commit;
  {
    const MutexLock lock(mutex_);
    for (const std::string& key : unwritten_) {
      commit.puts.push_back({key, encode(events_.at(key))});
    }
    commit.deletes.assign(doomed_.begin(), doomed_.end());
    unwritten_.clear();
    doomed_.clear();
  }
  if (commit.puts.empty() && commit.deletes.empty()) {
    return ok();
  }
  const auto done = store_.commit(commit);
  if (done) {
    return ok();
  }
  const MutexLock lock(mutex_);
  for (const Write& put : commit.puts) {
    if (events_.contains(put.key)) {
      unwritten_.insert(put.key);
      doomed_.erase(put.key);
    }
  }
  doomed_.insert(commit.deletes.begin(), commit.deletes.end());
  return done.error();
}

std::vector<RecordedEvent> EventLog::find(const EventQuery& query) const {
  const WallTime oldest = clock_.wall_now() - kEventsKept;
  std::vector<RecordedEvent> found;
  const MutexLock lock(mutex_);
  for (auto at = events_.lower_bound(key_of(std::max(query.from, oldest), 0)); at != events_.end();
       ++at) {
    const Event& event = at->second;
    if (event.at > query.to) {
      break;
    }
    if ((!query.source || event.source == *query.source) &&
        (query.source_id.empty() || event.source_id == query.source_id) &&
        (query.categories.empty() || query.categories.contains(event.category))) {
      found.push_back({at->first, event});
    }
  }
  return found;
}

void EventLog::stop() {
  worker_->stop();
  if (const Status written = write(); !written) {
    log(Level::kWarning, "events.not_written", {{"error", written.error().message}});
  }
}

}  // namespace trivet::service
