// SPDX-License-Identifier: Apache-2.0
#include "service/cluster_driver.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "service/carry_out.h"
#include "service/cluster_driver_work.h"
#include "service/failpoints.h"

namespace trivet::service {
namespace {

constexpr Millis kTick{100};
constexpr Millis kTickInElection{5};
constexpr Millis kBeginAgain{1'000};
// A reader that is further behind is no longer offered at the reader endpoint (I14).
constexpr Millis kReaderLagMax{30'000};

}  // namespace

ClusterDriver::ClusterDriver(DriverNeeds needs, Cluster cluster)
    : needs_(std::move(needs)), cluster_(std::move(cluster)) {}

ClusterDriver::~ClusterDriver() {
  alive_.reset();
  for (auto& [id, hands] : hands_) {
    hands.worker->stop();
    if (hands.prober) {
      hands.prober->stop();
    }
  }
}

void ClusterDriver::on_all(std::function<Status(MemberAgent&)> work,
                           std::function<void(Status)> then) {
  struct Gathered {
    std::size_t left;
    Status first_error;
  };
  auto gathered = std::make_shared<Gathered>(Gathered{hands_.size(), ok()});
  for (const auto& [id, hands] : hands_) {
    on_member<Status>(id, work, [gathered, then](const Status& result) {
      if (!result && gathered->first_error) {
        gathered->first_error = result;
      }
      if (--gathered->left == 0) {
        then(gathered->first_error);
      }
    });
  }
}

Status ClusterDriver::make_agents() {
  if (!hands_.empty()) {
    return ok();
  }
  auto secrets = needs_.store.secrets(cluster_.resource_id);
  if (!secrets) {
    return secrets.error();
  }
  // Kept apart from what members are given for good.
  master_password_ = std::make_shared<const SecretString>(std::move(secrets->master_password));
  secrets_ = std::make_shared<const ClusterSecrets>(std::move(*secrets));
  std::map<MemberId, Hands> made;
  for (const Member& member : cluster_.members) {
    const std::weak_ptr<int> alive = alive_;
    Executor* control = &needs_.control;
    MemberSeed seed{
        cluster_, member, secrets_,
        [this, alive, control, id = member.id](int pid, const failover::MemberEnd& how) {
          control->post([this, alive, id, pid, how] {
            if (!alive.expired()) {
              member_ended(id, pid, how);
            }
          });
        }};
    TRIVET_TRY(auto agent, needs_.agents.make(std::move(seed)));
    Hands hands;
    hands.member = member;
    hands.agent = std::move(agent);
    hands.worker = needs_.make_worker("mysql-" + member.id.str());
    hands.probe = needs_.agents.make_probe(cluster_, member);
    if (hands.probe) {
      hands.prober = needs_.make_worker("probe-" + member.id.str());
    }
    made.emplace(member.id, std::move(hands));
  }
  hands_ = std::move(made);
  return ok();
}

void ClusterDriver::begin() {
  stage_began_ = needs_.clock.now();
  const Status made = make_agents();
  auto stored =
      made ? needs_.store.topology(cluster_.resource_id) : Result<StoredTopology>(made.error());
  if (!stored) {
    begin_again(stored.error().message);
    publish();
    return;
  }
  unreadable_.clear();
  if (cluster_.status == ClusterStatus::kDeleting) {
    remove();
  } else if (cluster_.status == ClusterStatus::kFailed) {
    give_back([] {});
  } else if (stored->topology.phase == Topology::Phase::kForming) {
    form();
  } else if (cluster_.status == ClusterStatus::kStopped) {
    topology_ = stored->topology;
    publish();
  } else if (cluster_.status == ClusterStatus::kStopping) {
    topology_ = stored->topology;
    stop_cluster();
  } else {
    run(*stored);
  }
}

// A store that cannot be read now (its disk is full, or stalls) may be later.
void ClusterDriver::begin_again(const std::string& why) {
  if (why != unreadable_) {
    log(Level::kError, "cluster.unreadable", {{"cluster", cluster_.id.str()}, {"error", why}});
    unreadable_ = why;
  }
  if (std::exchange(is_to_begin_again_, true)) {
    return;
  }
  const std::weak_ptr<int> alive = alive_;
  needs_.control.post_after(kBeginAgain, [this, alive] {
    if (alive.expired()) {
      return;
    }
    is_to_begin_again_ = false;
    if (stage_ == Stage::kIdle && !unreadable_.empty()) {
      begin();
    }
  });
}

void ClusterDriver::replace_cluster(const Cluster& cluster) {
  // The driver's own; that record may be older.
  const ClusterStatus status = cluster_.status;
  auto reboots = std::move(cluster_.reboots);
  cluster_ = cluster;
  cluster_.status = status;
  cluster_.reboots = std::move(reboots);
  publish();
}

// Adopts what runs; the machine decides what to do about the rest.
void ClusterDriver::run(const StoredTopology& stored) {
  stage_ = Stage::kRunning;
  struct Gathered {
    std::size_t left;
    std::set<MemberId> alive;
    std::set<MemberId> ended_in_order;
  };
  auto gathered = std::make_shared<Gathered>(Gathered{hands_.size(), {}, {}});
  for (auto& [member_id, member_hands] : hands_) {
    const MemberId id = member_id;
    on_member<Adopted>(id, &adopt_running, [this, gathered, stored, id](const Adopted& found) {
      const auto& adopted = found.process;
      if (found.ended_in_order) {
        gathered->ended_in_order.insert(id);
      }
      if (adopted && adopted->has_value()) {
        if (take_process(hands_.at(id), **adopted)) {
          gathered->alive.insert(id);
        }
      } else if (!adopted) {
        // Not known to be dead: the machine must kill it before it may take it for that (I8).
        gathered->alive.insert(id);
        log(Level::kWarning, "member.adoption_failed",
            {{"member", id.str()}, {"error", adopted.error().message}});
        adopt_again(id);
      }
      if (--gathered->left > 0 || stage_ != Stage::kRunning) {
        return;
      }
      topology_ = stored.topology;
      revision_ = stored.revision;
      std::vector<MemberId> order;
      for (const Member& m : cluster_.members) {
        order.push_back(m.id);
      }
      const auto& wrote = topology_.writer ? topology_.writer : topology_.last_writer;
      const bool was_shut_down = wrote && gathered->ended_in_order.contains(*wrote);
      machine_ = std::make_unique<failover::FailoverMachine>(
          failover::Setup{
              order, topology_, gathered->alive, needs_.agents.boot_id(), {}, was_shut_down},
          needs_.clock.now());
      resume_reboot();
      tick();
    });
  }
}

void ClusterDriver::feed(const failover::Input& input) {
  if (!machine_) {
    return;
  }
  for (const failover::Effect& effect : machine_->step(input, needs_.clock.now())) {
    start_effect(effect);
  }
  log_notes();
  publish();
  if (!machine_->serving_writer()) {  // while clients wait, what is waited for is looked at often
    tick_after(kTickInElection);
  }
}

void ClusterDriver::log_voters(const Topology& before, const Topology& now) const {
  if (now.voters == before.voters) {
    return;
  }
  std::string voters;
  for (const MemberId& id : now.voters) {
    voters += (voters.empty() ? "" : ",") + id.str();
  }
  log(Level::kInfo, "cluster.voters", {{"cluster", cluster_.id.str()}, {"voters", voters}});
}

void ClusterDriver::commit_topology(const failover::Effect& effect) {
  const Topology next = std::get<failover::CommitTopology>(effect.action).next;
  const std::weak_ptr<int> alive = alive_;
  auto* store = &needs_.store;
  auto* control = &needs_.control;
  // The revision is read when the commit runs: commits of one driver run in order, on one thread.
  needs_.store_worker.post(
      [this, alive, store, control, next, id = effect.id, cluster = cluster_.resource_id] {
        failpoint(failover::CommitTopology{next}, Side::kBefore, nullptr);
        const auto stored = store->topology(cluster);
        Result<Revision> done = stored ? Result<Revision>(stored->revision) : stored.error();
        if (stored && stored->topology.term > next.term) {
          done = make_error(Errc::kConflict, "the store holds a newer term");
        } else if (stored) {
          done = store->commit_topology(cluster, stored->revision, next);
        }
        failpoint(failover::CommitTopology{next}, Side::kAfter, nullptr);
        control->post([this, alive, done, next, id] {
          if (alive.expired()) {
            return;
          }
          if (done) {
            log_voters(topology_, next);
            topology_ = next;
            revision_ = *done;
          }
          feed(failover::EffectDone{id, done ? "" : done.error().message, {}});
        });
      });
}

void ClusterDriver::start_effect(const failover::Effect& effect) {
  if (std::holds_alternative<failover::CommitTopology>(effect.action)) {
    commit_topology(effect);
    return;
  }
  const Hands& hands = hands_.at(effect.member);
  if (hands.process.mysqld_pid == 0 && !hands.adopting &&
      must_answer(machine_->member(effect.member).state)) {
    // Before the command: one that hangs is ended by who knows its process, and the command may
    // wait for it until then.
    adopt(effect.member);
  }
  const auto* clock = &needs_.clock;
  const Instant asked = clock->now();
  on_member<EffectOutcome>(
      effect.member,
      [effect, clock](MemberAgent& agent) { return carry_out(effect, agent, clock->now()); },
      [this, effect, asked](EffectOutcome outcome) {
        log(Level::kDebug, "effect.done",
            {{"member", effect.member.str()},
             {"effect", failover::name_of(effect.action)},
             {"ms", since(asked, needs_.clock.now()).count()},
             {"error", outcome.done.error}});
        effect_done(effect, std::move(outcome));
      });
}

bool ClusterDriver::take_process(Hands& hands, const MemberProcess& process) {
  const bool runs = process.mysqld_pid != hands.ended_pid;
  hands.process = runs ? process : MemberProcess();
  return runs;
}

void ClusterDriver::member_ended(const MemberId& id, int pid, const failover::MemberEnd& how) {
  Hands& hands = hands_.at(id);
  log(stage_ == Stage::kRunning ? Level::kWarning : Level::kInfo, "member.ended",
      {{"member", id.str()}, {"pid", pid}, {"how", how.how}});
  hands.ended_pid = pid;
  if (hands.process.mysqld_pid != pid) {
    return;  // a run that is already known to be over
  }
  const failover::MemberEnd why{hands.hung.empty() ? how.how : hands.hung + "; " + how.how,
                                how.is_orderly};
  hands.process = MemberProcess();
  hands.report = MemberReport();
  forget_process(id);
  hands.trouble = why.how;
  if (stage_ == Stage::kRunning) {
    needs_.events.member_ended(id, why.how);
  }
  if (stage_ == Stage::kForming) {
    give_up_formation(id.str() + " ended: " + how.how);
    return;
  }
  feed(failover::MemberDied{id, why});
}

void ClusterDriver::log_notes() {
  using Kind = failover::Note::Kind;
  for (const failover::Note& note : machine_->take_notes()) {
    const std::string cluster = cluster_.id.str();
    const auto hands = hands_.find(note.member);
    needs_.events.noted(
        cluster_, note,
        {.is_starting = cluster_.status != ClusterStatus::kAvailable,
         .rejoined = hands == hands_.end() ? failover::Rejoined() : hands->second.rejoined,
         .kept_data = hands == hands_.end() ? std::string() : hands->second.kept_data});
    switch (note.kind) {
      case Kind::kOpened:
        log(Level::kInfo, "cluster.opened",
            {{"cluster", cluster}, {"writer", note.member.str()}, {"ms", note.text}});
        break;
      case Kind::kFailoverStarted:
        log(Level::kWarning, "failover.started",
            {{"cluster", cluster}, {"former_writer", note.member.str()}, {"reason", note.text}});
        break;
      case Kind::kCandidateChosen:
        log(Level::kInfo, "failover.candidate",
            {{"cluster", cluster}, {"member", note.member.str()}});
        break;
      case Kind::kFailoverCompleted:
        log(Level::kInfo, "failover.completed",
            {{"cluster", cluster},
             {"writer", note.member.str()},
             {"term", machine_->topology().term.value()},
             {"ms", note.text}});
        break;
      case Kind::kFailoverStuck:
        log(Level::kError, "failover.stuck", {{"cluster", cluster}, {"waiting_for", note.text}});
        break;
      case Kind::kSwitchoverStarted:
        log(Level::kInfo, "switchover.started",
            {{"cluster", cluster}, {"target", note.member.str()}});
        break;
      case Kind::kSwitchoverCompleted:
        log(Level::kInfo, "switchover.completed",
            {{"cluster", cluster},
             {"writer", note.member.str()},
             {"term", machine_->topology().term.value()},
             {"ms", note.text}});
        break;
      case Kind::kSwitchoverGivenUp:
        log(Level::kWarning, "switchover.given_up",
            {{"cluster", cluster}, {"target", note.member.str()}, {"reason", note.text}});
        break;
      case Kind::kColdStartStarted:
        log(Level::kInfo, "cold_start.started", {{"cluster", cluster}, {"reason", note.text}});
        break;
      case Kind::kColdStartCompleted:
        log(Level::kInfo, "cold_start.completed",
            {{"cluster", cluster}, {"writer", note.member.str()}, {"ms", note.text}});
        break;
      case Kind::kMemberRestarted:
        log(Level::kInfo, "member.restarted", {{"member", note.member.str()}});
        break;
      case Kind::kMemberRejoined:
      case Kind::kMemberRebuilt:
        log_recovery(note);
        break;
      case Kind::kMemberTrouble:
        log(Level::kWarning, "member.trouble",
            {{"member", note.member.str()}, {"error", note.text}});
        break;
    }
  }
}

void ClusterDriver::tick_after(Millis delay) {
  const Instant due = needs_.clock.now() + delay;
  if (due >= next_tick_ && next_tick_ > needs_.clock.now()) {
    return;  // one comes sooner
  }
  next_tick_ = due;
  const std::weak_ptr<int> alive = alive_;
  needs_.control.post_after(delay, [this, alive, due] {
    if (!alive.expired() && due == next_tick_) {
      tick();
    }
  });
}

void ClusterDriver::tick() {
  if (stage_ != Stage::kRunning) {
    return;
  }
  next_tick_ = Instant();
  tick_after(kTick);
  feed(failover::Tick{});
  look_at_members();
  ask_reports();
  keep_pace();
  if (cluster_.status == ClusterStatus::kCreating) {
    probe();
  } else if (cluster_.status == ClusterStatus::kStarting) {
    finish_start();
  }
  advance_reboot();
}

std::shared_ptr<ClusterView> ClusterDriver::view() const {
  auto out = std::make_shared<ClusterView>();
  out->topology = machine_ ? machine_->topology() : topology_;
  if (machine_) {
    out->writer = machine_->serving_writer();
    out->waiting_for = out->writer ? "" : machine_->waiting_for();
    out->holds_new_connections = machine_->holds_new_connections();
    out->is_switching_over = machine_->is_switching_over();
  }
  out->commit_delay = std::chrono::ceil<Millis>(delay_);
  const auto wrote_last = out->topology.writer ? out->topology.writer : out->topology.last_writer;
  out->is_rebooting = reboot_ && (reboot_->left.size() > 1 || wrote_last == reboot_->left.front());
  const auto readers = machine_ ? machine_->open_readers() : std::vector<MemberId>();
  for (const Member& m : cluster_.members) {
    MemberStatus status;
    status.id = m.id;
    const auto hands = hands_.find(m.id);
    if (machine_) {
      const failover::MemberView seen = machine_->member(m.id);
      status.state = to_string(seen.state);
      status.is_voter = seen.is_voter;
    } else {
      status.state = stage_ == Stage::kForming ? "creating" : "stopped";
    }
    if (hands != hands_.end()) {
      status.process = hands->second.process;
      status.apply_lag = hands->second.report.apply_lag;
      const Hands& h = hands->second;
      status.trouble = h.disk_trouble.empty() ? h.trouble : h.disk_trouble;
    }
    status.is_rebooting = is_rebooting(m.id);
    status.is_writer = out->topology.writer == m.id;
    status.serves_reads = std::find(readers.begin(), readers.end(), m.id) != readers.end() &&
                          status.apply_lag.value_or(Millis(0)) <= kReaderLagMax;
    out->members.push_back(std::move(status));
  }
  return out;
}

// After every step, so the usual case, nothing new, copies no cluster.
void ClusterDriver::publish() {
  std::shared_ptr<ClusterView> now = view();
  if (published_ && now->topology == published_->topology && now->writer == published_->writer &&
      now->waiting_for == published_->waiting_for && now->members == published_->members &&
      now->is_rebooting == published_->is_rebooting &&
      now->holds_new_connections == published_->holds_new_connections &&
      now->is_switching_over == published_->is_switching_over &&
      now->commit_delay == published_->commit_delay && cluster_ == published_->cluster) {
    return;
  }
  now->cluster = cluster_;
  published_ = now;
  needs_.on_view(std::move(now));
}

}  // namespace trivet::service
