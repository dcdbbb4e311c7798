// SPDX-License-Identifier: Apache-2.0
#include "adapter/store_sqlite/schema.h"

#include "adapter/store_sqlite/database.h"
#include "adapter/store_sqlite/store.h"

namespace trivet::store_sqlite {
namespace {

// Keys are blobs: compared byte by byte, so that "in key order" and "starts with" mean the same
// here as in the other stores.
constexpr const char* kCreate = R"sql(
CREATE TABLE trivet_schema (only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL);
CREATE TABLE trivet_revision (only INTEGER PRIMARY KEY CHECK (only = 1), revision INTEGER NOT NULL);
CREATE TABLE entries (key BLOB PRIMARY KEY, value BLOB NOT NULL, modified INTEGER NOT NULL)
  WITHOUT ROWID;
INSERT INTO trivet_schema VALUES (1, 1);
INSERT INTO trivet_revision VALUES (1, 0);
)sql";

Status prepare_in_transaction(sqlite3* connection) {
  TRIVET_TRY(const std::int64_t tables,
             query_number(connection, "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"));
  if (tables == 0) {
    return execute(connection, kCreate);
  }
  TRIVET_TRY(
      const std::int64_t ours,
      query_number(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'trivet_schema'"));
  if (ours == 0) {
    return make_error(Errc::kCorrupt, "state store: this SQLite file was not made by Trivet");
  }
  TRIVET_TRY(const std::int64_t version,
             query_number(connection, "SELECT version FROM trivet_schema"));
  if (version > kSchemaVersion) {
    return make_error(Errc::kConflict,
                      "state store: written by a newer Trivet (schema version " +
                          std::to_string(version) + "); this one knows up to version " +
                          std::to_string(kSchemaVersion) + ": start the newer Trivet");
  }
  if (version < 1) {
    return make_error(Errc::kCorrupt,
                      "state store: schema version " + std::to_string(version) + " never existed");
  }
  return ok();
}

}  // namespace

Status prepare_schema(sqlite3* connection) {
  TRIVET_CHECK_OK(execute(connection, "BEGIN IMMEDIATE"));
  const Status prepared = prepare_in_transaction(connection);
  const Status ended = execute(connection, prepared ? "COMMIT" : "ROLLBACK");
  return prepared ? ended : prepared;
}

}  // namespace trivet::store_sqlite
