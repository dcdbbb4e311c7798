// SPDX-License-Identifier: Apache-2.0
#include "service/cluster_service.h"

#include <fmt/format.h>

#include <future>
#include <set>

#include "base/log.h"
#include "base/random.h"
#include "service/cluster_faults.h"

namespace trivet::service {
namespace {

// RDS: 40 DB instances for each account and Region, which is 13 clusters of three.
constexpr std::size_t kClustersMax = 13;
// A /16 in blocks of eight: writer, reader, three members, three unused.
constexpr int kBlocks = 8'192;
constexpr std::size_t kResourceIdCharacters = 26;
constexpr std::size_t kPasswordCharacters = 32;  // MySQL's limit for a replication password

SecretString new_password() {
  return SecretString(random_text(kPasswordCharacters, kAlphanumerics));
}

std::string block_address(const std::string& prefix, int block, int host) {
  const int n = block * 8 + host;
  return fmt::format("{}.{}.{}", prefix, n / 256, n % 256);
}

// AWS's text, and why.
Status check_available(const ClusterView& view) {
  const std::string status = status_text(view);
  if (status == "available") {
    return ok();
  }
  const std::string why = view.waiting_for.empty()
                              ? fmt::format("It is {}.", status)
                              : fmt::format("It is {} and waits for {}.", status, view.waiting_for);
  return aws_fault(
      Errc::kConflict, "InvalidDBClusterStateFault",
      fmt::format("DB cluster {} is not in available state. {}", view.cluster.id.str(), why));
}

// A writer is not killed for a failover that nobody could take over.
Status check_reader(const ClusterView& view) {
  const bool has_one =
      std::any_of(view.members.begin(), view.members.end(), [&](const MemberStatus& m) {
        return view.writer != m.id && instance_status_text(view, m) == "available";
      });
  return has_one ? ok()
                 : Status(aws_fault(Errc::kConflict, "InvalidDBClusterStateFault",
                                    fmt::format("DB cluster {} has no reader that is available and "
                                                "could take over.",
                                                view.cluster.id.str())));
}

// A stored cluster before its driver has looked at its members: known, and not serving yet.
ClusterViewPtr unseen_view(const Cluster& cluster) {
  auto out = std::make_shared<ClusterView>();
  out->cluster = cluster;
  out->waiting_for = "its members to be looked at";
  for (const Member& member : cluster.members) {
    MemberStatus status;
    status.id = member.id;
    status.state = "stopped";
    out->members.push_back(std::move(status));
  }
  return out;
}

}  // namespace

ClusterService::ClusterService(Needs needs)
    : needs_(std::move(needs)),
      store_(needs_.store, needs_.sealer),
      event_log_(needs_.store, needs_.clock),
      cluster_events_(event_log_, needs_.clock, needs_.placement.realm),
      store_worker_(std::make_unique<Worker>("store")),
      control_(std::make_unique<Worker>("control")) {}

ClusterService::~ClusterService() {
  stop();
}

void ClusterService::on_control(const std::function<void()>& work) {
  if (control_->on_this_thread()) {
    work();
    return;
  }
  std::promise<void> done;
  const bool posted = control_->post([&work, &done] {
    work();
    done.set_value();
  });
  if (posted) {
    done.get_future().wait();
  }
}

Status ClusterService::start() {
  TRIVET_CHECK_OK(event_log_.load());
  TRIVET_TRY(const std::vector<Cluster> clusters, store_.list());
  {
    const MutexLock lock(mutex_);
    for (const Cluster& cluster : clusters) {
      views_[cluster.id] = unseen_view(cluster);
    }
  }
  on_control([this, &clusters] {
    for (const Cluster& cluster : clusters) {
      drive(cluster);
    }
  });
  return ok();
}

void ClusterService::drive(const Cluster& cluster) {
  DriverNeeds needs{
      store_,
      *control_,
      *store_worker_,
      needs_.clock,
      needs_.agents,
      cluster_events_,
      [this](ClusterViewPtr view) {
        {
          const MutexLock lock(mutex_);
          views_[view->cluster.id] = view;
        }
        publish();
      },
      [this](const Cluster& gone) {
        {
          const MutexLock lock(mutex_);
          views_.erase(gone.id);
        }
        publish();
        // The driver called this: it is destroyed after it has returned. By then its
        // name may be a new cluster's.
        control_->post([this, gone] {
          const auto at = drivers_.find(gone.id);
          if (at != drivers_.end() && at->second->cluster().resource_id == gone.resource_id) {
            drivers_.erase(at);
          }
        });
      }};
  auto driver = std::make_unique<ClusterDriver>(std::move(needs), cluster);
  ClusterDriver* begun = driver.get();
  drivers_[cluster.id] = std::move(driver);
  begun->begin();
}

void ClusterService::publish() {
  needs_.on_views(views());
}

void ClusterService::stop() {
  on_control([this] { drivers_.clear(); });
  control_->stop();
  store_worker_->stop();
  event_log_.stop();
}

void ClusterService::end_sessions(const MemberId& member, std::vector<ClientSession> unwanted,
                                  std::function<void(Result<std::vector<ClientSession>>)> done) {
  control_->post([this, member, unwanted = std::move(unwanted), done = std::move(done)] {
    for (auto& [id, driver] : drivers_) {
      if (driver->cluster().find_member(member) != nullptr) {
        driver->end_sessions(member, unwanted, done);
        return;
      }
    }
    done(make_error(Errc::kNotFound, "there is no member " + member.str()));
  });
}

Status ClusterService::stop_members(Millis deadline) {
  struct Waiting {
    std::promise<Status> done;
    std::size_t left = 0;
    Status first;
  };
  auto waiting = std::make_shared<Waiting>();
  auto future = waiting->done.get_future();
  on_control([this, waiting] {
    waiting->left = drivers_.size();
    if (drivers_.empty()) {
      waiting->done.set_value(ok());
    }
    for (auto& [id, driver] : drivers_) {
      driver->stop_members([waiting](const Status& status) {
        if (!status && waiting->first) {
          waiting->first = status;
        }
        if (--waiting->left == 0) {
          waiting->done.set_value(waiting->first);
        }
      });
    }
  });
  Status result = make_error(Errc::kTimeout, "members did not stop in time");
  if (future.wait_for(deadline) == std::future_status::ready) {
    result = future.get();
  }
  stop();
  return result;
}

void ClusterService::name_endpoints(Cluster& cluster) const {
  const Placement& p = needs_.placement;
  const std::string tail =
      fmt::format("{}.{}.{}", p.endpoint_hash, p.realm.region, p.endpoint_domain);
  const auto name = [&](Endpoint& endpoint, const std::string& label, const char* kind) {
    endpoint.name = p.names_resolve ? fmt::format("{}.{}{}", label, kind, tail) : endpoint.address;
  };
  name(cluster.writer_endpoint, cluster.id.str(), "cluster-");
  name(cluster.reader_endpoint, cluster.id.str(), "cluster-ro-");
  for (Member& member : cluster.members) {
    name(member.endpoint, member.id.str(), "");
  }
}

// The first block of addresses that no cluster has and that nobody listens on.
Status ClusterService::allot_endpoints(Cluster& cluster, std::uint16_t port) {
  std::set<std::string> taken;
  std::set<std::uint32_t> server_ids;
  for (const ClusterViewPtr& view : views()) {
    taken.insert(view->cluster.writer_endpoint.address);
    for (const Member& member : view->cluster.members) {
      server_ids.insert(member.server_id);
    }
  }
  Status last = ok();
  for (int block = 0, tried = 0; block < kBlocks && tried < 64; ++block) {
    const std::string writer = block_address(needs_.placement.address_prefix, block, 1);
    if (taken.contains(writer)) {
      continue;
    }
    ++tried;
    last = ok();
    for (int host = 1; host <= 5 && last; ++host) {
      last = needs_.can_bind(block_address(needs_.placement.address_prefix, block, host), port);
    }
    if (!last) {
      continue;
    }
    cluster.writer_endpoint = {"", writer, port};
    cluster.reader_endpoint = {"", block_address(needs_.placement.address_prefix, block, 2), port};
    for (std::size_t i = 0; i < cluster.members.size(); ++i) {
      Member& member = cluster.members[i];
      member.endpoint = {
          "", block_address(needs_.placement.address_prefix, block, 3 + static_cast<int>(i)), port};
      do {  // AWS's drivers expect numbers of this size (mysql.rds_topology)
        member.server_id = static_cast<std::uint32_t>(1'000'000'000 + random_below(1'000'000'000));
      } while (!server_ids.insert(member.server_id).second);
    }
    name_endpoints(cluster);
    return ok();
  }
  return aws_fault(Errc::kUnavailable, "InsufficientDBInstanceCapacity",
                   fmt::format("No free addresses for port {}: {}", port,
                               last ? "the address range is used up" : last.error().message));
}

