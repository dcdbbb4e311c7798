// SPDX-License-Identifier: Apache-2.0
//
// The daemon's unix socket, <home>/run/trivetd.sock: HTTP with JSON, where the caller's uid is the
// permission. Each call is a connection of its own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "core/sigv4/sign.h"
#include "model/installation.h"

namespace trivet::cli {

// Short-lived credentials and what goes with them.
struct SessionCredentials {
  sigv4::Credentials keys;
  std::string expiration;  // 2026-01-02T03:04:05Z
  std::string endpoint_url;
  std::string region;
  std::string ca_bundle;  // path
};

// Thread-compatible.
class AdminClient {
 public:
  // nullopt: nobody listens there. Errors: kDenied when this user may not connect.
  static Result<std::optional<AdminClient>> open(const HomePaths& paths);

  // The process that listens.
  pid_t pid() const { return pid_; }

  // All calls: kUnavailable and kTimeout when there is no answer, kDenied when this user may not,
  // kInternal with the daemon's words otherwise, kCorrupt when the answer cannot be read.

  // The JSON of GET /status, as it came.
  Result<std::string> status(Millis deadline = Millis(10'000)) const;
  // The text of GET /metrics.
  Result<std::string> metrics() const;
  // The JSON of GET /events.
  Result<std::string> events() const;
  Result<SessionCredentials> credentials(std::int64_t duration_s) const;
  // POST /token/explain: an explanation's JSON. An empty cluster is the one that the token names.
  Result<std::string> explain_token(const std::string& cluster, const std::string& user,
                                    const std::string& token) const;
  // A call under /iam/; its answer's JSON.
  Result<std::string> iam(std::string_view method, std::string_view target, std::string body) const;
  // The JSON of GET /clusters/CLUSTER/loss.
  Result<std::string> loss(const std::string& cluster) const;
  // Both as they were shown.
  Status accept_loss(const std::string& cluster, const std::string& member,
                     const std::string& held) const;
  // POST /rotate-key.
  Status rotate_key() const;
  // POST /login-rules; its answer's JSON.
  Result<std::string> login_rules(std::string body) const;
  // A call under /network; its answer's JSON.
  Result<std::string> network(std::string_view method, std::string_view target,
                              std::string body) const;
  // Returns when the members have ended, or at once when they are to go on; the daemon ends then.
  Status stop(bool with_members) const;

 private:
  AdminClient(std::string socket, pid_t pid) : socket_(std::move(socket)), pid_(pid) {}
  struct Call {
    std::string_view method;
    std::string_view target;
    std::string body;
    Millis deadline;
    Errc of_bad_request = Errc::kInternal;  // kInvalidArgument: the command line was wrong
  };
  Result<std::string> call(const Call& call) const;

  std::string socket_;
  pid_t pid_;
};

// The names of the clusters; nullopt when there is nobody to ask.
std::optional<std::vector<std::string>> cluster_names(const HomePaths& paths);

// A line for each cluster that this host's logins do not reach; none when that cannot be told.
std::vector<std::string> shut_out_clusters(const AdminClient& admin);

// The members' answer of POST /credentials. Pure. Errors: kCorrupt.
Result<SessionCredentials> parse_credentials(std::string_view json);

}  // namespace trivet::cli
