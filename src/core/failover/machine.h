// SPDX-License-Identifier: Apache-2.0
//
// Decides who writes. One pure object for each cluster: inputs with `now` in, effects out; no
// clock, no I/O. The driver carries effects out and feeds results back.
//
// Safety in three sentences (invariants of docs/failover.md): a new writer is chosen only among
// members that, together with the acknowledgement rule R + W > N, must hold every acknowledged
// transaction and have durably stopped acknowledging older terms (I2, I3); its term is won by
// compare-and-set before anybody acts on it (I4, I13); and nobody is opened before the store says
// so and a voter guards its commits (I7). When the last writer itself comes back, it holds
// everything that was ever acknowledged, and opens only after a voter holds its whole tail (I11).
// One input, LossAccepted, gives I3 up, and nothing else: the operator's own word.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/failover/effects.h"

namespace trivet::failover {

// How long things may take. One commented place.
struct Limits {
  Millis command{5'000};      // one command to a live member
  Millis start{60'000};       // mysqld's start, crash recovery included
  Millis drain{120'000};      // executing what was received
  Millis attach{10'000};      // a voter connecting to the new writer
  Millis catch_up{30'000};    // a voter receiving the new writer's tail; then another way is tried
  Millis opening{30'000};     // from the commit point to serving; then the writer is brought back
  Millis silence{500};        // of a dead voter; then it loses its vote until it is back
  Millis proof{1'000};        // a commit of our own; it holds the writer's agent
  Millis rejoin{90'000};      // reading a log's end, mysqld's start, looking
  Millis rebuild{3'600'000};  // a CLONE
  Millis retry{250};          // after a failed step
  Millis restart_pause_max{5'000};  // between starts of a member that keeps dying
  Millis straggler{300};            // for reachable members beyond the R needed (I3)
  Millis last_writer_after{5'000};  // then a stuck election also tries the last writer itself
  // A switchover: for readers to come near the writer; while nobody waits yet.
  Millis come_near{60'000};
  Millis near{150};           // so much behind counts as near
  Millis hold{700};           // for what runs on the writer to end; clients wait
  Millis hold_catch_up{700};  // for the target to execute the rest; clients wait
};

struct Setup {
  std::vector<MemberId> members;  // in the order of preference where nothing else decides
  Topology topology;              // as the store has it; phase is not kForming
  std::set<MemberId> alive;       // whose mysqld runs now
  std::string boot_id;            // the operating system's present run (I9a)
  Limits limits;
  // The topology's, or the last one in an election, when it does not run.
  bool writer_ended_in_order = false;
};

// What the machine knows of a member.
struct MemberView {
  enum class State {
    kDead,
    kStarting,
    kUp,         // runs, closed
    kFollowing,  // replicates from the writer of the current term, closed
    kOpen,       // serves: the writer, or a reader of the current term
    kRebuilding,
  };
  State state = State::kDead;
  bool is_voter = false;
  bool acknowledges = false;  // follows the writer of this term, and commits wait for it
};
std::string_view to_string(MemberView::State state);

// Not thread-safe: owned by the driver of its cluster.
class FailoverMachine {
 public:
  FailoverMachine(Setup setup, Instant now);

  // The order of effects is a contract: start them in this order. Asks for a Tick at least every
  // 100 ms.
  std::vector<Effect> step(const Input& input, Instant now);
  // Notes since the last call.
  std::vector<Note> take_notes();

  const Topology& topology() const { return topology_; }
  // Serving the writer endpoint now. Empty in a failover: I14 routes by this, never by a server's
  // word.
  std::optional<MemberId> serving_writer() const;
  // Its connections stay, and new ones wait: it is about to hand over.
  bool holds_new_connections() const;
  bool is_switching_over() const { return switchover_.has_value(); }
  // Readers that serve, also through an election, but for the one chosen to write (their lag is the
  // driver's to judge).
  std::vector<MemberId> open_readers() const;
  MemberView member(const MemberId& id) const;
  // When all ways were tried and the last one has waited in vain for `last_writer_after`: who could
  // write at the price of what others may hold, in order. Otherwise empty. An offer stands until
  // its member or one that is waited for comes or goes.
  struct LossOffer {
    MemberId member;
    gtid::GtidSet held;
  };
  std::vector<LossOffer> loss_offers(Instant now) const;
  // For people, when no writer serves: what is being waited for. Empty otherwise.
  const std::string& waiting_for() const { return waiting_for_; }

 private:
  enum class Phase {
    kCommitTerm,    // F1: the term is being won
    kPromises,      // F2, F3: voters are asked
    kInstall,       // F5, F6: the chosen one drains, the others follow it
    kCommitWriter,  // F8: the commit point
    kOpening,       // F9
    kSteady,
    kSwitchover,  // the writer still is one
  };
  // In machine_switchover.cc.
  struct Switchover {
    enum class Step {
      kAttach,    // the others follow the target instead of the writer
      kLook,      // what the writer holds …
      kNear,      // … the readers are to have executed soon
      kHold,      // writes wait
      kCatchUp,   // the target executes the rest
      kFence,     // the writer is closed
      kHandOver,  // the store names the target; then the term's opening
      kRelease,   // given up: writes go on
    };
    MemberId target;
    MemberId former;
    Step step = Step::kAttach;
    bool is_asked = false;  // this step's effects are on their way or done
    Instant began;
    Instant held_since;       // writes wait from then on
    gtid::GtidSet until;      // what the writer holds, as last heard
    std::set<MemberId> near;  // readers that have executed it
  };
  struct MemberState {
    MemberView::State state = MemberView::State::kDead;
    int failures = 0;           // in a row
    int failed_starts = 0;      // in a row, in whatever round
    Instant next_try{};         // not before this
    bool busy = false;          // an effect for it is on its way
    bool closed = false;        // surely: started and not asked to open since (I6)
    bool serves_reads = false;  // opened as a reader and not ended since; survives an election
    bool promised = false;
    bool drained = false;
    bool follows = false;          // its receiver runs towards the installed writer
    bool asked_to_follow = false;  // in this round, counting
    bool counts = false;           // and its acknowledgements count
    bool needs_rejoin = false;     // it may hold what the writer lacks (I12)
    bool must_clone = false;       // and cannot come back without a clone
    bool awaits_look = false;      // what the writer holds is being asked for its rejoin
    enum class Proof { kNone, kAsked, kGiven };
    // Since it died, that nobody counts on what it holds. It may not follow until its vote is
    // taken.
    Proof proof = Proof::kNone;
    Instant died_at{};
    // Its data must be replaced: a reader's once it has no vote, an unfinished clone's at once.
    bool broken = false;
    int breaks = 0;  // of its replication, in a row
    Instant last_break{};
    gtid::GtidSet held;   // when it promised, or was last looked at
    Millis apply_lag{0};  // as last told; for ties only
  };
  struct Pending {
    MemberId member;
    Action action;
    Term term;
  };

  void begin_round(bool cold, Instant now, const std::string& why);
  void commit(Topology next, Instant now);
  void ask(const MemberId& id, Action action, Millis limit, Instant now);
  void retry_later(MemberState& m, Instant now) const;
  void on_done(const EffectDone& done, Instant now);
  void on_failed(const Pending& pending, const EffectDone& done, Instant now);
  void on_committed(Instant now);
  void on_succeeded(const Pending& pending, const EffectDone& done, Instant now);
  void on_opened(const MemberId& id, bool as_writer, Instant now);
  void on_died(const MemberDied& died, Instant now);
  void begin_reboot(const MemberId& id, Instant now);
  // In machine_loss.cc.
  bool only_waits() const;
  void accept_loss(const MemberId& id, Instant now);
  bool install_at_a_loss(Instant now);
  void begin_switchover(const MemberId& target, Instant now);
  std::string why_no_switchover(const MemberId& target) const;
  void advance_switchover(Instant now);
  void ask_step(const MemberId& id, Action action, Millis limit, Instant now);
  void go_to_step(Switchover::Step step);
  bool switchover_succeeded(const Pending& pending, const EffectDone& done, Instant now);
  bool switchover_failed(const Pending& pending, const std::string& error, Instant now);
  void near_or_not();
  void give_up_switchover(const std::string& why, Instant now);
  void hand_over(Instant now);
  void handed_over(Instant now);
  void on_looked(const MemberId& id, const gtid::GtidSet& held, Instant now);
  void on_rejoined(const Pending& pending, const Rejoined& rejoined);
  void on_broken(const ReplicationBroken& broken, Instant now);
  void advance(Instant now);
  void advance_promises(Instant now);
  void ask_start(const MemberId& id, MemberState& m, Instant now);
  void ask_for_promise(const MemberId& id, MemberState& m, Instant now);
  void judge_promises(Instant now);
  void judge_cold(Instant now);
  bool choose();
  void install(const MemberId& id);
  void advance_install(Instant now);
  void commit_writer(Instant now);
  std::vector<MemberId> next_voters() const;
  bool tail_is_safe(Instant now);
  void advance_opening(Instant now);
  void advance_follower(const MemberId& id, MemberState& m, Instant now);
  void advance_rejoin(const MemberId& id, MemberState& m, Instant now);
  void ask_rejoin(const MemberId& id, const gtid::GtidSet& writer_held, Instant now);
  void grow_voters(Instant now);
  void drop_silent(Instant now);
  bool is_silent(const MemberState& m, Instant now) const;
  bool ready(const MemberState& m, Instant now) const { return !m.busy && now >= m.next_try; }
  bool is_alive(const MemberState& m) const;
  int promises_given() const;
  int promises_needed() const;
  bool is_voter(const MemberId& id) const;
  bool may_vote(const MemberId& id) const;
  std::optional<MemberId> last_who_wrote() const;
  std::optional<MemberId> superset_holder() const;
  std::vector<MemberId> followers() const;
  std::string missing_promises() const;
  void note(Note::Kind kind, const MemberId& id, std::string text);

  std::vector<MemberId> order_;
  Limits limits_;
  std::string boot_id_;
  // Only the last writer is sure to hold all that was acknowledged: the voters' operating system
  // went down since they were whole (I9a), or the writer was shut down and told clients OK on its
  // way (T43). Until somebody writes again; in the store as a boot id that is not this run's.
  bool amnesia_ = false;
  Topology topology_;                   // as last committed
  std::optional<Topology> committing_;  // asked for, not answered
  Phase phase_ = Phase::kSteady;
  bool elected_ = false;                // a round took place since the last opening
  bool cold_ = false;                   // this round brings the last writer back in place
  std::optional<MemberId> installing_;  // the chosen or serving writer
  Instant round_began_{};
  Instant outage_began_{};
  std::optional<Instant> guarded_at_;  // when voters were attached to `installing_`
  std::optional<Instant> quorum_at_;   // when R voters had promised
  std::optional<Topology> to_commit_;  // refused or failed; asked again after next_commit_
  Instant next_commit_{};
  std::optional<MemberId> rebooting_;  // asked to be killed so that it comes back
  std::optional<Switchover> switchover_;
  std::optional<MemberId> accepted_loss_;  // may write without being known to hold everything
  bool commits_guarded_ = false;           // GuardCommits succeeded for `installing_`
  std::map<MemberId, MemberState> members_;
  std::map<EffectId, Pending> pending_;
  EffectId next_id_ = 1;
  std::vector<Effect> out_;
  std::vector<Note> notes_;
  std::string waiting_for_;
};

}  // namespace trivet::failover
