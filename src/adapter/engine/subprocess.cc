// SPDX-License-Identifier: Apache-2.0
#include "adapter/engine/subprocess.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "base/clock.h"
#include "base/file.h"

extern char** environ;

namespace trivet::engine {
namespace {

constexpr std::size_t kMostKept = std::size_t{4} << 20;
// After the program ended, something that it left behind may still hold its output open.
constexpr Millis kDrainTime{200};

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return make_error(Errc::kInternal, errno_message("pipe", errno));
  }
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

// The whole input in an anonymous file, so that feeding the program cannot block us.
Result<Fd> input_file(const std::string& text) {
  if (text.empty()) {
    Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!null.is_open()) {
      return make_error(Errc::kInternal, errno_message("open /dev/null", errno));
    }
    return null;
  }
  Fd file(::memfd_create("input", MFD_CLOEXEC));
  if (!file.is_open() ||
      ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::lseek(file.get(), 0, SEEK_SET) != 0) {
    return make_error(Errc::kInternal, errno_message("keep a program's input", errno));
  }
  return file;
}

std::vector<std::string> merged_environment(const std::vector<std::string>& changes) {
  std::vector<std::string> all = changes;
  all.emplace_back("LC_ALL=C");
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
    const std::string_view one(*at);
    const std::string_view name = one.substr(0, one.find('=') + 1);
    const bool changed = std::any_of(all.begin(), all.end(), [&](const std::string& other) {
      return std::string_view(other).substr(0, name.size()) == name;
    });
    if (!changed) {
      all.emplace_back(one);
    }
  }
  return all;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const std::string& text : texts) {
    out.push_back(const_cast<char*>(text.c_str()));
  }
  out.push_back(nullptr);
  return out;
}

// Everything the new process needs, made before fork: between fork and exec of a process with
// threads only async-signal-safe calls are allowed.
struct Launch {
  const Command& command;
  std::vector<char*> argv;
  std::vector<char*> envp;
  int in;
  int out;
  int err;
  int report;  // close-on-exec: gets errno when exec does not happen
  pid_t parent;
};

[[noreturn]] void give_up(int report) {
  const int number = errno;
  static_cast<void>(!::write(report, &number, sizeof number));
  ::_exit(127);
}

[[noreturn]] void become(const Launch& launch) {
  ::setpgid(0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGQUIT}) {
    ::signal(number, SIG_DFL);
  }
  if (::dup2(launch.in, 0) < 0 || ::dup2(launch.out, 1) < 0 || ::dup2(launch.err, 2) < 0) {
    give_up(launch.report);
  }
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  if (const auto& run_as = launch.command.run_as) {
    if (::setgroups(0, nullptr) != 0 || ::setgid(run_as->gid) != 0 || ::setuid(run_as->uid) != 0) {
      give_up(launch.report);
    }
  }
  if (!launch.command.folder.empty() && ::chdir(launch.command.folder.c_str()) != 0) {
    give_up(launch.report);
  }
  // After setuid, which clears it. The parent may be gone already.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != launch.parent) {
    ::_exit(127);
  }
  ::execvpe(launch.argv[0], launch.argv.data(), launch.envp.data());
  give_up(launch.report);
}

struct Started {
  pid_t pid;
  Fd pidfd;
};

Result<Started> launch_process(const Command& command, int in, int out, int err) {
  if (command.argv.empty()) {
    return make_error(Errc::kInvalidArgument, "no program to run");
  }
  TRIVET_TRY(Pipe report, make_pipe());
  const std::vector<std::string> environment = merged_environment(command.environment);
  const Launch launch{
      command,   pointers(command.argv), pointers(environment), in, out, err, report.write.get(),
      ::getpid()};
  const pid_t pid = ::fork();
  if (pid < 0) {
    return make_error(Errc::kInternal, errno_message("fork", errno));
  }
  if (pid == 0) {
    become(launch);
  }
  ::setpgid(pid, pid);
  report.write.close();
  int number = 0;
  ssize_t got = 0;
  do {
    got = ::read(report.read.get(), &number, sizeof number);
  } while (got < 0 && errno == EINTR);
  if (got == static_cast<ssize_t>(sizeof number)) {
    ::waitpid(pid, nullptr, 0);
    return make_error(number == ENOENT ? Errc::kNotFound : Errc::kInternal,
                      errno_message(fmt::format("run {}", command.argv[0]), number));
  }
  // Not <sys/pidfd.h>: glibc 2.36 declares it without C linkage.
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.is_open()) {
    const int why = errno;
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return make_error(Errc::kInternal, errno_message("pidfd_open", why));
  }
  return Started{pid, std::move(pidfd)};
}

int poll_ms(Instant now, Instant until) {
  const auto left = std::chrono::ceil<Millis>(until - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
}

// One stream of the program's output.
class Stream {
 public:
  Stream(Fd fd, std::string& kept, const std::function<void(std::string_view)>& on_line)
      : fd_(std::move(fd)), kept_(kept), on_line_(on_line) {
    ::fcntl(fd_.get(), F_SETFL, O_NONBLOCK);
  }
  int fd() const { return fd_.get(); }

  // Takes what is there; closes at the end of the stream.
  void take() {
    char buffer[65536];
    const ssize_t n = ::read(fd_.get(), buffer, sizeof buffer);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
      return;
    }
    if (n <= 0) {
      finish();
      return;
    }
    const std::string_view piece(buffer, static_cast<std::size_t>(n));
    kept_ += piece;
    if (kept_.size() > 2 * kMostKept) {
      kept_.erase(0, kept_.size() - kMostKept);
    }
    if (on_line_) {
      line_ += piece;
      give_lines();
    }
  }

  void finish() {
    fd_.close();
    if (!line_.empty()) {
      on_line_(std::exchange(line_, {}));
    }
  }

 private:
  void give_lines() {
    std::size_t at = 0;
    for (std::size_t end = line_.find('\n'); end != std::string::npos; end = line_.find('\n', at)) {
      on_line_(std::string_view(line_).substr(at, end - at));
      at = end + 1;
    }
    line_.erase(0, at);
    if (line_.size() > kMostKept) {
      line_.clear();
    }
  }

  Fd fd_;
  std::string& kept_;
  const std::function<void(std::string_view)>& on_line_;
  std::string line_;
};

