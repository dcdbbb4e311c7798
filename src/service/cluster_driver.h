// SPDX-License-Identifier: Apache-2.0
//
// Drives one cluster through its life: formation, service and failover, deletion. Everything is
// decided on the `control` thread (by the pure FailoverMachine once the cluster is formed);
// blocking work runs on one worker for each member and on the store's; results come back as inputs.
// Each step is safe to be cut off by kill -9: what is found at the next start says where to go on.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/worker.h"
#include "core/failover/fault_detector.h"
#include "core/failover/flow_control.h"
#include "core/failover/machine.h"
#include "core/failover/reader_lag.h"
#include "ports/member_agent.h"
#include "service/carry_out.h"
#include "service/cluster_events.h"
#include "service/cluster_store.h"
#include "service/cluster_view.h"
#include "service/loss_preview.h"

namespace trivet::service {

// What every driver of an installation shares. Outlives the drivers.
struct DriverNeeds {
  ClusterStore& store;
  Executor& control;
  Executor& store_worker;
  const Clock& clock;
  MemberAgents& agents;
  ClusterEvents& events;
  // Both on `control`.
  std::function<void(ClusterViewPtr)> on_view;
  std::function<void(const Cluster&)> on_gone;
  // Where a member's blocking calls run.
  std::function<std::unique_ptr<Executor>(const std::string& name)> make_worker =
      [](const std::string& name) { return std::make_unique<Worker>(name); };
};

// Owned by ClusterService. Every public function is called on `control`, the destructor too: it
// waits for the members' workers to finish the call that they are in.
class ClusterDriver {
 public:
  ClusterDriver(DriverNeeds needs, Cluster cluster);
  ~ClusterDriver();
  ClusterDriver(const ClusterDriver&) = delete;
  ClusterDriver& operator=(const ClusterDriver&) = delete;

  // Begins, or goes on where an earlier daemon stopped: forms, adopts, starts or deletes by what
  // the store says.
  void begin();
  // The record was changed by the API (tags, deletion protection).
  void replace_cluster(const Cluster& cluster);
  // The record says kDeleting: take everything down, then on_gone.
  void remove();
  void request_failover();
  // Hands over to `target` without an election, or gives up with an event that says why.
  void request_switchover(const MemberId& target);
  // What letting a member write that may not hold everything would cost. kConflict when no election
  // waits for anybody.
  Result<LossPreview> preview_loss() const;
  // Lets `member`, which is to hold what it was shown to hold, write without the others. kConflict
  // when things have changed since.
  Status accept_loss(const MemberId& member, const std::string& held);
  // What the record's `reboots` are to be for these. kConflict when the cluster is not available or
  // being rebooted already.
  Result<std::map<MemberId, int>> plan_reboot(const std::vector<MemberId>& members) const;
  // The record says so: restarts members in place, one after the other, and waits for each.
  void reboot(std::map<MemberId, int> planned);
  // The record says kStopping: stop all members and stay so. Their data stays.
  void stop_cluster();
  // The record says kStarting: the members come back as they were stopped.
  void start_cluster();
  // Orderly stop of all members; `done` on control with the first error. Nothing is driven
  // afterwards.
  void stop_members(std::function<void(Status)> done);

  // As the agent's; `done` on control, or never when the driver goes. kUnavailable while the member
  // does not run.
  void end_sessions(const MemberId& member, std::vector<ClientSession> unwanted,
                    std::function<void(Result<std::vector<ClientSession>>)> done);

  // Runs `work` on the writer's worker; `done` on control, or never when the driver goes.
  // kUnavailable while there is none.
  using AccountWork = std::function<Status(MemberAgent& writer, const Stamp& stamp)>;
  void on_writer(AccountWork work, std::function<void(Status)> done);

  const Cluster& cluster() const { return cluster_; }

 private:
  enum class Stage { kIdle, kForming, kFailing, kRunning, kRemoving, kStopping };
  struct Hands {
    Member member;
    std::unique_ptr<MemberAgent> agent;  // used on `worker` only
    std::unique_ptr<Executor> worker;
    MemberProcess process;
    bool adopting = false;      // being asked for its process
    bool adopts_later = false;  // will be, in a moment
    int ended_pid = 0;          // the last run whose end was told
    MemberReport report;
    std::optional<WallTime> reported_at;  // the report's time
    failover::ReaderLag lag;
    bool reporting = false;
    bool asked_progress = false;  // not answered yet
    Instant next_progress{};
    std::string trouble;
    // Looked at beside the agent, on a thread of its own: the agent's may be busy (I16).
    std::unique_ptr<MemberProbe> probe;  // used on `prober` only; may be null
    std::unique_ptr<Executor> prober;
    bool looking = false;
    Instant next_look{};
    std::string hung;  // why this run of its mysqld is being killed
    std::string disk_trouble;
    failover::Rejoined rejoined;  // the last one
    std::string kept_data;        // where the last rebuild left what was there before
    int broken_reports = 0;       // in a row: its replication stopped by itself
    int stray_reports = 0;        // in a row: it holds what only itself can have written
  };
  struct Reboot {
    std::vector<MemberId> left;
    std::optional<MemberId> current;  // of `left`
    Instant until;                    // then it is given up
  };

