// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <cstdlib>
#include <optional>

#include "adapter/engine/engine.h"
#include "base/clock.h"
#include "cli/admin_client.h"
#include "cli/commands.h"
#include "cli/daemon_process.h"
#include "cli/environment.h"
#include "cli/login.h"
#include "cli/status.h"
#include "core/token/host.h"
#include "core/token/make.h"

namespace trivet::cli {
namespace {

// A token is good for 15 minutes; the credentials behind it must live longer than it.
constexpr std::int64_t kTokenCredentialsSeconds = 3600;

std::string first_of(const char* one, const char* other) {
  const std::string value = environment_value(one);
  return value.empty() ? environment_value(other) : value;
}

// Empty and not set are two things, other than for environment_value.
std::optional<std::string> set_value(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

// Does the name lead to the address on this machine?
bool resolves_to(const std::string& name, const std::string& address) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) {
    return false;
  }
  bool is_there = false;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    char text[INET_ADDRSTRLEN] = {};
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(entry->ai_addr)->sin_addr, text,
                sizeof text);
    is_there = is_there || address == text;
  }
  ::freeaddrinfo(found);
  return is_there;
}

// The name when this machine knows it, else the address: both are in the servers' certificates.
std::string reachable_host(const StatusEndpoint& endpoint) {
  return endpoint.address.empty() || resolves_to(endpoint.name, endpoint.address)
             ? endpoint.name
             : endpoint.address;
}

// Those of AWS_*, whose tokens are then that identity's; nullopt: the local root's are to be made.
Result<std::optional<sigv4::Credentials>> own_keys() {
  TRIVET_TRY(
      std::optional<sigv4::Credentials> keys,
      keys_of_environment({set_value("AWS_ACCESS_KEY_ID"), set_value("AWS_SECRET_ACCESS_KEY"),
                           environment_value("AWS_SESSION_TOKEN")}));
  if (keys && !keys->session_token.empty()) {
    const std::string warning =
        expiry_warning(environment_value("AWS_CREDENTIAL_EXPIRATION"), SystemClock().wall_now());
    if (!warning.empty()) {
      say(warning);
    }
  }
  return keys;
}

Result<DaemonStatus> ask_status(const AdminClient& admin) {
  TRIVET_TRY(const std::string json, admin.status());
  return parse_status(json);
}

}  // namespace

Result<int> run_env(const Context& context, const EnvOptions& options) {
  TRIVET_TRY(const std::optional<AdminClient> admin, AdminClient::open(context.paths));
  if (!admin) {
    return say_not_running(context);
  }
  TRIVET_TRY(const SessionCredentials credentials, admin->credentials(options.duration_s));
  const Variables variables =
      session_variables(credentials, {.http_proxy = first_of("http_proxy", "HTTP_PROXY"),
                                      .no_proxy = first_of("no_proxy", "NO_PROXY")});
  print(options.json ? render_json(variables) : render_exports(variables));
  return kExitOk;
}

Result<int> run_connect(const Context& context, const ConnectOptions& options) {
  TRIVET_TRY(const engine::Engine engine, engine::find_mysql(context.paths.home));
  TRIVET_TRY(const std::optional<AdminClient> admin, AdminClient::open(context.paths));
  if (!admin) {
    return say_not_running(context);
  }
  TRIVET_TRY(const DaemonStatus status, ask_status(*admin));
  TRIVET_TRY(const StatusEndpoint endpoint, find_endpoint(status, options.cluster, options.reader));
  TRIVET_CHECK_OK(check_reachable(status, *status.find(options.cluster)));
  TRIVET_TRY(const Login login,
             choose_login(*status.find(options.cluster),
                          {.user = options.user,
                           .by_password = options.password,
                           .has_password = !environment_value("MYSQL_PWD").empty()}));

  MysqlLogin mysql;
  mysql.host = reachable_host(endpoint);
  mysql.port = endpoint.port;
  mysql.user = login.user;
  mysql.database = options.database;
  mysql.ca_bundle = context.paths.ca_bundle();
  mysql.character_sets_folder = engine.layout.character_sets_dir;
  mysql.by = login.by;
  mysql.more = options.mysql_arguments;
  if (login.by == LoginBy::kToken) {
    // Not a file (MySQL's option files end lines at 4096 bytes, tokens of large sessions are
    // longer) and not an argument, which all users of the machine can read.
    TRIVET_TRY(const Installation installation, read_installation(context));
    TRIVET_TRY(std::optional<sigv4::Credentials> keys, own_keys());
    if (!keys) {
      TRIVET_TRY(SessionCredentials fresh, admin->credentials(kTokenCredentialsSeconds));
      keys = std::move(fresh.keys);
    }
    const std::string db_token =
        token::make_db_token({mysql.host, mysql.port, mysql.user, installation.realm.region}, *keys,
                             SystemClock().wall_now());
    ::setenv("MYSQL_PWD", db_token.c_str(), 1);
  }
  std::vector<std::string> argv = engine.layout.command("mysql");
  const std::vector<std::string> arguments = mysql_arguments(mysql);
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return become(argv);
}

Result<int> run_token(const Context& context, const TokenOptions& options) {
  TRIVET_TRY(std::optional<sigv4::Credentials> keys, own_keys());
  token::TokenRequest request{options.host, options.port, options.user, options.region};
  const bool names_cluster = !options.cluster.empty();
  if (!names_cluster && request.region.empty()) {
    request.region = first_of("AWS_REGION", "AWS_DEFAULT_REGION");
  }
  if (names_cluster || !keys) {
    TRIVET_TRY(const std::optional<AdminClient> admin, AdminClient::open(context.paths));
    if (!admin) {
      if (!keys) {
        say("no credentials in the environment (AWS_ACCESS_KEY_ID), so trivetd is asked for some");
      }
      return say_not_running(context);
    }
    if (names_cluster) {
      TRIVET_TRY(const DaemonStatus status, ask_status(*admin));
      TRIVET_TRY(const StatusEndpoint endpoint,
                 find_endpoint(status, options.cluster, options.reader));
      request.host = reachable_host(endpoint);
      request.port = endpoint.port;
    }
    if (!keys) {
      TRIVET_TRY(SessionCredentials credentials, admin->credentials(kTokenCredentialsSeconds));
      keys = std::move(credentials.keys);
    }
  }
  if (request.region.empty()) {
    const auto installation = read_installation(context);
    if (!installation) {
      return make_error(Errc::kInvalidArgument,
                        "which region is the token for? Give --region or set AWS_REGION");
    }
    request.region = installation->realm.region;
  }
  if (!token::parse_host_port(fmt::format("{}:{}", request.host, request.port))) {
    return make_error(Errc::kInvalidArgument, fmt::format("'{}' is no host", request.host));
  }
  print(token::make_db_token(request, *keys, SystemClock().wall_now()) + "\n");
  return kExitOk;
}

}  // namespace trivet::cli
