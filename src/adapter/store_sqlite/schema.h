// SPDX-License-Identifier: Apache-2.0
//
// The tables, and how a file comes to have them. Only for this folder.
#pragma once

#include <sqlite3.h>

#include "base/result.h"

namespace trivet::store_sqlite {

// Makes the tables in an empty file, migrates older ones, refuses newer ones (kConflict, naming
// both versions) and files that belong to something else (kCorrupt). All in one transaction.
Status prepare_schema(sqlite3* connection);

}  // namespace trivet::store_sqlite
