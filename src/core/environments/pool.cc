// SPDX-License-Identifier: Apache-2.0
#include "core/environments/pool.h"

#include <algorithm>

namespace trivet::environments {

// The one that was busy last: the others may become idle long enough to end.
std::optional<EnvironmentId> Pool::find_idle(Instant now, const PoolKey& key,
                                             Millis timeout) const {
  std::optional<EnvironmentId> best;
  for (const auto& [id, environment] : environments_) {
    if (environment.state != State::kIdle || environment.key != key ||
        environment.expires < now + timeout) {
      continue;
    }
    if (!best || environments_.at(*best).idle_since <= environment.idle_since) {
      best = id;
    }
  }
  return best;
}

std::optional<EnvironmentId> Pool::longest_idle() const {
  std::optional<EnvironmentId> best;
  for (const auto& [id, environment] : environments_) {
    if (environment.state == State::kIdle &&
        (!best || environment.idle_since < environments_.at(*best).idle_since)) {
      best = id;
    }
  }
  return best;
}

std::size_t Pool::count(const PoolKey& key, State state) const {
  return static_cast<std::size_t>(std::count_if(
      environments_.begin(), environments_.end(),
      [&](const auto& entry) { return entry.second.state == state && entry.second.key == key; }));
}

void Pool::start(const PoolKey& key, Ticket ticket, PoolActions& out) {
  const EnvironmentId id = ++last_id_;
  environments_[id].key = key;
  out.push_back(StartEnvironment{id, ticket});
}

PoolActions Pool::ask(Instant now, const PoolKey& key, Millis timeout, Ticket ticket) {
  if (const auto found = find_idle(now, key, timeout)) {
    environments_.at(*found).state = State::kBusy;
    return {Dispatch{*found, ticket}};
  }
  const auto queue = waiting_.find(key);
  const std::size_t before = queue == waiting_.end() ? 0 : queue->second.size();
  if (before < count(key, State::kStarting) + count(key, State::kAnswered)) {
    waiting_[key].push_back(ticket);
    return {};
  }
  PoolActions out;
  if (environments_.size() >= limits_.environments_max) {
    const auto given_up = longest_idle();
    if (!given_up) {
      return {Refuse{ticket}};
    }
    environments_.erase(*given_up);
    out.push_back(EndEnvironment{*given_up, EndReason::kRoom});
  }
  waiting_[key].push_back(ticket);
  start(key, ticket, out);
  return out;
}

void Pool::answered(EnvironmentId id) {
  if (const auto at = environments_.find(id);
      at != environments_.end() && at->second.state == State::kBusy) {
    at->second.state = State::kAnswered;
  }
}

PoolActions Pool::ready(Instant now, EnvironmentId id, Instant expires) {
  const auto at = environments_.find(id);
  if (at == environments_.end()) {
    return {};
  }
  Environment& environment = at->second;
  environment.expires = expires;
  if (const auto queue = waiting_.find(environment.key); queue != waiting_.end()) {
    const Ticket ticket = queue->second.front();
    queue->second.pop_front();
    if (queue->second.empty()) {
      waiting_.erase(queue);
    }
    environment.state = State::kBusy;
    return {Dispatch{id, ticket}};
  }
  if (environment.is_retired) {
    environments_.erase(at);
    return {EndEnvironment{id, EndReason::kRetired}};
  }
  environment.state = State::kIdle;
  environment.idle_since = now;
  return {};
}

Pool::Gone Pool::gone(EnvironmentId id) {
  Gone out;
  const auto at = environments_.find(id);
  if (at == environments_.end()) {
    return out;
  }
  const Environment environment = at->second;
  environments_.erase(at);
  const auto queue = waiting_.find(environment.key);
  if (queue == waiting_.end() ||
      queue->second.size() <=
          count(environment.key, State::kStarting) + count(environment.key, State::kAnswered)) {
    return out;  // the others serve all that wait
  }
  if (environment.state != State::kStarting) {
    start(environment.key, queue->second.front(), out.actions);
    return out;
  }
  out.failed = queue->second.front();
  queue->second.pop_front();
  if (queue->second.empty()) {
    waiting_.erase(queue);
  }
  return out;
}

PoolActions Pool::retire(const std::string& function_arn,
                         const std::optional<std::string>& except) {
  return retire_if([&](const PoolKey& key) {
    return key.function_arn == function_arn && !(except && key.revision == *except);
  });
}

PoolActions Pool::retire_all() {
  return retire_if([](const PoolKey&) { return true; });
}

PoolActions Pool::retire_if(const std::function<bool(const PoolKey&)>& is_meant) {
  PoolActions out;
  for (auto at = environments_.begin(); at != environments_.end();) {
    Environment& environment = at->second;
    if (!is_meant(environment.key)) {
      ++at;
      continue;
    }
    if (environment.state == State::kIdle) {
      out.push_back(EndEnvironment{at->first, EndReason::kRetired});
      at = environments_.erase(at);
    } else {
      environment.is_retired = true;
      ++at;
    }
  }
  return out;
}

PoolActions Pool::tick(Instant now) {
  PoolActions out;
  for (auto at = environments_.begin(); at != environments_.end();) {
    const Environment& environment = at->second;
    const bool is_expired = environment.expires <= now;
    const bool is_old = environment.idle_since + limits_.idle_max <= now;
    if (environment.state == State::kIdle && (is_expired || is_old)) {
      out.push_back(EndEnvironment{at->first, is_expired ? EndReason::kExpired : EndReason::kIdle});
      at = environments_.erase(at);
    } else {
      ++at;
    }
  }
  for (const auto& [key, queue] : waiting_) {
    for (std::size_t i = count(key, State::kStarting);
         i < queue.size() && environments_.size() < limits_.environments_max; ++i) {
      start(key, queue[i], out);
    }
  }
  return out;
}

std::size_t Pool::idle() const {
  return static_cast<std::size_t>(
      std::count_if(environments_.begin(), environments_.end(),
                    [](const auto& entry) { return entry.second.state == State::kIdle; }));
}

std::size_t Pool::busy() const {
  return environments_.size() - idle();
}

std::size_t Pool::waiting() const {
  std::size_t out = 0;
  for (const auto& [key, queue] : waiting_) {
    out += queue.size();
  }
  return out;
}

}  // namespace trivet::environments
