// SPDX-License-Identifier: Apache-2.0
//
// What an operator wishes of a running cluster: reboots, a stop, a start. The record's status says
// what is wanted, so that a daemon that comes later goes on with it.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "service/cluster_driver.h"
#include "service/cluster_driver_work.h"

namespace trivet::service {
namespace {

// For one member to come back, others that must be healthy before it is taken away included.
constexpr Millis kRebootMax{180'000};
constexpr Millis kEndSessionsMax{3'000};
constexpr Millis kStopAgain{5'000};
constexpr Millis kStoreAgain{2'000};
// A started cluster that has its writer is available when its readers serve too, or after this.
constexpr Millis kReadersMax{20'000};

}  // namespace

Result<LossPreview> ClusterDriver::preview_loss() const {
  const auto offers = machine_ ? machine_->loss_offers(needs_.clock.now())
                               : std::vector<failover::FailoverMachine::LossOffer>();
  if (offers.empty()) {
    return make_error(
        Errc::kConflict,
        machine_ && machine_->serving_writer()
            ? fmt::format("{} has a writer: nothing has to be lost", cluster_.id.str())
            : fmt::format("{} has no writer yet, and none of its members can be let "
                          "write: one must answer, and the election must have "
                          "waited in vain for some seconds",
                          cluster_.id.str()));
  }
  LossPreview out;
  out.waiting_for = machine_->waiting_for();
  std::vector<Holding> could_write;
  std::vector<Holding> reported;
  for (const auto& offer : offers) {
    could_write.push_back({offer.member, offer.held});
  }
  for (const auto& [id, hands] : hands_) {
    reported.push_back({id, hands.report.held});
    const bool answers = std::any_of(offers.begin(), offers.end(),
                                     [&](const auto& offer) { return offer.member == id; });
    if (!answers) {
      out.absent.push_back({id, hands.reported_at});
    }
  }
  out.offers = weigh_offers(could_write, reported);
  return out;
}

Status ClusterDriver::accept_loss(const MemberId& member, const std::string& held) {
  TRIVET_TRY(const LossPreview preview, preview_loss());
  const auto offer = std::find_if(preview.offers.begin(), preview.offers.end(),
                                  [&](const auto& one) { return one.member == member; });
  if (offer == preview.offers.end()) {
    return make_error(Errc::kConflict, fmt::format("{} cannot be let write now", member.str()));
  }
  if (offer->held.str() != held) {
    return make_error(Errc::kConflict,
                      fmt::format("{} holds something else by now: look again", member.str()));
  }
  log(Level::kWarning, "failover.loss_accepted",
      {{"cluster", cluster_.id.str()},
       {"member", member.str()},
       {"held", held},
       {"lacks", offer->lacks.str()},
       {"without", preview.waiting_for}});
  needs_.events.loss_accepted(cluster_, *offer, preview.waiting_for);
  feed(failover::LossAccepted{member});
  return ok();
}

void ClusterDriver::end_sessions(const MemberId& member, std::vector<ClientSession> unwanted,
                                 std::function<void(Result<std::vector<ClientSession>>)> done) {
  const auto hands = hands_.find(member);
  if (stage_ != Stage::kRunning || hands == hands_.end() || hands->second.process.mysqld_pid == 0) {
    done(make_error(Errc::kUnavailable, member.str() + " does not run"));
    return;
  }
  on_member<Result<std::vector<ClientSession>>>(
      member,
      [unwanted = std::move(unwanted)](MemberAgent& agent) {
        return agent.end_sessions(unwanted, kEndSessionsMax);
      },
      std::move(done));
}

bool ClusterDriver::is_whole() const {
  return machine_ && machine_->serving_writer() &&
         machine_->open_readers().size() + 1 == cluster_.members.size();
}

bool ClusterDriver::is_rebooting(const MemberId& id) const {
  return reboot_ &&
         std::find(reboot_->left.begin(), reboot_->left.end(), id) != reboot_->left.end();
}

Result<std::map<MemberId, int>> ClusterDriver::plan_reboot(
    const std::vector<MemberId>& members) const {
  if (stage_ != Stage::kRunning || cluster_.status != ClusterStatus::kAvailable || reboot_) {
    return make_error(Errc::kConflict, "it is not available");
  }
  std::map<MemberId, int> out;
  for (const MemberId& id : members) {
    out[id] = hands_.at(id).process.mysqld_pid;
  }
  return out;
}

void ClusterDriver::reboot(std::map<MemberId, int> planned) {
  log(Level::kInfo, "reboot.started",
      {{"cluster", cluster_.id.str()}, {"members", planned.size()}});
  cluster_.reboots = std::move(planned);
  resume_reboot();
  advance_reboot();
  publish();
}

void ClusterDriver::resume_reboot() {
  if (cluster_.status != ClusterStatus::kAvailable || cluster_.reboots.empty()) {
    return;
  }
  std::vector<MemberId> left;
  for (const auto& [id, pid] : cluster_.reboots) {
    left.push_back(id);
  }
  reboot_ = Reboot{std::move(left), {}, needs_.clock.now() + kRebootMax};
}

// One at a time, and only while all others serve: a commit always finds a voter. Readers first. A
// member that runs as another process than when the reboot was asked for has been restarted.
void ClusterDriver::advance_reboot() {
  if (!reboot_) {
    return;
  }
  if (needs_.clock.now() > reboot_->until) {
    const MemberId late = reboot_->current.value_or(reboot_->left.front());
    log(Level::kError, "reboot.given_up", {{"member", late.str()}});
    needs_.events.reboot_failed(late, "not all members serve, so the reboot does not go on");
    end_reboot();
    return;
  }
  if (!is_whole()) {
    return;
  }
  std::erase_if(reboot_->left, [this](const MemberId& id) {
    const int pid = hands_.at(id).process.mysqld_pid;
    return pid != 0 && pid != cluster_.reboots.at(id);
  });
  if (reboot_->left.empty()) {
    log(Level::kInfo, "reboot.completed", {{"cluster", cluster_.id.str()}});
    end_reboot();
    return;
  }
  if (!reboot_->current || !is_rebooting(*reboot_->current)) {
    const auto writer = machine_->serving_writer();
    const auto reader = std::find_if(reboot_->left.begin(), reboot_->left.end(),
                                     [&](const MemberId& id) { return id != writer; });
    reboot_->current = reader == reboot_->left.end() ? reboot_->left.front() : *reader;
    reboot_->until = needs_.clock.now() + kRebootMax;
  }
  const MemberId next = *reboot_->current;
  feed(failover::RebootRequested{next});
}

// What is left in the record when this is not written is found to be done by the next daemon.
void ClusterDriver::end_reboot() {
  reboot_.reset();
  const auto ended = std::exchange(cluster_.reboots, {});
  needs_.store_worker.post([store = &needs_.store, ended, id = cluster_.id] {
    const auto written = store->update(id, [&ended](Cluster& c) -> Status {
      if (c.reboots == ended) {
        c.reboots.clear();
      }
      return ok();
    });
    if (!written) {
      log(Level::kError, "cluster.store_failed", {{"error", written.error().message}});
    }
  });
  publish();
}

// Writes the status that has come true, if it is still wanted.
void ClusterDriver::commit_status(ClusterStatus from, ClusterStatus to,
                                  std::function<void()> then) {
  const std::weak_ptr<int> alive = alive_;
  auto* store = &needs_.store;
  auto* control = &needs_.control;
  needs_.store_worker.post([this, alive, store, control, from, to, then, id = cluster_.id] {
    const auto updated = store->update(id, [from, to](Cluster& c) -> Status {
      if (c.status != from) {
        return make_error(Errc::kDenied, "it is wanted otherwise now");
      }
      c.status = to;
      return ok();
    });
    control->post([this, alive, from, to, then, updated] {
      if (alive.expired() || cluster_.status != from) {
        return;
      }
      if (updated) {
        cluster_ = *updated;
        then();
        publish();
      } else if (updated.error().code != Errc::kDenied) {
        log(Level::kError, "cluster.store_failed", {{"error", updated.error().message}});
        needs_.control.post_after(kStoreAgain, [this, alive, from, to, then] {
          if (!alive.expired() && cluster_.status == from) {
            commit_status(from, to, then);
          }
        });
      }
    });
  });
}

void ClusterDriver::stop_cluster() {
  reboot_.reset();
  cluster_.status = ClusterStatus::kStopping;
  log(Level::kInfo, "cluster.stopping", {{"cluster", cluster_.id.str()}});
  stop_members([this](const Status& result) { members_stopped(result); });
}

void ClusterDriver::members_stopped(const Status& result) {
  if (stage_ != Stage::kStopping || cluster_.status != ClusterStatus::kStopping) {
    return;
  }
  if (!result) {
    log(Level::kError, "cluster.stop_failed",
        {{"cluster", cluster_.id.str()}, {"error", result.error().message}});
    needs_.events.stop_failed(cluster_, result.error().message);
    const std::weak_ptr<int> alive = alive_;
    needs_.control.post_after(kStopAgain, [this, alive] {
      if (!alive.expired() && stage_ == Stage::kStopping &&
          cluster_.status == ClusterStatus::kStopping) {
        stop_members([this](const Status& again) { members_stopped(again); });
      }
    });
    return;
  }
  for (auto& [id, hands] : hands_) {
    hands.process = MemberProcess();
    hands.report = MemberReport();
    hands.trouble.clear();
  }
  commit_status(ClusterStatus::kStopping, ClusterStatus::kStopped, [this] {
    stage_ = Stage::kIdle;
    log(Level::kInfo, "cluster.stopped", {{"cluster", cluster_.id.str()}});
    needs_.events.stopped(cluster_);
  });
}

void ClusterDriver::start_cluster() {
  cluster_.status = ClusterStatus::kStarting;
  is_status_underway_ = false;
  log(Level::kInfo, "cluster.starting", {{"cluster", cluster_.id.str()}});
  begin();
  publish();
}

void ClusterDriver::finish_start() {
  const Millis took = since(stage_began_, needs_.clock.now());
  const bool serves = machine_ && machine_->serving_writer() && (is_whole() || took > kReadersMax);
  if (!serves || is_status_underway_) {
    return;
  }
  is_status_underway_ = true;
  commit_status(ClusterStatus::kStarting, ClusterStatus::kAvailable, [this, took] {
    is_status_underway_ = false;
    log(Level::kInfo, "cluster.started", {{"cluster", cluster_.id.str()}, {"ms", took.count()}});
    needs_.events.started(cluster_, took);
  });
}

}  // namespace trivet::service
