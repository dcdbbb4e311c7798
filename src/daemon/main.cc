// SPDX-License-Identifier: Apache-2.0
//
// trivetd: `trivetd init` makes a home, `trivetd run` serves it until SIGTERM or SIGINT. Ending it
// leaves the databases running under their guards.

#include <fmt/format.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>

#include "adapter/process/core_dumps.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/initialise.h"
#include "daemon/sealing_key.h"
#include "service/failpoints.h"

namespace trivet::daemon {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string own_folder() {
  char path[PATH_MAX];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  const std::string self(path, n > 0 ? static_cast<std::size_t>(n) : 0);
  return self.substr(0, self.rfind('/'));
}

constexpr int kExitUsage = 2;

int fail(const Error& error) {
  fmt::print(stderr, "trivetd: {}\n", error.message);
  return error.code == Errc::kInvalidArgument ? kExitUsage : 1;
}

struct InitOptions {
  Installation wanted;
  std::string api_address = "127.0.0.1:4566";
  std::string hosts = "auto";
  bool json = false;
};

int run_init(const HomePaths& paths, InitOptions options) {
  Installation& wanted = options.wanted;
  const auto colon = options.api_address.rfind(':');
  const std::string port = colon == std::string::npos ? "" : options.api_address.substr(colon + 1);
  const long number = std::strtol(port.c_str(), nullptr, 10);
  if (number < 1 || number > 65'535) {
    return fail(make_error(Errc::kInvalidArgument, "--api-address must be HOST:PORT"));
  }
  wanted.api_host = options.api_address.substr(0, colon);
  wanted.api_port = static_cast<std::uint16_t>(number);
  if (wanted.realm.availability_zones.empty()) {
    for (const char* letter : {"a", "b", "c"}) {
      wanted.realm.availability_zones.push_back(wanted.realm.region + letter);
    }
  }
  wanted.hosts_file = options.hosts == "yes"  ? HostsFileUse::kYes
                      : options.hosts == "no" ? HostsFileUse::kNo
                                              : HostsFileUse::kAuto;
  const auto made = initialise(paths, wanted);
  if (!made) {
    return fail(made.error());
  }
  const Installation& i = made->installation;
  if (options.json) {
    fmt::print(
        "{{\"home\":\"{}\",\"account_id\":\"{}\",\"region\":\"{}\",\"endpoint_url\":\"{}\","
        "\"ca_bundle\":\"{}\",\"access_key_id\":\"{}\",\"secret_access_key\":\"{}\"}}\n",
        paths.home, i.realm.account.str(), i.realm.region, i.endpoint_url(), paths.ca_bundle(),
        made->root_access_key_id, made->root_secret_access_key.reveal());
    return 0;
  }
  fmt::print(
      "Home            {}\n"
      "Account         {}\n"
      "Region          {}\n"
      "API             {}\n"
      "CA bundle       {}\n"
      "Root access key, shown this once and kept nowhere in clear:\n"
      "  AWS_ACCESS_KEY_ID={}\n"
      "  AWS_SECRET_ACCESS_KEY={}\n",
      paths.home, i.realm.account.str(), i.realm.region, i.endpoint_url(), paths.ca_bundle(),
      made->root_access_key_id, made->root_secret_access_key.reveal());
  return 0;
}

int run_daemon(const HomePaths& paths, const LogOptions& log_options) {
  if (!configure_log(log_options)) {
    return fail(make_error(Errc::kDenied, "cannot write the log " + log_options.file));
  }
  service::announce_failpoints();
  // Each client of an endpoint takes two descriptors.
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  // Before any thread is made, so that all threads leave these signals to sigwait below.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  ::umask(077);

  Daemon daemon({paths, own_folder(), [] { ::kill(::getpid(), SIGTERM); }});
  const Status started = daemon.start();
  if (!started) {
    log(Level::kError, "daemon.failed", {{"error", started.error().message}});
    return log_options.file.empty() ? 1 : fail(started.error());
  }
  int signal = 0;
  sigwait(&ending, &signal);
  log(Level::kInfo, "daemon.stopping", {{"signal", signal}});
  daemon.stop();
  log(Level::kInfo, "daemon.stopped");
  return 0;
}

int run_rotate_key(const HomePaths& paths) {
  const Status replaced = replace_sealing_key_offline(paths);
  return replaced ? 0 : fail(replaced.error());
}

}  // namespace

int run(int argc, char** argv) {
  CLI::App app("Trivet's daemon: Amazon RDS Multi-AZ DB clusters on this machine");
  app.require_subcommand(1);
  HomePaths paths{default_home(environment("TRIVET_HOME"), ::geteuid() == 0, environment("HOME"))};
  app.add_option("--home", paths.home, "The installation's data directory")->envname("TRIVET_HOME");
  app.fallthrough();

  InitOptions init;
  std::string account = "123456789012";
  CLI::App* init_command = app.add_subcommand("init", "Make a home");
  init_command->add_option("--account-id", account, "12 digits")->capture_default_str();
  init_command->add_option("--region", init.wanted.realm.region)->capture_default_str();
  init_command->add_option("--az", init.wanted.realm.availability_zones,
                           "An Availability Zone; three times (default: REGIONa, b, c)");
  init_command->add_option("--domain", init.wanted.endpoint_domain, "Endpoint names end in it")
      ->capture_default_str();
  init_command->add_option("--api-address", init.api_address, "Where the API listens")
      ->capture_default_str();
  init_command
      ->add_option("--address-prefix", init.wanted.address_prefix,
                   "127.N: endpoints get addresses of this /16")
      ->capture_default_str();
  init_command->add_option("--hosts", init.hosts, "Keep endpoint names in /etc/hosts")
      ->check(CLI::IsMember({"auto", "yes", "no"}))
      ->capture_default_str();
  init_command->add_flag("--json", init.json);

  LogOptions log_options;
  CLI::App* run_command = app.add_subcommand("run", "Serve the home, in the foreground");
  run_command->add_flag("--log-json", log_options.json, "One JSON object a line");
  run_command->add_flag_callback(
      "--log-debug", [&log_options] { log_options.least = Level::kDebug; },
      "Also each step of a failover with its time");
  run_command->add_option("--log-file", log_options.file, "Instead of standard error");
  CLI::App* rotate_command = app.add_subcommand(
      "rotate-key", "Replace the key that secrets are sealed under, while no daemon runs");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kExitUsage;
  }
  // Keys and passwords are in this memory.
  process::forbid_core_dumps();
  init.wanted.realm.account = AccountId(account);
  if (rotate_command->parsed()) {
    return run_rotate_key(paths);
  }
  return init_command->parsed() ? run_init(paths, std::move(init)) : run_daemon(paths, log_options);
}

}  // namespace trivet::daemon

int main(int argc, char** argv) {
  try {
    return trivet::daemon::run(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "trivetd: {}\n", e.what());
    return 1;
  }
}
