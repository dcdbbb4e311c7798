// SPDX-License-Identifier: Apache-2.0
//
// The beginning and the end of a cluster: formation until it is available, deletion, an orderly
// stop. Its service is in cluster_driver.cc.
#include <utility>

#include "base/log.h"
#include "service/cluster_driver.h"
#include "service/cluster_driver_work.h"

namespace trivet::service {
namespace {

constexpr Millis kStartMax{60'000};
constexpr Millis kFormationMax{180'000};
constexpr Millis kProbeMax{5'000};
constexpr Millis kProbeEvery{50};
constexpr Millis kStopMax{60'000};

}  // namespace

void ClusterDriver::form() {
  stage_ = Stage::kForming;
  publish();
  log(Level::kInfo, "cluster.forming", {{"cluster", cluster_.id.str()}});
  const auto prepare_and_start = [](MemberAgent& agent) -> Status {
    TRIVET_CHECK_OK(agent.prepare());
    const auto started = agent.start(kStartMax);
    return started ? ok() : Status(started.error());
  };
  on_all(prepare_and_start, [this](const Status& started) {
    if (stage_ != Stage::kForming) {
      return;
    }
    if (!started) {
      give_up_formation(started.error().message);
      return;
    }
    const MemberId first = cluster_.members.front().id;
    on_member<Status>(
        first,
        [cluster = cluster_, password = master_password_](MemberAgent& agent) {
          return agent.bootstrap(
              {cluster.master_username, password->copy(), cluster.database_name});
        },
        [this](const Status& result) { formed(result); });
  });
}

// The first writer has its accounts: name it in the store, and let the machine open the cluster.
void ClusterDriver::formed(const Status& result) {
  if (stage_ != Stage::kForming) {
    return;
  }
  if (!result) {
    give_up_formation(result.error().message);
    return;
  }
  auto stored = needs_.store.topology(cluster_.resource_id);
  if (!stored) {
    give_up_formation(stored.error().message);
    return;
  }
  Topology first;
  first.term = Term(1);
  first.phase = Topology::Phase::kSteady;
  first.writer = first.last_writer = cluster_.members[0].id;
  first.voters = {cluster_.members[1].id, cluster_.members[2].id};
  first.boot_id = needs_.agents.boot_id();
  const auto committed =
      needs_.store.commit_topology(cluster_.resource_id, stored->revision, first);
  if (!committed) {
    give_up_formation(committed.error().message);
    return;
  }
  run({first, *committed});
}

// As with RDS it stays to be seen, as "failed" with the reason, until it is deleted: who asked for
// it may look only later. Nothing of its members is left.
void ClusterDriver::give_up_formation(const std::string& why) {
  needs_.events.creation_failed(cluster_, why);
  log(Level::kError, "cluster.creation_failed", {{"cluster", cluster_.id.str()}, {"error", why}});
  const auto fail = [why](Cluster& c) -> Status {
    c.status = ClusterStatus::kFailed;
    c.status_reason = why;
    return ok();
  };
  if (const auto updated = needs_.store.update(cluster_.id, fail); !updated) {
    log(Level::kError, "cluster.store_failed", {{"error", updated.error().message}});
  }
  give_back([this, fail] { (void)fail(cluster_); });
}

void ClusterDriver::give_back(std::function<void()> then) {
  stage_ = Stage::kFailing;
  take_down([this, then = std::move(then)](const Status& taken) {
    if (stage_ != Stage::kFailing) {
      return;  // it is being deleted by now
    }
    stage_ = Stage::kIdle;
    if (!taken) {
      log(Level::kError, "cluster.removal_failed",
          {{"cluster", cluster_.id.str()}, {"error", taken.error().message}});
    }
    then();
    publish();
  });
}

// A cluster is available when somebody could log in over TLS through every endpoint, not before.
void ClusterDriver::probe() {
  if (probing_ || stage_ != Stage::kRunning) {
    return;
  }
  if (since(stage_began_, needs_.clock.now()) > kFormationMax) {
    give_up_formation("the endpoints did not accept logins in time");
    return;
  }
  if (!machine_ || !machine_->serving_writer() || machine_->open_readers().size() < 2) {
    return;
  }
  probing_ = true;
  const Endpoint writer = cluster_.writer_endpoint;
  const Endpoint reader = cluster_.reader_endpoint;
  const std::uint32_t serving = hands_.at(*machine_->serving_writer()).member.server_id;
  auto shared = std::make_shared<std::pair<std::size_t, Status>>(hands_.size(), ok());
  for (const auto& [id, hands] : hands_) {
    const Member member = hands.member;
    const auto work = [member, writer, reader, serving](MemberAgent& agent) -> Status {
      TRIVET_TRY(const std::uint32_t self, agent.probe_login(member.endpoint, kProbeMax));
      if (self != member.server_id) {
        return make_error(Errc::kConflict, "another server answers for " + member.id.str());
      }
      const bool is_writer = member.server_id == serving;
      TRIVET_TRY(const std::uint32_t other,
                 agent.probe_login(is_writer ? writer : reader, kProbeMax));
      if (is_writer != (other == serving)) {
        return make_error(Errc::kConflict, "an endpoint leads to the wrong member");
      }
      return ok();
    };
    on_member<Status>(id, work, [this, shared](const Status& result) {
      if (!result) {
        shared->second = result;
      }
      if (--shared->first == 0) {
        probed(shared->second);
      }
    });
  }
}

void ClusterDriver::probed(const Status& result) {
  const std::weak_ptr<int> alive = alive_;
  if (!result) {
    log(Level::kDebug, "cluster.probe_failed",
        {{"cluster", cluster_.id.str()}, {"error", result.error().message}});
    needs_.control.post_after(kProbeEvery, [this, alive] {
      if (!alive.expired()) {
        probing_ = false;
        probe();
      }
    });
    return;
  }
  // The master password was needed until now; from here on nobody but its owner has it.
  Status stored = needs_.store.put_secrets(cluster_.resource_id, *secrets_);
  auto updated = needs_.store.update(cluster_.id, [](Cluster& c) -> Status {
    if (c.status == ClusterStatus::kCreating) {
      c.status = ClusterStatus::kAvailable;
    }
    return ok();
  });
  if (!stored || !updated) {
    log(Level::kError, "cluster.store_failed",
        {{"error", !stored ? stored.error().message : updated.error().message}});
    probing_ = false;
    return;
  }
  master_password_.reset();
  cluster_ = *updated;
  needs_.events.created(cluster_);
  log(Level::kInfo, "cluster.available",
      {{"cluster", cluster_.id.str()}, {"ms", since(stage_began_, needs_.clock.now()).count()}});
  publish();
}

void ClusterDriver::take_down(std::function<void(Status)> done) {
  machine_.reset();
  publish();
  if (hands_.empty()) {
    done(ok());
    return;
  }
  on_all([](MemberAgent& agent) { return agent.remove(); }, std::move(done));
}

void ClusterDriver::remove() {
  if (stage_ == Stage::kRemoving) {
    return;
  }
  stage_ = Stage::kRemoving;
  auto updated = needs_.store.update(cluster_.id, [](Cluster& c) -> Status {
    c.status = ClusterStatus::kDeleting;
    return ok();
  });
  if (updated) {
    cluster_ = *updated;
  }
  finish_removal();
}

void ClusterDriver::finish_removal() {
  take_down([this](const Status& taken) {
    const Status removed = taken ? needs_.store.remove(cluster_) : taken;
    if (!removed) {  // what is left is tried again: a name is free only when nothing of it is left
      log(Level::kError, "cluster.removal_failed",
          {{"cluster", cluster_.id.str()}, {"error", removed.error().message}});
      const std::weak_ptr<int> alive = alive_;
      needs_.control.post_after(Millis(2'000), [this, alive] {
        if (!alive.expired()) {
          finish_removal();
        }
      });
      return;
    }
    needs_.events.deleted(cluster_);
    log(Level::kInfo, "cluster.deleted", {{"cluster", cluster_.id.str()}});
    needs_.on_gone(cluster_);
  });
}

void ClusterDriver::request_failover() {
  feed(failover::FailoverRequested{});
}

void ClusterDriver::request_switchover(const MemberId& target) {
  feed(failover::SwitchoverRequested{target});
}

void ClusterDriver::stop_members(std::function<void(Status)> done) {
  if (stage_ == Stage::kRemoving || hands_.empty()) {
    done(ok());
    return;
  }
  stage_ = Stage::kStopping;
  const std::optional<MemberId> writer = topology_.writer;
  machine_.reset();
  publish();
  const auto stop = [](MemberAgent& agent) { return agent.stop(kStopMax); };
  if (!writer) {
    on_all(stop, std::move(done));
    return;
  }
  // The writer first, while its voters still acknowledge: nothing waits for an acknowledgement at
  // the end.
  on_member<Status>(*writer, stop, [this, stop, done](const Status& first) {
    on_all(stop, [first, done](const Status& rest) { done(first ? rest : first); });
  });
}

}  // namespace trivet::service
