// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "adapter/engine/engine.h"
#include "adapter/engine/template.h"
#include "adapter/runtimes/runtimes.h"
#include "base/file.h"
#include "cli/admin_client.h"
#include "cli/commands.h"
#include "cli/daemon_process.h"
#include "cli/status.h"

namespace trivet::cli {
namespace {

constexpr std::uint64_t kFreeBytesMin = 2ULL * 1024 * 1024 * 1024;

enum class Verdict { kGood, kWarning, kBad };

struct Check {
  std::string name;
  Verdict verdict = Verdict::kGood;
  std::string detail;  // with the cure where there is one
};

Check good(std::string name, std::string detail) {
  return {std::move(name), Verdict::kGood, std::move(detail)};
}
Check warning(std::string name, std::string detail) {
  return {std::move(name), Verdict::kWarning, std::move(detail)};
}
Check bad(std::string name, std::string detail) {
  return {std::move(name), Verdict::kBad, std::move(detail)};
}

Check check_programs(const Context& context) {
  for (const char* program : {"trivetd", "trivet-guard", "trivet-sandbox"}) {
    const std::string path = context.program_folder + "/" + program;
    if (::access(path.c_str(), X_OK) != 0) {
      return bad("programs", fmt::format("there is no {}", path));
    }
  }
  return good("programs", context.program_folder);
}

Check check_engine(const Context& context) {
  const auto engine = engine::find_mysql(context.paths.home);
  if (!engine) {
    return bad("engine", engine.error().code == Errc::kNotFound
                             ? fmt::format("no MySQL 9.7 in {}: run `{}`", context.paths.home,
                                           context.command("engine install mysql"))
                             : engine.error().message);
  }
  return good("engine",
              fmt::format("{} {}{}", engine->manifest.engine, engine->manifest.version,
                          engine::has_template(*engine) || !run_as_owner(context.paths.home).empty()
                              ? ""
                              : "; its template is made with the first cluster"));
}

// Functions are no must: without a runtime nobody wants them.
Check check_runtimes(const Context& context) {
  const auto installed = runtimes::list(context.paths.home);
  if (!installed) {
    return bad("runtimes", installed.error().message);
  }
  if (installed->empty()) {
    return good("runtimes", fmt::format("none; functions need one: `{}`",
                                        context.command("runtime install python3.13")));
  }
  std::string names;
  for (const runtimes::Runtime& runtime : *installed) {
    names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", runtime.kind->name,
                         runtime.manifest.version);
  }
  return ::access("/usr/bin/bwrap", X_OK) == 0
             ? good("runtimes", names)
             : bad("runtimes", names +
                                   ", but bubblewrap is not here: install the package "
                                   "bubblewrap");
}

// Of the daemon that runs: what it cannot keep for functions.
Check check_functions(const AdminClient& admin) {
  const auto text = admin.status();
  const auto status = text ? parse_status(*text) : Result<DaemonStatus>(text.error());
  if (!status) {
    return bad("functions", status.error().message);
  }
  if (!status->why_no_functions.empty()) {
    return warning("functions", status->why_no_functions);
  }
  std::string weaker;
  for (const std::string& weakness : status->function_weaknesses) {
    weaker += (weaker.empty() ? "" : "; ") + weakness;
  }
  return weaker.empty() ? good("functions", "in sandboxes with all that they have")
                        : warning("functions", weaker);
}

Check check_disk(const Context& context) {
  std::filesystem::path folder = context.paths.home;
  std::error_code error;
  while (!std::filesystem::exists(folder, error) && folder.has_relative_path()) {
    folder = folder.parent_path();
  }
  struct statvfs info{};
  if (::statvfs(folder.c_str(), &info) != 0) {
    return bad("disk", errno_message("look at " + folder.string(), errno));
  }
  const std::uint64_t bytes = static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
  const std::string text =
      fmt::format("{:.1f} GB free on {}", static_cast<double>(bytes) / 1e9, folder.string());
  return bytes < kFreeBytesMin ? warning("disk", text + ": a cluster needs about 2 GB")
                               : good("disk", text);
}

// errno of bind, 0 when it worked.
int try_bind(const std::string& host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
    return EINVAL;
  }
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return errno;
  }
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  int number = 0;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, 1) != 0) {
    number = errno;
  }
  ::close(fd);
  return number;
}

// Of daemons that this machine runs, the home of one whose installation is `wanted`; empty: none.
std::string home_of_daemon(const std::function<bool(const Installation&)>& wanted) {
  std::error_code error;
  for (const auto& folder : std::filesystem::directory_iterator("/proc", error)) {
    const auto line = read_file(folder.path().string() + "/cmdline");
    const auto words = line ? *line : std::string();
    const std::string_view option("\0--home\0", 8);
    const std::size_t at = words.find(option);
    if (at == std::string::npos || words.find("trivetd") > at) {
      continue;
    }
    const std::string home(words.c_str() + at + option.size());
    const auto config = read_file(HomePaths{home}.config());
    const auto other = config ? decode_installation(*config) : Result<Installation>(config.error());
    if (other && wanted(*other)) {
      return home;
    }
  }
  return "";
}

Check check_api(const Context& context, const Installation& installation, bool is_running) {
  const std::string where = fmt::format("{}:{}", installation.api_host, installation.api_port);
  if (is_running) {
    return good("api", installation.endpoint_url());
  }
  const int number = try_bind(installation.api_host, installation.api_port);
  if (number == 0) {
    return good("api", where + " is free");
  }
  const auto is_there = [&](const Installation& other) {
    return other.api_host == installation.api_host && other.api_port == installation.api_port;
  };
  const std::string holder = number == EADDRINUSE ? home_of_daemon(is_there) : "";
  if (holder == context.paths.home) {
    return good("api", installation.endpoint_url());
  }
  return bad("api", errno_message("listen on " + where, number) +
                        (holder.empty() ? "" : ": trivetd of " + holder + " has it") +
                        "; a home gets another port with `init --api-address HOST:PORT`");
}

