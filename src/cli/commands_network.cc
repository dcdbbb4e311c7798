// SPDX-License-Identifier: Apache-2.0
//
// `trivet network`: what is enforced and how, and `trivet network exec`: a command that stands
// where a function of a VPC would stand.
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/admin_client.h"
#include "cli/commands.h"

namespace trivet::cli {
namespace {

using nlohmann::json;

// As POSIX shells say it.
constexpr int kExitCannotRun = 126;
constexpr int kExitNotFound = 127;
constexpr int kExitBySignal = 128;

std::string render_network(const json& network) {
  std::string vpcs;
  for (const json& vpc : network.at("vpcs")) {
    vpcs += (vpcs.empty() ? "" : ", ") + vpc.get<std::string>();
  }
  const bool is_enforced = network.at("enforced").get<bool>();
  std::string out;
  const auto line = [&out](std::string_view name, const std::string& value) {
    out += fmt::format("{:<18} {}\n", name, value);
  };
  line("enforced", is_enforced ? "yes" : "no: " + network.at("why_not").get<std::string>());
  line("host-access", network.at("host_access").get<std::string>());
  line("allow-unenforced", network.at("allow_unenforced").get<bool>() ? "yes" : "no");
  line("VPCs", vpcs.empty() ? "none" : vpcs);
  line("environments", std::to_string(network.at("environments").get<std::int64_t>()));
  if (const auto trouble = network.at("trouble").get<std::string>(); !trouble.empty()) {
    line("trouble", trouble);
  }
  return out;
}

// A place in a network, as the daemon described it.
struct Place {
  std::string id;
  std::string netns_path;
  std::string address;
  std::string dns_server;
  std::string api_url;
};

Result<Place> parse_place(const std::string& answer) {
  try {
    const json j = json::parse(answer);
    return Place{j.at("id"), j.at("netns_path"), j.at("address"), j.at("dns_server"),
                 j.at("api_url")};
  } catch (const json::exception& e) {
    return make_error(Errc::kCorrupt, fmt::format("trivetd's answer cannot be read: {}", e.what()));
  }
}

// Puts `text` in the place of a file of this process's own mount namespace.
Status cover(const std::string& target, const std::string& text) {
  std::string path = "/tmp/trivet-network-XXXXXX";
  const int fd = ::mkstemp(path.data());
  const bool is_written =
      fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fchmod(fd, 0644) == 0;
  const bool is_covered =
      is_written && ::mount(path.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) == 0;
  const int failure = errno;
  if (fd >= 0) {
    ::close(fd);
    ::unlink(path.c_str());
  }
  return is_covered ? ok()
                    : Status(make_error(Errc::kDenied, errno_message("cover " + target, failure)));
}

// The network, the names of the network, and not those of the host's /etc/hosts.
Status enter(const Place& place) {
  const int fd = ::open(place.netns_path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool is_inside = fd >= 0 && ::setns(fd, CLONE_NEWNET) == 0 && ::unshare(CLONE_NEWNS) == 0 &&
                         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  if (!is_inside) {
    return make_error(Errc::kDenied, errno_message("enter " + place.netns_path, errno));
  }
  ::close(fd);
  TRIVET_CHECK_OK(cover("/etc/hosts", "127.0.0.1 localhost\n"));
  return cover("/etc/resolv.conf",
               place.dns_server.empty() ? "" : "nameserver " + place.dns_server + "\n");
}

[[noreturn]] void become(const Place& place, const std::vector<std::string>& command) {
  const Status entered = enter(place);
  if (!entered) {
    say("trivet: " + entered.error().message);
    ::_exit(kExitCannotRun);
  }
  ::setenv("AWS_ENDPOINT_URL", place.api_url.c_str(), 1);
  std::vector<char*> words;
  for (const std::string& word : command) {
    words.push_back(const_cast<char*>(word.c_str()));
  }
  words.push_back(nullptr);
  ::execvp(words[0], words.data());
  const int number = errno;
  say("trivet: " + errno_message("run " + command[0], number));
  ::_exit(number == ENOENT ? kExitNotFound : kExitCannotRun);
}

Result<int> run_there(const Place& place, const std::vector<std::string>& command) {
  const pid_t child = ::fork();
  if (child < 0) {
    return make_error(Errc::kUnavailable, errno_message("start a process", errno));
  }
  if (child == 0) {
    become(place, command);
  }
  // A terminal's signals are the command's: this process must be there to give the place back.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGQUIT, SIG_IGN);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : kExitBySignal + WTERMSIG(status);
}

}  // namespace

Result<int> run_network(const Context& context, const NetworkOptions& options) {
  TRIVET_TRY(const auto admin, AdminClient::open(context.paths));
  if (!admin) {
    return say_not_running(context);
  }
  json changes = json::object();
  if (!options.host_access.empty()) {
    changes["host_access"] = options.host_access;
  }
  if (options.allow_unenforced) {
    changes["allow_unenforced"] = *options.allow_unenforced;
  }
  if (!changes.empty()) {
    TRIVET_TRY(const std::string changed, admin->network("POST", "/network", changes.dump()));
  }
  for (const std::string& warning : shut_out_clusters(*admin)) {
    say("warning: " + warning);
  }
  TRIVET_TRY(const std::string answer, admin->network("GET", "/network", ""));
  const json read = json::parse(answer, nullptr, false);
  try {
    print(options.json ? read.dump(2) + "\n" : render_network(read));
  } catch (const json::exception& e) {
    return make_error(Errc::kCorrupt, fmt::format("trivetd's answer cannot be read: {}", e.what()));
  }
  return kExitOk;
}

Result<int> run_network_exec(const Context& context, const NetworkExecOptions& options) {
  if (options.command.empty()) {
    return make_error(Errc::kInvalidArgument, "a command is wanted behind --");
  }
  TRIVET_TRY(const auto admin, AdminClient::open(context.paths));
  if (!admin) {
    return say_not_running(context);
  }
  const json wanted = {{"subnet_ids", options.subnets},
                       {"security_group_ids", options.security_groups},
                       {"pid", ::getpid()}};
  TRIVET_TRY(const std::string answer, admin->network("POST", "/network/lease", wanted.dump()));
  TRIVET_TRY(const Place place, parse_place(answer));
  if (place.netns_path.empty()) {
    return make_error(
        Errc::kUnavailable,
        fmt::format("networks are not enforced here: `{}` says why", context.command("network")));
  }
  const auto status = run_there(place, options.command);
  if (!place.id.empty()) {
    const auto released = admin->network("POST", "/network/release", json{{"id", place.id}}.dump());
    if (!released) {
      say("trivet: " + released.error().message);
    }
  }
  return status;
}

}  // namespace trivet::cli
