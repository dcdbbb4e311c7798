// SPDX-License-Identifier: Apache-2.0
//
// A member on this host, looked at beside its agent: a query over a session that is opened while
// clients are still out, an fdatasync in its data directory, its error log, /proc. See
// ports/member_probe.h.
#pragma once

#include <optional>
#include <string>

#include "adapter/mysql/connection.h"
#include "agent/error_log.h"
#include "agent/member_paths.h"
#include "agent/pending.h"
#include "base/clock.h"
#include "ports/member_probe.h"

namespace trivet::agent {

class LocalProbe final : public MemberProbe {
 public:
  LocalProbe(const Clock& clock, MemberPaths paths, const std::string& name);

  failover::Probe look(const LookOrder& order) override;
  Status nudge(Millis deadline) override;
  Result<failover::MemberEnd> kill(int mysqld_pid, Millis deadline) override;

 private:
  struct QueryAnswer {
    bool answered = false;
    std::optional<failover::CommitProgress> commits;
    unsigned waiting_for_space = 0;
  };
  struct DiskAnswer {
    Instant began;
    std::string error;
    bool no_space = false;
  };
  QueryAnswer query(bool as_writer, bool low_on_space);  // on query_'s thread
  bool connect();
  bool ask(std::string_view sql, mysql::QueryResult& out);
  std::optional<failover::CommitProgress> progress();
  mysql::ConnectOptions session_options(Millis deadline) const;
  void ask_disk();
  std::uint64_t look_at_log();  // on log_growth_'s thread
  void take_disk(failover::Probe& out);
  void count_states(QueryAnswer& answer);  // what needs a list of all sessions

  // The last look at which little space was left.
  std::optional<Instant> low_on_space_at_;
  const Clock& clock_;
  const MemberPaths paths_;
  std::optional<mysql::Connection> session_;  // query_'s thread only
  ErrorLog error_log_;                        // log_growth_'s thread only
  Pending<QueryAnswer> query_;
  Pending<DiskAnswer> disk_;
  Pending<std::uint64_t> log_growth_;  // shortening a log takes longer than a disk may
};

}  // namespace trivet::agent
