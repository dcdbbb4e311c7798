// SPDX-License-Identifier: Apache-2.0
#include "sim/agent.h"

#include <algorithm>

namespace trivet::sim {
namespace {

constexpr Micros kPause{5'000};  // between two looks at something that is waited for
constexpr Micros kPauseOfHung{25'000};
constexpr Micros kGuardAnswers = std::chrono::seconds(5);
constexpr Micros kStopOfHalf = std::chrono::seconds(60);
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

// As agent/promise.cc does it; the file is written before anything is done, however long the disk
// takes.
Status SimAgent::admit(const Stamp& stamp) {
  if (world_.clock().now() > stamp.not_after) {
    return make_error(Errc::kTimeout, "the command came too late");
  }
  if (stamp.term < self().promised) {
    return make_error(Errc::kConflict, "a higher term was promised");
  }
  while (stamp.term > self().promised && world_.disk_stalls(index_)) {
    world_.sleep(kPauseOfHung);
  }
  self().promised = stamp.term;
  return ok();
}

Status SimAgent::refuse_unfinished_clone() const {
  return self().unfinished_clone
             ? Status(make_error(Errc::kConflict, "its data is an unfinished clone"))
             : ok();
}

Instant SimAgent::end_of(const Stamp& stamp) const {
  return world_.clock().when(stamp.not_after);
}

// One that hangs is waited for until the call's own end.
Status SimAgent::answering(Call& call) {
  while (self().answers() && world_.is_hung(index_)) {
    TRIVET_CHECK_OK(step(call, kPauseOfHung, kPauseOfHung));
  }
  return self().answers() ? ok() : Status(make_error(Errc::kUnavailable, "mysqld does not answer"));
}

// A statement that waits for the disk.
Status SimAgent::writing(Call& call) {
  TRIVET_CHECK_OK(answering(call));
  while (self().answers() && world_.disk_stalls(index_)) {
    TRIVET_CHECK_OK(step(call, kPauseOfHung, kPauseOfHung));
  }
  return answering(call);
}

Status SimAgent::prepare() {
  return ok();
}

// The accounts are the cluster's first transactions.
Status SimAgent::bootstrap(const Bootstrap&) {
  world_.sleep(world_.random().between(Micros(1'000), Micros(50'000)));
  if (!self().answers()) {
    return make_error(Errc::kUnavailable, "mysqld does not answer");
  }
  for (int n = 0; n < 3; ++n) {
    self().append(world_.ledger().commit(self().uuid, world_.now()));
  }
  self().release(world_.ledger(), self().binlog.size());
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
  } else {
    ended_in_order_ = self().ended_in_order;
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
  while (world_.disk_stalls(index_)) {
    TRIVET_CHECK_OK(step(call, kPauseOfHung, kPauseOfHung));
  }
  const int pid = world_.new_pid();
  self().start_process(world_.ledger(), pid);
  world_.watch(index_, seed_.on_exit);
  const Micros takes = world_.random().between(Micros(100'000), Micros(1'200'000));
  self().ready_at = world_.now() + takes + Millis(1);
  if (world_.dies_at_start(index_)) {
    TRIVET_CHECK_OK(step(call, takes / 2, takes));
    world_.end_process(index_);
    return make_error(Errc::kUnavailable, "mysqld ended while it started");
  }
  TRIVET_CHECK_OK(step(call, takes, takes));
  TRIVET_CHECK_OK(await_ready(call, pid));
  return MemberProcess{pid, 1};
}

Status SimAgent::await_ready(Call& call, int pid) {
  while (self().pid == pid && (self().goes_down || world_.is_hung(index_))) {
    TRIVET_CHECK_OK(step(call, kPauseOfHung, kPauseOfHung));
  }
  if (self().pid != pid) {
    return make_error(Errc::kUnavailable, "mysqld ended while it started");
  }
  self().ready = true;
  return ok();
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
    }
    TRIVET_CHECK_OK(await_ready(call, process.mysqld_pid));
  }
  TRIVET_CHECK_OK(leave(call));
  return process;
}

Status SimAgent::kill(Millis deadline) {
  TRIVET_TRY(Call call, enter(Command::kKill, world_.now() + deadline));
  TRIVET_CHECK_OK(step(call, Micros(500), Micros(5'000)));
  TRIVET_CHECK_OK(end_process(call));
  ended_in_order_ = self().ended_in_order;
  return leave(call);
}

// The kernel's word comes when its disk answers.
Status SimAgent::end_process(Call& call) {
  const Instant until = world_.now() + kGuardAnswers;
  world_.end_process(index_);
  TRIVET_CHECK_OK(step(call, Micros(2'000), Micros(80'000)));
  while (world_.disk_stalls(index_)) {
    TRIVET_CHECK_OK(step(call, kPauseOfHung, kPauseOfHung));
    if (world_.now() > until) {
      return make_error(Errc::kTimeout, "the process does not end");
    }
  }
  return ok();
}

Result<gtid::GtidSet> SimAgent::ask_promise(const Stamp& stamp) {
  TRIVET_TRY(Call call, enter(Command::kPromise, end_of(stamp)));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(2'000)));
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(refuse_unfinished_clone());
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(5'000)));
  TRIVET_CHECK_OK(writing(call));
  world_.check_promise(index_, stamp.term);
  world_.stop_receiver(self());
  self().stopped_for = stamp.term;
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering(call));
  auto held = world_.reported(self());
  TRIVET_CHECK_OK(leave(call));
  return held;
}

Result<gtid::GtidSet> SimAgent::look() {
  TRIVET_TRY(Call call, enter(Command::kLook, world_.now() + Millis(3'000)));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering(call));
  auto held = world_.reported(self());
  TRIVET_CHECK_OK(leave(call));
  return held;
}

Status SimAgent::drain(const Stamp& stamp, const gtid::GtidSet& until) {
  TRIVET_TRY(Call call, enter(Command::kDrain, end_of(stamp)));
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering(call));
  const int pid = self().pid;
  if (!self().channel) {
    const bool all = world_.ledger().gtids(self().executed).contains(until);
    return all ? leave(call) : Status(make_error(Errc::kConflict, "the relay logs are gone"));
  }
  world_.stop_receiver(self());
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering(call));
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
  TRIVET_CHECK_OK(answering(call));
  TRIVET_CHECK_OK(stop_applier(call));
  return leave(call);
}

// Of half a transaction it waits for the rest, for a minute; the agent kills its threads before.
Status SimAgent::stop_applier(Call& call) {
  if (self().half_open) {
    const bool helps = world_.random().chance(95);
    TRIVET_CHECK_OK(step(call, Millis(60), helps ? Micros(400'000) : kStopOfHalf));
    TRIVET_CHECK_OK(answering(call));
  }
  self().applier = self().half_open = false;
  return ok();
}

Status SimAgent::follow(const Stamp& stamp, const FollowTarget& target) {
  TRIVET_TRY(Call call, enter(Command::kFollow, end_of(stamp)));
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(refuse_unfinished_clone());
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering(call));
  const int source = index_of(target.source);
  Server& m = self();
  if (m.semi_sync) {  // it handed over
    TRIVET_CHECK_OK(step(call, Micros(1'000), Micros(900'000)));
    TRIVET_CHECK_OK(answering(call));
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
  TRIVET_CHECK_OK(writing(call));
  world_.stop_receiver(m);
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(5'000)));
  TRIVET_CHECK_OK(writing(call));
  m.commit_delay = Micros(0);
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
  TRIVET_TRY(Call call, enter(Command::kGuard, end_of(stamp)));
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering(call));
  self().semi_sync = true;
  while (world_.clock().now() < stamp.not_after) {
    TRIVET_CHECK_OK(answering(call));
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
  TRIVET_TRY(Call call, enter(Command::kProve, end_of(stamp)));
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(3'000)));
  TRIVET_CHECK_OK(answering(call));
  if (!self().accepts_writes()) {
    return make_error(Errc::kConflict, "it is closed");
  }
  TRIVET_CHECK_OK(writing(call));
  const int pid = self().pid;
  const Txn t = world_.ledger().commit(self().uuid, world_.now());
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
  TRIVET_TRY(Call call, enter(Command::kOpen, end_of(stamp)));
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(5'000)));
  TRIVET_CHECK_OK(answering(call));
  if (as_writer) {
    world_.check_open_writer(index_, stamp.term);
    self().writable = true;
    self().holds_writes = false;
  }
  self().open = true;
  TRIVET_CHECK_OK(step(call, Micros(100), Micros(2'000)));
  return leave(call);
}

Status SimAgent::rebuild(const Stamp& stamp, const MemberId& donor_id) {
  TRIVET_TRY(Call call, enter(Command::kRebuild, end_of(stamp)));
  TRIVET_CHECK_OK(admit(stamp));
  const int donor_index = index_of(donor_id);
  TRIVET_CHECK_OK(end_process(call));
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
    while (world_.stands(index_) || world_.stands(donor_index)) {
      TRIVET_CHECK_OK(step(call, kPauseOfHung, kPauseOfHung));
    }
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

}  // namespace trivet::sim
