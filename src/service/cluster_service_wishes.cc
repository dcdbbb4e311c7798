// SPDX-License-Identifier: Apache-2.0
//
// Reboots, stops and starts: written into the record first, so that whichever daemon is there goes
// on with them (cluster_driver_wishes.cc).
#include "service/cluster_faults.h"
#include "service/cluster_service.h"

namespace trivet::service {

Result<ClusterViewPtr> ClusterService::reboot(const ClusterId& id) {
  const ClusterViewPtr view = find(id);
  if (!view) {
    return no_such_cluster(id);
  }
  const Error refused = wrong_state(id, status_text(*view), "available");
  if (status_text(*view) != "available") {
    return refused;
  }
  std::vector<MemberId> members;
  for (const Member& member : view->cluster.members) {
    members.push_back(member.id);
  }
  return begin_reboot(id, members, refused);
}

// Written first: a daemon that comes after this one goes on with it.
Result<ClusterViewPtr> ClusterService::begin_reboot(const ClusterId& id,
                                                    const std::vector<MemberId>& members,
                                                    const Error& refused) {
  const MutexLock rebooting(reboot_mutex_);
  std::map<MemberId, int> planned;
  TRIVET_CHECK_OK(with_driver(id, [&](ClusterDriver& driver) -> Status {
    auto plan = driver.plan_reboot(members);
    planned = plan ? std::move(*plan) : std::map<MemberId, int>();
    return plan ? ok() : Status(refused);
  }));
  TRIVET_CHECK_OK(store_.update(id, [&](Cluster& cluster) -> Status {
    cluster.reboots = planned;
    return cluster.status == ClusterStatus::kAvailable ? ok() : Status(refused);
  }));
  return with_driver(id, [&](ClusterDriver& driver) {
    driver.reboot(planned);
    return ok();
  });
}

Result<ClusterViewPtr> ClusterService::reboot_member(const MemberId& id) {
  for (const ClusterViewPtr& view : views()) {
    for (const MemberStatus& member : view->members) {
      if (member.id != id) {
        continue;
      }
      const Error refused =
          aws_fault(Errc::kConflict, "InvalidDBInstanceState",
                    fmt::format("Instance {} is not in available state.", id.str()));
      if (instance_status_text(*view, member) != "available" || status_text(*view) != "available") {
        return refused;
      }
      return begin_reboot(view->cluster.id, {id}, refused);
    }
  }
  return aws_fault(Errc::kNotFound, "DBInstanceNotFound",
                   fmt::format("DBInstance {} not found.", id.str()));
}

Result<ClusterViewPtr> ClusterService::stop_cluster(const ClusterId& id) {
  const ClusterViewPtr view = find(id);
  if (!view) {
    return no_such_cluster(id);
  }
  if (status_text(*view) != "available") {
    return wrong_state(id, status_text(*view), "available");
  }
  TRIVET_CHECK_OK(set_status(id, ClusterStatus::kAvailable, ClusterStatus::kStopping));
  return with_driver(id, [](ClusterDriver& driver) {
    driver.stop_cluster();
    return ok();
  });
}

Result<ClusterViewPtr> ClusterService::start_cluster(const ClusterId& id) {
  const ClusterViewPtr view = find(id);
  if (!view) {
    return no_such_cluster(id);
  }
  constexpr std::string_view kStartable = "stopped,inaccessible-encryption-credentials-recoverable";
  if (view->cluster.status != ClusterStatus::kStopped) {
    return wrong_state(id, status_text(*view), kStartable);
  }
  TRIVET_CHECK_OK(set_status(id, ClusterStatus::kStopped, ClusterStatus::kStarting));
  return with_driver(id, [](ClusterDriver& driver) {
    driver.start_cluster();
    return ok();
  });
}

// Of callers at once, one wins; the others see what it made of the record.
Status ClusterService::set_status(const ClusterId& id, ClusterStatus from, ClusterStatus to) {
  const auto changed = store_.update(id, [&](Cluster& cluster) -> Status {
    if (cluster.status != from) {
      return wrong_state(id, to_string(cluster.status), to_string(from));
    }
    cluster.status = to;
    return ok();
  });
  return changed ? ok() : Status(changed.error());
}

}  // namespace trivet::service
