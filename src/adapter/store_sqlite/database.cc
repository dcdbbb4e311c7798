// SPDX-License-Identifier: Apache-2.0
#include "adapter/store_sqlite/database.h"

#include <cerrno>
#include <cstring>

namespace trivet::store_sqlite {

Error sqlite_error(sqlite3* connection, int code, std::string_view what) {
  std::string message =
      "state store: " + std::string(what) + ": " +
      (connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(code)) + " (SQLite " +
      std::to_string(code) + ")";
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
      return make_error(Errc::kCorrupt, std::move(message));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return make_error(Errc::kUnavailable, message + "; another process holds the file's lock");
    case SQLITE_FULL:
      return make_error(Errc::kUnavailable, message + "; free space on that disk");
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL: {
      const int number = connection != nullptr ? sqlite3_system_errno(connection) : 0;
      if (number != 0) {
        message += "; " + std::string(std::strerror(number));
      }
      return make_error(Errc::kUnavailable, std::move(message));
    }
    default:
      return make_error(Errc::kInternal, std::move(message));
  }
}

Result<Statement> Statement::prepare(sqlite3* connection, std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(connection, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  Statement statement(raw);
  if (code != SQLITE_OK) {
    return sqlite_error(connection, code, "prepare");
  }
  return statement;
}

Statement& Statement::bind(int index, std::string_view bytes) {
  const char* data = bytes.data() != nullptr ? bytes.data() : "";  // a null pointer would bind NULL
  const int code = sqlite3_bind_blob64(statement_.get(), index, data, bytes.size(), SQLITE_STATIC);
  bind_result_ = bind_result_ == SQLITE_OK ? code : bind_result_;
  return *this;
}

Statement& Statement::bind(int index, std::int64_t number) {
  const int code = sqlite3_bind_int64(statement_.get(), index, number);
  bind_result_ = bind_result_ == SQLITE_OK ? code : bind_result_;
  return *this;
}

Result<bool> Statement::step() {
  sqlite3* connection = sqlite3_db_handle(statement_.get());
  if (bind_result_ != SQLITE_OK) {
    return sqlite_error(connection, bind_result_, "bind");
  }
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) {
    return true;
  }
  if (code == SQLITE_DONE) {
    return false;
  }
  return sqlite_error(connection, code, sqlite3_sql(statement_.get()));
}

std::string Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (data == nullptr || size <= 0) {
    return {};
  }
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
  bind_result_ = SQLITE_OK;
}

Status execute(sqlite3* connection, const char* sql) {
  const int code = sqlite3_exec(connection, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) {
    return sqlite_error(connection, code, sql);
  }
  return ok();
}

Result<std::int64_t> query_number(sqlite3* connection, std::string_view sql) {
  TRIVET_TRY(auto statement, Statement::prepare(connection, sql));
  TRIVET_TRY(const bool row, statement.step());
  if (!row) {
    return make_error(Errc::kNotFound, "state store: no row for " + std::string(sql));
  }
  return statement.number(0);
}

}  // namespace trivet::store_sqlite
