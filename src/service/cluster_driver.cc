// SPDX-License-Identifier: Apache-2.0
#include "service/cluster_driver.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/overloaded.h"

namespace trivet::service {
namespace {

constexpr Millis kTick{100};
constexpr Millis kTickInElection{5};
constexpr Millis kReportEvery{500};
constexpr Millis kStartMax{60'000};
constexpr Millis kFormationMax{180'000};
constexpr Millis kProbeMax{5'000};
constexpr Millis kProbeEvery{50};
constexpr Millis kStopMax{60'000};
// A reader that is further behind is no longer offered at the reader endpoint (I14).
constexpr Millis kReaderLagMax{30'000};

std::string member_field(const MemberId& id) {
  return id.str();
}

}  // namespace

ClusterDriver::ClusterDriver(DriverNeeds needs, Cluster cluster)
    : needs_(std::move(needs)), cluster_(std::move(cluster)) {}

ClusterDriver::~ClusterDriver() {
  alive_.reset();
  for (auto& [id, hands] : hands_) {
    hands.worker->stop();
  }
}

// --- work on threads
// ---------------------------------------------------------------------------------

template <typename T>
void ClusterDriver::on_member(const MemberId& id, std::function<T(MemberAgent&)> work,
                              std::function<void(T)> then) {
  Hands& hands = hands_.at(id);
  MemberAgent* agent = hands.agent.get();
  Worker* control = &needs_.control;
  const std::weak_ptr<int> alive = alive_;
  auto shared_then = std::make_shared<std::function<void(T)>>(std::move(then));
  const bool posted = hands.worker->post([agent, control, alive, work, shared_then] {
    auto result = std::make_shared<T>(work(*agent));
    control->post([alive, result, shared_then] {
      if (!alive.expired()) {
        (*shared_then)(std::move(*result));
      }
    });
  });
  if (!posted) {
    log(Level::kError, "member.worker_full", {{"member", member_field(id)}});
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

// --- beginning
// ---------------------------------------------------------------------------------------

Status ClusterDriver::make_agents() {
  if (!hands_.empty()) {
    return ok();
  }
  auto secrets = needs_.store.secrets(cluster_.resource_id);
  if (!secrets) {
    return secrets.error();
  }
  secrets_ = std::make_shared<const ClusterSecrets>(std::move(*secrets));
  for (const Member& member : cluster_.members) {
    const std::weak_ptr<int> alive = alive_;
    Worker* control = &needs_.control;
    MemberSeed seed{cluster_, member, secrets_,
                    [this, alive, control, id = member.id](int pid, const std::string& how) {
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
    hands.worker = std::make_unique<Worker>("mysql-" + member.id.str());
    hands_.emplace(member.id, std::move(hands));
  }
  return ok();
}

void ClusterDriver::begin() {
  stage_began_ = needs_.clock.now();
  const Status made = make_agents();
  auto stored =
      made ? needs_.store.topology(cluster_.resource_id) : Result<StoredTopology>(made.error());
  if (!stored) {
    log(Level::kError, "cluster.unreadable",
        {{"cluster", cluster_.id.str()}, {"error", stored.error().message}});
    publish();
    return;
  }
  if (cluster_.status == ClusterStatus::kDeleting) {
    remove();
  } else if (stored->topology.phase == Topology::Phase::kForming) {
    form();
  } else {
    run(*stored);
  }
}

void ClusterDriver::replace_cluster(const Cluster& cluster) {
  cluster_ = cluster;
  publish();
}

// --- formation
// ---------------------------------------------------------------------------------------

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
    auto secrets = secrets_;
    on_member<Status>(
        first,
        [cluster = cluster_, secrets](MemberAgent& agent) {
          return agent.bootstrap(
              {cluster.master_username, secrets->master_password.copy(), cluster.database_name});
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

// The name, the addresses and everything else are given back; the reason stays in the log.
void ClusterDriver::give_up_formation(const std::string& why) {
  log(Level::kError, "cluster.creation_failed", {{"cluster", cluster_.id.str()}, {"error", why}});
  remove();
}

// --- service
// -----------------------------------------------------------------------------------------

// Adopts what runs; the machine decides what to do about the rest.
void ClusterDriver::run(const StoredTopology& stored) {
  stage_ = Stage::kRunning;
  struct Gathered {
    std::size_t left;
    std::set<MemberId> alive;
  };
  auto gathered = std::make_shared<Gathered>(Gathered{hands_.size(), {}});
  using Adopted = Result<std::optional<MemberProcess>>;
  for (auto& [member_id, member_hands] : hands_) {
    const MemberId id = member_id;
    on_member<Adopted>(
        id, [](MemberAgent& agent) { return agent.adopt(); },
        [this, gathered, stored, id](const Adopted& adopted) {
          if (adopted && adopted->has_value()) {
            hands_.at(id).process = **adopted;
            gathered->alive.insert(id);
          } else if (!adopted) {
            log(Level::kWarning, "member.adoption_failed",
                {{"member", id.str()}, {"error", adopted.error().message}});
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
          machine_ = std::make_unique<failover::FailoverMachine>(
              failover::Setup{order, topology_, gathered->alive, needs_.agents.boot_id(), {}},
              needs_.clock.now());
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

void ClusterDriver::commit_topology(const failover::Effect& effect) {
  const Topology next = std::get<failover::CommitTopology>(effect.action).next;
  const std::weak_ptr<int> alive = alive_;
  auto* store = &needs_.store;
  auto* control = &needs_.control;
  // The revision is read when the commit runs: commits of one driver run in order, on one thread.
  needs_.store_worker.post(
      [this, alive, store, control, next, id = effect.id, cluster = cluster_.resource_id] {
        const auto stored = store->topology(cluster);
        Result<Revision> done = stored ? Result<Revision>(stored->revision) : stored.error();
        if (stored && stored->topology.term > next.term) {
          done = make_error(Errc::kConflict, "the store holds a newer term");
        } else if (stored) {
          done = store->commit_topology(cluster, stored->revision, next);
        }
        control->post([this, alive, done, next, id] {
          if (alive.expired()) {
            return;
          }
          if (done) {
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
  struct Outcome {
    failover::EffectDone done;
    std::optional<MemberProcess> process;
  };
  const auto* clock = &needs_.clock;
  const auto work = [effect, clock](MemberAgent& agent) {
    Outcome out{{effect.id, "", {}}, {}};
    const Stamp stamp{effect.term, effect.not_after};
    const Millis left = std::max(Millis(1), since(clock->now(), effect.not_after));
    const auto keep = [&out](const Status& status) {
      out.done.error = status ? "" : status.error().message;
    };
    const auto keep_held = [&out](Result<gtid::GtidSet> held) {
      if (held) {
        out.done.held = std::move(*held);
      } else {
        out.done.error = held.error().message;
      }
    };
    std::visit(Overloaded{
                   [](const failover::CommitTopology&) {},
                   [&](const failover::StartMember&) {
                     const auto started = agent.start(left);
                     if (started) {
                       out.process = *started;
                     }
                     keep(started ? ok() : Status(started.error()));
                   },
                   [&](const failover::KillMember&) { keep(agent.kill(left)); },
                   [&](const failover::AskPromise&) { keep_held(agent.ask_promise(stamp)); },
                   [&](const failover::Drain& drain) { keep(agent.drain(stamp, drain.until)); },
                   [&](const failover::Follow& follow) {
                     keep(agent.follow(stamp, {follow.source, follow.counts}));
                   },
                   [&](const failover::GuardCommits& guard) {
                     keep(agent.guard_commits(stamp, guard.acks, guard.voters));
                   },
                   [&](const failover::Look&) { keep_held(agent.look()); },
                   [&](const failover::Open& open) { keep(agent.open(stamp, open.as_writer)); },
                   [&](const failover::Rebuild& rebuild) {
                     const Status rebuilt = agent.rebuild(stamp, rebuild.donor);
                     keep(rebuilt);
                     const auto adopted = agent.adopt();
                     if (rebuilt && adopted && *adopted) {
                       out.process = **adopted;
                     }
                   },
               },
               effect.action);
    return out;
  };
  on_member<Outcome>(effect.member, work, [this, id = effect.member](Outcome outcome) {
    Hands& hands = hands_.at(id);
    if (outcome.process) {
      hands.process = *outcome.process;
    }
    if (!outcome.done.error.empty()) {
      hands.trouble = outcome.done.error;
    }
    feed(outcome.done);
  });
}

void ClusterDriver::member_ended(const MemberId& id, int pid, const std::string& how) {
  Hands& hands = hands_.at(id);
  log(Level::kWarning, "member.ended", {{"member", id.str()}, {"pid", pid}, {"how", how}});
  if (hands.process.mysqld_pid != pid) {
    return;  // a run that is already known to be over
  }
  hands.process = MemberProcess();
  hands.report = MemberReport();
  hands.trouble = how;
  if (stage_ == Stage::kForming) {
    give_up_formation(id.str() + " ended: " + how);
    return;
  }
  feed(failover::MemberDied{id, how});
}

void ClusterDriver::log_notes() {
  using Kind = failover::Note::Kind;
  for (const failover::Note& note : machine_->take_notes()) {
    const std::string cluster = cluster_.id.str();
    switch (note.kind) {
      case Kind::kOpened:
        log(Level::kInfo, "cluster.opened",
            {{"cluster", cluster}, {"writer", note.member.str()}, {"ms", note.text}});
        break;
      case Kind::kFailoverStarted:
        log(Level::kWarning, "failover.started",
            {{"cluster", cluster}, {"former_writer", note.member.str()}, {"reason", note.text}});
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
      case Kind::kMemberRebuilt:
        log(Level::kInfo, "member.rebuilt", {{"member", note.member.str()}});
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
  ask_reports();
  if (cluster_.status == ClusterStatus::kCreating) {
    probe();
  }
}

void ClusterDriver::ask_reports() {
  const Instant now = needs_.clock.now();
  if (now < next_report_) {
    return;
  }
  next_report_ = now + kReportEvery;
  for (auto& [member_id, hands] : hands_) {
    if (hands.reporting || hands.process.mysqld_pid == 0) {
      continue;
    }
    hands.reporting = true;
    const MemberId id = member_id;
    on_member<Result<MemberReport>>(
        id, [](MemberAgent& agent) { return agent.report(); },
        [this, id](Result<MemberReport> report) {
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
          h.report = std::move(*report);
          h.trouble = h.report.replication_error;
          publish();
        });
  }
}

// --- available
// ---------------------------------------------------------------------------------------

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
  const std::uint32_t first = cluster_.members.front().server_id;
  auto shared = std::make_shared<std::pair<std::size_t, Status>>(hands_.size(), ok());
  for (const auto& [id, hands] : hands_) {
    const Member member = hands.member;
    const auto work = [member, writer, reader, first](MemberAgent& agent) -> Status {
      TRIVET_TRY(const std::uint32_t self, agent.probe_login(member.endpoint, kProbeMax));
      if (self != member.server_id) {
        return make_error(Errc::kConflict, "another server answers for " + member.id.str());
      }
      const bool is_first = member.server_id == first;
      TRIVET_TRY(const std::uint32_t other,
                 agent.probe_login(is_first ? writer : reader, kProbeMax));
      if (is_first != (other == first)) {
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
  ClusterSecrets kept;
  for (const auto& [id, password] : secrets_->replication_passwords) {
    kept.replication_passwords.emplace(id, password.copy());
  }
  kept.probe_password = secrets_->probe_password.copy();
  kept.clone_password = secrets_->clone_password.copy();
  Status stored = needs_.store.put_secrets(cluster_.resource_id, kept);
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
  cluster_ = *updated;
  log(Level::kInfo, "cluster.available",
      {{"cluster", cluster_.id.str()}, {"ms", since(stage_began_, needs_.clock.now()).count()}});
  publish();
}

// --- the end
// -----------------------------------------------------------------------------------------

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
    log(Level::kInfo, "cluster.deleted", {{"cluster", cluster_.id.str()}});
    needs_.on_gone(cluster_);
  });
}

void ClusterDriver::request_failover() {
  feed(failover::FailoverRequested{});
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

// --- what others see
// ---------------------------------------------------------------------------------

ClusterViewPtr ClusterDriver::view() const {
  auto out = std::make_shared<ClusterView>();
  out->cluster = cluster_;
  out->topology = machine_ ? machine_->topology() : topology_;
  if (machine_) {
    out->writer = machine_->serving_writer();
    out->waiting_for = out->writer ? "" : machine_->waiting_for();
  }
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
      status.trouble = hands->second.trouble;
    }
    status.is_writer = out->topology.writer == m.id;
    status.serves_reads = std::find(readers.begin(), readers.end(), m.id) != readers.end() &&
                          status.apply_lag.value_or(Millis(0)) <= kReaderLagMax;
    out->members.push_back(std::move(status));
  }
  return out;
}

void ClusterDriver::publish() {
  ClusterViewPtr now = view();
  std::string key = encode(now->cluster) + encode(now->topology) + now->waiting_for +
                    (now->writer ? now->writer->str() : "-");
  for (const MemberStatus& m : now->members) {
    key += m.state + (m.serves_reads ? "+" : "-") + std::to_string(m.process.mysqld_pid) +
           m.trouble + std::to_string(m.apply_lag.value_or(Millis(-1)).count());
  }
  if (key != last_view_) {
    last_view_ = std::move(key);
    needs_.on_view(std::move(now));
  }
}

}  // namespace trivet::service
