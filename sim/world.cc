// SPDX-License-Identifier: Apache-2.0
//
// A schedule's course: set-up, faults, recovery, end. What servers and clients do by themselves is
// in world_life.cc, the rules in checks.cc.
#include "sim/world.h"

#include <algorithm>
#include <cstdio>

#include "sim/daemon.h"

namespace trivet::sim {
namespace {

constexpr Micros kWarmMax = std::chrono::seconds(60);
// After the last fault. A rebuild, a start that was put off and the longest deadline of a step fit.
constexpr Micros kHealMax = std::chrono::seconds(400);
constexpr Micros kQuiet = std::chrono::milliseconds(600);
constexpr Micros kConvergeMax = std::chrono::seconds(20);
constexpr Micros kCommandMax = std::chrono::seconds(120);  // the machine's own limits
constexpr std::uint64_t kStepsMax = 2'000'000;
constexpr int kAcknowledgedAfter = 3;  // writes go on
// Parts per million. Real ones are in the tens; what is wrong with a clock shows sooner so.
constexpr int kDriftMax = 20'000;
constexpr int kDriftUsual = 100;

constexpr std::uint64_t kFnvPrime = 0x100000001b3U;

}  // namespace

void Counts::add(const Counts& other) {
  schedules += other.schedules;
  steps += other.steps;
  virtual_ms += other.virtual_ms;
  transactions += other.transactions;
  acknowledged += other.acknowledged;
  terms += other.terms;
  failovers += other.failovers;
  returns += other.returns;
  rejoins += other.rejoins;
  rewinds += other.rewinds;
  rebuilds += other.rebuilds;
  switchovers += other.switchovers;
  hangs_killed += other.hangs_killed;
  nudges += other.nudges;
  halves += other.halves;
  xa_prepared += other.xa_prepared;
  told_on_the_way_down += other.told_on_the_way_down;
  killed_on_the_way_down += other.killed_on_the_way_down;
  losses += other.losses;
  given_up += other.given_up;
  delayed += other.delayed;
  repeated += other.repeated;
  for (std::size_t i = 0; i < faults.size(); ++i) {
    faults[i] += other.faults[i];
  }
}

World::World(std::uint64_t seed, bool tell)
    : random_(seed),
      scheduler_(random_),
      clock_(scheduler_),
      nature_(scheduler_, SimExecutor::Kind::kPlain),
      tell_(tell) {
  set_up();
}

World::~World() {
  nature_.stop();
  daemon_.reset();
}

int World::draw_drift() {
  const int most = random_.chance(30) ? kDriftMax : kDriftUsual;
  return random_.below(2 * most + 1) - most;
}

void World::set_up() {
  clock_.boot(random_.between(Millis(1'000), Millis(1'000'000)), draw_drift());
  has_xa_ = random_.chance(30);
  for (Client& client : clients_) {
    client.is_patient = random_.chance(50);
  }
  cluster_.id = ClusterId("c");
  cluster_.resource_id = ClusterResourceId("cluster-1");
  service::ClusterStore store(disk_, sealer());
  Topology first;
  first.term = Term(1);
  first.phase = Topology::Phase::kSteady;
  first.boot_id = boot_id();
  const bool forms = random_.chance(5);
  const bool running = !forms && random_.chance(70);  // or all were stopped in order
  for (int i = 0; i < kMembers; ++i) {
    const MemberId id("m" + std::to_string(i + 1));
    cluster_.members.push_back({id,
                                "db-" + id.str(),
                                "az",
                                "subnet",
                                static_cast<std::uint32_t>(i + 1),
                                {"", "127.0.0.1", 1}});
    if (i > 0) {
      first.voters.push_back(id);
    }
    Server& m = server(i);
    m.index = i;
    m.uuid = ledger_.new_server();
    m.promised = first.term;
    if (running) {
      m.start_process(ledger_, new_pid());
      m.ready = m.open = true;
      m.semi_sync = m.was_guarded = m.writable = i == 0;
      m.receiver = m.applier = m.counts = i > 0;
    }
    if (i > 0 && !forms) {
      m.channel = 0;
    }
  }
  cluster_.status = forms ? ClusterStatus::kCreating : ClusterStatus::kAvailable;
  cluster_.writer_endpoint.port = kWriterPort;
  first.writer = first.last_writer = cluster_.members[0].id;
  sources_[first.term] = 0;
  TRIVET_ASSERT(store.create(cluster_, ClusterSecrets()).has_value());
  if (!forms) {
    stored_ = first;
    const auto record = store.topology(cluster_.resource_id);
    TRIVET_ASSERT(record.has_value());
    TRIVET_ASSERT(store.commit_topology(cluster_.resource_id, record->revision, first).has_value());
  }
  nature_.post([this] { start_daemon(); });
  nature_.post([this] { pulse(); });
}

void World::trace(std::string_view what, std::int64_t a, std::int64_t b, std::int64_t c) {
  const auto mix = [this](std::uint64_t value) { hash_ = (hash_ ^ value) * kFnvPrime; };
  for (const char letter : what) {
    mix(static_cast<unsigned char>(letter));
  }
  mix(static_cast<std::uint64_t>(now().time_since_epoch().count()));
  mix(static_cast<std::uint64_t>(a));
  mix(static_cast<std::uint64_t>(b));
  mix(static_cast<std::uint64_t>(c));
  if (tell_) {
    std::printf("%12.6f  %.*s %lld %lld %lld\n",
                static_cast<double>(now().time_since_epoch().count()) / 1e6,
                static_cast<int>(what.size()), what.data(), static_cast<long long>(a),
                static_cast<long long>(b), static_cast<long long>(c));
  }
}

void World::violate(const std::string& rule, const std::string& text, bool safety) {
  if (!violation_) {
    violation_ = Violation{rule, text + " [" + describe() + "]", safety};
    trace("violation");
  }
}

std::string World::describe() const {
  std::string out = "at " + std::to_string(now().time_since_epoch().count() / 1000) + " ms, term " +
                    std::to_string(stored_.term.value()) + " " +
                    std::string(trivet::to_string(stored_.phase)) + " writer " +
                    (stored_.writer ? stored_.writer->str() : "-") + " voters";
  for (const MemberId& id : stored_.voters) {
    out += " " + id.str();
  }
  for (const Server& s : servers_) {
    out += "; m" + std::to_string(s.index + 1) +
           (s.pid == 0 ? " dead"
            : s.ready  ? " up"
                       : " boots");
    out += s.writable ? " writable" : "";
    out += s.open ? " open" : "";
    out += s.source_pid != 0 ? " follows m" + std::to_string(*s.channel + 1) : "";
    out += s.counts ? " counts" : "";
    out +=
        " binlog " + std::to_string(s.binlog.size()) + " relay " + std::to_string(s.relay.size());
  }
  return view_ ? out + "; waits for: " + view_->waiting_for : out;
}

void World::start_daemon() {
  ++daemons_;
  daemon_ = std::make_unique<Daemon>(*this);
  trace("daemon", daemons_);
  if (!daemon_->begin()) {  // ends, and is started again
    daemon_.reset();
    nature_.post_at(now() + random_.between(Micros(50'000), Micros(300'000)),
                    [this] { start_daemon(); });
  }
}

void World::kill_daemon() {
  if (!daemon_) {
    return;  // it is being started again
  }
  trace("daemon dies", daemons_);
  daemon_.reset();
  view_.reset();
  watchers_ = {};
  accepted_.reset();
  nature_.post_at(now() + random_.between(Micros(10'000), Micros(1'500'000)),
                  [this] { start_daemon(); });
}

void World::on_view(service::ClusterViewPtr view) {
  check_view(*view);
  if (view->commit_delay > Millis(0) && (!view_ || view_->commit_delay == Millis(0))) {
    ++counts_.delayed;
  }
  if (view->is_switching_over) {
    switching_until_ = now() + kCommandMax;
  }
  if (view->writer && !(view_ && view_->writer)) {
    served_since_ = now();
  }
  view_ = std::move(view);
}

bool World::is_healthy() {
  if (!view_ || !view_->writer || stored_.voters.size() != 2 ||
      view_->cluster.status != ClusterStatus::kAvailable) {
    return false;
  }
  const int writer = index_of(*view_->writer);
  const Server& w = server(writer);
  if (!w.accepts_writes() || is_hung(writer)) {
    return false;
  }
  for (const service::MemberStatus& m : view_->members) {
    const Server& s = server(index_of(m.id));
    const bool reads = m.serves_reads && s.open && !is_hung(s.index);
    if (s.index != writer && (!reads || s.source_pid != w.pid || !s.counts)) {
      return false;
    }
  }
  return true;
}

// What is left of the plan is aimed at steps that no longer come.
bool World::is_quiet() {
  for (const Fault& fault : plan_.faults) {
    if (!fault.aimed || now() < fault.at) {
      return false;
    }
  }
  if (!is_healthy()) {
    healthy_since_ = now();
  }
  return now() - healthy_since_ > kQuiet;
}

bool World::applies_slowly() const {
  return std::any_of(servers_.begin(), servers_.end(),
                     [&](const Server& s) { return now() < s.slow_until; });
}

bool World::is_converged() {
  if (!is_healthy()) {
    return false;  // a wish that was told late, when control stalled
  }
  const Server& writer = server(index_of(*stored_.writer));
  for (const Server& s : servers_) {
    if (!s.executed.contains(writer.held) || !s.relay.empty() || s.commit_delay > Micros(0)) {
      return false;
    }
  }
  return true;
}

void World::advance_stage() {
  const Micros in_stage = now() - stage_began_;
  const auto go_to = [this](RunStage next) {
    stage_ = next;
    stage_began_ = now();
    trace("stage", static_cast<int>(next));
  };
  const auto late = [&](Micros limit, const std::string& what) {
    if (in_stage > limit) {
      violate("liveness", what, false);
    }
  };
  switch (stage_) {
    case RunStage::kWarm:
      if (is_healthy()) {
        plan_ = draw_faults(random_, now() + Millis(30));
        go_to(RunStage::kFaults);
        healthy_since_ = now();
      } else {
        late(kWarmMax, "the cluster does not come up");
      }
      break;
    case RunStage::kFaults:
      if (plan_.faults.empty() || in_stage > plan_.lasts_max || is_quiet()) {
        plan_.faults.clear();
        dies_at_start_until_ = {};
        store_out_until_ = acks_lost_until_ = {};
        odd_news_ = false;
        acknowledged_before_ = ledger_.acknowledged_count();
        go_to(RunStage::kHeal);
      }
      break;
    case RunStage::kHeal:
      if (is_healthy() && !applies_slowly() &&
          ledger_.acknowledged_count() >= acknowledged_before_ + kAcknowledgedAfter) {
        go_to(RunStage::kConverge);
      } else {
        late(kHealMax, "the cluster is not whole again after its faults");
      }
      break;
    case RunStage::kConverge:
      if (is_converged()) {
        check_final();
        go_to(RunStage::kDone);
      } else {
        late(kConvergeMax, "the members do not hold the same in the end");
      }
      break;
    case RunStage::kDone:
      break;
  }
}

void World::run() {
  while (stage_ != RunStage::kDone && !violation_) {
    if (!scheduler_.step()) {
      violate("liveness", "nothing is left to do", false);
    }
    check_always();
    if (++counts_.steps > kStepsMax) {
      violate("liveness", "the schedule does not end", false);
    }
  }
  counts_.schedules = 1;
  counts_.virtual_ms = static_cast<std::uint64_t>(now().time_since_epoch().count()) / 1000;
  counts_.transactions = static_cast<std::uint64_t>(ledger_.count());
  counts_.acknowledged = static_cast<std::uint64_t>(ledger_.acknowledged_count());
}

}  // namespace trivet::sim
