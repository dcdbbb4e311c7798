// SPDX-License-Identifier: Apache-2.0
//
// The log files of DB instances, under the names that RDS's API gives them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/cluster.h"

namespace trivet {

struct LogFileInfo {
  std::string name;  // "error/mysql-error.log"
  std::int64_t bytes = 0;
  WallTime written{};
};

// Thread-safe. Blocks on the disk.
class LogFiles {
 public:
  virtual ~LogFiles() = default;
  // Those that are there, by name.
  virtual Result<std::vector<LogFileInfo>> list(const Cluster& cluster,
                                                const Member& member) const = 0;
  // At most `bytes_max` bytes from `from` on; fewer at the end of the file. kNotFound.
  virtual Result<std::string> read(const Cluster& cluster, const Member& member,
                                   std::string_view name, std::int64_t from,
                                   std::size_t bytes_max) const = 0;
};

}  // namespace trivet
