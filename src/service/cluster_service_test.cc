// SPDX-License-Identifier: Apache-2.0
//
// Clusters from the API's side to their drivers, over agents that have no processes: what happens
// to names, records and endpoints when things go well, fail, or are cut off.
#include "service/cluster_service.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <thread>

#include "adapter/store_memory/store.h"
#include "base/clock.h"

namespace trivet::service {
namespace {

constexpr std::chrono::seconds kDeadline(20);

// What all fake agents of a test share: the "machine" that outlives a daemon.
struct Machine {
  std::mutex adopting;  // whoever holds it keeps agents from answering what runs
  std::mutex mutex;
  std::map<MemberId, int> running;  // member → pid
  std::map<MemberId, std::function<void(int, const std::string&)>> on_exit;
  std::map<MemberId, int> prepared;
  std::map<MemberId, int> rebuilt;
  std::map<MemberId, int> rejoined;
  std::set<MemberId> hung;  // these do not answer probes
  std::map<MemberId, int> nudged;
  std::set<MemberId> written_by_hand;       // hold what nobody else has, until they are rebuilt
  std::set<MemberId> lost_acknowledgement;  // writers whose commits wait until a nudge
  std::set<MemberId> lagging;               // readers that are always 250 ms behind
  std::map<MemberId, failover::Micros> commit_delay;
  std::set<MemberId> still_born;  // their next run ends before its start is told
  std::string failing_prepare;    // this member cannot be prepared
  int next_pid = 100;
};

class FakeAgent final : public MemberAgent {
 public:
  FakeAgent(Machine& machine, MemberSeed seed) : machine_(machine), seed_(std::move(seed)) {
    const std::scoped_lock lock(machine_.mutex);
    machine_.on_exit[id()] = seed_.on_exit;
  }

  Status prepare() override {
    const std::scoped_lock lock(machine_.mutex);
    if (id().str() == machine_.failing_prepare) {
      return make_error(Errc::kUnavailable, "no space left on device");
    }
    ++machine_.prepared[id()];
    return ok();
  }
  Status remove() override {
    const std::scoped_lock lock(machine_.mutex);
    machine_.running.erase(id());
    return ok();
  }
  Result<std::optional<MemberProcess>> adopt() override {
    const std::scoped_lock free(machine_.adopting);
    const std::scoped_lock lock(machine_.mutex);
    const auto at = machine_.running.find(id());
    return at == machine_.running.end()
               ? std::optional<MemberProcess>()
               : std::optional<MemberProcess>(MemberProcess{at->second, at->second + 1});
  }
  Result<MemberProcess> start(Millis) override {
    std::function<void(int, const std::string&)> on_exit;
    int pid = 0;
    {
      const std::scoped_lock lock(machine_.mutex);
      pid = machine_.running.emplace(id(), machine_.next_pid += 2).first->second;
      if (machine_.still_born.erase(id()) > 0) {
        machine_.running.erase(id());
        on_exit = machine_.on_exit.at(id());
      }
    }
    if (on_exit) {
      on_exit(pid, "killed by signal 9");
    }
    return MemberProcess{pid, pid + 1};
  }
  // The kernel tells of the death as of any other.
  Status kill(Millis) override {
    std::function<void(int, const std::string&)> on_exit;
    int pid = 0;
    {
      const std::scoped_lock lock(machine_.mutex);
      const auto at = machine_.running.find(id());
      if (at == machine_.running.end()) {
        return ok();
      }
      pid = at->second;
      machine_.running.erase(at);
      on_exit = machine_.on_exit.at(id());
    }
    on_exit(pid, "killed by signal 9");
    return ok();
  }
  Status stop(Millis) override { return remove(); }
  Status bootstrap(const Bootstrap& what) override {
    return what.master_password.reveal() == "password1"
               ? ok()
               : Status(make_error(Errc::kInternal, "the master password did not arrive"));
  }
  Result<gtid::GtidSet> ask_promise(const Stamp&) override { return gtid::GtidSet(); }
  Status drain(const Stamp&, const gtid::GtidSet&) override { return ok(); }
  Status follow(const Stamp&, const FollowTarget&) override { return ok(); }
  Status guard_commits(const Stamp&, int, const std::vector<MemberId>&) override { return ok(); }
  Status prove_commits(const Stamp&) override { return ok(); }
  Status open(const Stamp&, bool) override { return ok(); }
  Result<failover::Rejoined> rejoin(const Stamp&, const gtid::GtidSet&) override {
    (void)start(Millis(0));
    const std::scoped_lock lock(machine_.mutex);
    ++machine_.rejoined[id()];
    return failover::Rejoined{failover::RejoinWay::kRewind, "", 3, "/lost+found/x"};
  }
  Status rebuild(const Stamp&, const MemberId&) override {
    (void)start(Millis(1));
    const std::scoped_lock lock(machine_.mutex);
    ++machine_.rebuilt[id()];
    return ok();
  }
  Result<gtid::GtidSet> look() override { return gtid::GtidSet(); }
  Status catch_up(const Stamp&, const gtid::GtidSet&) override { return ok(); }
  Result<gtid::GtidSet> hold_writes(const Stamp&) override { return gtid::GtidSet(); }
  Status release_writes(const Stamp&) override { return ok(); }
  Result<gtid::GtidSet> step_down(const Stamp&) override { return gtid::GtidSet(); }
  std::string kept_data() const override { return "/lost+found/x"; }
  Result<MemberReport> report() override {
    MemberReport out;
    const std::scoped_lock lock(machine_.mutex);
    if (!machine_.lost_acknowledgement.empty() && !machine_.lost_acknowledgement.contains(id())) {
      out.held = *gtid::GtidSet::parse("3e11fa47-71ca-11e1-9e33-c80aa9429562:1");
    }
    out.writable = id() == MemberId("demo-instance-1");
    out.server_uuid = "4e11fa47-71ca-11e1-9e33-c80aa9429562";
    if (machine_.written_by_hand.contains(id()) && machine_.rebuilt[id()] == 0) {
      out.held.add(*gtid::GtidSet::parse(out.server_uuid + ":7"));
    }
    return out;
  }
  // Executes 1,000 transactions a second.
  Result<std::optional<failover::ApplyProgress>> apply_progress() override {
    const std::scoped_lock lock(machine_.mutex);
    failover::ApplyProgress out;
    out.executed = static_cast<std::uint64_t>(since(Instant(), SystemClock().now()).count());
    if (machine_.lagging.contains(id())) {
      out.waiting = 250;
      out.age = Millis(250) + std::chrono::ceil<Millis>(delay_of_writer());
    }
    return std::optional(out);
  }
  Status set_commit_delay(const Stamp&, failover::Micros delay) override {
    const std::scoped_lock lock(machine_.mutex);
    machine_.commit_delay[id()] = delay;
    return ok();
  }
  Result<std::uint32_t> probe_login(const Endpoint& endpoint, Millis) override {
    const Cluster& c = seed_.cluster;
    if (endpoint == c.writer_endpoint) {
      return c.members[0].server_id;
    }
    if (endpoint == c.reader_endpoint) {
      return c.members[1].server_id;
    }
    return seed_.member.server_id;
  }

