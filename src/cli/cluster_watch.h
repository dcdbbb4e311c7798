// SPDX-License-Identifier: Apache-2.0
//
// One cluster, watched over the daemon's socket until it is as it was asked to be.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/clock.h"
#include "cli/admin_client.h"
#include "cli/context.h"
#include "cli/status.h"

namespace trivet::cli {

// Thread-compatible. The client outlives it.
class ClusterWatch {
 public:
  ClusterWatch(const AdminClient& admin, std::string identifier)
      : admin_(admin), identifier_(std::move(identifier)) {}

  Result<StatusCluster> look() const {
    TRIVET_TRY(const std::string json, admin_.status());
    TRIVET_TRY(const DaemonStatus status, parse_status(json));
    const StatusCluster* cluster = status.find(identifier_);
    return cluster != nullptr
               ? Result<StatusCluster>(*cluster)
               : make_error(Errc::kNotFound, fmt::format("there is no cluster {}", identifier_));
  }

  // The cluster when `is_done`. Says on standard error what changes meanwhile. kTimeout.
  template <typename IsDone>
  Result<StatusCluster> wait(IsDone is_done, Millis timeout) const {
    const SystemClock clock;
    const Instant end = clock.now() + timeout;
    std::string last;
    while (clock.now() < end) {
      TRIVET_TRY(const StatusCluster cluster, look());
      if (is_done(cluster)) {
        return cluster;
      }
      const std::string line =
          fmt::format("{}: {}{}{}", identifier_, cluster.status,
                      cluster.waiting_for.empty() ? "" : "; waiting for ", cluster.waiting_for);
      if (line != last) {
        say(line);
        last = line;
      }
      wait_for(Millis(50));
    }
    return make_error(Errc::kTimeout, fmt::format("{}: not done after {} s, and goes on ({})",
                                                  identifier_, timeout.count() / 1000, last));
  }

 private:
  const AdminClient& admin_;
  std::string identifier_;
};

}  // namespace trivet::cli
