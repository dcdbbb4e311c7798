// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "base/clock.h"
#include "cli/admin_client.h"
#include "cli/api_client.h"
#include "cli/commands.h"
#include "cli/event_list.h"
#include "cli/status.h"

namespace trivet::cli {
namespace {

constexpr Millis kPoll{50};

// One cluster, watched over the daemon's socket.
class ClusterWatch {
 public:
  ClusterWatch(const AdminClient& admin, std::string identifier)
      : admin_(admin), identifier_(std::move(identifier)) {}

  Result<StatusCluster> look() const {
    TRIVET_TRY(const std::string json, admin_.status());
    TRIVET_TRY(const DaemonStatus status, parse_status(json));
    const StatusCluster* cluster = status.find(identifier_);
    return cluster != nullptr
               ? Result<StatusCluster>(*cluster)
               : make_error(Errc::kNotFound, fmt::format("there is no cluster {}", identifier_));
  }

  // The cluster when `is_done`. Says on standard error what changes meanwhile. kTimeout.
  template <typename IsDone>
  Result<StatusCluster> wait(IsDone is_done, Millis timeout) const {
    const SystemClock clock;
    const Instant end = clock.now() + timeout;
    std::string last;
    while (clock.now() < end) {
      TRIVET_TRY(const StatusCluster cluster, look());
      if (is_done(cluster)) {
        return cluster;
      }
      const std::string line =
          fmt::format("{}: {}{}{}", identifier_, cluster.status,
                      cluster.waiting_for.empty() ? "" : "; waiting for ", cluster.waiting_for);
      if (line != last) {
        say(line);
        last = line;
      }
      wait_for(kPoll);
    }
    return make_error(Errc::kTimeout, fmt::format("{}: not done after {} s, and goes on ({})",
                                                  identifier_, timeout.count() / 1000, last));
  }

 private:
  const AdminClient& admin_;
  std::string identifier_;
};

// The message of the newest event with this id since `from`; empty when there is none.
Result<std::string> message_of(const AdminClient& admin, const EventChoice& choice,
                               std::string_view event_id) {
  TRIVET_TRY(const std::string json, admin.events());
  TRIVET_TRY(std::vector<ListedEvent> events, parse_events(json));
  events = choose_events(std::move(events), choice);
  std::string message;
  for (const ListedEvent& event : events) {
    if (event.event_id == event_id) {
      message = event.message;
    }
  }
  return message;
}

// A call that only names the cluster, and the status that it is to end in.
struct StatusChange {
  std::string_view action;
  std::string_view wanted;
};

Result<int> change_status(const Context& context, const ClusterOptions& options,
                          const StatusChange& change) {
  TRIVET_TRY(const std::optional<AdminClient> admin, AdminClient::open(context.paths));
  if (!admin) {
    return say_not_running(context);
  }
  TRIVET_TRY(const ApiClient api, ApiClient::open(*admin));
  TRIVET_TRY([[maybe_unused]] const std::string answer,
             api.call(change.action, {{"DBClusterIdentifier", options.cluster}}));
  const ClusterWatch watch(*admin, options.cluster);
  TRIVET_TRY(const StatusCluster cluster,
             watch.wait([&](const StatusCluster& seen) { return seen.status == change.wanted; },
                        std::chrono::seconds(options.timeout_s)));
  if (options.json) {
    print(nlohmann::json{{"cluster", cluster.identifier}, {"status", cluster.status}}.dump() +
          "\n");
  } else {
    print(fmt::format("{} is {}\n", cluster.identifier, cluster.status));
  }
  return kExitOk;
}

}  // namespace

Result<int> run_failover(const Context& context, const ClusterOptions& options) {
  TRIVET_TRY(const std::optional<AdminClient> admin, AdminClient::open(context.paths));
  if (!admin) {
    return say_not_running(context);
  }
  const SystemClock clock;
  const ClusterWatch watch(*admin, options.cluster);
  TRIVET_TRY(const StatusCluster before, watch.look());
  TRIVET_TRY(const ApiClient api, ApiClient::open(*admin));
  const Instant begin = clock.now();
  const EventChoice since_now{.cluster = options.cluster, .from = clock.wall_now()};
  TRIVET_TRY([[maybe_unused]] const std::string answer,
             api.call("FailoverDBCluster", {{"DBClusterIdentifier", options.cluster}}));
  say(fmt::format("{}: failing over from {}", before.identifier, before.writer));
  const auto is_done = [&](const StatusCluster& seen) {
    return seen.term > before.term && !seen.writer.empty();
  };
  TRIVET_TRY(const StatusCluster after,
             watch.wait(is_done, std::chrono::seconds(options.timeout_s)));
  const Millis took = since(begin, clock.now());
  TRIVET_TRY(const std::string message, message_of(*admin, since_now, "RDS-EVENT-0071"));
  if (options.json) {
    print(nlohmann::json{{"cluster", after.identifier},
                         {"former_writer", before.writer},
                         {"writer", after.writer},
                         {"term", after.term},
                         {"elapsed_ms", took.count()},
                         {"message", message}}
              .dump() +
          "\n");
    return kExitOk;
  }
  print(fmt::format("{} writes to {} now (term {}). {}\n", after.identifier, after.writer,
                    after.term, message));
  return kExitOk;
}

Result<int> run_stop(const Context& context, const ClusterOptions& options) {
  return change_status(context, options, {"StopDBCluster", "stopped"});
}

Result<int> run_start(const Context& context, const ClusterOptions& options) {
  return change_status(context, options, {"StartDBCluster", "available"});
}

Result<int> run_events(const Context& context, const EventsOptions& options) {
  TRIVET_TRY(const std::optional<AdminClient> admin, AdminClient::open(context.paths));
  if (!admin) {
    return say_not_running(context);
  }
  TRIVET_TRY(const std::string json, admin->events());
  TRIVET_TRY(std::vector<ListedEvent> events, parse_events(json));
  events = choose_events(std::move(events), {.cluster = options.cluster,
                                             .from = SystemClock().wall_now() -
                                                     std::chrono::minutes(options.minutes)});
  if (options.json) {
    print(events_to_json(events) + "\n");
    return kExitOk;
  }
  if (events.empty()) {
    say(fmt::format("nothing happened in the last {} minutes", options.minutes));
  }
  print(render_events(events));
  return kExitOk;
}

}  // namespace trivet::cli