// Until both streams are closed, or the program has ended and its output is drained, or the time is
// over.
void collect(const Started& started, Stream& out, Stream& err, Outcome& outcome, Millis timeout) {
  const SystemClock clock;
  Instant until = clock.now() + timeout;
  bool ended = false;
  while (out.fd() >= 0 || err.fd() >= 0 || !ended) {
    pollfd waits[3] = {{out.fd(), POLLIN, 0},
                       {err.fd(), POLLIN, 0},
                       {ended ? -1 : started.pidfd.get(), POLLIN, 0}};
    const int ready = ::poll(waits, 3, poll_ms(clock.now(), until));
    if (ready == 0 || (ready < 0 && errno != EINTR)) {
      outcome.timed_out = !ended;
      break;
    }
    if (ready < 0) {
      continue;
    }
    if (waits[0].revents != 0) {
      out.take();
    }
    if (waits[1].revents != 0) {
      err.take();
    }
    if (waits[2].revents != 0) {
      ended = true;
      until = std::min(until, clock.now() + kDrainTime);
    }
  }
  out.finish();
  err.finish();
}

void set_result(Outcome& outcome, int status) {
  if (WIFEXITED(status)) {
    outcome.exit_code = WEXITSTATUS(status);
  } else {
    outcome.signal = WTERMSIG(status);
  }
}

}  // namespace

std::string Outcome::why() const {
  std::string out_text = fmt::format("exit code {}", exit_code);
  if (timed_out) {
    out_text = "it took too long";
  } else if (signal != 0) {
    out_text = fmt::format("killed by signal {}", signal);
  }
  std::string_view text = err.empty() ? out : err;
  while (!text.empty() && text.back() == '\n') {
    text.remove_suffix(1);
  }
  constexpr std::size_t kMostShown = 600;
  if (text.size() > kMostShown) {
    text.remove_prefix(text.size() - kMostShown);
    text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
  }
  return text.empty() ? out_text : fmt::format("{}: {}", out_text, text);
}

Result<Outcome> run(const Command& command) {
  TRIVET_TRY(const Fd in, input_file(command.input));
  TRIVET_TRY(Pipe out, make_pipe());
  TRIVET_TRY(Pipe err, make_pipe());
  TRIVET_TRY(const Started started,
             launch_process(command, in.get(), out.write.get(), err.write.get()));
  out.write.close();
  err.write.close();
  Outcome outcome;
  const std::function<void(std::string_view)> no_lines;
  Stream out_stream(std::move(out.read), outcome.out, command.on_line);
  Stream err_stream(std::move(err.read), outcome.err, no_lines);
  collect(started, out_stream, err_stream, outcome, command.timeout);
  // Its helpers too, whether it ended or not.
  ::kill(-started.pid, SIGKILL);
  int status = 0;
  while (::waitpid(started.pid, &status, 0) < 0 && errno == EINTR) {
  }
  set_result(outcome, status);
  return outcome;
}

Result<Outcome> run_checked(const Command& command, std::string_view what) {
  TRIVET_TRY(Outcome outcome, run(command));
  if (!outcome.succeeded()) {
    return make_error(outcome.timed_out ? Errc::kTimeout : Errc::kUnavailable,
                      fmt::format("{}: {}", what, outcome.why()));
  }
  return outcome;
}

Status run_to_success(const Command& command, std::string_view what) {
  const Result<Outcome> outcome = run_checked(command, what);
  return outcome ? ok() : Status(outcome.error());
}

Result<Child> Child::start(const Command& command, const std::string& log_path) {
  TRIVET_TRY(const Fd in, input_file(command.input));
  const Fd log(::open(log_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!log.is_open()) {
    return make_error(Errc::kInternal, errno_message(fmt::format("create {}", log_path), errno));
  }
  TRIVET_TRY(Started started, launch_process(command, in.get(), log.get(), log.get()));
  return Child(started.pid, std::move(started.pidfd));
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      status_(std::exchange(other.status_, std::nullopt)) {}

Child::~Child() {
  if (pid_ > 0 && !status_) {
    ::kill(-pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }
}

void Child::signal(int number) const {
  if (pid_ > 0 && !status_) {
    ::kill(pid_, number);
  }
}

std::optional<int> Child::wait(Millis timeout) {
  if (status_ || pid_ <= 0) {
    return status_;
  }
  const SystemClock clock;
  const Instant until = clock.now() + timeout;
  for (;;) {
    pollfd wait{pidfd_.get(), POLLIN, 0};
    const int ready = ::poll(&wait, 1, poll_ms(clock.now(), until));
    if (ready < 0 && errno == EINTR) {
      continue;
    }
    if (ready <= 0) {
      return std::nullopt;
    }
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      status_ = status;
    }
    return status_;
  }
}

}  // namespace trivet::engine
