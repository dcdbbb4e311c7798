// SPDX-License-Identifier: Apache-2.0
//
// What the failover machine may ask for and what comes back. Each effect goes to one member's agent
// (or to the store) with the term it belongs to and a not-after time; an agent refuses an older
// term and a late command (I4). Every effect is idempotent: asked for twice, it ends in the same
// state.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "core/failover/member_end.h"
#include "core/failover/rejoin.h"
#include "core/gtid/gtid_set.h"
#include "model/cluster.h"

namespace trivet::failover {

using EffectId = std::uint64_t;

// Compare-and-set of the topology record; nothing that depends on it is asked for before it
// succeeded.
struct CommitTopology {
  Topology next;
};
// Start mysqld, closed (I6), and wait until its agent can talk to it. `afresh`: what was started
// before and has not come to answer is killed first.
struct StartMember {
  bool afresh = false;
};
// SIGKILL mysqld and wait for its death (I8).
struct KillMember {};
// Durably acknowledge nothing of a lower term: stop the receiver, answer with received ∪ executed
// (I2).
struct AskPromise {};
// Stop the receiver; execute everything received (`until` too), end a half-received transaction,
// stop the applier; the source is forgotten once the member writes (I3, I9). Of a member without a
// source: nothing to do.
struct Drain {
  gtid::GtidSet until;
};
// Point the receiver, and only the receiver, at `source` and start it (I5, I9). `counts` says
// whether this member's acknowledgements count: a member that is no voter follows without
// acknowledging.
struct Follow {
  MemberId source;
  bool counts = true;
};
// Semi-sync source on, W acknowledgements, endless timeout; done when at least W of `voters` are
// attached with accounts of their own (I7, I10).
struct GuardCommits {
  int acks = 1;
  std::vector<MemberId> voters;
};
// Read what the member holds: received ∪ executed. Changes nothing.
struct Look {};
// On a reader: wait until `until` is executed, at most until the not-after time. Changes nothing.
struct CatchUp {
  gtid::GtidSet until;
};
// On the writer: new writes wait, those underway are finished and acknowledged; answers with all
// that was executed. Fails, with the name of who is in the way, when something runs that is not
// over soon. The hold ends with whoever asked for it: nothing is left of it when the daemon dies.
struct HoldWrites {};
// Writes go on, as if nothing had been.
struct ReleaseWrites {};
// On a writer that holds its writes: clients out, no writes. Answers with all that was executed: it
// is complete and final.
struct StepDown {};
// Commit something of the writer's own. Done: W voters that live now hold all that its log held
// before, because acknowledgements stand for everything up to them.
struct ProveCommits {};
// Let clients in: the writer to write, a reader to read (I6).
struct Open {
  bool as_writer = false;
};
// Bring the stopped member back without copying data, where that is safe (rejoin.h). When it is
// done the member is up, closed and holds nothing that the writer lacks, or stopped and must be
// cloned.
struct Rejoin {
  gtid::GtidSet writer_held;  // of this term, and taken after the member's death
};
// Replace the member's data by a CLONE of `donor`'s, keeping the old data under lost+found. The
// member is up, closed and follows nobody when it is done (failover.md, Rejoin).
struct Rebuild {
  MemberId donor;
};

using Action = std::variant<CommitTopology, StartMember, KillMember, AskPromise, Drain, Follow,
                            GuardCommits, Look, ProveCommits, Open, Rejoin, Rebuild, CatchUp,
                            HoldWrites, ReleaseWrites, StepDown>;

// "kill", "follow": for logs and failpoints.
std::string_view name_of(const Action& action);

struct Effect {
  EffectId id = 0;
  MemberId member;  // empty for CommitTopology
  Term term;
  Instant not_after;  // the agent refuses to start it later than this
  Action action;
};

// Inputs. Each comes with `now` (FailoverMachine::step).

// An effect ended. `error` is empty when it succeeded; `held` is AskPromise's and Look's
// received ∪ executed, HoldWrites' and StepDown's executed.
struct EffectDone {
  EffectId id = 0;
  std::string error;
  gtid::GtidSet held;
  Rejoined rejoined{};       // Rejoin's
  bool is_unusable = false;  // it failed because what the member has is no copy of anything
  MemberEnd end{"killed"};   // KillMember's: it may have ended before, in order
};
// The kernel's word that a member's mysqld has ended (guard), or that a stuck one was found.
struct MemberDied {
  MemberId member;
  MemberEnd how;
};
// Operator's wish: make another member the writer, whatever the present one's state.
struct FailoverRequested {};
// Operator's wish: hand the writer's part over to `target` without an election. Refused or given
// up, with a note that says why, when not all members are well or something is in the way: the
// writer then goes on.
struct SwitchoverRequested {
  MemberId target;
};
// Operator's wish: restart an open member in place. Of the writer too: nobody else is to take over.
// Ignored when the member is busy or no writer serves; look at its process and ask again.
struct RebootRequested {
  MemberId member;
};
// Operator's wish, on record: `member`, one of loss_offers, is to write from what it holds when the
// election cannot go on otherwise; what others may hold is given up (promise 1). Ignored when it is
// not on offer. Forgotten once a writer is in the store.
struct LossAccepted {
  MemberId member;
};
// A reader's receiver or applier does not run. Told once for each time that it is seen.
struct ReplicationBroken {
  enum class Kind {
    kStopped,   // by somebody's hand: without an error
    kFailed,    // with an error; following again may cure it
    kDiverged,  // the reader holds what the writer lacks
  };
  MemberId member;
  Kind kind = Kind::kStopped;
  std::string why;
};
// How far behind a reader's applier is. A hint: of candidates that hold the same, the one that has
// least left to execute opens first.
struct ApplyLag {
  MemberId member;
  Millis lag;
};
struct Tick {};

using Input = std::variant<EffectDone, MemberDied, FailoverRequested, SwitchoverRequested,
                           RebootRequested, LossAccepted, ReplicationBroken, ApplyLag, Tick>;

// What happened, for events, the log and the status page.
struct Note {
  enum class Kind {
    kOpened,  // formed, or adopted as it was: no election
    kFailoverStarted,
    kCandidateChosen,  // who is to write, if nothing comes in between
    kFailoverCompleted,
    kFailoverStuck,
    kSwitchoverStarted,    // `member` is the target, `text` the writer
    kSwitchoverCompleted,  // `text`: milliseconds for which writes waited
    kSwitchoverGivenUp,    // `text`: why; the writer is the same
    kColdStartStarted,
    kColdStartCompleted,
    kMemberRestarted,
    kMemberRejoined,
    kMemberRebuilt,
    kMemberTrouble,
  };
  Kind kind = Kind::kMemberTrouble;
  MemberId member;
  std::string text;
};

}  // namespace trivet::failover
