// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/clock.h"
#include "cli/admin_client.h"
#include "cli/api_client.h"
#include "cli/cluster_watch.h"
#include "cli/commands.h"
#include "cli/event_list.h"
#include "cli/status.h"

namespace trivet::cli {
namespace {

// The message of the newest event with this id since `from`; empty when there is none.
Result<std::string> message_of(const AdminClient& admin, const EventChoice& choice,
                               std::string_view event_id) {
  TRIVET_TRY(const std::string told, admin.events());
  TRIVET_TRY(std::vector<ListedEvent> events, parse_events(told));
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

// The reader that was named, or the one that lags least.
Result<std::string> switchover_target(const StatusCluster& cluster, const std::string& named) {
  if (!named.empty()) {
    TRIVET_CHECK_OK(check_member(cluster, named));
    return named;
  }
  const StatusMember* best = nullptr;
  for (const StatusMember& member : cluster.members) {
    const bool is_candidate = member.role == "reader" && member.status == "available";
    if (is_candidate &&
        (best == nullptr || member.apply_lag_ms.value_or(0) < best->apply_lag_ms.value_or(0))) {
      best = &member;
    }
  }
  if (best == nullptr) {
    return make_error(Errc::kConflict,
                      fmt::format("{} has no reader that serves", cluster.identifier));
  }
  return best->identifier;
}

// Every one of them, or the one that was named, runs as another process than before, and serves.
bool has_rebooted(const StatusCluster& before, const StatusCluster& now, const std::string& named) {
  for (std::size_t i = 0; i < now.members.size() && i < before.members.size(); ++i) {
    const StatusMember& m = now.members[i];
    const bool is_meant = named.empty() || m.identifier == named;
    if (m.status != "available" || (is_meant && m.pid == before.members[i].pid)) {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<int> run_failover(const Context& context, const FailoverOptions& options) {
  if (options.allow_data_loss) {
    return run_failover_at_a_loss(context, options);
  }
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
  if (after.writer == before.writer) {  // it had ended, or came back before others could be asked
    return make_error(Errc::kConflict,
                      fmt::format("{} still writes to {} (term {}): it came back before another "
                                  "member could take over; `trivet events {}` says what happened",
                                  after.identifier, after.writer, after.term, after.identifier));
  }
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

Result<int> run_switchover(const Context& context, const SwitchoverOptions& options) {
  TRIVET_TRY(const std::optional<AdminClient> admin, AdminClient::open(context.paths));
  if (!admin) {
    return say_not_running(context);
  }
  const SystemClock clock;
  const ClusterWatch watch(*admin, options.cluster);
  TRIVET_TRY(const StatusCluster before, watch.look());
  TRIVET_TRY(const std::string target, switchover_target(before, options.to));
  TRIVET_TRY(const ApiClient api, ApiClient::open(*admin));
  const EventChoice since_now{.cluster = options.cluster, .from = clock.wall_now()};
  TRIVET_TRY([[maybe_unused]] const std::string answer,
             api.call("FailoverDBCluster", {{"DBClusterIdentifier", options.cluster},
                                            {"TargetDBInstanceIdentifier", target}}));
  const auto is_done = [](const StatusCluster& seen) {
    return seen.status == "available" && !seen.writer.empty();
  };
  TRIVET_TRY(const StatusCluster after,
             watch.wait(is_done, std::chrono::seconds(options.timeout_s)));
  if (after.writer != target) {
    TRIVET_TRY(const std::string why, message_of(*admin, since_now, "RDS-EVENT-0069"));
    return make_error(Errc::kConflict, fmt::format("{} still writes to {}. {}", after.identifier,
                                                   after.writer, why));
  }
  TRIVET_TRY(const std::string message, message_of(*admin, since_now, "RDS-EVENT-0071"));
  if (options.json) {
    print(nlohmann::json{{"cluster", after.identifier},
                         {"former_writer", before.writer},
                         {"writer", after.writer},
                         {"term", after.term},
                         {"message", message}}
              .dump() +
          "\n");
  } else {
    print(fmt::format("{} writes to {} now (term {}). {}\n", after.identifier, after.writer,
                      after.term, message));
  }
  return kExitOk;
}

Result<int> run_reboot(const Context& context, const RebootOptions& options) {
  TRIVET_TRY(const std::optional<AdminClient> admin, AdminClient::open(context.paths));
  if (!admin) {
    return say_not_running(context);
  }
  const ClusterWatch watch(*admin, options.cluster);
  TRIVET_TRY(const StatusCluster before, watch.look());
  const bool all = options.member.empty();
  if (!all) {  // the API takes it for any cluster's
    TRIVET_CHECK_OK(check_member(before, options.member));
  }
  TRIVET_TRY(const ApiClient api, ApiClient::open(*admin));
  const auto answer =
      all ? api.call("RebootDBCluster", {{"DBClusterIdentifier", options.cluster}})
          : api.call("RebootDBInstance", {{"DBInstanceIdentifier", options.member}});
  if (!answer) {
    return answer.error();
  }
  const auto is_done = [&](const StatusCluster& seen) {
    return seen.status == "available" && has_rebooted(before, seen, options.member);
  };
  TRIVET_TRY(const StatusCluster after,
             watch.wait(is_done, std::chrono::seconds(options.timeout_s)));
  if (options.json) {
    print(nlohmann::json{{"cluster", after.identifier},
                         {"rebooted", all ? after.identifier : options.member},
                         {"writer", after.writer}}
              .dump() +
          "\n");
  } else {
    print(fmt::format("{} was rebooted; {} writes\n", all ? after.identifier : options.member,
                      after.writer));
  }
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
  TRIVET_TRY(const std::string told, admin->events());
  TRIVET_TRY(std::vector<ListedEvent> events, parse_events(told));
  events = choose_events(std::move(events), {.cluster = options.cluster,
                                             .from = SystemClock().wall_now() -
                                                     std::chrono::minutes(options.minutes)});
  const auto names = cluster_names(context.paths);
  if (!options.cluster.empty() && names &&
      std::find(names->begin(), names->end(), options.cluster) == names->end()) {
    say(fmt::format("note: there is no cluster '{}' now", options.cluster));
  }
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
