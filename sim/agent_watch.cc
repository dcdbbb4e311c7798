// SPDX-License-Identifier: Apache-2.0
//
// An agent's part in what goes on while a writer serves: reports, flow control, the planned
// switchover.
#include "sim/agent.h"

namespace trivet::sim {
namespace {

constexpr Micros kReportMax = std::chrono::seconds(2);
constexpr Micros kProgressMax = std::chrono::seconds(3);

}  // namespace

Status SimAgent::catch_up(const Stamp& stamp, const gtid::GtidSet& until) {
  TRIVET_TRY(Call call, enter(Command::kCatchUp, end_of(stamp)));
  TRIVET_CHECK_OK(admit(stamp));
  while (!world_.ledger().gtids(self().executed).contains(until)) {
    TRIVET_CHECK_OK(step(call, Micros(500), Micros(2'000)));
    TRIVET_CHECK_OK(answering(call));
  }
  return leave(call);
}

Result<gtid::GtidSet> SimAgent::hold_writes(const Stamp& stamp) {
  TRIVET_TRY(Call call, enter(Command::kHold, end_of(stamp)));
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering(call));
  self().holds_writes = true;
  while (self().committed < self().binlog.size()) {
    const Status waited = step(call, Micros(500), Micros(2'000));
    if (!waited) {
      self().holds_writes = false;  // the session that wanted the lock is killed
      return waited.error();
    }
    TRIVET_CHECK_OK(answering(call));
  }
  auto held = world_.reported(self());
  TRIVET_CHECK_OK(leave(call));
  return held;
}

Status SimAgent::release_writes(const Stamp& stamp) {
  TRIVET_TRY(Call call, enter(Command::kRelease, end_of(stamp)));
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering(call));
  self().holds_writes = false;
  return leave(call);
}

Result<gtid::GtidSet> SimAgent::step_down(const Stamp& stamp) {
  TRIVET_TRY(Call call, enter(Command::kStepDown, end_of(stamp)));
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering(call));
  Server& m = self();
  m.open = false;
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering(call));
  while (m.committed < m.binlog.size()) {  // its end waits for those
    TRIVET_CHECK_OK(step(call, Micros(500), Micros(2'000)));
    TRIVET_CHECK_OK(answering(call));
  }
  m.writable = m.holds_writes = false;
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering(call));
  auto held = world_.reported(m);
  TRIVET_CHECK_OK(leave(call));
  return held;
}

// Of the oldest transaction that is to be executed; nullopt when there is none.
std::optional<Millis> SimAgent::apply_age() const {
  const Server& m = self();
  if (m.relay.empty()) {
    return std::nullopt;
  }
  return since(world_.ledger().committed_at(m.relay.front()), world_.now());
}

Result<MemberReport> SimAgent::report() {
  TRIVET_TRY(Call call, enter(Command::kReport, world_.now() + kReportMax));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(4'000)));
  TRIVET_CHECK_OK(answering(call));
  Server& m = self();
  MemberReport out;
  if (m.writable && m.channel && !m.receiver && !m.applier) {
    if (!m.relay.empty()) {
      world_.violate("I9",
                     seed_.member.id.str() + " forgets what it received and has not executed");
    }
    m.channel.reset();
    m.half = false;
  }
  out.held = world_.reported(m);
  out.writable = m.writable;
  out.offline = !m.open;
  out.receiver_running = m.source_pid != 0;
  out.applier_running = m.applier;
  out.replication_stopped = m.channel && (!m.receiver || !m.applier);
  out.replication_error = m.breaks ? "the source has purged what is needed" : "";
  if (m.channel) {
    out.apply_lag = apply_age().value_or(Millis(0));
  }
  TRIVET_CHECK_OK(leave(call));
  return out;
}

Result<std::uint32_t> SimAgent::probe_login(const Endpoint& endpoint, Millis) {
  world_.sleep(world_.random().between(Micros(500), Micros(20'000)));
  if (endpoint == seed_.member.endpoint) {
    if (!self().answers() || world_.is_hung(index_)) {
      return make_error(Errc::kUnavailable, "mysqld does not answer");
    }
    return seed_.member.server_id;
  }
  const int writer = world_.routed_writer();
  if (writer < 0) {
    return make_error(Errc::kUnavailable, "no writer serves");
  }
  const int other = (writer + 1) % kMembers;
  return world_.cluster()
      .members[static_cast<std::size_t>(endpoint.port == kWriterPort ? writer : other)]
      .server_id;
}

Result<std::optional<failover::ApplyProgress>> SimAgent::apply_progress() {
  TRIVET_TRY(Call call, enter(Command::kProgress, world_.now() + kProgressMax));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering(call));
  const Server& m = self();
  return std::optional(
      failover::ApplyProgress{m.executed.count(), std::uint64_t{m.relay.size()}, apply_age()});
}

Status SimAgent::set_commit_delay(const Stamp& stamp, failover::Micros delay) {
  TRIVET_TRY(Call call, enter(Command::kPace, end_of(stamp)));
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering(call));
  world_.check_delay(index_, delay, stamp.term);
  self().commit_delay = delay;
  return leave(call);
}

}  // namespace trivet::sim
