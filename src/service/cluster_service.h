// SPDX-License-Identifier: Apache-2.0
//
// DB clusters and DB subnet groups, as the API knows them: allots names, addresses and ids, writes
// what is wanted to the store and lets one driver for each cluster bring it about.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "service/cluster_driver.h"
#include "service/cluster_store.h"
#include "service/cluster_view.h"
#include "service/event_log.h"

namespace trivet::service {

// How this installation names and places endpoints. Fixed at `trivet init`.
struct Placement {
  Realm realm;
  std::string endpoint_hash;    // 12 lower-case alphanumerics for this account and region
  std::string endpoint_domain;  // "rds.trivet.internal"
  bool names_resolve = false;   // else endpoints are named by their addresses
  std::string address_prefix;   // "127.30": the /16 that endpoints get their addresses from
};

// What a new cluster wants of where its members go: one entry for each of three AZs.
struct MemberPlace {
  std::string availability_zone;
  std::string subnet_id;
};

// Thread-safe. Calls block on the store.
class ClusterService {
 public:
  struct Needs {
    StateStore& store;
    std::shared_ptr<const Sealer> sealer;
    const Clock& clock;
    MemberAgents& agents;
    Placement placement;
    // Asked before addresses are given away. Ok when a listener can be bound there now.
    std::function<Status(const std::string& address, std::uint16_t port)> can_bind;
    // After every change, with all clusters; on the control thread.
    std::function<void(const std::vector<ClusterViewPtr>&)> on_views;
  };
  explicit ClusterService(Needs needs);
  ~ClusterService();

  // Loads all clusters and begins to drive them; from then on there is a view of each. Once, before
  // any other call.
  Status start();
  // Stops driving; members keep running.
  void stop();
  // Stops all members in order, then `stop()`. The first error.
  Status stop_members(Millis deadline);
  // As ClusterStore::reseal().
  Status reseal() { return store_.reseal(); }

  // `wanted` has everything of the request and the derived defaults; ids, members and endpoints are
  // filled in here. Faults: DBClusterAlreadyExistsFault, DBClusterQuotaExceededFault,
  // InsufficientDBInstanceCapacity (no address left).
  Result<ClusterViewPtr> create(Cluster wanted, std::uint16_t port, SecretString master_password,
                                const std::vector<MemberPlace>& places);
  // Faults: DBClusterNotFoundFault, InvalidDBClusterStateFault, InvalidParameterCombination
  // (deletion protection).
  Result<ClusterViewPtr> remove(const ClusterId& id);
  // Changes the record (tags and the like), not the members. Faults: DBClusterNotFoundFault.
  Status update(const ClusterId& id, const std::function<Status(Cluster&)>& change);
  Status request_failover(const ClusterId& id);
  // Hands the writer's part over to `target` without an election; an event tells how it ended.
  // Faults: those of request_failover, InvalidDBInstanceState.
  Status request_switchover(const ClusterId& id, const MemberId& target);
  // See ClusterDriver. Errors: DBClusterNotFoundFault, kConflict.
  Result<LossPreview> preview_loss(const ClusterId& id);
  Status accept_loss(const ClusterId& id, const MemberId& member, const std::string& held);
  // Restart all members, or one, in place, while at least one voter serves the writer. What is
  // wanted outlives the daemon. Faults:
  // DBClusterNotFoundFault, DBInstanceNotFound, InvalidDBClusterStateFault,
  // InvalidDBInstanceState.
  Result<ClusterViewPtr> reboot(const ClusterId& id);
  Result<ClusterViewPtr> reboot_member(const MemberId& id);
  // All members end, and start again. What is wanted outlives the daemon. Faults:
  // DBClusterNotFoundFault, InvalidDBClusterStateFault.
  Result<ClusterViewPtr> stop_cluster(const ClusterId& id);
  Result<ClusterViewPtr> start_cluster(const ClusterId& id);

  // As ClusterDriver::end_sessions(); returns at once.
  void end_sessions(const MemberId& member, std::vector<ClientSession> unwanted,
                    std::function<void(Result<std::vector<ClientSession>>)> done);

  // As MemberAgent::set_role() on the writer; waits. Errors: DBClusterNotFoundFault, kUnavailable,
  // kTimeout, kInvalidArgument.
  Status set_role(const ClusterId& id, const RoleGrant& grant);
  // As MemberAgent::reset_master_user() on the writer; waits. Faults: DBClusterNotFoundFault,
  // InvalidDBClusterStateFault; errors as those of set_role().
  Status reset_master_user(const ClusterId& id, SecretString password);

  // Null when there is none.
  ClusterViewPtr find(const ClusterId& id) const;
  std::vector<ClusterViewPtr> views() const;
  const EventLog& events() const { return event_log_; }

 private:
  using AccountWork = ClusterDriver::AccountWork;

  Status on_writer(const ClusterId& id, const AccountWork& work);
  Status set_status(const ClusterId& id, ClusterStatus from, ClusterStatus to);
  // Runs `work` with the cluster's driver on control and waits; then how the cluster looks.
  Result<ClusterViewPtr> with_driver(const ClusterId& id,
                                     const std::function<Status(ClusterDriver&)>& work);
  Result<ClusterViewPtr> begin_reboot(const ClusterId& id, const std::vector<MemberId>& members,
                                      const Error& refused);
  void drive(const Cluster& cluster);
  void publish();
  Status allot_endpoints(Cluster& cluster, std::uint16_t port);
  void name_endpoints(Cluster& cluster) const;
  // Runs on control and waits for it.
  void on_control(const std::function<void()>& work);

  Needs needs_;
  ClusterStore store_;
  EventLog event_log_;
  ClusterEvents cluster_events_;  // on control only
  Mutex create_mutex_;            // names and addresses are given away one cluster at a time
  Mutex reboot_mutex_;            // from what is planned to what is begun
  mutable Mutex mutex_;
  std::map<ClusterId, ClusterViewPtr> views_ GUARDED_BY(mutex_);
  std::map<ClusterId, std::unique_ptr<ClusterDriver>> drivers_;  // on control only
  std::unique_ptr<Worker> store_worker_;
  std::unique_ptr<Worker> control_;
};

}  // namespace trivet::service