Check check_addresses(const Installation& installation) {
  const std::string address = installation.address_prefix + ".0.1";
  if (const int number = try_bind(address, 0); number != 0) {
    return bad("addresses", errno_message("bind " + address, number));
  }
  const std::string network = installation.address_prefix + ".0.0/16";
  const std::string holder = home_of_daemon([&](const Installation& other) {
    return other.address_prefix == installation.address_prefix && other.id != installation.id;
  });
  return holder.empty()
             ? good("addresses", network + " can be used")
             : warning("addresses", network + " is also that of trivetd of " + holder +
                                        ": endpoints of the one may be taken by the other; a home "
                                        "gets others with `init --address-prefix 127.N`");
}

Check check_hosts(const Installation& installation) {
  if (installation.hosts_file == HostsFileUse::kNo) {
    return good("hosts", "endpoints are addresses (initialised with --hosts no)");
  }
  if (::access("/etc/hosts", W_OK) == 0) {
    return good("hosts", "/etc/hosts can be written");
  }
  const std::string text = errno_message("write /etc/hosts", errno);
  return installation.hosts_file == HostsFileUse::kYes
             ? bad("hosts", text + ": the home was initialised with --hosts yes")
             : warning("hosts", text + ": endpoints are addresses without names");
}

Check check_daemon(const Context& context, const Result<std::optional<AdminClient>>& admin) {
  if (!admin) {
    return bad("daemon", admin.error().message);
  }
  if (*admin) {
    const auto status = (*admin)->status();
    return status ? good("daemon", fmt::format("process {}", (*admin)->pid()))
                  : bad("daemon", status.error().message);
  }
  const std::size_t guards = running_guards(context.paths).size();
  return warning("daemon", guards == 0
                               ? fmt::format("not running: `{}`", context.command("up"))
                               : fmt::format("not running, but {} database servers are: `{}`",
                                             guards, context.command("up")));
}

Check check_networks(const Result<std::optional<AdminClient>>& admin) {
  if (admin && *admin) {
    const auto status = (*admin)->status();
    const auto parsed = status ? parse_status(*status) : Result<DaemonStatus>(status.error());
    if (!parsed) {
      return warning("networks", parsed.error().message);
    }
    if (!parsed->network_trouble.empty()) {
      return bad("networks", parsed->network_trouble);
    }
    if (const auto shut_out = shut_out_clusters(**admin); !shut_out.empty()) {
      return warning("networks", fmt::format("{}", fmt::join(shut_out, "; ")));
    }
    return parsed->why_not_enforced.empty()
               ? good("networks", "security groups and routes are enforced")
               : warning("networks", "not enforced: " + parsed->why_not_enforced);
  }
  if (!admin) {
    return warning("networks", "cannot be told without the daemon's answer");
  }
  if (::geteuid() != 0) {
    return warning("networks", "not enforced: that needs root");
  }
  const bool has_tools =
      (::access("/usr/sbin/nft", X_OK) == 0 || ::access("/sbin/nft", X_OK) == 0) &&
      (::access("/usr/sbin/ip", X_OK) == 0 || ::access("/sbin/ip", X_OK) == 0);
  return has_tools ? good("networks", "ip and nft are there")
                   : warning("networks",
                             "not enforced: Debian's packages iproute2 and nftables are missing");
}

std::vector<Check> all_checks(const Context& context) {
  std::vector<Check> out = {check_programs(context), check_engine(context), check_runtimes(context),
                            check_disk(context)};
  const auto installation = read_installation(context);
  if (!installation) {
    out.push_back(bad("home", installation.error().message));
    return out;
  }
  out.push_back(
      good("home", fmt::format("{}, account {}, {}", context.paths.home,
                               installation->realm.account.str(), installation->realm.region)));
  const auto admin = AdminClient::open(context.paths);
  const bool is_running = admin.has_value() && admin->has_value();
  out.push_back(check_api(context, *installation, is_running));
  out.push_back(check_addresses(*installation));
  out.push_back(check_hosts(*installation));
  out.push_back(check_daemon(context, admin));
  out.push_back(check_networks(admin));
  if (is_running) {
    out.push_back(check_functions(**admin));
  }
  return out;
}

std::string_view word(Verdict verdict) {
  switch (verdict) {
    case Verdict::kGood:
      return "ok";
    case Verdict::kWarning:
      return "warning";
    case Verdict::kBad:
      return "bad";
  }
  return "bad";
}

}  // namespace

Result<int> run_doctor(const Context& context, const DoctorOptions& options) {
  nlohmann::ordered_json j = {{"ok", true}, {"checks", nlohmann::ordered_json::array()}};
  std::string text;
  for (const Check& check : all_checks(context)) {
    if (check.verdict == Verdict::kBad) {
      j["ok"] = false;
    }
    j["checks"].push_back(
        {{"name", check.name}, {"verdict", word(check.verdict)}, {"detail", check.detail}});
    text += fmt::format("{:<8} {:<10} {}\n", word(check.verdict), check.name, check.detail);
  }
  print(options.json ? j.dump() + "\n" : text);
  return j["ok"].get<bool>() ? kExitOk : kExitFailed;
}

}  // namespace trivet::cli
