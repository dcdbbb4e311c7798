// SPDX-License-Identifier: Apache-2.0
//
// A SQLite connection and its statements as owning values whose failures are Errors. Only for this
// folder.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace trivet::store_sqlite {

// SQLite's result code as an Error: damaged file kCorrupt, everything else that is the machine's
// state (locked, full, no permission, I/O) kUnavailable, misuse kInternal. `what` says what was
// being done.
Error sqlite_error(sqlite3* connection, int code, std::string_view what);

struct CloseConnection {
  void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
};
using Connection = std::unique_ptr<sqlite3, CloseConnection>;

// One prepared statement. Thread-compatible; must not outlive its connection.
class Statement {
 public:
  static Result<Statement> prepare(sqlite3* connection, std::string_view sql);

  // 1-based. The bytes must live until the next reset().
  Statement& bind(int index, std::string_view bytes);
  Statement& bind(int index, std::int64_t number);
  // True when there is a row, false when the statement is done.
  Result<bool> step();
  std::string bytes(int column) const;
  std::int64_t number(int column) const;
  void reset();

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bind_result_ = SQLITE_OK;
};

// Runs statements that return no rows.
Status execute(sqlite3* connection, const char* sql);
// The first column of the first row as a number.
Result<std::int64_t> query_number(sqlite3* connection, std::string_view sql);

}  // namespace trivet::store_sqlite
