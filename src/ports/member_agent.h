// SPDX-License-Identifier: Apache-2.0
//
// The hands of a node for one member: its process, its data, its replication. Whoever drives a
// cluster knows members only through this, in process on one host, over the network on many, or
// simulated. Calls block and carry deadlines (I16); an agent keeps the highest term it promised on
// disk before it acts, and refuses commands of a lower one and commands that come too late (I4).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "core/failover/flow_control.h"
#include "core/failover/member_end.h"
#include "core/failover/rejoin.h"
#include "core/gtid/gtid_set.h"
#include "model/cluster.h"
#include "ports/member_probe.h"

namespace trivet {

// Every command's term and the moment after which it must not start any more.
struct Stamp {
  Term term;
  Instant not_after;
};

struct MemberProcess {
  int mysqld_pid = 0;
  int guard_pid = 0;
  friend bool operator==(const MemberProcess&, const MemberProcess&) = default;
};

// A member seen from its own server. Sets and flags of one moment.
struct MemberReport {
  gtid::GtidSet held;       // received ∪ executed
  std::string server_uuid;  // in lower case, as in GTIDs
  bool writable = false;
  bool offline = false;
  bool receiver_running = false;
  bool applier_running = false;
  bool replication_stopped = false;  // it has a source, and its receiver or applier does not run
  std::string replication_error;     // the receiver's or the applier's last one; empty when none
  std::optional<Millis> apply_lag;   // of what was received; nullopt when it follows nobody
  int unknown_acknowledgers = 0;  // semi-sync clients that are not ours, killed by this call (I10)
};

// A client's session as a member shows it.
struct ClientSession {
  std::uint64_t id = 0;  // CONNECTION_ID()
  std::string user;
  std::string host;  // "192.0.2.7:49152"
};

// Whether sessions of `user` may have the privileges of `role`, which is a locked account.
struct RoleGrant {
  std::string user;
  std::string role;
  bool is_given = false;
};

struct FollowTarget {
  MemberId source;
  bool counts = true;  // do its acknowledgements count?
};

// What the first writer gets before anybody follows it.
struct Bootstrap {
  std::string master_username;
  SecretString master_password;
  std::string database_name;  // empty: none
};

// One member's hands. Not thread-safe: all calls on the member's own worker.
class MemberAgent {
 public:
  virtual ~MemberAgent() = default;

  // Data directory from the engine's template, certificate, my.cnf, folders. What a cut-off attempt
  // left is removed first. kAlreadyExists / kDenied / kUnavailable name the address, the folder or
  // the disk.
  virtual Status prepare() = 0;
  // Nothing is left: no process, no folder, no socket. Already gone is success.
  virtual Status remove() = 0;
  // The process that runs since before this daemon did; nullopt when none does. Writes what a newer
  // daemon needs beside it (plugin socket, certificates).
  virtual Result<std::optional<MemberProcess>> adopt() = 0;
  // Whether the run that adopt or kill found to be over had been told to end (MemberEnd).
  virtual bool ended_in_order() const { return false; }
  // mysqld under its guard, closed (I6), answering on its socket. Runs already: success.
  virtual Result<MemberProcess> start(Millis deadline) = 0;
  // SIGKILL, and the kernel's word that it is gone (I8).
  virtual Status kill(Millis deadline) = 0;
  // Clients out, then SIGTERM; for an orderly stop of the whole cluster only (I8).
  virtual Status stop(Millis deadline) = 0;

  // Accounts, mysql.rds_topology, master user and initial database, while closed.
  virtual Status bootstrap(const Bootstrap& what) = 0;

  // What lies there is what an unfinished rebuild left: it holds nothing that counts, so
  // ask_promise and follow refuse (kConflict) until it has been rebuilt.
  virtual bool has_unfinished_clone() const { return false; }

