// SPDX-License-Identifier: Apache-2.0
//
// The last file of a stopped member's binary log: read, copied from and cut. The data directory
// belongs to mysqld's user, so nothing in it is followed to elsewhere.
#pragma once

#include <string>

#include "base/result.h"
#include "core/binlog/tail.h"

namespace trivet::agent {

struct LogEnd {
  std::string file;  // its path
  binlog::Tail tail;
};

// What the log in `data` holds and `writer_held` does not. A log that cannot be made sense of is no
// error: `tail.unreadable` says so. Errors: kInternal, of the disk.
Result<LogEnd> read_log_end(const std::string& data, const gtid::GtidSet& writer_held);
// The tail as a file of its own, which mysqlbinlog reads; on disk when this returns, its folder's
// entry too. `to` is replaced.
Status copy_tail(const LogEnd& log, const std::string& to);
// Ends the log where its tail begins; on disk when this returns. kConflict when the file has
// another length than when it was read.
Status cut_tail(const LogEnd& log);

}  // namespace trivet::agent
