// SPDX-License-Identifier: Apache-2.0
//
// What `trivetd` says of itself (GET /status) as plain values, as a table for people, and what of
// it is not ready yet. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace trivet::cli {

struct StatusEndpoint {
  std::string name;
  std::string address;
  std::uint16_t port = 0;
};

struct StatusMember {
  std::string identifier;
  std::string availability_zone;
  std::string role;  // "writer" or "reader"
  std::string status;
  std::string address;
  std::uint16_t port = 0;
  std::int64_t pid = 0;  // 0: no process
  std::int64_t guard_pid = 0;
  std::optional<std::int64_t> apply_lag_ms;
  std::string trouble;  // the last thing that went wrong; empty when it serves
};

struct StatusCluster {
  std::string identifier;
  std::string resource_id;
  std::string status;
  std::int64_t term = 0;
  std::string writer;  // empty: none now
  std::string master_username;
  bool iam_authentication = true;
  StatusEndpoint endpoint;
  StatusEndpoint reader_endpoint;
  std::vector<StatusMember> members;
  std::int64_t commit_delay_ms = 0;  // so that readers keep up
  std::string waiting_for;           // why there is no writer
  std::string trouble;
};

struct DaemonStatus {
  std::vector<StatusCluster> clusters;
  std::string why_not_enforced;    // networks; empty: they are
  std::set<std::string> shut_out;  // clusters that this host does not reach, by host-access
  std::string network_trouble;     // what of them could not be done
  // Why the daemon copies what goes through writer endpoints; empty: it does not.
  std::string why_not_steered;
  std::string why_no_functions;                  // empty: they can run
  std::vector<std::string> function_weaknesses;  // what their sandboxes lack here
  std::int64_t environments_idle = 0;
  std::int64_t environments_busy = 0;
  std::int64_t environments_bytes = 0;  // resident, of all together
  const StatusCluster* find(std::string_view identifier) const;
};

// What `trivet status --json` prints when no daemon runs.
inline constexpr std::string_view kNotRunningJson = R"({"running":false,"clusters":[]})";

// Unknown members are ignored, null is absent. Errors: kCorrupt.
Result<DaemonStatus> parse_status(std::string_view json);

// kNotFound when the cluster has no such member.
Status check_member(const StatusCluster& cluster, std::string_view member);

// What a cluster that is not publicly accessible means where the host is restricted.
std::string host_is_shut_out(std::string_view cluster);

// The table of `trivet status`; ends with a line end.
std::string render_status(const DaemonStatus& status);

// One line for each cluster that is neither available, failed, stopped nor being deleted: "demo:
// creating, 1 of 3 members available; waiting for …". Empty: everything that should serve does.
std::vector<std::string> clusters_not_ready(const DaemonStatus& status);
// The same for members of available clusters: "demo: demo-instance-3 is rebooting".
std::vector<std::string> members_not_ready(const DaemonStatus& status);

}  // namespace trivet::cli