  // The commands of core/failover/effects.h.
  virtual Result<gtid::GtidSet> ask_promise(const Stamp& stamp) = 0;
  virtual Status drain(const Stamp& stamp, const gtid::GtidSet& until) = 0;
  virtual Status follow(const Stamp& stamp, const FollowTarget& target) = 0;
  virtual Status guard_commits(const Stamp& stamp, int acks,
                               const std::vector<MemberId>& voters) = 0;
  virtual Status prove_commits(const Stamp& stamp) = 0;
  virtual Status open(const Stamp& stamp, bool as_writer) = 0;
  // Stops the member when it runs, reads the end of its binary log and brings it back by the way
  // that plan_rejoin and why_clone allow; when that is a clone, it is left stopped. Cut off
  // anywhere, it is simply asked for again.
  virtual Result<failover::Rejoined> rejoin(const Stamp& stamp,
                                            const gtid::GtidSet& writer_held) = 0;
  virtual Status rebuild(const Stamp& stamp, const MemberId& donor) = 0;
  virtual Result<gtid::GtidSet> look() = 0;
  virtual Status catch_up(const Stamp& stamp, const gtid::GtidSet& until) = 0;
  virtual Result<gtid::GtidSet> hold_writes(const Stamp& stamp) = 0;
  virtual Status release_writes(const Stamp& stamp) = 0;
  virtual Result<gtid::GtidSet> step_down(const Stamp& stamp) = 0;
  // The folders where the last rebuild and its failed attempts left what the member held before,
  // with commas between; empty: there were none.
  virtual std::string kept_data() const { return {}; }

  virtual Result<MemberReport> report() = 0;
  // How far a reader's applier is; cheap. nullopt: members of this kind do not say.
  virtual Result<std::optional<failover::ApplyProgress>> apply_progress() {
    return std::optional<failover::ApplyProgress>();
  }
  // On the writer: each commit waits so long before it is synced, and is acknowledged later.
  virtual Status set_commit_delay(const Stamp& stamp, failover::Micros delay) {
    (void)stamp;
    (void)delay;
    return ok();
  }
  // Ends each of `unwanted` that is there under its number, with its user and a host that ends as
  // given (KILL CONNECTION), and returns the sessions of clients that were there before.
  virtual Result<std::vector<ClientSession>> end_sessions(
      const std::vector<ClientSession>& unwanted, Millis deadline) {
    (void)unwanted;
    (void)deadline;
    return make_error(Errc::kUnavailable, "members of this kind do not show sessions");
  }
  // On the writer; replicated. Gives or takes MySQL's PROXY, once or again. kInvalidArgument,
  // saying why, for accounts that it cannot be about.
  virtual Status set_role(const Stamp& stamp, const RoleGrant& grant, Millis deadline) {
    (void)stamp;
    (void)grant;
    (void)deadline;
    return make_error(Errc::kUnavailable, "members of this kind have no accounts");
  }
  // On the writer; replicated. The account has this password and the master user's privileges, also
  // when it had lost them; it is made when it is gone.
  virtual Status reset_master_user(const Stamp& stamp, const std::string& name,
                                   const SecretString& password, Millis deadline) {
    (void)stamp;
    (void)name;
    (void)password;
    (void)deadline;
    return make_error(Errc::kUnavailable, "members of this kind have no accounts");
  }
  // A real login over verified TLS as the account that may do nothing, through `endpoint`; the
  // @@server_id that answered.
  virtual Result<std::uint32_t> probe_login(const Endpoint& endpoint, Millis deadline) = 0;
};

struct MemberSeed {
  Cluster cluster;
  Member member;
  std::shared_ptr<const ClusterSecrets> secrets;
  // The member's mysqld ended; `mysqld_pid` tells which run. From a thread of the agent's: post it
  // on.
  std::function<void(int mysqld_pid, const failover::MemberEnd& how)> on_exit;
};

// Makes agents. Thread-safe.
class MemberAgents {
 public:
  virtual ~MemberAgents() = default;
  virtual Result<std::unique_ptr<MemberAgent>> make(MemberSeed seed) = 0;
  // Null: members of this kind are not looked at beside their agent.
  virtual std::unique_ptr<MemberProbe> make_probe(const Cluster& cluster, const Member& member) {
    (void)cluster;
    (void)member;
    return nullptr;
  }
  // The operating system's present run.
  virtual std::string boot_id() const = 0;
};

}  // namespace trivet
