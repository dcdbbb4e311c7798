// SPDX-License-Identifier: Apache-2.0
//
// The log files of DB instances on this host: mysqld's error log, and the cluster's
// iam-db-auth-error log with the full ones before it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/installation.h"
#include "ports/log_files.h"

namespace trivet::daemon {

// Thread-safe.
class InstanceLogs final : public LogFiles {
 public:
  explicit InstanceLogs(HomePaths paths) : paths_(std::move(paths)) {}

  Result<std::vector<LogFileInfo>> list(const Cluster& cluster,
                                        const Member& member) const override;
  Result<std::string> read(const Cluster& cluster, const Member& member, std::string_view name,
                           std::int64_t from, std::size_t bytes_max) const override;

 private:
  // Name and path of each that there may be, by name.
  std::vector<std::pair<std::string, std::string>> files(const Cluster& cluster,
                                                         const Member& member) const;

  const HomePaths paths_;
};

}  // namespace trivet::daemon
