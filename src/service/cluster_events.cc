// SPDX-License-Identifier: Apache-2.0
#include "service/cluster_events.h"

#include <fmt/format.h>

#include "model/arn.h"

namespace trivet::service {
namespace {

std::string arn_of(const Realm& realm, std::string_view kind, const std::string& name) {
  return Arn{.partition = realm.partition,
             .service = "rds",
             .region = realm.region,
             .account = realm.account.str(),
             .resource = fmt::format("{}:{}", kind, name)}
      .str();
}

std::string with_detail(std::string_view text, std::string_view what, std::string_view detail) {
  return detail.empty() ? std::string(text) : fmt::format("{} {}{}.", text, what, detail);
}

constexpr std::string_view kRecovered = "Recovery of the DB instance is complete.";

// Nobody was told that they had succeeded (failover.md I1).
std::string discarded_text(std::uint64_t count) {
  return count == 0
             ? std::string()
             : fmt::format(" {} {} never acknowledged and that the writer lacks {} discarded.",
                           count, count == 1 ? "transaction that was" : "transactions that were",
                           count == 1 ? "was" : "were");
}

std::string rejoined_text(const failover::Rejoined& r) {
  const std::string text = fmt::format("{} It replicates again, without its data being copied.{}",
                                       kRecovered, discarded_text(r.discarded));
  return with_detail(text, r.discarded == 1 ? "It is kept in " : "They are kept in ", r.kept);
}

std::string rebuilt_text(const NoteFacts& facts) {
  const failover::Rejoined& r = facts.rejoined;
  std::string text = fmt::format("{} Its data was cloned anew from another member", kRecovered);
  text += r.reason.empty() ? "." : fmt::format(", because {}.", r.reason);
  text += discarded_text(r.discarded);
  std::string kept = r.kept;
  kept += (kept.empty() || facts.kept_data.empty() ? "" : ", ") + facts.kept_data;
  return with_detail(text, "What it held before is kept in ", kept);
}

}  // namespace

ClusterEvents::ClusterEvents(EventLog& log, const Clock& clock, Realm realm)
    : log_(log), clock_(clock), realm_(std::move(realm)) {}

void ClusterEvents::of_cluster(const Cluster& cluster, std::string_view id,
                               std::string_view category, std::string message) {
  log_.record({.at = clock_.wall_now(),
               .source = Event::Source::kCluster,
               .source_id = cluster.id.str(),
               .source_arn = arn_of(realm_, "cluster", cluster.id.str()),
               .id = std::string(id),
               .category = std::string(category),
               .message = std::move(message)});
}

void ClusterEvents::of_member(const MemberId& member, std::string_view id,
                              std::string_view category, std::string message) {
  log_.record({.at = clock_.wall_now(),
               .source = Event::Source::kInstance,
               .source_id = member.str(),
               .source_arn = arn_of(realm_, "db", member.str()),
               .id = std::string(id),
               .category = std::string(category),
               .message = std::move(message)});
}

void ClusterEvents::created(const Cluster& cluster) {
  for (const Member& member : cluster.members) {
    of_member(member.id, "RDS-EVENT-0005", "creation", "DB instance created.");
  }
  of_cluster(cluster, "RDS-EVENT-0170", "creation", "DB cluster created.");
}

void ClusterEvents::creation_failed(const Cluster& cluster, std::string_view why) {
  of_cluster(
      cluster, "RDS-EVENT-0354", "failure",
      with_detail("You can't create the DB cluster because of incompatible resources.", "", why));
}

void ClusterEvents::deleted(const Cluster& cluster) {
  outages_.erase(cluster.resource_id);
  for (const Member& member : cluster.members) {
    of_member(member.id, "RDS-EVENT-0003", "deletion", "DB instance deleted.");
  }
  of_cluster(cluster, "RDS-EVENT-0171", "deletion", "DB cluster deleted.");
}

void ClusterEvents::stopped(const Cluster& cluster) {
  outages_.erase(cluster.resource_id);
  for (const Member& member : cluster.members) {
    of_member(member.id, "RDS-EVENT-0087", "notification", "DB instance stopped.");
  }
  of_cluster(cluster, "RDS-EVENT-0150", "notification", "DB cluster stopped.");
}

void ClusterEvents::stop_failed(const Cluster& cluster, std::string_view why) {
  of_cluster(cluster, "RDS-EVENT-0152", "notification",
             with_detail("DB cluster stop failed.", "", why));
}

void ClusterEvents::started(const Cluster& cluster, Millis took) {
  for (const Member& member : cluster.members) {
    of_member(member.id, "RDS-EVENT-0088", "notification", "DB instance started.");
  }
  of_cluster(cluster, "RDS-EVENT-0151", "notification",
             fmt::format("DB cluster started. It took {} ms.", took.count()));
}

void ClusterEvents::member_ended(const MemberId& member, std::string_view how) {
  of_member(member, "RDS-EVENT-0004", "availability",
            with_detail("DB instance shutdown.", "mysqld ended: ", how));
}

// AWS has no event for what it has no command for: the nearest is its word on a failed failover.
void ClusterEvents::loss_accepted(const Cluster& cluster, const LossPreview::Offer& offer,
                                  std::string_view without) {
  const std::string known = offer.lacks.empty()
                                ? "no transaction that it is known to lack"
                                : fmt::format("{} transactions given up that others held: {}",
                                              offer.lacks.count(), offer.lacks.str());
  of_cluster(cluster, "RDS-EVENT-0069", "failover",
             fmt::format("An operator accepted the loss of data: {} is to write without {}; {}.",
                         offer.member.str(), without, known));
}

void ClusterEvents::master_user_reset(const Cluster& cluster) {
  of_cluster(cluster, "RDS-EVENT-0016", "configuration change", "Reset master credentials.");
}

void ClusterEvents::reboot_failed(const MemberId& member, std::string_view why) {
  of_member(member, "RDS-EVENT-0022", "availability",
            fmt::format("Error restarting mysql: {}.", why));
}

// Members are in different AZs, but where an operator named one AZ three times.
void ClusterEvents::target_chosen(const Cluster& cluster, const MemberId& target) {
  Outage& outage = outages_[cluster.resource_id];
  if (!outage.is_failover || outage.target == target) {
    return;
  }
  outage.target = target;
  if (target == outage.former_writer) {
    of_cluster(cluster, "RDS-EVENT-0070", "failover",
               fmt::format("Promoting previous primary again: {}.", target.str()));
    return;
  }
  const Member* from = cluster.find_member(outage.former_writer);
  const Member* to = cluster.find_member(target);
  const bool is_same_zone =
      from != nullptr && to != nullptr && from->availability_zone == to->availability_zone;
  of_cluster(cluster, is_same_zone ? "RDS-EVENT-0072" : "RDS-EVENT-0073", "failover",
             with_detail(fmt::format("Started {} AZ failover to DB instance: {}.",
                                     is_same_zone ? "same" : "cross", target.str()),
                         "Reason: ", outage.reason));
}

void ClusterEvents::outage_ended(const Cluster& cluster, const failover::Note& note,
                                 const NoteFacts& facts) {
  const Outage outage = std::exchange(outages_[cluster.resource_id], {});
  outages_.erase(cluster.resource_id);
  const bool is_another = !outage.former_writer.empty() && note.member != outage.former_writer;
  if (outage.is_failover || is_another) {
    of_cluster(
        cluster, "RDS-EVENT-0071", "failover",
        fmt::format("Completed failover to DB instance: {}. {} for {} ms.", note.member.str(),
                    outage.is_switchover ? "Writes waited" : "The cluster was without a writer",
                    note.text));
  } else if (!facts.is_starting) {
    of_member(note.member, "RDS-EVENT-0006", "availability",
              fmt::format("DB instance restarted. The cluster was without a writer for {} ms.",
                          note.text));
  }
}

void ClusterEvents::switchover_given_up(const Cluster& cluster, const failover::Note& note) {
  outages_.erase(cluster.resource_id);
  of_cluster(cluster, "RDS-EVENT-0069", "failover",
             with_detail("Cluster failover failed, check the health of your cluster instances and "
                         "try again.",
                         fmt::format("The switchover to {} was given up: ", note.member.str()),
                         note.text));
}

void ClusterEvents::noted(const Cluster& cluster, const failover::Note& note,
                          const NoteFacts& facts) {
  using Kind = failover::Note::Kind;
  switch (note.kind) {
    case Kind::kFailoverStarted:
    case Kind::kColdStartStarted:
      outages_[cluster.resource_id] = {.is_failover = note.kind == Kind::kFailoverStarted,
                                       .is_switchover = false,
                                       .former_writer = note.member,
                                       .reason = note.text,
                                       .target = {},
                                       .waiting_for = {}};
      break;
    case Kind::kSwitchoverStarted:
      outages_[cluster.resource_id] = {.is_failover = true,
                                       .is_switchover = true,
                                       .former_writer = MemberId(note.text),
                                       .reason = "a switchover was asked for",
                                       .target = {},
                                       .waiting_for = {}};
      target_chosen(cluster, note.member);
      break;
    case Kind::kSwitchoverGivenUp:
      switchover_given_up(cluster, note);
      break;
    case Kind::kCandidateChosen:
      target_chosen(cluster, note.member);
      break;
    case Kind::kFailoverCompleted:
    case Kind::kColdStartCompleted:
    case Kind::kSwitchoverCompleted:
      outage_ended(cluster, note, facts);
      break;
    case Kind::kFailoverStuck:
      if (std::exchange(outages_[cluster.resource_id].waiting_for, note.text) != note.text) {
        of_cluster(cluster, "RDS-EVENT-0069", "failover",
                   with_detail("Cluster failover failed, check the health of your cluster "
                               "instances and try again.",
                               "It waits for ", note.text));
      }
      break;
    case Kind::kMemberRestarted:
      if (!facts.is_starting) {
        of_member(note.member, "RDS-EVENT-0006", "availability", "DB instance restarted.");
      }
      break;
    case Kind::kMemberRejoined:
    case Kind::kMemberRebuilt:
      of_member(
          note.member, "RDS-EVENT-0021", "recovery",
          note.kind == Kind::kMemberRebuilt ? rebuilt_text(facts) : rejoined_text(facts.rejoined));
      break;
    case Kind::kOpened:
    case Kind::kMemberTrouble:
      break;
  }
}

}  // namespace trivet::service
