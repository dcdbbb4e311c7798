// SPDX-License-Identifier: Apache-2.0
#include "cli/login.h"

#include <fmt/format.h>

#include "base/iso8601.h"

namespace trivet::cli {

Result<Login> choose_login(const StatusCluster& cluster, const LoginWish& wish) {
  const std::string& user = wish.user.empty() ? cluster.master_username : wish.user;
  if (user.empty()) {
    return make_error(Errc::kInvalidArgument, "which user logs in? Give --user");
  }
  if (wish.by_password || user == cluster.master_username) {
    return Login{user, wish.has_password ? LoginBy::kGivenPassword : LoginBy::kPassword};
  }
  if (!cluster.iam_authentication) {
    return make_error(
        Errc::kConflict,
        fmt::format(
            "cluster '{}' was made without IAM authentication, so '{}' cannot log in with a "
            "token: give --password if the user has one",
            cluster.identifier, user));
  }
  return Login{user, LoginBy::kToken};
}

std::vector<std::string> mysql_arguments(const MysqlLogin& login) {
  std::vector<std::string> out = {
      "--no-defaults",
      "--no-login-paths",
      "--protocol=TCP",
      "--host=" + login.host,
      fmt::format("--port={}", login.port),
      "--user=" + login.user,
      "--ssl-mode=VERIFY_IDENTITY",
      "--ssl-ca=" + login.ca_bundle,
  };
  if (!login.character_sets_folder.empty()) {
    out.push_back("--character-sets-dir=" + login.character_sets_folder);
  }
  // A password may be a token that was made elsewhere. TLS is verified in any case.
  out.emplace_back("--enable-cleartext-plugin");
  if (login.by == LoginBy::kPassword) {
    out.emplace_back("--password");
  }
  if (!login.database.empty()) {
    out.push_back("--database=" + login.database);
  }
  out.insert(out.end(), login.more.begin(), login.more.end());
  return out;
}

Result<StatusEndpoint> find_endpoint(const DaemonStatus& status, std::string_view cluster,
                                     bool is_reader) {
  const StatusCluster* found = status.find(cluster);
  if (found == nullptr) {
    std::string names;
    for (const StatusCluster& other : status.clusters) {
      names += (names.empty() ? "" : ", ") + other.identifier;
    }
    return make_error(Errc::kNotFound, fmt::format("there is no cluster '{}'; there {}", cluster,
                                                   names.empty() ? "are none" : "is: " + names));
  }
  const StatusEndpoint& endpoint = is_reader ? found->reader_endpoint : found->endpoint;
  if (endpoint.port == 0 || endpoint.name.empty()) {
    return make_error(Errc::kUnavailable, fmt::format("cluster '{}' is {}: it has no endpoint yet",
                                                      cluster, found->status));
  }
  return endpoint;
}

Status check_reachable(const DaemonStatus& status, const StatusCluster& cluster) {
  if (cluster.status == "stopped" || cluster.status == "stopping") {
    return make_error(Errc::kUnavailable, fmt::format("{0} is {1}: `trivet start {0}`",
                                                      cluster.identifier, cluster.status));
  }
  if (status.shut_out.contains(cluster.identifier)) {
    return make_error(Errc::kUnavailable, host_is_shut_out(cluster.identifier));
  }
  return ok();
}

std::string expiry_warning(std::string_view expiration, WallTime now) {
  const auto end = parse_iso8601(expiration);
  return end && *end <= now
             ? fmt::format(
                   "warning: the credentials in AWS_* expired at {}: `eval \"$(trivet env)\"` "
                   "gives fresh ones",
                   expiration)
             : "";
}

Result<std::optional<sigv4::Credentials>> keys_of_environment(const KeyVariables& variables) {
  const bool has_id = variables.access_key_id.has_value();
  const bool has_secret = variables.secret_access_key.has_value();
  const bool is_id_empty = has_id && variables.access_key_id->empty();
  if (is_id_empty || (has_secret && variables.secret_access_key->empty())) {
    const char* name = is_id_empty ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY";
    return make_error(
        Errc::kInvalidArgument,
        fmt::format("{} is set but empty: give it the key's value. `unset AWS_ACCESS_KEY_ID "
                    "AWS_SECRET_ACCESS_KEY` logs in as the account's root",
                    name));
  }
  if (has_id != has_secret) {
    return make_error(Errc::kInvalidArgument,
                      fmt::format("{} is set but {} is not: set or unset both",
                                  has_id ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                                  has_id ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID"));
  }
  if (!has_id) {
    return std::optional<sigv4::Credentials>();
  }
  return std::optional<sigv4::Credentials>(
      sigv4::Credentials{*variables.access_key_id, SecretString(*variables.secret_access_key),
                         variables.session_token});
}

}  // namespace trivet::cli
