// SPDX-License-Identifier: Apache-2.0
#include "service/carry_out.h"

#include <algorithm>

#include "base/overloaded.h"
#include "service/failpoints.h"

namespace trivet::service {
namespace {

void keep(const Status& status, EffectOutcome& out) {
  if (!status) {
    out.done.error = status.error().message;
  }
}

void keep_held(Result<gtid::GtidSet> held, EffectOutcome& out) {
  if (held) {
    out.done.held = std::move(*held);
  } else {
    out.done.error = held.error().message;
  }
}

void ask_promise(MemberAgent& agent, const Stamp& stamp, EffectOutcome& out) {
  keep_held(agent.ask_promise(stamp), out);
  out.done.is_unusable = !out.done.error.empty() && agent.has_unfinished_clone();
}

void follow(MemberAgent& agent, const Stamp& stamp, const failover::Follow& f, EffectOutcome& out) {
  keep(agent.follow(stamp, {f.source, f.counts}), out);
  out.done.is_unusable = !out.done.error.empty() && agent.has_unfinished_clone();
}

void start(MemberAgent& agent, bool afresh, Millis left, EffectOutcome& out) {
  if (afresh) {
    keep(agent.kill(left), out);
    if (!out.done.error.empty()) {
      return;
    }
  }
  const auto started = agent.start(left);
  if (started) {
    out.process = *started;
  } else {
    out.done.error = started.error().message;
  }
}

void kill(MemberAgent& agent, Millis left, EffectOutcome& out) {
  keep(agent.kill(left), out);
  if (out.done.error.empty() && agent.ended_in_order()) {
    out.done.end = {"it had ended in order", true};
  }
}

void rejoin(MemberAgent& agent, const Stamp& stamp, const gtid::GtidSet& writer_held,
            EffectOutcome& out) {
  auto rejoined = agent.rejoin(stamp, writer_held);
  if (!rejoined) {
    out.done.error = rejoined.error().message;
    return;
  }
  out.done.rejoined = std::move(*rejoined);
  const auto adopted = agent.adopt();
  if (out.done.rejoined.way != failover::RejoinWay::kClone && adopted && *adopted) {
    out.process = **adopted;
  }
}

void rebuild(MemberAgent& agent, const Stamp& stamp, const MemberId& donor, EffectOutcome& out) {
  keep(agent.rebuild(stamp, donor), out);
  const auto adopted = agent.adopt();
  if (out.done.error.empty() && adopted && *adopted) {
    out.process = **adopted;
  }
  out.kept_data = agent.kept_data();
}

}  // namespace

EffectOutcome carry_out(const failover::Effect& effect, MemberAgent& agent, Instant now) {
  failpoint(effect.action, Side::kBefore, &agent);
  EffectOutcome out{{effect.id, "", {}}, {}, {}};
  const Stamp stamp{effect.term, effect.not_after};
  const Millis left = std::max(Millis(1), since(now, effect.not_after));
  std::visit(Overloaded{
                 [](const failover::CommitTopology&) { TRIVET_ASSERT(false); },
                 [&](const failover::StartMember& s) { start(agent, s.afresh, left, out); },
                 [&](const failover::KillMember&) { kill(agent, left, out); },
                 [&](const failover::AskPromise&) { ask_promise(agent, stamp, out); },
                 [&](const failover::Drain& drain) { keep(agent.drain(stamp, drain.until), out); },
                 [&](const failover::Follow& f) { follow(agent, stamp, f, out); },
                 [&](const failover::GuardCommits& guard) {
                   keep(agent.guard_commits(stamp, guard.acks, guard.voters), out);
                 },
                 [&](const failover::Look&) { keep_held(agent.look(), out); },
                 [&](const failover::ProveCommits&) { keep(agent.prove_commits(stamp), out); },
                 [&](const failover::Open& open) { keep(agent.open(stamp, open.as_writer), out); },
                 [&](const failover::CatchUp& c) { keep(agent.catch_up(stamp, c.until), out); },
                 [&](const failover::HoldWrites&) { keep_held(agent.hold_writes(stamp), out); },
                 [&](const failover::ReleaseWrites&) { keep(agent.release_writes(stamp), out); },
                 [&](const failover::StepDown&) { keep_held(agent.step_down(stamp), out); },
                 [&](const failover::Rejoin& r) { rejoin(agent, stamp, r.writer_held, out); },
                 [&](const failover::Rebuild& r) { rebuild(agent, stamp, r.donor, out); },
             },
             effect.action);
  failpoint(effect.action, Side::kAfter, &agent);
  return out;
}

}  // namespace trivet::service
