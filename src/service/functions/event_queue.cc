// SPDX-License-Identifier: Apache-2.0
#include "service/functions/event_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/random.h"
#include "core/function_ref/function_ref.h"

namespace trivet::functions {
namespace {

constexpr Millis kShortestWait{1};

// Trying again cannot help: the function is gone, or will never take this event.
bool is_hopeless(const Error& error) {
  return error.code == Errc::kNotFound || error.code == Errc::kInvalidArgument;
}

}  // namespace

Status EventQueue::start() {
  TRIVET_TRY(const auto kept, needs_.spool.list());
  for (const auto& [id, record] : kept) {
    auto event = decode_queued_event(record);
    if (!event) {
      log(Level::kError, "functions.event_unreadable",
          {{"id", id}, {"error", event.error().message}});
      continue;
    }
    const MutexLock lock(mutex_);
    bytes_ += event->payload.size();
    due_.emplace(event->due, id);
    events_.emplace(id, std::move(*event));
  }
  run_due_later(kShortestWait);
  return ok();
}

void EventQueue::stop() {
  const MutexLock lock(mutex_);
  is_stopping_ = true;
}

std::size_t EventQueue::size() const {
  const MutexLock lock(mutex_);
  return events_.size();
}

Status EventQueue::accept(InvokeWish wish) {
  TRIVET_CHECK_OK(needs_.invoker.check(wish, kAsyncPayloadMax));
  const WallTime now = needs_.clock.wall_now();
  return add({.request_id = std::move(wish.request_id),
              .function = std::move(wish.function),
              .qualifier = std::move(wish.qualifier),
              .payload = wish.payload.empty() ? "{}" : std::move(wish.payload),
              .client_context = std::move(wish.client_context),
              .received = now,
              .due = now},
             true);
}

// `is_limited`: others may be turned away, what a destination is told may not.
Status EventQueue::add(QueuedEvent event, bool is_limited) {
  Id id;
  {
    const MutexLock lock(mutex_);
    const bool is_full = events_.size() >= needs_.limits.events_max ||
                         bytes_ + event.payload.size() > needs_.limits.bytes_max;
    if (is_limited && is_full) {
      return aws_fault(Errc::kConflict, "TooManyRequestsException", "Rate Exceeded.");
    }
    bytes_ += event.payload.size();  // before it is written, so that many at once stay within
    id = fmt::format("{:014}-{:08}-{}", to_ms(event.received), sequence_++ % 100'000'000,
                     random_text(8, kLowerAlphanumerics));
  }
  if (auto written = needs_.spool.put(id, encode(event)); !written) {
    const MutexLock lock(mutex_);
    bytes_ -= event.payload.size();
    return make_error(Errc::kUnavailable, written.error().message);
  }
  {
    const MutexLock lock(mutex_);
    due_.emplace(event.due, id);
    events_.emplace(id, std::move(event));
  }
  run_due_later(kShortestWait);
  return ok();
}

void EventQueue::run_due_later(Millis delay) {
  (void)needs_.worker.post_after(delay, [this] { run_due(); });
}

// Starts what is due and has room; looks again when the next is due, or when one has ended.
void EventQueue::run_due() {
  std::vector<Id> ready;
  Millis next = Millis::max();
  {
    const MutexLock lock(mutex_);
    const WallTime now = needs_.clock.wall_now();
    for (auto it = due_.begin(); it != due_.end() && !is_stopping_;) {
      if (it->first > now) {
        next = std::chrono::duration_cast<Millis>(it->first - now);
        break;
      }
      if (running_total_ >= needs_.limits.running_max) {
        break;
      }
      std::int32_t& running = running_[events_.at(it->second).function];
      if (running >= needs_.limits.running_of_one_max) {
        ++it;
        continue;
      }
      ++running;
      ++running_total_;
      ready.push_back(it->second);
      it = due_.erase(it);
    }
  }
  for (const Id& id : ready) {
    run(id);
  }
  if (next != Millis::max()) {
    run_due_later(std::clamp(next, kShortestWait, Millis(60'000)));
  }
}

void EventQueue::run(const Id& id) {
  QueuedEvent event;
  {
    const MutexLock lock(mutex_);
    event = events_.at(id);
  }
  if (is_too_old(event, config_of(event), needs_.clock.wall_now())) {
    settle(id, std::move(event), Fate::kEventAgeExceeded);
    return;
  }
  InvokeWish wish{.function = event.function,
                  .qualifier = event.qualifier,
                  .payload = event.payload,
                  .client_context = event.client_context,
                  .request_id = event.request_id};
  needs_.invoker.invoke(std::move(wish), [this, id](Result<InvokeAnswer> answer) {
    if (needs_.worker.post([this, id, answer] { ended(id, answer); })) {
      return;
    }
    bool is_over = false;
    {
      const MutexLock lock(mutex_);
      is_over = is_stopping_;
    }
    if (!is_over) {
      ended(id, answer);  // the worker had no room: rather here than never
    }
  });
}

void EventQueue::ended(const Id& id, const Result<InvokeAnswer>& answer) {
  QueuedEvent event;
  {
    const MutexLock lock(mutex_);
    event = events_.at(id);
  }
  const EventInvokeConfig config = config_of(event);
  const WallTime now = needs_.clock.wall_now();
  if (answer) {
    event.last_error = answer->function_error;
    event.last_payload = answer->payload;
    event.last_version = answer->executed_version;
    const Fate fate = after_run(event, !answer->function_error.empty(), config, needs_.rules, now);
    settle(id, std::move(event), fate);
    return;
  }
  if (is_hopeless(answer.error())) {
    log(Level::kWarning, "functions.event_dropped",
        {{"function", event.function},
         {"request_id", event.request_id},
         {"error", answer.error().message}});
    forget(id, event);
    return;
  }
  const Fate fate = after_refusal(event, config, needs_.rules, now);
  settle(id, std::move(event), fate);
}

void EventQueue::settle(const Id& id, QueuedEvent event, Fate fate) {
  if (fate != Fate::kAgain) {
    tell(event, fate);
    forget(id, event);
    return;
  }
  if (auto written = needs_.spool.put(id, encode(event)); !written) {
    // It is tried again all the same; only a restart would count from before.
    log(Level::kError, "functions.event_not_written",
        {{"request_id", event.request_id}, {"error", written.error().message}});
  }
  {
    const MutexLock lock(mutex_);
    --running_[event.function];
    --running_total_;
    due_.emplace(event.due, id);
    events_[id] = std::move(event);
  }
  run_due_later(kShortestWait);
}

// The destination's event is written before this one goes: rather told twice than not at all.
void EventQueue::tell(const QueuedEvent& event, Fate fate) {
  const EventInvokeConfig config = config_of(event);
  const bool is_success = fate == Fate::kSucceeded;
  const std::string& destination = is_success ? config.on_success : config.on_failure;
  const WallTime now = needs_.clock.wall_now();
  const std::string arn = function_ref::arn_of(
      needs_.functions.realm(), event.function,
      event.qualifier.empty() ? kLatestVersion : std::string_view(event.qualifier));
  const std::string record = failure_record(event, arn, fate, now);
  if (!is_success) {
    log(Level::kWarning, "functions.event_failed",
        {{"function", event.function},
         {"request_id", event.request_id},
         {"attempts", static_cast<std::int64_t>(event.attempts)},
         {"destination", destination.empty() ? "none" : destination}});
  }
  const auto ref = function_ref::parse(destination);
  if (destination.empty() || !ref) {
    return;
  }
  const Status added = add({.request_id = random_uuid(),
                            .function = ref->name,
                            .qualifier = ref->qualifier,
                            .payload = record,
                            .received = now,
                            .due = now},
                           false);
  if (!added) {
    log(Level::kError, "functions.destination_not_told",
        {{"destination", destination}, {"error", added.error().message}});
  }
}

void EventQueue::forget(const Id& id, const QueuedEvent& event) {
  if (auto removed = needs_.spool.remove(id); !removed) {
    log(Level::kError, "functions.event_not_removed",
        {{"id", id}, {"error", removed.error().message}});
  }
  {
    const MutexLock lock(mutex_);
    if (--running_[event.function] == 0) {
      running_.erase(event.function);
    }
    --running_total_;
    bytes_ -= event.payload.size();
    events_.erase(id);
  }
  run_due_later(kShortestWait);
}

EventInvokeConfig EventQueue::config_of(const QueuedEvent& event) const {
  const std::string key = event.qualifier == kLatestVersion ? "" : event.qualifier;
  const auto all = needs_.functions.state();
  const FunctionEntry* entry = all->find(event.function);
  if (entry == nullptr) {
    return {};
  }
  const auto config = entry->function.event_configs.find(key);
  return config == entry->function.event_configs.end() ? EventInvokeConfig() : config->second;
}

}  // namespace trivet::functions