 private:
  failover::Micros delay_of_writer() const {
    failover::Micros out{0};
    for (const auto& [member, delay] : machine_.commit_delay) {
      out = std::max(out, delay);
    }
    return out;
  }
  const MemberId& id() const { return seed_.member.id; }
  Machine& machine_;
  MemberSeed seed_;
};

class FakeProbe final : public MemberProbe {
 public:
  FakeProbe(Machine& machine, MemberId id) : machine_(machine), id_(std::move(id)) {}

  // Pretends to have waited: nobody sleeps here.
  failover::Probe look(const LookOrder& order) override {
    const std::scoped_lock lock(machine_.mutex);
    failover::Probe out;
    out.asked = out.ended = out.disk_began = SystemClock().now();
    if (machine_.hung.contains(id_)) {
      out.state = 'T';
      out.ended += order.deadline;
      return out;
    }
    out.query = failover::Probe::Query::kAnswered;
    if (order.as_writer) {
      const bool waits = machine_.lost_acknowledgement.contains(id_);
      out.commits = failover::CommitProgress{waits ? 1U : 0U, 0, 1, gtid::GtidSet()};
    }
    return out;
  }
  Status nudge(Millis) override {
    const std::scoped_lock lock(machine_.mutex);
    ++machine_.nudged[id_];
    machine_.lost_acknowledgement.erase(id_);
    return ok();
  }
  Result<failover::MemberEnd> kill(int mysqld_pid, Millis) override {
    std::function<void(int, const std::string&)> on_exit;
    {
      const std::scoped_lock lock(machine_.mutex);
      if (machine_.running[id_] != mysqld_pid) {
        return failover::MemberEnd("it was gone");
      }
      machine_.running.erase(id_);
      machine_.hung.erase(id_);
      on_exit = machine_.on_exit[id_];
    }
    on_exit(mysqld_pid, "killed by signal 9");
    return failover::MemberEnd("killed");
  }

