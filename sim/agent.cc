// SPDX-License-Identifier: Apache-2.0
#include "sim/agent.h"

#include <algorithm>

namespace trivet::sim {
namespace {

constexpr Micros kPause{5'000};  // between two looks at something that is waited for
constexpr Micros kGuardAnswers = std::chrono::seconds(5);
constexpr Micros kEver = std::chrono::hours(2);

}  // namespace

SimAgent::SimAgent(World& world, MemberSeed seed)
    : world_(world), index_(index_of(seed.member.id)), seed_(std::move(seed)) {}

SimAgent::~SimAgent() {
  world_.unwatch(index_);
  self().holds_writes = false;
}

Result<SimAgent::Call> SimAgent::enter(Command command, Instant until) {
  Call call{command, until};
  world_.trace(to_string(command), index_);
  std::optional<FaultKind> fault = world_.strike(command, Stage::kBegin, index_);
  const bool reads = command == Command::kReport;
  if (!fault && !reads && world_.noise() > 0 && world_.random().chance(world_.noise())) {
    constexpr FaultKind kNoise[] = {FaultKind::kCommandFails, FaultKind::kCommandFailsLate,
                                    FaultKind::kCommandSlow};
    fault = kNoise[world_.random().below(3)];
  }
  call.fails_late = fault == FaultKind::kCommandFailsLate;
  call.is_slow = fault == FaultKind::kCommandSlow;
  if (fault == FaultKind::kCommandFails || (fault == FaultKind::kAdoptFails)) {
    world_.sleep(world_.random().between(Micros(100), Micros(20'000)));
    return make_error(Errc::kUnavailable, "injected");
  }
  return call;
}

Status SimAgent::step(Call& call, Micros least, Micros most) {
  Micros takes = world_.random().between(least, most);
  if (call.is_slow) {
    // Some do not come back by themselves: the server hangs until the call's own deadline.
    const bool hangs = call.command != Command::kRebuild && world_.random().chance(15);
    takes += hangs ? kEver : world_.random().between(Micros(50'000), Micros(8'000'000));
    call.is_slow = false;
  }
  if (world_.now() + takes > call.until) {
    world_.sleep(call.until - world_.now());
    return make_error(Errc::kTimeout, "it took too long");
  }
  world_.sleep(takes);
  (void)world_.strike(call.command, Stage::kMiddle, index_);
  return ok();
}

Status SimAgent::leave(const Call& call) {
  const auto fault = world_.strike(call.command, Stage::kEnd, index_);
  if (world_.random().chance(30)) {  // the answer is on its way while the world goes on
    world_.sleep(world_.random().between(Micros(0), Micros(2'000)));
  }
  const bool fails = call.fails_late || fault == FaultKind::kCommandFailsLate;
  return fails ? Status(make_error(Errc::kUnavailable, "injected, with effect")) : ok();
}

// As agent/promise.cc does it; the file is written before anything is done.
Status SimAgent::admit(const Stamp& stamp) {
  if (world_.now() > stamp.not_after) {
    return make_error(Errc::kTimeout, "the command came too late");
  }
  if (stamp.term < self().promised) {
    return make_error(Errc::kConflict, "a higher term was promised");
  }
  self().promised = stamp.term;
  return ok();
}

Status SimAgent::answering() const {
  return self().answers() ? ok() : Status(make_error(Errc::kUnavailable, "mysqld does not answer"));
}

Status SimAgent::prepare() {
  return ok();
}

// The accounts are the cluster's first transactions.
Status SimAgent::bootstrap(const Bootstrap&) {
  world_.sleep(world_.random().between(Micros(1'000), Micros(50'000)));
  TRIVET_CHECK_OK(answering());
  for (int n = 0; n < 3; ++n) {
    self().append(world_.ledger().commit(self().uuid));
  }
  self().release(self().binlog.size());
  return ok();
}

Status SimAgent::remove() {
  world_.end_process(index_);
  return ok();
}

Status SimAgent::stop(Millis) {
  world_.end_process(index_);
  return ok();
}

Result<std::optional<MemberProcess>> SimAgent::adopt() {
  TRIVET_TRY(Call call, enter(Command::kAdopt, world_.now() + kGuardAnswers));
  TRIVET_CHECK_OK(step(call, Micros(200), Micros(3'000)));
  std::optional<MemberProcess> found;
  if (self().pid != 0) {
    world_.watch(index_, seed_.on_exit);
    found = MemberProcess{self().pid, 1};
  }
  TRIVET_CHECK_OK(leave(call));
  return found;
}

// mysqld under its guard, until it answers.
Result<MemberProcess> SimAgent::boot(Call& call) {
  TRIVET_CHECK_OK(step(call, Micros(2'000), Micros(20'000)));
  if (self().half_cloned) {
    return make_error(Errc::kUnavailable, "the clone is not complete");
  }
  const int pid = world_.new_pid();
  self().start_process(pid);
  world_.watch(index_, seed_.on_exit);
  const Micros takes = world_.random().between(Micros(100'000), Micros(1'200'000));
  self().ready_at = world_.now() + takes + Millis(1);
  if (world_.dies_at_start(index_)) {
    TRIVET_CHECK_OK(step(call, takes / 2, takes));
    world_.end_process(index_);
    return make_error(Errc::kUnavailable, "mysqld ended while it started");
  }
  TRIVET_CHECK_OK(step(call, takes, takes));
  if (self().pid != pid) {
    return make_error(Errc::kUnavailable, "mysqld ended while it started");
  }
  self().ready = true;
  return MemberProcess{pid, 1};
}

Result<MemberProcess> SimAgent::start(Millis deadline) {
  TRIVET_TRY(Call call, enter(Command::kStart, world_.now() + deadline));
  MemberProcess process{self().pid, 1};
  if (self().pid == 0) {
    TRIVET_TRY(process, boot(call));
  } else {
    world_.watch(index_, seed_.on_exit);
    if (!self().ready) {  // an earlier daemon began to start it
      TRIVET_CHECK_OK(step(call, Micros(50'000), Micros(500'000)));
      if (self().pid != process.mysqld_pid) {
        return make_error(Errc::kUnavailable, "mysqld ended while it started");
      }
      self().ready = true;
    }
  }
  TRIVET_CHECK_OK(leave(call));
  return process;
}

Status SimAgent::kill(Millis deadline) {
  TRIVET_TRY(Call call, enter(Command::kKill, world_.now() + deadline));
  TRIVET_CHECK_OK(step(call, Micros(500), Micros(5'000)));
  world_.end_process(index_);
  TRIVET_CHECK_OK(step(call, Micros(2'000), Micros(80'000)));
  return leave(call);
}

Result<gtid::GtidSet> SimAgent::ask_promise(const Stamp& stamp) {
  TRIVET_TRY(Call call, enter(Command::kPromise, stamp.not_after));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(2'000)));
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(5'000)));
  TRIVET_CHECK_OK(answering());
  world_.check_promise(index_, stamp.term);
  self().stop_receiver();
  self().stopped_for = stamp.term;
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering());
  auto held = world_.reported(self());
  TRIVET_CHECK_OK(leave(call));
  return held;
}

Result<gtid::GtidSet> SimAgent::look() {
  TRIVET_TRY(Call call, enter(Command::kLook, world_.now() + Millis(3'000)));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering());
  auto held = world_.reported(self());
  TRIVET_CHECK_OK(leave(call));
  return held;
}

Status SimAgent::drain(const Stamp& stamp, const gtid::GtidSet& until) {
  TRIVET_TRY(Call call, enter(Command::kDrain, stamp.not_after));
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering());
  const int pid = self().pid;
  if (!self().channel) {
    const bool all = world_.ledger().gtids(self().executed).contains(until);
    return all ? leave(call) : Status(make_error(Errc::kConflict, "the relay logs are gone"));
  }
  self().stop_receiver();
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering());
  self().applier = true;
  gtid::GtidSet all = world_.reported(self());
  all.add(until);
  while (!world_.ledger().gtids(self().executed).contains(all)) {
    TRIVET_CHECK_OK(step(call, kPause, kPause));
    if (self().pid != pid) {
      return make_error(Errc::kUnavailable, "mysqld ended");
    }
  }
  TRIVET_CHECK_OK(step(call, Micros(500), Micros(5'000)));
  TRIVET_CHECK_OK(answering());
  self().applier = false;
  return leave(call);
}

Status SimAgent::follow(const Stamp& stamp, const FollowTarget& target) {
  TRIVET_TRY(Call call, enter(Command::kFollow, stamp.not_after));
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering());
  const int source = index_of(target.source);
  Server& m = self();
  if (m.semi_sync) {  // it handed over
    TRIVET_CHECK_OK(step(call, Micros(1'000), Micros(900'000)));
    TRIVET_CHECK_OK(answering());
    if (m.writable || m.committed < m.binlog.size()) {
      world_.violate("I7",
                     seed_.member.id.str() + " switches semi-sync off while somebody may wait");
    }
    m.semi_sync = m.was_guarded = false;
  }
  m.applier = m.applier || m.channel.has_value();
  if (m.receiver && m.channel == source && m.source_pid != 0 && m.counts == target.counts) {
    return leave(call);
  }
  m.stop_receiver();
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(5'000)));
  TRIVET_CHECK_OK(answering());
  world_.check_follow(index_, source, stamp.term);
  m.channel = source;
  m.applier = true;
  m.receiver = !m.breaks;
  m.counts = target.counts && m.receiver;
  m.source_pid = 0;
  m.connects_at = world_.now() + world_.random().between(Micros(500), Micros(20'000));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  return leave(call);
}

Status SimAgent::guard_commits(const Stamp& stamp, int acks, const std::vector<MemberId>& voters) {
  TRIVET_TRY(Call call, enter(Command::kGuard, stamp.not_after));
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering());
  self().semi_sync = true;
  while (world_.now() < stamp.not_after) {
    TRIVET_CHECK_OK(answering());
    int attached = 0;
    for (const MemberId& voter : voters) {
      const Server& v = world_.server(index_of(voter));
      attached += v.receiver && v.counts && v.channel == index_ && v.source_pid == self().pid;
    }
    if (attached >= acks) {
      self().was_guarded = true;
      return leave(call);
    }
    TRIVET_CHECK_OK(step(call, kPause, kPause));
  }
  return make_error(Errc::kTimeout, "no voter attached in time");
}

Status SimAgent::prove_commits(const Stamp& stamp) {
  TRIVET_TRY(Call call, enter(Command::kProve, stamp.not_after));
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering());
  if (!self().accepts_writes()) {
    return make_error(Errc::kConflict, "it is closed");
  }
  const int pid = self().pid;
  const Txn t = world_.ledger().commit(self().uuid);
  self().append(t);
  while (!self().executed.has(t)) {
    TRIVET_CHECK_OK(step(call, kPause, kPause));
    if (self().pid != pid) {
      return make_error(Errc::kUnavailable, "mysqld ended");
    }
  }
  TRIVET_CHECK_OK(leave(call));
  return ok();
}

Status SimAgent::open(const Stamp& stamp, bool as_writer) {
  TRIVET_TRY(Call call, enter(Command::kOpen, stamp.not_after));
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(5'000)));
  TRIVET_CHECK_OK(answering());
  if (as_writer) {
    world_.check_open_writer(index_, stamp.term);
    self().writable = true;
    self().holds_writes = false;
  }
  self().open = true;
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(2'000)));
  return leave(call);
}

Status SimAgent::catch_up(const Stamp& stamp, const gtid::GtidSet& until) {
  TRIVET_TRY(Call call, enter(Command::kCatchUp, stamp.not_after));
  TRIVET_CHECK_OK(admit(stamp));
  while (!world_.ledger().gtids(self().executed).contains(until)) {
    TRIVET_CHECK_OK(step(call, Micros(500), Micros(2'000)));
    TRIVET_CHECK_OK(answering());
  }
  return leave(call);
}

Result<gtid::GtidSet> SimAgent::hold_writes(const Stamp& stamp) {
  TRIVET_TRY(Call call, enter(Command::kHold, stamp.not_after));
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering());
  self().holds_writes = true;
  while (self().committed < self().binlog.size()) {
    const Status waited = step(call, Micros(500), Micros(2'000));
    if (!waited) {
      self().holds_writes = false;  // the session that wanted the lock is killed
      return waited.error();
    }
    TRIVET_CHECK_OK(answering());
  }
  auto held = world_.reported(self());
  TRIVET_CHECK_OK(leave(call));
  return held;
}

Status SimAgent::release_writes(const Stamp& stamp) {
  TRIVET_TRY(Call call, enter(Command::kRelease, stamp.not_after));
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering());
  self().holds_writes = false;
  return leave(call);
}

Result<gtid::GtidSet> SimAgent::step_down(const Stamp& stamp) {
  TRIVET_TRY(Call call, enter(Command::kStepDown, stamp.not_after));
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering());
  Server& m = self();
  m.open = false;
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering());
  while (m.committed < m.binlog.size()) {  // its end waits for those
    TRIVET_CHECK_OK(step(call, Micros(500), Micros(2'000)));
    TRIVET_CHECK_OK(answering());
  }
  m.writable = m.holds_writes = false;
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering());
  auto held = world_.reported(m);
  TRIVET_CHECK_OK(leave(call));
  return held;
}

// The last file begins where the server was last started.
binlog::Tail SimAgent::read_tail(const gtid::GtidSet& writer_held) const {
  const Server& m = self();
  binlog::Tail tail;
  tail.in_use = true;
  tail.file_bytes = m.binlog.size();
  for (std::size_t i = 0; i < m.binlog.size(); ++i) {
    TxnSet one;
    one.add(m.binlog[i]);
    const gtid::GtidSet gtid = world_.ledger().gtids(one);
    if (writer_held.contains(gtid)) {
      tail.is_contiguous = tail.is_contiguous && tail.lacking.empty();
      continue;
    }
    if (tail.lacking.empty()) {
      tail.begins_at = i;
      tail.is_in_last_file = i >= m.file_begins;
    }
    tail.lacking.add(gtid);
  }
  return tail;
}

Result<failover::Rejoined> SimAgent::rejoin(const Stamp& stamp, const gtid::GtidSet& writer_held) {
  using failover::RejoinWay;
  TRIVET_TRY(Call call, enter(Command::kRejoin, stamp.not_after));
  TRIVET_CHECK_OK(admit(stamp));
  world_.end_process(index_);
  TRIVET_CHECK_OK(step(call, Micros(2'000), Micros(80'000)));
  world_.unwatch(index_);
  failover::Rejoined out;
  if (self().unfinished_clone) {
    out.way = RejoinWay::kClone;
    TRIVET_CHECK_OK(leave(call));
    return out;
  }
  const binlog::Tail tail = read_tail(writer_held);
  const failover::RejoinPlan plan = failover::plan_rejoin(tail);
  out.way = plan.way;
  out.discarded = tail.lacking.count();
  if (plan.way == RejoinWay::kRewind) {
    TRIVET_CHECK_OK(step(call, Micros(1'000), Micros(10'000)));
    world_.check_rewind(index_);
    self().rewind(static_cast<std::size_t>(tail.begins_at));
    TRIVET_CHECK_OK(step(call, Micros(1'000), Micros(10'000)));
  }
  if (plan.way != RejoinWay::kClone) {
    TRIVET_TRY(const MemberProcess process, boot(call));
    TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
    if (self().pid != process.mysqld_pid) {
      return make_error(Errc::kUnavailable, "mysqld ended");
    }
    if (failover::why_clone({world_.reported(self()), 0}, writer_held)) {
      out.way = RejoinWay::kClone;
      world_.unwatch(index_);
      world_.end_process(index_);
    }
  }
  world_.count_rejoin(out.way);
  TRIVET_CHECK_OK(leave(call));
  return out;
}

Status SimAgent::rebuild(const Stamp& stamp, const MemberId& donor_id) {
  TRIVET_TRY(Call call, enter(Command::kRebuild, stamp.not_after));
  TRIVET_CHECK_OK(admit(stamp));
  const int donor_index = index_of(donor_id);
  world_.end_process(index_);
  TRIVET_CHECK_OK(step(call, Micros(2'000), Micros(80'000)));
  world_.unwatch(index_);
  world_.check_wipe(index_);
  self().unfinished_clone = true;
  self().wipe(world_.ledger().new_server());
  TRIVET_TRY(const MemberProcess fresh, boot(call));
  const Server& donor = world_.server(donor_index);
  const int donor_pid = donor.pid;
  self().half_cloned = true;
  for (int part = 0; part < 3; ++part) {
    TRIVET_CHECK_OK(step(call, Micros(20'000), Micros(700'000)));
    if (!donor.answers() || donor.pid != donor_pid || self().pid != fresh.mysqld_pid) {
      return make_error(Errc::kUnavailable, "the clone broke off");
    }
  }
  self().become_copy(donor);
  world_.end_process(index_);
  TRIVET_TRY(const MemberProcess cloned, boot(call));
  self().unfinished_clone = false;
  TRIVET_CHECK_OK(leave(call));
  return cloned.mysqld_pid == 0 ? Status(make_error(Errc::kInternal, "no process")) : ok();
}

Result<MemberReport> SimAgent::report() {
  TRIVET_TRY(Call call, enter(Command::kReport, world_.now() + Millis(2'000)));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(4'000)));
  TRIVET_CHECK_OK(answering());
  Server& m = self();
  MemberReport out;
  if (m.writable && m.channel && !m.receiver && !m.applier) {
    if (!m.relay.empty()) {
      world_.violate("I9",
                     seed_.member.id.str() + " forgets what it received and has not executed");
    }
    m.channel.reset();
  }
  out.held = world_.reported(m);
  out.writable = m.writable;
  out.offline = !m.open;
  out.receiver_running = m.source_pid != 0;
  out.applier_running = m.applier;
  out.replication_stopped = m.channel && (!m.receiver || !m.applier);
  out.replication_error = m.breaks ? "the source has purged what is needed" : "";
  if (m.channel) {
    out.apply_lag = Millis(0);
  }
  return out;
}

Result<std::uint32_t> SimAgent::probe_login(const Endpoint& endpoint, Millis) {
  world_.sleep(world_.random().between(Micros(500), Micros(20'000)));
  if (endpoint == seed_.member.endpoint) {
    TRIVET_CHECK_OK(answering());
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

}  // namespace trivet::sim
