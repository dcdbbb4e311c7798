// SPDX-License-Identifier: Apache-2.0
#include "sim/probe.h"

#include <algorithm>

#include "sim/agent.h"

namespace trivet::sim {
namespace {

using Query = failover::Probe::Query;

constexpr std::uint64_t kFlood = 1U << 20U;  // what a spin writes between two looks
constexpr Micros kProbePause{10'000};
constexpr Micros kQueryMax = std::chrono::seconds(4);
constexpr std::uint64_t kDiskFree = std::uint64_t{1} << 40U;
constexpr int kStaysPercent = 20;  // of processes whose disk stalls, for longer than is waited

}  // namespace

std::unique_ptr<MemberProbe> SimAgents::make_probe(const Cluster&, const Member& member) {
  return std::make_unique<SimProbe>(world_, index_of(member.id));
}

// False at `until`.
bool SimProbe::wait(Instant until) {
  if (world_.now() >= until) {
    return false;
  }
  world_.sleep(std::min(kProbePause, until - world_.now()));
  return true;
}

Query SimProbe::ask(Instant until) {
  const Micros takes = world_.random().between(Micros(100), Micros(3'000));
  if (!question_) {
    question_ = Question{self().pid, world_.now(), world_.now() + takes};
  }
  world_.sleep(takes);  // or longer, where the daemon stands
  const auto hangs = [this] {
    return world_.is_hung(index_) &&
           !(world_.hangs(self()) && self().hangs_from > question_->answered);
  };
  while (self().pid == question_->pid && self().answers() && hangs()) {
    if (world_.now() - question_->asked > kQueryMax) {
      question_.reset();
      return Query::kRefused;  // the session is given up
    }
    if (!wait(until)) {
      return Query::kSilent;
    }
  }
  if (world_.now() > until) {  // its own thread was not there to take the answer yet
    return Query::kSilent;
  }
  const bool answers = self().pid == question_->pid && self().answers();
  question_.reset();
  return answers ? Query::kAnswered : Query::kRefused;
}

failover::CommitProgress SimProbe::progress() const {
  const Server& m = self();
  failover::CommitProgress out;
  out.waiting = m.semi_sync ? static_cast<unsigned>(m.binlog.size() - m.committed) : 0;
  out.acknowledged = m.acknowledged;
  if (out.waiting > 0) {
    out.executed = world_.ledger().gtids(m.executed);
  }
  return out;
}

void SimProbe::look_at_disk(failover::Probe& out) {
  out.disk_began = *disk_asked_;
  const Server& m = self();
  if (m.disk_stalls_from <= disk_ends_ && disk_ends_ < m.disk_stalls_until) {
    disk_ends_ = m.disk_stalls_until;  // it had not ended when the disk stalled
  }
  if (world_.now() < disk_ends_) {
    out.disk = failover::Probe::Disk::kPending;
    return;
  }
  out.disk_free = kDiskFree;
  disk_asked_.reset();
}

void SimProbe::look_at_process(failover::Probe& out) const {
  const Server& m = self();
  const bool hangs = m.pid != 0 && world_.hangs(m);
  const bool is_busy = hangs && m.hang == Hang::kBusy;
  out.state = hangs && m.hang == Hang::kStopped ? 'T' : is_busy ? 'R' : 'S';
  out.cpu = is_busy ? since(m.hangs_from, world_.now()) : Millis(0);
}

failover::Probe SimProbe::look(const LookOrder& order) {
  failover::Probe out;
  out.asked = world_.clock().now();
  if (!disk_asked_) {
    disk_asked_ = out.asked;
    disk_ends_ = world_.now() + world_.random().between(Micros(100), Micros(8'000));
  }
  out.query = ask(after(order.deadline));
  if (out.query == Query::kAnswered && order.as_writer) {
    out.commits = progress();
  }
  out.ended = world_.clock().now();
  look_at_disk(out);
  look_at_process(out);
  out.log_written = self().spins_since ? kFlood : 0;
  return out;
}

// A commit of our own, in a session of its own.
Status SimProbe::nudge(Millis deadline) {
  const Instant until = after(deadline);
  world_.sleep(world_.random().between(Micros(200), Micros(3'000)));
  while (world_.is_hung(index_) || world_.disk_stalls(index_) || self().holds_writes) {
    if (!wait(until)) {
      return make_error(Errc::kTimeout, "it waits too");
    }
  }
  if (!self().answers() || !self().writable) {
    return make_error(Errc::kUnavailable, "it is closed");
  }
  world_.count_nudge();
  const int pid = self().pid;
  const Txn t = world_.ledger().commit(self().uuid, world_.now());
  self().append(t);
  while (self().pid == pid && !self().executed.has(t)) {
    if (!wait(until)) {
      return make_error(Errc::kTimeout, "it waits too");
    }
  }
  return self().pid == pid ? ok() : Status(make_error(Errc::kUnavailable, "mysqld ended"));
}

Result<failover::MemberEnd> SimProbe::kill(int mysqld_pid, Millis) {
  world_.sleep(world_.random().between(Micros(500), Micros(5'000)));
  if (self().pid != mysqld_pid) {
    return failover::MemberEnd("it was gone", self().ended_in_order);
  }
  world_.check_hang(index_);
  // The signal stays with a process that waits for its disk, whoever waits for its end.
  const bool stays = world_.disk_stalls(index_) && world_.random().chance(kStaysPercent);
  world_.end_process(index_);
  if (stays) {
    return make_error(Errc::kTimeout, "the process does not end");
  }
  return failover::MemberEnd("killed by signal 9", self().ended_in_order);
}

}  // namespace trivet::sim