Result<ClusterViewPtr> ClusterService::create(Cluster wanted, std::uint16_t port,
                                              SecretString master_password,
                                              const std::vector<MemberPlace>& places) {
  TRIVET_ASSERT(places.size() == 3);
  const MutexLock creating(create_mutex_);
  if (find(wanted.id)) {
    return aws_fault(Errc::kAlreadyExists, "DBClusterAlreadyExistsFault",
                     "DB Cluster already exists");
  }
  if (views().size() >= kClustersMax) {
    return aws_fault(Errc::kConflict, "DBClusterQuotaExceededFault",
                     fmt::format("Cannot create more than {} DB clusters", kClustersMax));
  }
  wanted.status = ClusterStatus::kCreating;
  wanted.created = needs_.clock.wall_now();
  wanted.resource_id =
      ClusterResourceId("cluster-" + random_text(kResourceIdCharacters, kUpperAlphanumerics));
  ClusterSecrets secrets;
  for (std::size_t i = 0; i < places.size(); ++i) {
    Member member;
    member.id = MemberId(fmt::format("{}-instance-{}", wanted.id.str(), i + 1));
    member.resource_id = "db-" + random_text(kResourceIdCharacters, kUpperAlphanumerics);
    member.availability_zone = places[i].availability_zone;
    member.subnet_id = places[i].subnet_id;
    secrets.replication_passwords.emplace(member.id, new_password());
    wanted.members.push_back(std::move(member));
  }
  secrets.probe_password = new_password();
  secrets.clone_password = new_password();
  secrets.master_password = std::move(master_password);
  TRIVET_CHECK_OK(allot_endpoints(wanted, port));
  const Status stored = store_.create(wanted, secrets);
  if (!stored && stored.error().code == Errc::kAlreadyExists) {
    return aws_fault(Errc::kAlreadyExists, "DBClusterAlreadyExistsFault",
                     "DB Cluster already exists");
  }
  if (!stored) {
    return stored.error();
  }
  on_control([this, &wanted] { drive(wanted); });
  return with_driver(wanted.id, [](ClusterDriver&) { return ok(); });
}

