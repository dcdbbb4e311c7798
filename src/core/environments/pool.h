// SPDX-License-Identifier: Apache-2.0
//
// Which environment an event goes to, when one is started and when one ends. Events that find no
// idle environment of their revision wait for the one that is started for them, or for whichever
// of their revision is free before it. AWS: "Understanding Lambda function scaling".
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"

namespace trivet::environments {

using EnvironmentId = std::uint64_t;
using Ticket = std::uint64_t;  // an event that waits or runs; the caller's number for it

struct PoolLimits {
  std::size_t environments_max = 200;  // that are there at once, busy or not
  Millis idle_max{300'000};            // an environment without an event ends then
};

// Whose environment: only events of the same function and revision go to it.
struct PoolKey {
  std::string function_arn;
  std::string version;
  std::string revision;  // of code and configuration
  friend auto operator<=>(const PoolKey&, const PoolKey&) = default;
};

struct StartEnvironment {
  EnvironmentId id = 0;
  Ticket ticket = 0;  // the event that it is started for, though it may get another one
};
struct Dispatch {
  EnvironmentId id = 0;
  Ticket ticket = 0;
};
enum class EndReason { kIdle, kRetired, kExpired, kRoom };
struct EndEnvironment {
  EnvironmentId id = 0;
  EndReason why = EndReason::kIdle;
};
struct Refuse {  // everything that this machine may have is busy
  Ticket ticket = 0;
};
using PoolAction = std::variant<StartEnvironment, Dispatch, EndEnvironment, Refuse>;
using PoolActions = std::vector<PoolAction>;

// Thread-compatible. What it tells to end is forgotten at once: nothing is to be reported of it.
class Pool {
 public:
  explicit Pool(PoolLimits limits) : limits_(limits) {}

  // An event that takes at most `timeout` is to run.
  PoolActions ask(Instant now, const PoolKey& key, Millis timeout, Ticket ticket);
  // The environment waits for an event: it has started, or is done with one. From `expires` on it
  // may not work any more (its credentials end).
  PoolActions ready(Instant now, EnvironmentId id, Instant expires);
  // It has answered its event and is about to be ready: whoever asks now may wait for it.
  void answered(EnvironmentId id);
  // It could not be started or ended by itself. The event that it was started for, or another one
  // that waits as long, is given back; one that it was given is the caller's to know.
  struct Gone {
    std::optional<Ticket> failed;
    PoolActions actions;
  };
  Gone gone(EnvironmentId id);
  // Environments of other revisions of this function end, those with an event after it. Without
  // `except` all.
  PoolActions retire(const std::string& function_arn, const std::optional<std::string>& except);
  // The same with every function's.
  PoolActions retire_all();
  // Once a second: ends what was idle for too long, starts for events that waited in vain for an
  // environment that had answered.
  PoolActions tick(Instant now);

  std::size_t idle() const;
  std::size_t busy() const;  // starting or with an event
  std::size_t waiting() const;

 private:
  enum class State { kStarting, kIdle, kBusy, kAnswered };
  struct Environment {
    PoolKey key;
    State state = State::kStarting;
    bool is_retired = false;
    Instant idle_since{};
    Instant expires{};
  };

  std::optional<EnvironmentId> find_idle(Instant now, const PoolKey& key, Millis timeout) const;
  std::optional<EnvironmentId> longest_idle() const;
  std::size_t count(const PoolKey& key, State state) const;
  PoolActions retire_if(const std::function<bool(const PoolKey&)>& is_meant);
  void start(const PoolKey& key, Ticket ticket, PoolActions& out);

  const PoolLimits limits_;
  std::map<EnvironmentId, Environment> environments_;
  std::map<PoolKey, std::deque<Ticket>> waiting_;
  EnvironmentId last_id_ = 0;
};

}  // namespace trivet::environments
