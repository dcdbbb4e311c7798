// SPDX-License-Identifier: Apache-2.0
//
// One schedule: three servers, clients, a store, a daemon that drives the cluster with the real
// ClusterDriver, and faults. Everything is drawn from one seed and runs on one thread in virtual
// time; the checks of docs/failover.md run after every step.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "adapter/store_memory/store.h"
#include "service/cluster_view.h"
#include "sim/clock.h"
#include "sim/faults.h"
#include "sim/server.h"

namespace trivet::sim {

constexpr int kMembers = 3;
constexpr std::uint16_t kWriterPort = 3306;

struct Violation {
  std::string rule;  // "I1", "liveness", …
  std::string text;
  bool safety = true;
};

inline int index_of(const MemberId& id) {
  return id.str().back() - '1';
}

struct Counts {
  std::uint64_t schedules = 0;
  std::uint64_t steps = 0;
  std::uint64_t virtual_ms = 0;
  std::uint64_t transactions = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t terms = 0;
  std::uint64_t failovers = 0;  // another member became the writer
  std::uint64_t returns = 0;    // the last writer came back in place
  std::uint64_t rejoins = 0;    // of members that were left out of an election
  std::uint64_t rewinds = 0;    // of them
  std::uint64_t rebuilds = 0;
  std::uint64_t switchovers = 0;
  std::uint64_t hangs_killed = 0;
  std::uint64_t nudges = 0;                  // of commits whose acknowledgement was lost
  std::uint64_t halves = 0;                  // transactions that were received by halves
  std::uint64_t xa_prepared = 0;             // by clients
  std::uint64_t told_on_the_way_down = 0;    // OK, by a mysqld that was shut down
  std::uint64_t killed_on_the_way_down = 0;  // such ones
  std::uint64_t losses = 0;                  // an operator let a member write that lacked something
  std::uint64_t given_up = 0;                // acknowledged transactions, by that
  std::uint64_t delayed = 0;                 // times that flow control began to delay commits
  std::uint64_t repeated = 0;                // schedules that ran twice, with the same trace
  std::array<std::uint64_t, kFaultKinds> faults{};
  void add(const Counts& other);
};

class Daemon;

// Owns the whole world. Not thread-safe.
class World {
 public:
  World(std::uint64_t seed, bool tell);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Until the cluster is whole again after its faults, or a rule is violated.
  void run();
  const std::optional<Violation>& violation() const { return violation_; }
  std::uint64_t trace_hash() const { return hash_; }
  const Counts& counts() const { return counts_; }

  // For the daemon, its agents and its store.
  Random& random() { return random_; }
  Scheduler& scheduler() { return scheduler_; }
  const HostClock& clock() const { return clock_; }
  Instant now() const { return scheduler_.now(); }
  void sleep(Micros duration) { scheduler_.sleep(duration); }
  Server& server(int index) { return servers_[static_cast<std::size_t>(index)]; }
  Ledger& ledger() { return ledger_; }
  store_memory::MemoryStore& disk() { return disk_; }
  store_memory::MemoryStore& event_disk() { return event_disk_; }
  const Cluster& cluster() const { return cluster_; }
  std::string boot_id() const { return "boot-" + std::to_string(boot_); }
  int new_pid() { return ++last_pid_; }
  gtid::GtidSet reported(const Server& server) const;  // received ∪ executed
  void end_process(int index);
  void watch(int index, std::function<void(int pid, const failover::MemberEnd& how)> on_exit);
  void unwatch(int index) { watchers_[static_cast<std::size_t>(index)] = nullptr; }
  // Nobody gets an answer of it; nothing of it runs; nothing is written.
  bool is_hung(int index) const;
  bool stands(int index) const;
  bool disk_stalls(int index) const;
  // As it is seen from outside, without the host's own stalls.
  bool hangs(const Server& s) const { return s.hang != Hang::kNone && now() >= s.hangs_from; }
  // May leave half of a transaction behind.
  void stop_receiver(Server& follower);
  bool store_is_out() const { return now() < store_out_until_; }
  bool dies_at_start(int index) const {
    return now() < dies_at_start_until_[static_cast<std::size_t>(index)];
  }
  // A fault that is aimed here strikes. Those that concern the command itself are returned.
  std::optional<FaultKind> strike(Command command, Stage stage, int member);
  bool is_faulty() const { return stage_ == RunStage::kFaults; }
  int noise() const { return is_faulty() ? plan_.noise : 0; }

  void trace(std::string_view what, std::int64_t a = 0, std::int64_t b = 0, std::int64_t c = 0);
  void violate(const std::string& rule, const std::string& text, bool safety = true);

