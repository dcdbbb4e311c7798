// SPDX-License-Identifier: Apache-2.0
//
// Knows the database sessions that tokens let in, where a cluster's rules ask for their end, and
// ends them: looks each second, asks the members. What it knows is in a file, so that a later
// daemon goes on; the last second before a kill -9 may be missing there.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/worker.h"
#include "service/database_session.h"
#include "service/iam_service.h"

namespace trivet::service {

// Thread-safe. What it is given outlives it.
class SessionKeeper {
 public:
  using Shown = Result<std::vector<ClientSession>>;
  struct Needs {
    const IamService& identities;
    const Clock& clock;
    // Of all clusters that have any. Thread-safe, no lock that an API call holds for long.
    std::function<RulesByCluster()> rules;
    // Ends these sessions of the member and tells which there were before; `done` comes on any
    // thread, or never.
    std::function<void(const MemberId&, std::vector<ClientSession>,
                       std::function<void(Shown)> done)>
        end;
    std::string file;
  };
  explicit SessionKeeper(Needs needs);
  ~SessionKeeper() { stop(); }
  SessionKeeper(const SessionKeeper&) = delete;
  SessionKeeper& operator=(const SessionKeeper&) = delete;

  // Takes up what an earlier daemon knew, and begins to look. Once.
  void start();
  void stop();
  // A login was allowed. Cheap: on the way of a login.
  void opened(DatabaseSession session);
  std::size_t size() const;

  static constexpr std::size_t kMax = 100'000;

 private:
  using Key = std::pair<MemberId, std::uint64_t>;
  struct Asked {
    Instant at;         // of the last question
    bool open = false;  // not answered yet
    WallTime wall{};    // of the last question
  };

  void tick();
  void look();
  void ask(const MemberId& member, const std::vector<UnwantedSession>& unwanted);
  void answered(const MemberId& member, const std::vector<UnwantedSession>& unwanted, Shown shown);
  void forget(const DatabaseSession& session) EXCLUDES_LOCK(mutex_);
  std::vector<DatabaseSessionPtr> sessions() const EXCLUDES_LOCK(mutex_);
  void write_file();

  const Needs needs_;
  mutable Mutex mutex_;  // held for moments, never over a call
  std::map<Key, DatabaseSessionPtr> sessions_ GUARDED_BY(mutex_);
  std::uint64_t changes_ GUARDED_BY(mutex_) = 0;
  std::map<MemberId, Asked> asked_;  // on the worker only
  std::uint64_t written_ = 0;        // on the worker only: of changes_
  Worker worker_;                    // last: its thread ends before the rest goes
};

}  // namespace trivet::service
