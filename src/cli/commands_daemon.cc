// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstddef>
#include <optional>

#include "adapter/engine/engine.h"
#include "base/clock.h"
#include "cli/admin_client.h"
#include "cli/commands.h"
#include "cli/daemon_process.h"
#include "cli/status.h"

namespace trivet::cli {
namespace {

constexpr Millis kPoll{100};
// Waiting is not worth a word before this, and is said again this often.
constexpr Millis kQuiet{1'500};
constexpr Millis kRepeat{10'000};
// A cluster that is available serves; readers that come a moment later are worth a short wait.
constexpr Millis kReaders{20'000};
// From the daemon's promise to end until it has ended.
constexpr Millis kDaemonEnd{30'000};
constexpr std::size_t kLogLines = 20;

// Says on standard error what is waited for: late, when it changes, and now and then.
class WaitReporter {
 public:
  explicit WaitReporter(Instant now) : next_(now + kQuiet) {}

  void report(Instant now, const std::string& line) {
    if (now < next_ || (line == last_ && now < repeat_)) {
      return;
    }
    say(line);
    last_ = line;
    repeat_ = now + kRepeat;
  }

 private:
  Instant next_;
  Instant repeat_{};
  std::string last_;
};

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) {
    out += (out.empty() ? "" : "\n") + line;
  }
  return out;
}

std::string with_line_end(std::string text) {
  if (!text.ends_with('\n')) {
    text += '\n';
  }
  return text;
}

Status ensure_initialised(const Context& context, bool may_initialise) {
  const auto installation = read_installation(context);
  if (installation) {
    return ok();
  }
  if (installation.error().code != Errc::kNotFound) {
    return installation.error();
  }
  if (!may_initialise) {
    return make_error(Errc::kNotFound, installation.error().message +
                                           fmt::format(", or `{}`", context.command("up --init")));
  }
  TRIVET_TRY(const int status, run_daemon_program(context, {"init", "--home", context.paths.home}));
  return status == 0 ? ok()
                     : Status(make_error(Errc::kInternal,
                                         fmt::format("trivetd init ended with {}", status)));
}

// The wait of `trivet up`.
class ReadyWait {
 public:
  ReadyWait(const Context& context, std::optional<DaemonProcess> started, Millis timeout)
      : context_(context), started_(std::move(started)), timeout_(timeout) {}

  // The daemon's status when everything that should serve does.
  Result<std::string> run() {
    const Instant start = clock_.now();
    WaitReporter reporter(start);
    std::optional<Instant> available_since;
    for (Instant now = start; now < start + timeout_; now = clock_.now()) {
      TRIVET_TRY(const std::optional<std::string> told, look());
      if (told) {
        TRIVET_TRY(const DaemonStatus status, parse_status(*told));
        waiting_ = joined(clusters_not_ready(status));
        if (waiting_.empty()) {
          available_since = available_since.value_or(now);
          const std::string members = joined(members_not_ready(status));
          if (members.empty() || now >= *available_since + kReaders) {
            say_what_is_missing(status, members);
            return *told;
          }
          reporter.report(now, members);
        }
      }
      if (!waiting_.empty()) {
        reporter.report(now, waiting_);
      }
      wait_for(kPoll);
    }
    return make_error(Errc::kTimeout,
                      with_log(fmt::format("not ready after {} s: {}\ntrivetd goes on; `{}` shows "
                                           "how it is, and `{}` waits again",
                                           timeout_.count() / 1000, waiting_,
                                           context_.command("status"), context_.command("up"))));
  }

 private:
  // The daemon's status; nullopt when it does not answer yet.
  Result<std::optional<std::string>> look() {
    // Asked first: a daemon that ended because another one was there already is no failure.
    const std::optional<std::string> ended = started_ ? started_->ended() : std::nullopt;
    TRIVET_TRY(const std::optional<AdminClient> admin, AdminClient::open(context_.paths));
    if (admin) {
      auto status = admin->status();
      if (status) {
        return std::optional<std::string>(std::move(*status));
      }
      if (status.error().code != Errc::kUnavailable && status.error().code != Errc::kTimeout) {
        return status.error();
      }
    } else if (ended) {
      return make_error(Errc::kUnavailable, with_log("trivetd did not start: " + *ended));
    }
    waiting_ = "trivetd to answer";
    return std::optional<std::string>();
  }

  static void say_what_is_missing(const DaemonStatus& status, const std::string& members) {
    if (!members.empty()) {
      say("warning: " + members);
    }
    for (const StatusCluster& cluster : status.clusters) {
      if (cluster.status == "failed") {
        say(fmt::format("warning: cluster {} has failed{}", cluster.identifier,
                        cluster.trouble.empty() ? "" : ": " + cluster.trouble));
      }
    }
  }

  std::string with_log(const std::string& message) const {
    const std::string lines = started_ ? started_->last_log_lines(kLogLines) : "";
    return lines.empty()
               ? fmt::format("{}\nlog: {}", message, context_.paths.log())
               : fmt::format("{}\nthe end of {}:\n{}", message, context_.paths.log(), lines);
  }

  const Context& context_;
  std::optional<DaemonProcess> started_;
  Millis timeout_;
  SystemClock clock_;
  std::string waiting_;
};

Status stop_daemon(const Context& context, const AdminClient& admin, bool with_members) {
  const Watched daemon(admin.pid());
  const Status stopped = admin.stop(with_members);
  // It may end while it answers.
  if (!stopped && (stopped.error().code != Errc::kUnavailable || !daemon.wait_for_end(kPoll))) {
    return stopped.error();
  }
  if (!daemon.wait_for_end(kDaemonEnd)) {
    return make_error(Errc::kTimeout,
                      fmt::format("trivetd (process {}) has stopped serving but has not ended "
                                  "after {} s: see {}",
                                  admin.pid(), kDaemonEnd.count() / 1000, context.paths.log()));
  }
  return ok();
}

}  // namespace

Result<int> run_init(const Context& context, const InitOptions& options) {
  if (read_installation(context)) {
    return make_error(Errc::kAlreadyExists,
                      fmt::format("{} is initialised already: `{}` starts it, --home names another",
                                  context.paths.home, context.command("up")));
  }
  TRIVET_CHECK_OK(check_daemon_program(context));
  std::vector<std::string> argv = {context.daemon_program(), "init", "--home", context.paths.home};
  argv.insert(argv.end(), options.arguments.begin(), options.arguments.end());
  return become(argv);
}

Result<int> run_up(const Context& context, const UpOptions& options) {
  TRIVET_CHECK_OK(ensure_initialised(context, options.init));
  TRIVET_TRY(const Installation installation, read_installation(context));
  TRIVET_TRY(const std::optional<AdminClient> running, AdminClient::open(context.paths));
  std::optional<DaemonProcess> started;
  if (!running) {
    TRIVET_TRY(started, DaemonProcess::start(context));
  }
  ReadyWait wait(context, std::move(started), std::chrono::seconds(options.timeout_s));
  TRIVET_TRY(const std::string json, wait.run());
  if (const auto engine = engine::find_mysql(context.paths.home);
      !engine && engine.error().code == Errc::kNotFound) {
    say(fmt::format("note: no MySQL is installed yet: `{}`",
                    context.command("engine install mysql")));
  }
  if (options.json) {
    print(with_line_end(json));
    return kExitOk;
  }
  TRIVET_TRY(const DaemonStatus status, parse_status(json));
  const std::size_t count = status.clusters.size();
  print(fmt::format("Trivet {}: API {}, {} cluster{}\n", running ? "was up" : "is up",
                    installation.endpoint_url(), count, count == 1 ? "" : "s"));
  return kExitOk;
}

Result<int> run_down(const Context& context, const DownOptions& options) {
  TRIVET_TRY(const std::optional<AdminClient> admin, AdminClient::open(context.paths));
  if (!admin) {
    const std::size_t guards = running_guards(context.paths).size();
    if (guards != 0 && !options.keep_members) {
      return make_error(
          Errc::kUnavailable,
          fmt::format(
              "trivetd is not running, but {} database server{} of {} still {} under guards of "
              "their own: `{}` takes them back, `{}` stops them then",
              guards, guards == 1 ? "" : "s", context.paths.home, guards == 1 ? "runs" : "run",
              context.command("up"), context.command("down")));
    }
    TRIVET_TRY([[maybe_unused]] const Installation known, read_installation(context));
    say(fmt::format("trivetd was not running for {}", context.paths.home));
    return kExitOk;
  }
  TRIVET_CHECK_OK(stop_daemon(context, *admin, !options.keep_members));
  print(options.keep_members ? "Trivet is down; the database servers go on\n" : "Trivet is down\n");
  return kExitOk;
}

Result<int> run_rotate_key(const Context& context, const RotateKeyOptions&) {
  TRIVET_TRY(const std::optional<AdminClient> admin, AdminClient::open(context.paths));
  if (admin) {
    TRIVET_CHECK_OK(admin->rotate_key());
  } else {
    TRIVET_TRY(const int status,
               run_daemon_program(context, {"rotate-key", "--home", context.paths.home}));
    if (status != 0) {
      return kExitFailed;
    }
  }
  print("All secrets are sealed under a new key; temporary credentials made before are over\n");
  return kExitOk;
}

Result<int> run_status(const Context& context, const StatusOptions& options) {
  TRIVET_TRY(const std::optional<AdminClient> admin, AdminClient::open(context.paths));
  if (!admin) {
    if (options.json) {
      print(with_line_end(std::string(kNotRunningJson)));
      return kExitNotRunning;
    }
    return say_not_running(context);
  }
  TRIVET_TRY(const std::string json, admin->status());
  if (options.json) {
    print(with_line_end(json));
    return kExitOk;
  }
  TRIVET_TRY(const DaemonStatus status, parse_status(json));
  print(render_status(status));
  return kExitOk;
}

}  // namespace trivet::cli
