// SPDX-License-Identifier: Apache-2.0
//
// The state store of a single host: one SQLite file, WAL, synchronous=FULL. A commit that returned
// survives kill -9 and loss of power. SQLite is named only in this folder's .cc files.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "ports/state_store.h"

namespace trivet::store_sqlite {

// What this build writes. It reads older ones (and migrates them when it opens), never newer ones.
inline constexpr int kSchemaVersion = 1;

struct SqliteOptions {
  std::string path;                    // of the database file; its folder must exist
  Millis busy_timeout = Millis(5000);  // how long another process may hold the file's lock
};

// Opens or makes the file (mode 0600). Thread-safe: one connection under one mutex.
// kCorrupt when the file is damaged or not a store; kConflict when it was written by a newer
// version, the message names both; kUnavailable (locked, disk full, no permission) with SQLite's
// cause.
Result<std::unique_ptr<StateStore>> open_sqlite_store(const SqliteOptions& options);

}  // namespace trivet::store_sqlite
