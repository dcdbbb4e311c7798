// SPDX-License-Identifier: Apache-2.0
#include "cli/admin_client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/context.h"
#include "cli/status.h"
#include "net/http_client.h"

namespace trivet::cli {
namespace {

using nlohmann::json;

constexpr Millis kAnswer{10'000};
// Three members write their dirty pages; the daemon has deadlines of its own below this.
constexpr Millis kStop{300'000};

// {"error":"…"}, or the body itself.
std::string error_text(const std::string& body) {
  const json j = json::parse(body, nullptr, false);
  if (j.is_object() && j.contains("error") && j["error"].is_string()) {
    return j["error"].get<std::string>();
  }
  return body.substr(0, 500);
}

}  // namespace

Result<std::optional<AdminClient>> AdminClient::open(const HomePaths& paths) {
  const std::string path = paths.admin_socket();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return make_error(Errc::kInvalidArgument,
                      fmt::format("{} is too long for a unix socket: use a shorter home", path));
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return make_error(Errc::kInternal, errno_message("make a unix socket", errno));
  }
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int number = errno;
    ::close(fd);
    if (number == ENOENT || number == ECONNREFUSED || number == ENOTDIR) {
      return std::optional<AdminClient>();
    }
    const bool is_denied = number == EACCES || number == EPERM;
    return make_error(
        is_denied ? Errc::kDenied : Errc::kUnavailable,
        errno_message("connect to " + path, number) + (is_denied ? run_as_owner(paths.home) : ""));
  }
  ucred peer{};
  socklen_t size = sizeof peer;
  const int failed = ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
  ::close(fd);
  return std::optional<AdminClient>(AdminClient(path, failed == 0 ? peer.pid : 0));
}

Result<std::string> AdminClient::call(const Call& call) const {
  net::HttpRequest request;
  request.method = call.method;
  request.target = call.target;
  request.body = call.body;
  if (!call.body.empty()) {
    request.headers.emplace_back("Content-Type", "application/json");
  }
  TRIVET_TRY(net::HttpResponse response,
             net::http_call({.host = "", .unix_path = socket_}, request, call.deadline));
  if (response.status == 200) {
    return std::move(response.body);
  }
  const bool is_denied = response.status == 401 || response.status == 403;
  const Errc code = is_denied                ? Errc::kDenied
                    : response.status == 400 ? call.of_bad_request
                    : response.status == 404 ? Errc::kNotFound
                    : response.status == 409 ? Errc::kConflict
                                             : Errc::kInternal;
  const std::string text = error_text(response.body);
  // What the daemon itself finds wrong with the request, its own message says.
  const bool says_it_all =
      code == Errc::kNotFound || code == Errc::kConflict || response.status == 400;
  return make_error(code,
                    says_it_all ? text : fmt::format("trivetd: {} ({})", text, response.status));
}

Result<std::string> AdminClient::status(Millis deadline) const {
  return call({"GET", "/status", "", deadline});
}

Result<std::string> AdminClient::metrics() const {
  return call({"GET", "/metrics", "", kAnswer});
}

Result<std::string> AdminClient::events() const {
  return call({"GET", "/events", "", kAnswer});
}

Result<SessionCredentials> AdminClient::credentials(std::int64_t duration_s) const {
  TRIVET_TRY(
      const std::string body,
      call({"POST", "/credentials", json{{"duration_seconds", duration_s}}.dump(), kAnswer}));
  return parse_credentials(body);
}

Result<std::string> AdminClient::iam(std::string_view method, std::string_view target,
                                     std::string body) const {
  return call({method, target, std::move(body), Millis(30'000)});
}

Result<std::string> AdminClient::loss(const std::string& cluster) const {
  return call({"GET", "/clusters/" + cluster + "/loss", "", kAnswer});
}

Status AdminClient::accept_loss(const std::string& cluster, const std::string& member,
                                const std::string& held) const {
  const auto answer = call({"POST", "/clusters/" + cluster + "/loss",
                            json{{"member", member}, {"held", held}}.dump(), kAnswer});
  return answer ? ok() : Status(answer.error());
}

Status AdminClient::rotate_key() const {
  const auto answer = call({"POST", "/rotate-key", "{}", Millis(30'000)});
  return answer ? ok() : Status(answer.error());
}

Result<std::string> AdminClient::login_rules(std::string body) const {
  return call({"POST", "/login-rules", std::move(body), kAnswer, Errc::kInvalidArgument});
}

Result<std::string> AdminClient::network(std::string_view method, std::string_view target,
                                         std::string body) const {
  return call({method, target, std::move(body), kAnswer});
}

Result<std::string> AdminClient::explain_token(const std::string& cluster, const std::string& user,
                                               const std::string& token) const {
  const json body = {{"cluster", cluster}, {"user", user}, {"token", token}};
  return call({"POST", "/token/explain", body.dump(-1, ' ', false, json::error_handler_t::replace),
               kAnswer});
}

Status AdminClient::stop(bool with_members) const {
  const auto answer = call({"POST", "/stop", json{{"members", with_members}}.dump(), kStop});
  return answer ? ok() : Status(answer.error());
}

std::optional<std::vector<std::string>> cluster_names(const HomePaths& paths) {
  const auto admin = AdminClient::open(paths);
  if (!admin || !*admin) {
    return std::nullopt;
  }
  const auto text = (*admin)->status();
  const auto status = text ? parse_status(*text) : Result<DaemonStatus>(text.error());
  if (!status) {
    return std::nullopt;
  }
  std::vector<std::string> out;
  for (const StatusCluster& cluster : status->clusters) {
    out.push_back(cluster.identifier);
  }
  return out;
}

std::vector<std::string> shut_out_clusters(const AdminClient& admin) {
  const auto text = admin.status();
  const auto status = text ? parse_status(*text) : Result<DaemonStatus>(text.error());
  std::vector<std::string> out;
  if (status) {
    for (const std::string& cluster : status->shut_out) {
      out.push_back(host_is_shut_out(cluster));
    }
  }
  return out;
}

Result<SessionCredentials> parse_credentials(std::string_view text) {
  try {
    const json j = json::parse(text);
    SessionCredentials out;
    out.keys.access_key_id = j.at("access_key_id").get<std::string>();
    out.keys.secret_access_key = SecretString(j.at("secret_access_key").get<std::string>());
    out.keys.session_token = j.at("session_token").get<std::string>();
    out.expiration = j.at("expiration").get<std::string>();
    out.endpoint_url = j.at("endpoint_url").get<std::string>();
    out.region = j.at("region").get<std::string>();
    out.ca_bundle = j.at("ca_bundle").get<std::string>();
    return out;
  } catch (const json::exception&) {  // its text could show a secret
    return make_error(Errc::kCorrupt, "trivetd's answer to POST /credentials cannot be read");
  }
}

}  // namespace trivet::cli
