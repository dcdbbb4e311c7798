// SPDX-License-Identifier: Apache-2.0
//
// A MySQL client that costs little: blocking, TLS 1.3 checked against one CA, text queries. It does
// on the wire what the common clients do and keeps nothing it does not need, so that a bench
// measures the server and not its client. OpenSSL is named only in mysql_client.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

struct ssl_ctx_st;

namespace trivet::bench {

// What all connections of a bench share. Thread-safe once made.
class TlsContext {
 public:
  // `ca_file` holds PEM certificates. No session is resumed: each handshake is a full one.
  static Result<TlsContext> create(const std::string& ca_file);
  ssl_ctx_st* get() const { return context_.get(); }

 private:
  std::shared_ptr<ssl_ctx_st> context_;
};

struct ServerAddress {
  std::string address;  // numeric, and in the server's certificate
  std::uint16_t port = 3306;
};

struct Account {
  std::string user;
  std::string secret;  // a password or a token: the server asks for the form that it wants
  // Begin with mysql_clear_password, as `mysql --default-auth=mysql_clear_password` does, and not
  // with the server's default method: a token is then sent without being asked for.
  bool begins_clear = false;
};

// One connection. Owned by one thread. Every call waits at most kPatience for the server.
class MysqlClient {
 public:
  // How the server took the secret.
  enum class Asked { kNothingMore, kFullPassword, kClearText };

  // TCP, TLS, login. kDenied when the server refuses, kUnavailable when it cannot be reached or
  // leaves.
  static Result<MysqlClient> connect(const TlsContext& tls, const ServerAddress& server,
                                     const Account& account);
  MysqlClient(MysqlClient&&) noexcept;
  MysqlClient& operator=(MysqlClient&&) noexcept;
  ~MysqlClient();

  Asked asked() const;
  // A statement without rows. kConflict is an error of the server; kUnavailable: the connection is
  // of no more use.
  Status execute(std::string_view statement);
  // The first column of the only row; nullopt when there is no row.
  Result<std::optional<std::string>> value_of(std::string_view query);
  // Says goodbye as clients do. The destructor only closes.
  void quit();

 private:
  struct Wire;
  explicit MysqlClient(std::unique_ptr<Wire> wire);
  std::unique_ptr<Wire> wire_;
};

}  // namespace trivet::bench