 private:
  Machine& machine_;
  const MemberId id_;
};

class FakeAgents final : public MemberAgents {
 public:
  explicit FakeAgents(Machine& machine) : machine_(machine) {}
  Result<std::unique_ptr<MemberAgent>> make(MemberSeed seed) override {
    return std::unique_ptr<MemberAgent>(std::make_unique<FakeAgent>(machine_, std::move(seed)));
  }
  std::unique_ptr<MemberProbe> make_probe(const Cluster&, const Member& member) override {
    return std::make_unique<FakeProbe>(machine_, member.id);
  }
  std::string boot_id() const override { return "boot"; }

 private:
  Machine& machine_;
};

// A store some of whose reads can be made to fail.
class Store final : public StateStore {
 public:
  Result<StoredValue> get(std::string_view key) override {
    if (key.starts_with("topology/") && failing_topologies > 0) {
      --failing_topologies;
      return make_error(Errc::kUnavailable, "disk I/O error");
    }
    return memory_.get(key);
  }
  Result<std::vector<StoredValue>> list(std::string_view prefix) override {
    return memory_.list(prefix);
  }
  Result<Revision> commit(const Commit& commit) override { return memory_.commit(commit); }
  Result<std::unique_ptr<StoreWatch>> watch(
      std::string prefix, std::function<void(const std::vector<StoreEvent>&)> on_events) override {
    return memory_.watch(std::move(prefix), std::move(on_events));
  }

  std::atomic<int> failing_topologies = 0;

 private:
  store_memory::MemoryStore memory_;
};

class ClusterServiceTest : public testing::Test {
 protected:
  ClusterServiceTest() : agents_(machine_) { start_daemon(); }

  void start_daemon() {
    Placement placement{{AccountId("123456789012"), "us-east-1", "aws"},
                        "abcdefghijkl",
                        "rds.trivet.internal",
                        true,
                        "127.30"};
    service_ = std::make_unique<ClusterService>(ClusterService::Needs{
        store_, sealer_, clock_, agents_, placement,
        [this](const std::string& address, std::uint16_t) {
          return address == taken_address_
                     ? Status(make_error(Errc::kAlreadyExists, address + " is in use"))
                     : ok();
        },
        [this](const std::vector<ClusterViewPtr>& views) {
          const std::scoped_lock lock(mutex_);
          views_ = views;
          changed_.notify_all();
        }});
    ASSERT_TRUE(service_->start().has_value());
  }

  // Waits until the published views satisfy `condition`.
  bool wait_for(const std::function<bool(const std::vector<ClusterViewPtr>&)>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kDeadline, [&] { return condition(views_); });
  }
  bool wait_until_available() {
    return wait_for([](const std::vector<ClusterViewPtr>& views) {
      return views.size() == 1 && status_text(*views[0]) == "available";
    });
  }
  bool wait_until_gone() {
    return wait_for([](const std::vector<ClusterViewPtr>& views) { return views.empty(); });
  }

  Result<ClusterViewPtr> create(const std::string& id = "demo") {
    Cluster wanted;
    wanted.id = ClusterId(id);
    wanted.master_username = "admin";
    return service_->create(wanted, 3306, SecretString("password1"),
                            {{"us-east-1a", "s1"}, {"us-east-1b", "s2"}, {"us-east-1c", "s3"}});
  }

  void kill_member(const std::string& id) {
    std::function<void(int, const std::string&)> on_exit;
    int pid = 0;
    {
      const std::scoped_lock lock(machine_.mutex);
      pid = machine_.running.at(MemberId(id));
      machine_.running.erase(MemberId(id));
      on_exit = machine_.on_exit.at(MemberId(id));
    }
    on_exit(pid, "killed by signal 9");
  }

  // All but events, which outlive what they are about.
  std::size_t records() {
    std::size_t count = 0;
    for (const StoredValue& record : *store_.list("")) {
      count += record.key.starts_with("events/") ? 0 : 1;
    }
    return count;
  }
  // "RDS-EVENT-0170 demo" of every event so far, in their order.
  std::vector<std::string> events() const {
    std::vector<std::string> out;
    for (const RecordedEvent& recorded : service_->events().find({})) {
      out.push_back(recorded.event.id + " " + recorded.event.source_id);
    }
    return out;
  }
  std::string message_of(const std::string& id) const {
    for (const RecordedEvent& recorded : service_->events().find({})) {
      if (recorded.event.id == id) {
        return recorded.event.message;
      }
    }
    return "no " + id;
  }
  std::string status() const {
    const ClusterViewPtr view = service_->find(ClusterId("demo"));
    return view ? status_text(*view) : "none";
  }
  bool wait_for_status(const std::string& wanted) {
    return wait_for([&](const std::vector<ClusterViewPtr>& views) {
      return views.size() == 1 && status_text(*views[0]) == wanted;
    });
  }
  bool wait_until_whole() {
    return wait_for([](const std::vector<ClusterViewPtr>& views) {
      return views.size() == 1 && status_text(*views[0]) == "available" &&
             std::all_of(
                 views[0]->members.begin(), views[0]->members.end(),
                 [&](const MemberStatus& m) { return m.state == "available" && !m.is_rebooting; });
    });
  }

