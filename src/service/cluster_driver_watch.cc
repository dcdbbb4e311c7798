// SPDX-License-Identifier: Apache-2.0
//
// The driver's watch over members that live and may hang: looks at each, hands what it sees to the
// detector, and does what the detector finds right. None of it waits for a member's own worker.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "service/cluster_driver.h"
#include "service/cluster_driver_work.h"

namespace trivet::service {
namespace {

constexpr int kBrokenReports = 2;
constexpr Millis kAdoptAgain{1'000};
constexpr Millis kReportEvery{500};
constexpr Millis kLookEvery{300};
constexpr Millis kLookMax{300};
constexpr Millis kKillMax{5'000};
constexpr Millis kKillAgain{500};
constexpr Millis kNudgeMax{250};  // shorter than what a look may miss

}  // namespace

void ClusterDriver::adopt(const MemberId& id) {
  hands_.at(id).adopting = true;
  on_member<Adopted>(id, &adopt_running, [this, id](const Adopted& found) {
    const auto& process = found.process;
    Hands& hands = hands_.at(id);
    hands.adopting = false;
    if (!process || !machine_) {  // that it ended must be heard by somebody
      adopt_again(id);
    } else if (hands.process.mysqld_pid == 0 && must_answer(machine_->member(id).state) &&
               !(process->has_value() && take_process(hands, **process))) {
      feed(failover::MemberDied{id, {"it was found to have ended", found.ended_in_order}});
    }
  });
}

void ClusterDriver::adopt_again(const MemberId& id) {
  if (std::exchange(hands_.at(id).adopts_later, true)) {
    return;
  }
  const std::weak_ptr<int> alive = alive_;
  needs_.control.post_after(kAdoptAgain, [this, alive, id] {
    if (alive.expired()) {
      return;
    }
    Hands& hands = hands_.at(id);
    hands.adopts_later = false;
    if (stage_ == Stage::kRunning && hands.process.mysqld_pid == 0 && !hands.adopting) {
      adopt(id);
    }
  });
}

template <typename T>
void ClusterDriver::on_prober(const MemberId& id, std::function<T(MemberProbe&)> work,
                              std::function<void(const T&)> then) {
  Hands& hands = hands_.at(id);
  MemberProbe* probe = hands.probe.get();
  Executor* control = &needs_.control;
  const std::weak_ptr<int> alive = alive_;
  hands.prober->post([probe, control, alive, work = std::move(work), then = std::move(then)] {
    const T done = work(*probe);
    control->post([alive, done, then] {
      if (!alive.expired()) {
        then(done);
      }
    });
  });
}

void ClusterDriver::look_at_members() {
  const Instant now = needs_.clock.now();
  for (auto& [id, hands] : hands_) {
    if (!hands.probe || hands.process.mysqld_pid == 0) {
      continue;
    }
    if (!machine_ || !must_answer(machine_->member(id).state)) {
      forget_process(id);
    } else if (!hands.looking && hands.hung.empty() && now >= hands.next_look) {
      look_at(id, hands);
    }
  }
}

void ClusterDriver::look_at(const MemberId& id, Hands& hands) {
  hands.looking = true;
  hands.next_look = needs_.clock.now() + kLookEvery;
  const int pid = hands.process.mysqld_pid;
  const LookOrder order{pid, machine_->serving_writer() == id, kLookMax};
  auto seen = std::make_shared<failover::Probe>();
  on_prober<Status>(
      id,
      [order, seen](MemberProbe& probe) {
        *seen = probe.look(order);
        return ok();
      },
      [this, id = id, pid, seen](const Status&) { looked(id, pid, *seen); });
}

void ClusterDriver::looked(const MemberId& id, int pid, const failover::Probe& probe) {
  Hands& hands = hands_.at(id);
  hands.looking = false;
  if (stage_ != Stage::kRunning || !machine_ || hands.process.mysqld_pid != pid ||
      !must_answer(machine_->member(id).state)) {
    return;  // of another run, or not to be judged now
  }
  for (const failover::Finding& finding : detector_.on_probe(id, probe)) {
    act_on(id, pid, finding);
  }
  if (detector_.suspects_acknowledgements(id)) {
    next_report_ = needs_.clock.now();  // what voters hold now decides
  }
  if (probe.query == failover::Probe::Query::kSilent) {
    hands.next_look = needs_.clock.now();
    look_at_members();
  }
}

void ClusterDriver::forget_process(const MemberId& id) {
  Hands& hands = hands_.at(id);
  hands.hung.clear();
  hands.disk_trouble.clear();
  detector_.forget(id);
}

void ClusterDriver::act_on(const MemberId& id, int pid, const failover::Finding& finding) {
  using Kind = failover::Finding::Kind;
  Hands& hands = hands_.at(id);
  switch (finding.kind) {
    case Kind::kHung:
      log(Level::kError, "member.hung",
          {{"member", id.str()},
           {"pid", pid},
           {"reason", finding.reason},
           {"ms", finding.since.count()}});
      hands.hung = "hung: " + finding.reason;
      kill_hung(id, pid);
      break;
    case Kind::kLostAcknowledgement:
      log(Level::kWarning, "acknowledgement.lost",
          {{"member", id.str()}, {"reason", finding.reason}, {"ms", finding.since.count()}});
      nudge(id);
      break;
    case Kind::kLogFlood:
      log(Level::kWarning, "member.error_log_flood",
          {{"member", id.str()}, {"reason", finding.reason}});
      nudge(id);
      break;
    case Kind::kDiskFull:
    case Kind::kDiskFailed:
      hands.disk_trouble = finding.reason;
      log(Level::kError, "member.disk", {{"member", id.str()}, {"trouble", finding.reason}});
      break;
    case Kind::kDiskWell:
      hands.disk_trouble.clear();
      log(Level::kInfo, "member.disk_well", {{"member", id.str()}});
      break;
  }
}

// The guard's word of the death comes back by the agent's on_exit; this one is for when nobody
// watches that guard.
void ClusterDriver::kill_hung(const MemberId& id, int pid) {
  on_prober<Result<failover::MemberEnd>>(
      id, [pid](MemberProbe& probe) { return probe.kill(pid, kKillMax); },
      [this, id, pid](const Result<failover::MemberEnd>& killed) {
        if (hands_.at(id).process.mysqld_pid != pid || stage_ != Stage::kRunning) {
          return;
        }
        if (killed) {
          member_ended(id, pid, *killed);
          return;
        }
        // A process in the middle of the disk's work dies only when the disk answers.
        log(Level::kError, "member.kill_failed",
            {{"member", id.str()}, {"pid", pid}, {"error", killed.error().message}});
        const std::weak_ptr<int> alive = alive_;
        needs_.control.post_after(kKillAgain, [this, alive, id, pid] {
          if (!alive.expired() && hands_.at(id).process.mysqld_pid == pid) {
            kill_hung(id, pid);
          }
        });
      });
}

void ClusterDriver::nudge(const MemberId& id) {
  on_prober<Status>(
      id, [](MemberProbe& probe) { return probe.nudge(kNudgeMax); },
      [id](const Status& done) {
        log(done ? Level::kInfo : Level::kWarning, "acknowledgement.nudged",
            {{"member", id.str()}, {"error", done ? "" : done.error().message}});
      });
}

void ClusterDriver::effect_done(const failover::Effect& effect, EffectOutcome outcome) {
  const MemberId id = effect.member;
  Hands& hands = hands_.at(id);
  const bool ended = outcome.process && !take_process(hands, *outcome.process);
  const bool rejoins = std::holds_alternative<failover::Rejoin>(effect.action);
  const bool rebuilds = std::holds_alternative<failover::Rebuild>(effect.action);
  const bool succeeded = outcome.done.error.empty();
  const bool runs =
      rebuilds || (rejoins && outcome.done.rejoined.way != failover::RejoinWay::kClone);
  if (runs && succeeded && !outcome.process) {
    adopt_again(id);  // its guard did not answer
  }
  if (rejoins && succeeded) {
    hands.rejoined = outcome.done.rejoined;
  } else if (rebuilds) {
    hands.kept_data = std::move(outcome.kept_data);
  }
  if (!succeeded) {
    hands.trouble = outcome.done.error;
  }
  feed(outcome.done);
  if (rebuilds && succeeded) {
    hands.rejoined = failover::Rejoined();
  }
  if (ended) {
    feed(failover::MemberDied{id, "it ended as soon as it ran"});
  }
}

// As last reported, which is before whatever is asked for now.
gtid::GtidSet ClusterDriver::held_by_writer() const {
  const auto writer = topology_.writer ? hands_.find(*topology_.writer) : hands_.end();
  return writer == hands_.end() ? gtid::GtidSet() : writer->second.report.held;
}

// `of_writer`: what it held before the reader was asked.
void ClusterDriver::note_lag(Hands& hands, const gtid::GtidSet& of_writer) {
  MemberReport& report = hands.report;
  if (topology_.writer == hands.member.id) {
    hands.lag = failover::ReaderLag();
    return;
  }
  report.apply_lag = hands.lag.on_report(
      {.is_receiving = report.receiver_running && report.held.contains(of_writer),
       .is_writer_serving = machine_ && machine_->serving_writer().has_value(),
       .applying = report.apply_lag},
      needs_.clock.now());
  if (report.apply_lag) {
    feed(failover::ApplyLag{hands.member.id, *report.apply_lag});
  }
}

void ClusterDriver::ask_reports() {
  const Instant now = needs_.clock.now();
  if (now < next_report_) {
    return;
  }
  next_report_ = now + kReportEvery;
  const gtid::GtidSet of_writer = held_by_writer();
  for (auto& [member_id, hands] : hands_) {
    if (hands.reporting || hands.process.mysqld_pid == 0) {
      continue;
    }
    hands.reporting = true;
    const MemberId id = member_id;
    const int pid = hands.process.mysqld_pid;
    on_member<Result<MemberReport>>(
        id, [](MemberAgent& agent) { return agent.report(); },
        [this, id, pid, now, of_writer](Result<MemberReport> report) {
          Hands& h = hands_.at(id);
          h.reporting = false;
          if (!report) {
            h.trouble = report.error().message;
            return;
          }
          if (report->unknown_acknowledgers > 0) {
            log(Level::kError, "member.unknown_acknowledger",
                {{"member", id.str()}, {"killed", report->unknown_acknowledgers}});
          }
          // Who is a voter and does not acknowledge yet has lost no acknowledgement.
          if (h.process.mysqld_pid == pid && machine_ && machine_->member(id).acknowledges) {
            detector_.on_held(id, report->held, now);
          }
          h.report = std::move(*report);
          note_lag(h, of_writer);
          h.reported_at = needs_.clock.wall_now();
          // A writer's is of the time when it followed.
          h.trouble = topology_.writer == id ? "" : h.report.replication_error;
          if (h.process.mysqld_pid == pid) {
            judge_replication(id, h.report);
          }
          publish();
        });
  }
}

void ClusterDriver::judge_replication(const MemberId& id, const MemberReport& report) {
  Hands& hands = hands_.at(id);
  const bool serves = machine_ && machine_->serving_writer() && topology_.writer != id;
  hands.broken_reports = serves && report.replication_stopped ? hands.broken_reports + 1 : 0;
  if (hands.broken_reports >= kBrokenReports) {
    hands.broken_reports = 0;
    using Kind = failover::ReplicationBroken::Kind;
    const bool failed = !report.replication_error.empty();
    feed(failover::ReplicationBroken{
        id, failed ? Kind::kFailed : Kind::kStopped,
        "replication stopped: " + (failed ? report.replication_error : "by somebody's hand")});
  }
  judge_content(id, report);
}

// What a reader committed by itself as a reader, nobody else has (T36).
void ClusterDriver::judge_content(const MemberId& id, const MemberReport& report) {
  const auto writer = machine_ ? machine_->serving_writer() : std::optional<MemberId>();
  if (!writer || *writer == id || report.server_uuid.empty()) {
    return;
  }
  const MemberReport& of_writer = hands_.at(*writer).report;
  const gtid::GtidSet stray = minus(report.held.of_server(report.server_uuid), of_writer.held);
  // One of a time when it was no writer yet may lack what it has now.
  Hands& hands = hands_.at(id);
  hands.stray_reports = of_writer.writable && !stray.empty() ? hands.stray_reports + 1 : 0;
  if (hands.stray_reports >= kBrokenReports) {
    hands.stray_reports = 0;
    feed(failover::ReplicationBroken{id, failover::ReplicationBroken::Kind::kDiverged,
                                     "it was written to as a reader: " + stray.str()});
  }
}

void ClusterDriver::log_recovery(const failover::Note& note) const {
  const Hands& hands = hands_.at(note.member);
  const failover::Rejoined& r = hands.rejoined;
  if (note.kind == failover::Note::Kind::kMemberRejoined) {
    log(Level::kInfo, "member.rejoined",
        {{"member", note.member.str()},
         {"way", note.text},
         {"discarded", r.discarded},
         {"kept", r.kept}});
  } else {
    log(Level::kInfo, "member.rebuilt",
        {{"member", note.member.str()},
         {"reason", r.reason},
         {"discarded", r.discarded},
         {"kept", hands.kept_data}});
  }
}

}  // namespace trivet::service
