// SPDX-License-Identifier: Apache-2.0
//
// What `trivet connect` and `trivet token` decide: which name of an endpoint to use, whose
// credentials sign, and the arguments of MySQL's client. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cli/status.h"
#include "core/sigv4/sign.h"

namespace trivet::cli {

// How the user proves who they are.
enum class LoginBy {
  kToken,          // in the client's environment (MYSQL_PWD), sent as clear text inside TLS
  kPassword,       // the client asks for it
  kGivenPassword,  // MYSQL_PWD of the caller
};

struct MysqlLogin {
  std::string host;  // a name or an address: both are in the servers' certificates
  std::uint16_t port = 3306;
  std::string user;
  std::string database;  // empty: none
  std::string ca_bundle;
  std::string character_sets_folder;
  LoginBy by = LoginBy::kToken;
  std::vector<std::string> more;  // the caller's own
};

// What was asked for on the command line.
struct LoginWish {
  std::string user;           // empty: the master user
  bool by_password = false;   // not by a token
  bool has_password = false;  // the caller's MYSQL_PWD is set
};
struct Login {
  std::string user;
  LoginBy by = LoginBy::kToken;
};
// The master user has a password, others are expected to log in with tokens. Errors: kConflict,
// with the cure, when the cluster takes no tokens.
Result<Login> choose_login(const StatusCluster& cluster, const LoginWish& wish);

// What comes behind the program's name. The user's and the host's option files are left out: they
// may be another server's (MariaDB's options end the client), and a password in them would win over
// the token.
std::vector<std::string> mysql_arguments(const MysqlLogin& login);

// The endpoint of a cluster by its name. Errors: kNotFound, naming the clusters there are;
// kUnavailable when the cluster has no endpoint yet.
Result<StatusEndpoint> find_endpoint(const DaemonStatus& status, std::string_view cluster,
                                     bool is_reader);

// What is wrong with where a login goes to, with the cure: the cluster is stopped, or this host's
// logins are dropped before they reach it. kUnavailable.
Status check_reachable(const DaemonStatus& status, const StatusCluster& cluster);

// Of AWS_CREDENTIAL_EXPIRATION, which `trivet env` sets: what to say when that is over, else empty.
std::string expiry_warning(std::string_view expiration, WallTime now);

// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN: nullopt when there is none of
// them. Errors: kInvalidArgument when one half of a key is missing or empty. An empty one is a
// variable that a script did not fill, and must not make its user the account's root.
struct KeyVariables {
  std::optional<std::string> access_key_id;  // nullopt: not set
  std::optional<std::string> secret_access_key;
  std::string session_token;
};
Result<std::optional<sigv4::Credentials>> keys_of_environment(const KeyVariables& variables);

}  // namespace trivet::cli