  // Checks where something takes effect (checks.cc).
  void check_topology(const Topology& next);
  void check_switchover(const Topology& before, const Topology& next);
  void check_dropped(const Topology& before, const Topology& next);
  void check_election(const Topology& before, const Topology& next);
  std::optional<std::pair<std::string, std::string>> forgotten_by_election(
      const Topology& known, const Topology& next) const;
  void check_promise(int member, Term term);
  void check_follow(int member, int source, Term term);
  void check_open_writer(int member, Term term);
  void check_wipe(int member);
  void check_rewind(int member);
  void check_uncounted(int member, const std::string& what);
  void check_hang(int member);
  void count_nudge() { ++counts_.nudges; }
  void check_delay(int member, Micros delay, Term term);
  // The operator's word that `member` is to write from what it holds.
  void loss_was_accepted(int member, TxnSet held);
  void count_rejoin(failover::RejoinWay way);
  void check_view(const service::ClusterView& view);
  // The member that the writer endpoint leads to; -1: none.
  int routed_writer() const { return view_ && view_->writer ? index_of(*view_->writer) : -1; }
  void on_view(service::ClusterViewPtr view);

 private:
  enum class RunStage { kWarm, kFaults, kHeal, kConverge, kDone };
  struct Client {
    int member = -1;
    int pid = 0;
    std::optional<Txn> waiting;
    std::optional<Txn> prepared;  // its XA transaction, which it will end
    Instant next{};
    bool is_patient = false;  // waits for as long as its server lives
  };
  struct AcceptedLoss {
    int member = 0;
    TxnSet held;
  };

  void set_up();
  void start_daemon();
  void kill_daemon();
  void pulse();
  void advance_stage();
  bool is_healthy();
  bool is_quiet();
  bool is_converged();
  bool applies_slowly() const;
  bool is_voter(int member) const;
  void wake_hung(Server& server);
  void replicate(Server& follower);
  void receive_from(Server& source, Server& follower);
  void apply(Server& server);
  void acknowledge(int writer, int pid, std::size_t position, int from);
  void run_clients();
  bool connects(Client& client);
  void give_up(Client& client);
  void write(Client& client, Server& writer);
  Txn next_of(Client& client, const Server& writer);
  std::optional<Txn> in_doubt(const Server& writer) const;
  Micros waits(const Server& s) const;
  bool is_disturbed();
  void watch_members();
  void check_waits();
  void check_pace();
  void check_new_writer(const Topology& before, const Topology& next);
  bool is_loss_accepted(int member) const;
  void check_loss(int member);
  bool is_recorded(int member);
  void check_always();
  void check_release(const Server& writer, Txn t, int from);
  void check_final();
  std::string describe() const;
  void fire_timed();
  int target_of(const Fault& fault, int at_hand) const;
  void fire(const Fault& fault, int member);
  void take_effect(FaultKind kind, int member);
  void kill_daemon_soon(int);
  void lose_power_soon(int);
  void store_goes_out(int);
  void die_at_start(int member);
  void stay_away(int member);
  void die_oddly(int member);
  void want_failover(int);
  void want_switchover(int member);
  void break_replication(int member);
  void stall_control(int);
  void stall_daemon(int);
  void stall_host(int);
  void set_clock(int);
  void lose_acks(int member);
  void apply_slowly(int member);
  void shut_down(int member);
  void come_down(Server& server);
  void hang_up(int member);
  void stall_disks(int member);
  Instant for_a_while(int most_ms);
  int draw_drift();
  void lose_power();
  void ask_operator();
  void tell_death(int index, int pid, const failover::MemberEnd& how);

  Random random_;
  Scheduler scheduler_;
  HostClock clock_;
  SimExecutor nature_;  // what happens by itself, and faults
  const bool tell_;
  Ledger ledger_;
  std::array<Server, kMembers> servers_;
  std::array<std::function<void(int, const failover::MemberEnd&)>, kMembers> watchers_;
  std::array<Instant, kMembers> dies_at_start_until_{};
  std::array<Client, 3> clients_;
  store_memory::MemoryStore disk_;
  store_memory::MemoryStore event_disk_;
  Cluster cluster_;
  Topology stored_;
  std::optional<Topology> undone_;  // what stood before a writer was named that has not opened yet
  std::vector<MemberId> dropped_;   // whose vote was taken by the last change of the voters
  std::map<Term, int> sources_;     // whom receivers follow in a term
  std::unique_ptr<Daemon> daemon_;
  int daemons_ = 0;
  int boot_ = 1;
  int last_pid_ = 100;
  Instant store_out_until_{};
  Instant host_stalls_until_{};
  Instant acks_lost_until_{};
  Instant daemon_stalls_until_{};
  Instant calm_since_{};  // nothing has been in anybody's way since then
  bool has_xa_ = false;
  std::optional<AcceptedLoss> accepted_;
  Instant operator_looks_at_{};
  bool odd_news_ = false;
  service::ClusterViewPtr view_;
  Instant served_since_{};     // a writer was routed to; while there is none, nobody falls behind
  Instant switching_until_{};  // a command of a switchover may come until then
  FaultPlan plan_;
  RunStage stage_ = RunStage::kWarm;
  Instant stage_began_{};
  Instant healthy_since_{};
  int acknowledged_before_ = 0;
  std::optional<Violation> violation_;
  std::uint64_t hash_ = 0xcbf29ce484222325U;
  Counts counts_;
};

}  // namespace trivet::sim