  Machine machine_;
  FakeAgents agents_;
  SystemClock clock_;
  Store store_;
  std::shared_ptr<const Sealer> sealer_ = *Sealer::create(SecretString(std::string(32, 'k')));
  std::string taken_address_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ClusterViewPtr> views_;
  std::unique_ptr<ClusterService> service_;
};

TEST_F(ClusterServiceTest, ANewClusterBecomesAvailableWithThreeMembers) {
  const auto created = create();
  ASSERT_TRUE(created.has_value()) << created.error().message;
  EXPECT_EQ(status_text(**created), "creating");
  ASSERT_TRUE(wait_until_available());
  const ClusterViewPtr view = service_->find(ClusterId("demo"));
  EXPECT_EQ(view->writer, MemberId("demo-instance-1"));
  EXPECT_EQ(view->topology.voters.size(), 2U);
  EXPECT_EQ(view->cluster.writer_endpoint.name,
            "demo.cluster-abcdefghijkl.us-east-1.rds.trivet.internal");
  EXPECT_EQ(view->cluster.members[2].endpoint.address, "127.30.0.5");
  ClusterStore records(store_, sealer_);
  EXPECT_TRUE(records.secrets(view->cluster.resource_id)->master_password.empty());
}

TEST_F(ClusterServiceTest, NamesAndAddressesAreGivenAwayOnce) {
  taken_address_ = "127.30.0.2";  // somebody else's: the whole block is left alone
  ASSERT_TRUE(create("one").has_value());
  EXPECT_EQ(create("one").error().fault, "DBClusterAlreadyExistsFault");
  ASSERT_TRUE(create("two").has_value());
  EXPECT_EQ(service_->find(ClusterId("one"))->cluster.writer_endpoint.address, "127.30.0.9");
  EXPECT_EQ(service_->find(ClusterId("two"))->cluster.writer_endpoint.address, "127.30.0.17");
}

TEST_F(ClusterServiceTest, AFailedCreationIsSeenUntilItIsDeleted) {
  machine_.failing_prepare = "demo-instance-2";
  ASSERT_TRUE(create().has_value());
  ASSERT_TRUE(wait_for_status("failed"));
  EXPECT_EQ(service_->find(ClusterId("demo"))->cluster.status_reason, "no space left on device");
  EXPECT_EQ(create().error().fault, "DBClusterAlreadyExistsFault");
  EXPECT_EQ(service_->reboot(ClusterId("demo")).error().fault, "InvalidDBClusterStateFault");
  machine_.failing_prepare.clear();
  service_.reset();
  views_.clear();
  start_daemon();
  ASSERT_TRUE(wait_for_status("failed")) << "it is not tried again";
  EXPECT_TRUE(machine_.running.empty());
  EXPECT_TRUE(make_endpoint_table({service_->find(ClusterId("demo"))})->listeners().empty());
  ASSERT_TRUE(service_->update(ClusterId("demo"), [](Cluster& c) -> Status {
    c.deletion_protection = true;
    return ok();
  }));
  ASSERT_TRUE(service_->remove(ClusterId("demo")).has_value());
  ASSERT_TRUE(wait_until_gone());
  EXPECT_EQ(records(), 0U);
  ASSERT_TRUE(create().has_value());
  EXPECT_TRUE(wait_until_available());
}

TEST_F(ClusterServiceTest, DeletingLeavesNothing) {
  ASSERT_TRUE(create().has_value());
  ASSERT_TRUE(wait_until_available());
  const auto deleting = service_->remove(ClusterId("demo"));
  ASSERT_TRUE(deleting.has_value());
  EXPECT_EQ(status_text(**deleting), "deleting");
  ASSERT_TRUE(wait_until_gone());
  EXPECT_EQ(records(), 0U);
  EXPECT_TRUE(machine_.running.empty());
  EXPECT_EQ(service_->remove(ClusterId("demo")).error().fault, "DBClusterNotFoundFault");
}

TEST_F(ClusterServiceTest, ADeathOfTheWriterMovesTheEndpointAndTheFormerWriterComesBack) {
  ASSERT_TRUE(create().has_value());
  ASSERT_TRUE(wait_until_available());
  kill_member("demo-instance-1");
  ASSERT_TRUE(wait_for([](const std::vector<ClusterViewPtr>& views) {
    return views[0]->writer == MemberId("demo-instance-2") &&
           views[0]->topology.voters.size() == 2 && views[0]->members[0].serves_reads;
  }));
  EXPECT_EQ(machine_.rejoined[MemberId("demo-instance-1")], 1);
  const auto table = make_endpoint_table({service_->find(ClusterId("demo"))});
  ASSERT_TRUE(table.has_value());
  EXPECT_EQ(table->clusters()[0].writer->host, "127.30.0.4");
  EXPECT_EQ(table->clusters()[0].readers.size(), 2U);
}

TEST_F(ClusterServiceTest, AWriterThatHangsIsKilledAndReplaced) {
  ASSERT_TRUE(create().has_value());
  ASSERT_TRUE(wait_until_available());
  {
    const std::scoped_lock lock(machine_.mutex);
    machine_.hung.insert(MemberId("demo-instance-1"));
  }
  ASSERT_TRUE(wait_for([](const std::vector<ClusterViewPtr>& views) {
    return views[0]->writer == MemberId("demo-instance-2") &&
           views[0]->topology.voters.size() == 2 && views[0]->members[0].serves_reads;
  }));
  EXPECT_EQ(machine_.rejoined[MemberId("demo-instance-1")], 1);
}

TEST_F(ClusterServiceTest, AReaderThatHangsIsRestartedWithoutAFailover) {
  ASSERT_TRUE(create().has_value());
  ASSERT_TRUE(wait_until_available());
  const int former = service_->find(ClusterId("demo"))->members[2].process.mysqld_pid;
  {
    const std::scoped_lock lock(machine_.mutex);
    machine_.hung.insert(MemberId("demo-instance-3"));
  }
  ASSERT_TRUE(wait_for([&](const std::vector<ClusterViewPtr>& views) {
    const int pid = views[0]->members[2].process.mysqld_pid;
    return pid != 0 && pid != former && views[0]->members[2].serves_reads;
  }));
  EXPECT_EQ(service_->find(ClusterId("demo"))->topology.term, Term(1));
}

TEST_F(ClusterServiceTest, ARunWhoseEndIsToldBeforeItsBeginningIsStartedAgain) {
  ASSERT_TRUE(create().has_value());
  ASSERT_TRUE(wait_until_whole());
  const MemberId reader("demo-instance-2");
  {
    const std::scoped_lock lock(machine_.mutex);
    machine_.still_born.insert(reader);
  }
  kill_member(reader.str());
  EXPECT_TRUE(wait_for([&](const std::vector<ClusterViewPtr>& views) {
    const std::scoped_lock lock(machine_.mutex);
    return machine_.still_born.empty() && machine_.running.contains(reader) &&
           status_text(*views[0]) == "available" && views[0]->members[1].state == "available";
  }));
}

TEST_F(ClusterServiceTest, AReaderThatSomebodyWroteToIsCloned) {
  ASSERT_TRUE(create().has_value());
  ASSERT_TRUE(wait_until_available());
  {
    const std::scoped_lock lock(machine_.mutex);
    machine_.written_by_hand.insert(MemberId("demo-instance-3"));
  }
  ASSERT_TRUE(wait_for([&](const std::vector<ClusterViewPtr>& views) {
    const std::scoped_lock lock(machine_.mutex);
    return machine_.rebuilt[MemberId("demo-instance-3")] == 1 && views[0]->members[2].serves_reads;
  }));
  EXPECT_EQ(service_->find(ClusterId("demo"))->topology.term, Term(1));
}

TEST_F(ClusterServiceTest, ALostAcknowledgementIsMadeUpForByASmallWrite) {
  ASSERT_TRUE(create().has_value());
  ASSERT_TRUE(wait_until_available());
  {
    const std::scoped_lock lock(machine_.mutex);
    machine_.lost_acknowledgement.insert(MemberId("demo-instance-1"));
  }
  const SystemClock clock;
  const Instant until = clock.now() + kDeadline;
  const auto nudged = [&] {
    const std::scoped_lock lock(machine_.mutex);
    return machine_.nudged[MemberId("demo-instance-1")] > 0;
  };
  while (!nudged() && clock.now() < until) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(nudged());
  EXPECT_EQ(service_->find(ClusterId("demo"))->topology.term, Term(1));
}

TEST_F(ClusterServiceTest, TheWriterDelaysCommitsWhileAReaderIsBehind) {
  const MemberId writer("demo-instance-1");
  ASSERT_TRUE(create().has_value());
  ASSERT_TRUE(wait_until_available());
  {
    const std::scoped_lock lock(machine_.mutex);
    machine_.lagging.insert(MemberId("demo-instance-3"));
  }
  ASSERT_TRUE(wait_for(
      [](const std::vector<ClusterViewPtr>& views) { return views[0]->commit_delay > Millis(5); }));
  {
    const std::scoped_lock lock(machine_.mutex);
    EXPECT_GT(machine_.commit_delay[writer], failover::Micros(0));
    EXPECT_EQ(machine_.commit_delay.size(), 1U);  // of nobody else
    machine_.lagging.clear();
  }
  ASSERT_TRUE(wait_for([this, writer](const std::vector<ClusterViewPtr>& views) {
    const std::scoped_lock lock(machine_.mutex);
    return views[0]->commit_delay == Millis(0) &&
           machine_.commit_delay[writer] == failover::Micros(0);
  }));
}

TEST_F(ClusterServiceTest, ARestartedDaemonAdoptsWhatRuns) {
  ASSERT_TRUE(create().has_value());
  ASSERT_TRUE(wait_until_available());
  const auto pids = machine_.running;
  service_.reset();
  views_.clear();
  start_daemon();
  ASSERT_TRUE(wait_until_available());
  EXPECT_EQ(machine_.running, pids);
  EXPECT_EQ(machine_.prepared[MemberId("demo-instance-1")], 1);
  EXPECT_EQ(service_->find(ClusterId("demo"))->topology.term, Term(1));
}

TEST_F(ClusterServiceTest, CallsRightAfterTheStartFindTheStoredClusters) {
  ASSERT_TRUE(create().has_value());
  ASSERT_TRUE(wait_until_available());
  service_.reset();
  views_.clear();
  {
    const std::scoped_lock busy(machine_.adopting);
    start_daemon();
    EXPECT_EQ(status(), "starting");
    EXPECT_EQ(service_->find(ClusterId("demo"))->members.size(), 3U);
    EXPECT_EQ(service_->request_failover(ClusterId("demo")).error().fault,
              "InvalidDBClusterStateFault");
  }
  ASSERT_TRUE(wait_until_available());
}

TEST_F(ClusterServiceTest, WhatTheStoreCannotReadAtTheStartIsReadLater) {
  ASSERT_TRUE(create().has_value());
  ASSERT_TRUE(wait_until_available());
  const auto pids = machine_.running;
  service_.reset();
  views_.clear();
  store_.failing_topologies = 1;
  start_daemon();
  ASSERT_TRUE(wait_until_available());
  EXPECT_EQ(store_.failing_topologies, 0);
  EXPECT_EQ(machine_.running, pids);
}

TEST_F(ClusterServiceTest, AfterAllMembersStoppedTheLastWriterComesBack) {
  ASSERT_TRUE(create().has_value());
  ASSERT_TRUE(wait_until_available());
  ASSERT_TRUE(service_->stop_members(kDeadline).has_value());
  EXPECT_TRUE(machine_.running.empty());
  service_.reset();
  views_.clear();
  start_daemon();
  ASSERT_TRUE(wait_until_available());
  const ClusterViewPtr view = service_->find(ClusterId("demo"));
  EXPECT_EQ(view->writer, MemberId("demo-instance-1"));
  EXPECT_EQ(view->topology.term, Term(2));
  EXPECT_TRUE(machine_.rebuilt.empty());
}

TEST_F(ClusterServiceTest, ProtectionAndStateForbidDeleting) {
  ASSERT_TRUE(create().has_value());
  ASSERT_TRUE(wait_until_available());
  ASSERT_TRUE(service_
                  ->update(ClusterId("demo"),
                           [](Cluster& c) -> Status {
                             c.deletion_protection = true;
                             return ok();
                           })
                  .has_value());
  EXPECT_EQ(service_->remove(ClusterId("demo")).error().fault, "InvalidParameterCombination");
  EXPECT_EQ(service_->request_failover(ClusterId("none")).error().fault, "DBClusterNotFoundFault");
}

TEST_F(ClusterServiceTest, RecordsWhatHappensAsAwssEvents) {
  ASSERT_TRUE(create().has_value());
  ASSERT_TRUE(wait_until_available());
  EXPECT_EQ(events(), (std::vector<std::string>{
                          "RDS-EVENT-0005 demo-instance-1", "RDS-EVENT-0005 demo-instance-2",
                          "RDS-EVENT-0005 demo-instance-3", "RDS-EVENT-0170 demo"}));
  ASSERT_TRUE(wait_until_whole());
  kill_member("demo-instance-1");
  ASSERT_TRUE(wait_for([](const std::vector<ClusterViewPtr>& views) {
    return views[0]->writer == MemberId("demo-instance-2") && views[0]->members[0].serves_reads;
  }));
  const auto seen = events();
  ASSERT_GE(seen.size(), 8U);
  EXPECT_EQ((std::vector<std::string>(seen.begin() + 4, seen.begin() + 8)),
            (std::vector<std::string>{"RDS-EVENT-0004 demo-instance-1", "RDS-EVENT-0073 demo",
                                      "RDS-EVENT-0071 demo", "RDS-EVENT-0021 demo-instance-1"}));
  EXPECT_EQ(message_of("RDS-EVENT-0073"),
            "Started cross AZ failover to DB instance: demo-instance-2. Reason: the writer's "
            "process ended: killed by signal 9.");
  EXPECT_TRUE(message_of("RDS-EVENT-0071")
                  .starts_with("Completed failover to DB instance: demo-instance-2. The cluster "
                               "was without a writer for "))
      << message_of("RDS-EVENT-0071");
  EXPECT_NE(message_of("RDS-EVENT-0021").find("kept in /lost+found/x."), std::string::npos);

  service_.reset();
  views_.clear();
  start_daemon();
  EXPECT_EQ(events(), seen);
  ASSERT_TRUE(wait_until_available());
  ASSERT_TRUE(service_->remove(ClusterId("demo")).has_value());
  ASSERT_TRUE(wait_until_gone());
  EXPECT_EQ(events().back(), "RDS-EVENT-0171 demo");
}

TEST_F(ClusterServiceTest, AFailedCreationSaysWhy) {
  machine_.failing_prepare = "demo-instance-2";
  ASSERT_TRUE(create().has_value());
  ASSERT_TRUE(wait_for_status("failed"));
  EXPECT_EQ(message_of("RDS-EVENT-0354"),
            "You can't create the DB cluster because of incompatible resources. no space left on "
            "device.");
}

TEST_F(ClusterServiceTest, ARebootTakesOneMemberAfterTheOtherAndTheWriterLast) {
  ASSERT_TRUE(create().has_value());
  ASSERT_TRUE(wait_until_whole());
  const auto before = machine_.running;
  const auto rebooting = service_->reboot(ClusterId("demo"));
  ASSERT_TRUE(rebooting.has_value()) << rebooting.error().message;
  EXPECT_EQ(status_text(**rebooting), "rebooting");
  EXPECT_EQ(service_->reboot(ClusterId("demo")).error().fault, "InvalidDBClusterStateFault");
  EXPECT_EQ(service_->stop_cluster(ClusterId("demo")).error().fault, "InvalidDBClusterStateFault");
  EXPECT_EQ(service_->request_failover(ClusterId("demo")).error().fault,
            "InvalidDBClusterStateFault");
  ASSERT_TRUE(wait_until_whole());
  const ClusterViewPtr view = service_->find(ClusterId("demo"));
  EXPECT_EQ(view->writer, MemberId("demo-instance-1"));  // nobody took over
  EXPECT_EQ(view->topology.term, Term(2));
  EXPECT_TRUE(machine_.rebuilt.empty());
  for (const auto& [id, pid] : before) {
    EXPECT_NE(machine_.running.at(id), pid) << id.str();
  }
  const auto seen = events();
  ASSERT_EQ(seen.size(), 10U);
  EXPECT_EQ((std::vector<std::string>(seen.begin() + 4, seen.end())),
            (std::vector<std::string>{
                "RDS-EVENT-0004 demo-instance-2", "RDS-EVENT-0006 demo-instance-2",
                "RDS-EVENT-0004 demo-instance-3", "RDS-EVENT-0006 demo-instance-3",
                "RDS-EVENT-0004 demo-instance-1", "RDS-EVENT-0006 demo-instance-1"}));
}

TEST_F(ClusterServiceTest, ARebootThatWasCutOffGoesOnWithTheNextDaemon) {
  ASSERT_TRUE(create().has_value());
  ASSERT_TRUE(wait_until_whole());
  const auto before = machine_.running;
  service_.reset();
  {  // asked for, and the first one done, when the daemon was killed
    const std::scoped_lock lock(machine_.mutex);
    machine_.running[MemberId("demo-instance-2")] = machine_.next_pid += 2;
  }
  const int done = machine_.running.at(MemberId("demo-instance-2"));
  ClusterStore records(store_, sealer_);
  ASSERT_TRUE(records.update(ClusterId("demo"), [&](Cluster& c) -> Status {
    c.reboots = before;
    return ok();
  }));
  views_.clear();
  start_daemon();
  ASSERT_TRUE(wait_for_status("rebooting"));
  ASSERT_TRUE(wait_until_whole());
  EXPECT_EQ(machine_.running.at(MemberId("demo-instance-2")), done) << "that one was done";
  for (const char* id : {"demo-instance-1", "demo-instance-3"}) {
    EXPECT_NE(machine_.running.at(MemberId(id)), before.at(MemberId(id))) << id;
  }
  EXPECT_EQ(service_->find(ClusterId("demo"))->writer, MemberId("demo-instance-1"));
  const auto after = machine_.running;
  service_.reset();
  views_.clear();
  start_daemon();
  ASSERT_TRUE(wait_until_whole());
  EXPECT_EQ(machine_.running, after) << "it was over";
}

TEST_F(ClusterServiceTest, OneMemberIsRebootedInPlace) {
  ASSERT_TRUE(create().has_value());
  EXPECT_EQ(service_->reboot_member(MemberId("demo-instance-3")).error().fault,
            "InvalidDBInstanceState");
  EXPECT_EQ(service_->reboot_member(MemberId("none")).error().fault, "DBInstanceNotFound");
  ASSERT_TRUE(wait_until_whole());
  const auto before = machine_.running;
  const auto rebooting = service_->reboot_member(MemberId("demo-instance-3"));
  ASSERT_TRUE(rebooting.has_value()) << rebooting.error().message;
  EXPECT_EQ(instance_status_text(**rebooting, (*rebooting)->members[2]), "rebooting");
  EXPECT_EQ(status_text(**rebooting), "available");
  ASSERT_TRUE(wait_until_whole());
  EXPECT_NE(machine_.running.at(MemberId("demo-instance-3")),
            before.at(MemberId("demo-instance-3")));
  EXPECT_EQ(service_->find(ClusterId("demo"))->topology.term, Term(1));
}

TEST_F(ClusterServiceTest, AStoppedClusterStaysStoppedAndStartsAsItWas) {
  ASSERT_TRUE(create().has_value());
  EXPECT_EQ(service_->stop_cluster(ClusterId("demo")).error().fault, "InvalidDBClusterStateFault");
  ASSERT_TRUE(wait_until_whole());
  EXPECT_EQ(service_->start_cluster(ClusterId("demo")).error().message,
            "DbCluster demo is in available state but expected it to be one of "
            "stopped,inaccessible-encryption-credentials-recoverable.");
  const auto stopping = service_->stop_cluster(ClusterId("demo"));
  ASSERT_TRUE(stopping.has_value()) << stopping.error().message;
  EXPECT_EQ(status_text(**stopping), "stopping");
  ASSERT_TRUE(wait_for_status("stopped"));
  EXPECT_TRUE(machine_.running.empty());
  const auto table = make_endpoint_table({service_->find(ClusterId("demo"))});
  ASSERT_TRUE(table.has_value());
  EXPECT_TRUE(table->listeners().empty());
  EXPECT_EQ(service_->stop_cluster(ClusterId("demo")).error().fault, "InvalidDBClusterStateFault");
  EXPECT_EQ(service_->reboot_member(MemberId("demo-instance-1")).error().fault,
            "InvalidDBInstanceState");
  ASSERT_TRUE(service_->update(ClusterId("demo"), [](Cluster& c) -> Status {
    c.tags["a"] = "b";
    return ok();
  }));

  service_.reset();
  views_.clear();
  start_daemon();
  ASSERT_TRUE(wait_for_status("stopped"));
  EXPECT_TRUE(machine_.running.empty());
  EXPECT_EQ(service_->find(ClusterId("demo"))->cluster.tags.at("a"), "b");
  const auto starting = service_->start_cluster(ClusterId("demo"));
  ASSERT_TRUE(starting.has_value()) << starting.error().message;
  EXPECT_EQ(status_text(**starting), "starting");
  ASSERT_TRUE(wait_until_whole());
  const ClusterViewPtr view = service_->find(ClusterId("demo"));
  EXPECT_EQ(view->writer, MemberId("demo-instance-1"));
  EXPECT_TRUE(machine_.rebuilt.empty());
  EXPECT_EQ(message_of("RDS-EVENT-0150"), "DB cluster stopped.");
  EXPECT_EQ(events().back(), "RDS-EVENT-0151 demo");
}

TEST_F(ClusterServiceTest, AStopThatWasCutOffGoesOn) {
  ASSERT_TRUE(create().has_value());
  ASSERT_TRUE(wait_until_whole());
  const auto running = machine_.running;
  service_.reset();
  ClusterStore records(store_, sealer_);
  ASSERT_TRUE(records.update(ClusterId("demo"), [](Cluster& c) -> Status {
    c.status = ClusterStatus::kStopping;
    return ok();
  }));
  views_.clear();
  start_daemon();
  ASSERT_TRUE(wait_for_status("stopped"));
  EXPECT_TRUE(machine_.running.empty());
  ASSERT_TRUE(service_->remove(ClusterId("demo")).has_value());
  ASSERT_TRUE(wait_until_gone());
  EXPECT_EQ(this->records(), 0U);
}

}  // namespace
}  // namespace trivet::service
