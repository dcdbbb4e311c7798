// SPDX-License-Identifier: Apache-2.0
//
// What happens to clusters and members, as AWS's events: their ids, categories and texts, and
// behind the text what AWS does not say: how long it took, why, what is waited for.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "core/failover/effects.h"
#include "model/cluster.h"
#include "service/event_log.h"
#include "service/loss_preview.h"

namespace trivet::service {

// What a driver knows beside the machine's note.
struct NoteFacts {
  bool is_starting = false;     // the whole cluster is being started: members need no words
  failover::Rejoined rejoined;  // of a member that is back: what it gave up, and why it was cloned
  std::string kept_data;        // where the data that a rebuild replaced lies; empty: nowhere
};

// Used on `control` only. Never blocks on the store.
class ClusterEvents {
 public:
  ClusterEvents(EventLog& log, const Clock& clock, Realm realm);

  void created(const Cluster& cluster);
  void creation_failed(const Cluster& cluster, std::string_view why);
  void deleted(const Cluster& cluster);
  void stopped(const Cluster& cluster);
  void stop_failed(const Cluster& cluster, std::string_view why);
  void started(const Cluster& cluster, Millis took);
  // A member's process has ended while it should run.
  void member_ended(const MemberId& member, std::string_view how);
  // An operator lets a member write that may lack acknowledged commits.
  void loss_accepted(const Cluster& cluster, const LossPreview::Offer& offer,
                     std::string_view without);
  void master_user_reset(const Cluster& cluster);
  void reboot_failed(const MemberId& member, std::string_view why);
  void noted(const Cluster& cluster, const failover::Note& note, const NoteFacts& facts);

 private:
  // The outage that a cluster is in.
  struct Outage {
    bool is_failover = false;  // else its last writer comes back by itself
    bool is_switchover = false;
    MemberId former_writer;
    std::string reason;
    std::optional<MemberId> target;  // the last one that was told
    std::string waiting_for;         // what was told last
  };
  void of_cluster(const Cluster& cluster, std::string_view id, std::string_view category,
                  std::string message);
  void of_member(const MemberId& member, std::string_view id, std::string_view category,
                 std::string message);
  void target_chosen(const Cluster& cluster, const MemberId& target);
  void switchover_given_up(const Cluster& cluster, const failover::Note& note);
  void outage_ended(const Cluster& cluster, const failover::Note& note, const NoteFacts& facts);

  EventLog& log_;
  const Clock& clock_;
  const Realm realm_;
  std::map<ClusterResourceId, Outage> outages_;
};

}  // namespace trivet::service