Result<ClusterViewPtr> ClusterService::remove(const ClusterId& id) {
  const ClusterViewPtr view = find(id);
  if (!view) {
    return no_such_cluster(id);
  }
  // One that never was holds nothing to be protected.
  if (view->cluster.deletion_protection && view->cluster.status != ClusterStatus::kFailed) {
    return aws_fault(
        Errc::kConflict, "InvalidParameterCombination",
        "Cannot delete protected Cluster, please disable deletion protection and try again.");
  }
  if (view->cluster.status == ClusterStatus::kDeleting) {
    return aws_fault(Errc::kConflict, "InvalidDBClusterStateFault",
                     fmt::format("Cluster {} is already being deleted.", id.str()));
  }
  on_control([this, &id] {
    const auto driver = drivers_.find(id);
    if (driver != drivers_.end()) {
      driver->second->remove();
    }
  });
  // Even when everything was gone at once, the answer shows the cluster as it was being deleted.
  auto deleting = std::make_shared<ClusterView>(*view);
  deleting->cluster.status = ClusterStatus::kDeleting;
  return ClusterViewPtr(std::move(deleting));
}

Status ClusterService::update(const ClusterId& id, const std::function<Status(Cluster&)>& change) {
  if (!find(id)) {
    return no_such_cluster(id);
  }
  TRIVET_TRY(const Cluster changed, store_.update(id, change));
  on_control([this, &changed] {
    const auto driver = drivers_.find(changed.id);
    if (driver != drivers_.end()) {
      driver->second->replace_cluster(changed);
    }
  });
  return ok();
}

