// SPDX-License-Identifier: Apache-2.0
//
// One connection to one mysqld over libmariadb, which is named only in connection.cc. Every call
// has a deadline over all of its reads and writes; a connection whose deadline passed in the middle
// is broken and closed, because what the server did is then unknown (failover.md I15, I16).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

struct st_mysql;

namespace trivet::mysql {

struct ConnectOptions {
  // Either a unix socket (the peer's system user is what auth_socket checks) …
  std::string unix_socket;
  // … or an address or name. Then always TLS, with the server's certificate checked against
  // `tls_ca` and against `host` (a SAN may be a name or an address).
  std::string host;
  std::uint16_t port = 3306;
  std::string source;  // the address to come from; empty: the kernel's choice
  std::string tls_ca;
  std::string user;
  SecretString password;
  std::string database;
  // For login tokens: only mysql_clear_password and caching_sha2_password are ever used, and the
  // first only with this.
  bool allow_clear_password = false;
  // Over TCP a server that falls silent during the TLS handshake is given up at the next whole
  // second.
  Millis deadline{5000};
};

using Row = std::vector<std::optional<std::string>>;

// Plain value.
struct QueryResult {
  std::vector<std::string> columns;
  std::vector<Row> rows;
  std::uint64_t affected_rows = 0;

  // nullopt: NULL, or no such row or column.
  std::optional<std::string> value(std::size_t row, std::string_view column) const;
  std::string text(std::size_t row, std::string_view column) const;     // NULL is ""
  std::int64_t number(std::size_t row, std::string_view column) const;  // 0 when it is none
};

// Owns the connection; move-only; used by one thread at a time. Destroying it closes it.
class Connection {
 public:
  // `server_error`, where given, gets MySQL's number of a failure (2000 to 2999: nobody answered),
  // 0 otherwise.
  static Result<Connection> open(const ConnectOptions& options, unsigned* server_error = nullptr);
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // kTimeout: the deadline passed and the connection is broken; whether the statement took effect
  // is not known. kUnavailable: the connection broke. Else by the server's error
  // (code_of_server_error); the message ends with "(errno N)".
  Result<QueryResult> query(std::string_view sql, Millis deadline);
  Status execute(std::string_view sql, Millis deadline);
  // As execute, for statements with a password: errors name neither the text nor what the server
  // quotes of it.
  Status execute_secret(const SecretString& sql, Millis deadline);

  // MySQL's number of the last error, 0 after a success.
  unsigned last_errno() const { return last_errno_; }
  std::uint64_t connection_id() const { return connection_id_; }
  bool is_broken() const { return mysql_ == nullptr || broken_; }
  // "TLSv1.3", empty without TLS.
  std::string tls_version() const;

 private:
  explicit Connection(st_mysql* mysql) : mysql_(mysql) {}
  Status run(std::string_view sql, Instant until);
  Result<QueryResult> collect(Instant until);
  Error failure(std::string_view what);
  void close();

  st_mysql* mysql_ = nullptr;
  std::uint64_t connection_id_ = 0;
  unsigned last_errno_ = 0;
  bool broken_ = false;
  bool timed_out_ = false;
};

// Which of our codes a MySQL error number is.
Errc code_of_server_error(unsigned number);

}  // namespace trivet::mysql