  Status make_agents();
  void form();
  void formed(const Status& result);
  void begin_again(const std::string& why);
  void run(const StoredTopology& stored);
  void probe();
  void probed(const Status& result);
  void give_up_formation(const std::string& why);
  void give_back(std::function<void()> then);
  void take_down(std::function<void(Status)> done);
  void finish_removal();
  bool is_whole() const;
  bool is_rebooting(const MemberId& id) const;
  void resume_reboot();
  void advance_reboot();
  void end_reboot();
  void members_stopped(const Status& result);
  void finish_start();
  void commit_status(ClusterStatus from, ClusterStatus to, std::function<void()> then);
  void feed(const failover::Input& input);
  void start_effect(const failover::Effect& effect);
  void effect_done(const failover::Effect& effect, EffectOutcome outcome);
  void commit_topology(const failover::Effect& effect);
  void log_voters(const Topology& before, const Topology& now) const;
  void log_notes();
  void log_recovery(const failover::Note& note) const;
  void tick();
  void tick_after(Millis delay);
  void ask_reports();
  gtid::GtidSet held_by_writer() const;
  void note_lag(Hands& hands, const gtid::GtidSet& of_writer);
  // In cluster_driver_flow.cc.
  void keep_pace();
  void ask_progress(const MemberId& id, Hands& hands);
  void tell_delay(const MemberId& writer, failover::Micros delay);
  void judge_replication(const MemberId& id, const MemberReport& report);
  void judge_content(const MemberId& id, const MemberReport& report);
  // In cluster_driver_watch.cc.
  void look_at_members();
  void look_at(const MemberId& id, Hands& hands);
  void looked(const MemberId& id, int pid, const failover::Probe& probe);
  void forget_process(const MemberId& id);
  void act_on(const MemberId& id, int pid, const failover::Finding& finding);
  void kill_hung(const MemberId& id, int pid);
  void nudge(const MemberId& id);
  template <typename T>
  void on_prober(const MemberId& id, std::function<T(MemberProbe&)> work,
                 std::function<void(const T&)> then);
  // The member's process from now on. False when its end was told first: it has none.
  bool take_process(Hands& hands, const MemberProcess& process);
  // Asks what runs, when it could not be told: until then nobody would hear of its end, or see it
  // hang. One that is being started says so itself.
  void adopt(const MemberId& id);
  void adopt_again(const MemberId& id);  // a moment later
  void member_ended(const MemberId& id, int pid, const failover::MemberEnd& how);
  void publish();
  // All but the cluster itself.
  std::shared_ptr<ClusterView> view() const;
  // Runs `work` on the member's worker and `then` with its result on control, unless the driver is
  // gone.
  template <typename T>
  void on_member(const MemberId& id, std::function<T(MemberAgent&)> work,
                 std::function<void(T)> then);
  // The same for several members at once; `then` gets the first error.
  void on_all(std::function<Status(MemberAgent&)> work, std::function<void(Status)> then);

  DriverNeeds needs_;
  Cluster cluster_;
  Stage stage_ = Stage::kIdle;
  std::shared_ptr<const ClusterSecrets> secrets_;  // without the next
  // Until the master user has it.
  std::shared_ptr<const SecretString> master_password_;
  std::map<MemberId, Hands> hands_;
  std::unique_ptr<failover::FailoverMachine> machine_;
  failover::FaultDetector detector_;
  failover::FlowControl flow_;
  std::optional<MemberId> paced_;         // the writer that flow_ is about
  failover::Micros delay_{0};             // of its commits, wanted
  std::optional<failover::Micros> told_;  // and as it was told; nullopt: not known
  bool telling_ = false;
  Topology topology_;
  Revision revision_;  // of the topology record
  Instant next_report_{};
  Instant next_tick_{};  // the tick that counts; an earlier plan is dropped when it comes
  Instant stage_began_{};
  bool probing_ = false;
  bool is_status_underway_ = false;  // on its way to the store
  std::optional<Reboot> reboot_;
  ClusterViewPtr published_;  // only changes are
  // Posted work holds a weak reference: a task that comes back after the driver has gone is
  // dropped.
  std::string unreadable_;  // why begin() could not; empty: it could
  bool is_to_begin_again_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace trivet::service