Status ClusterService::request_failover(const ClusterId& id) {
  const ClusterViewPtr view = find(id);
  if (!view) {
    return no_such_cluster(id);
  }
  TRIVET_CHECK_OK(check_available(*view));
  TRIVET_CHECK_OK(check_reader(*view));
  const auto asked = with_driver(id, [](ClusterDriver& driver) {
    driver.request_failover();
    return ok();
  });
  return asked ? ok() : Status(asked.error());
}

Status ClusterService::request_switchover(const ClusterId& id, const MemberId& target) {
  const ClusterViewPtr view = find(id);
  if (!view) {
    return no_such_cluster(id);
  }
  TRIVET_CHECK_OK(check_available(*view));
  const auto member = std::find_if(view->members.begin(), view->members.end(),
                                   [&](const MemberStatus& m) { return m.id == target; });
  const auto refuse = [&](std::string_view why) {
    return aws_fault(Errc::kConflict, "InvalidDBInstanceState",
                     fmt::format("DB instance {} {}.", target.str(), why));
  };
  if (member == view->members.end()) {
    return refuse(fmt::format("is not a member of DB cluster {}", id.str()));
  }
  if (view->writer == target) {
    return refuse("is the writer already");
  }
  if (instance_status_text(*view, *member) != "available") {
    return refuse("is not in available state");
  }
  const auto asked = with_driver(id, [&](ClusterDriver& driver) {
    driver.request_switchover(target);
    return ok();
  });
  return asked ? ok() : Status(asked.error());
}

Result<LossPreview> ClusterService::preview_loss(const ClusterId& id) {
  LossPreview out;
  const auto looked = with_driver(id, [&out](ClusterDriver& driver) -> Status {
    TRIVET_TRY(out, driver.preview_loss());
    return ok();
  });
  return looked ? Result<LossPreview>(std::move(out)) : looked.error();
}

Status ClusterService::accept_loss(const ClusterId& id, const MemberId& member,
                                   const std::string& held) {
  const auto accepted =
      with_driver(id, [&](ClusterDriver& driver) { return driver.accept_loss(member, held); });
  return accepted ? ok() : Status(accepted.error());
}

Result<ClusterViewPtr> ClusterService::with_driver(
    const ClusterId& id, const std::function<Status(ClusterDriver&)>& work) {
  Status done = no_such_cluster(id);
  on_control([this, &id, &work, &done] {
    const auto driver = drivers_.find(id);
    if (driver != drivers_.end()) {
      done = work(*driver->second);
    }
  });
  TRIVET_CHECK_OK(done);
  const ClusterViewPtr view = find(id);
  return view ? Result<ClusterViewPtr>(view) : no_such_cluster(id);
}

ClusterViewPtr ClusterService::find(const ClusterId& id) const {
  const MutexLock lock(mutex_);
  const auto view = views_.find(id);
  return view == views_.end() ? nullptr : view->second;
}

std::vector<ClusterViewPtr> ClusterService::views() const {
  const MutexLock lock(mutex_);
  std::vector<ClusterViewPtr> out;
  for (const auto& [id, view] : views_) {
    out.push_back(view);
  }
  return out;
}

}  // namespace trivet::service
