// SPDX-License-Identifier: Apache-2.0
#include "cli/daemon_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "base/file.h"

namespace trivet::cli {
namespace {

constexpr std::int64_t kLogBytesMax = 10 * 1024 * 1024;
constexpr int kExitCannotExec = 127;

// A log that has grown long is kept once more under another name. Nobody writes to it now.
void rotate(const std::string& log) {
  struct stat info{};
  if (::stat(log.c_str(), &info) == 0 && info.st_size > kLogBytesMax) {
    ::rename(log.c_str(), (log + ".1").c_str());
  }
}

std::vector<char*> pointers(std::vector<std::string>& argv) {
  std::vector<char*> out;
  for (std::string& argument : argv) {
    out.push_back(argument.data());
  }
  out.push_back(nullptr);
  return out;
}

std::string describe_end(int status) {
  return WIFEXITED(status) ? fmt::format("exit status {}", WEXITSTATUS(status))
                           : fmt::format("signal {}", WTERMSIG(status));
}

// The child's side: only calls that are safe between fork and exec.
[[noreturn]] void exec_detached(const std::vector<char*>& argv, int null_fd, int log_fd) {
  ::setsid();
  ::dup2(null_fd, STDIN_FILENO);
  ::dup2(log_fd, STDOUT_FILENO);
  ::dup2(log_fd, STDERR_FILENO);
  if (::chdir("/") == 0) {
    ::execv(argv[0], argv.data());
  }
  static constexpr char kMessage[] = "trivet: trivetd cannot be started\n";
  [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  ::_exit(kExitCannotExec);
}

}  // namespace

Status check_daemon_program(const Context& context) {
  if (::access(context.daemon_program().c_str(), X_OK) != 0) {
    return make_error(Errc::kNotFound,
                      fmt::format("there is no {}: trivetd belongs beside this program; build it, "
                                  "or start trivet from where it was installed",
                                  context.daemon_program()));
  }
  return ok();
}

Result<DaemonProcess> DaemonProcess::start(const Context& context) {
  TRIVET_CHECK_OK(check_daemon_program(context));
  const std::string log = context.paths.log();
  TRIVET_CHECK_OK(make_folders(context.paths.home + "/log", 0700));
  rotate(log);
  const int log_fd = ::open(log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (log_fd < 0) {
    return make_error(Errc::kDenied, errno_message("open " + log, errno));
  }
  const int null_fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  struct stat info{};
  ::fstat(log_fd, &info);
  std::vector<std::string> argv = {context.daemon_program(), "run", "--home", context.paths.home};
  const std::vector<char*> raw = pointers(argv);
  const pid_t pid = ::fork();
  const int number = errno;
  if (pid == 0) {
    exec_detached(raw, null_fd, log_fd);
  }
  ::close(log_fd);
  ::close(null_fd);
  if (pid < 0) {
    return make_error(Errc::kInternal, errno_message("start trivetd", number));
  }
  return DaemonProcess(pid, log, static_cast<std::uint64_t>(info.st_size));
}

std::optional<std::string> DaemonProcess::ended() {
  int status = 0;
  if (!ended_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    ended_ = describe_end(status);
  }
  return ended_;
}

std::string DaemonProcess::last_log_lines(std::size_t count) const {
  const auto text = read_file(log_);
  if (!text || text->size() <= log_start_) {
    return "";
  }
  return last_lines(std::string_view(*text).substr(log_start_), count);
}

Result<int> run_daemon_program(const Context& context, const std::vector<std::string>& arguments) {
  TRIVET_CHECK_OK(check_daemon_program(context));
  std::vector<std::string> argv = {context.daemon_program()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  const std::vector<char*> raw = pointers(argv);
  std::fflush(stdout);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::execv(raw[0], raw.data());
    ::_exit(kExitCannotExec);
  }
  int status = 0;
  pid_t waited = -1;
  do {
    waited = ::waitpid(pid, &status, 0);
  } while (waited < 0 && errno == EINTR);
  if (pid < 0 || waited < 0) {
    return make_error(Errc::kInternal, errno_message("run trivetd", errno));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : kExitFailed;
}

Error become(const std::vector<std::string>& argv) {
  std::vector<std::string> copy = argv;
  const std::vector<char*> raw = pointers(copy);
  std::fflush(stdout);
  ::execv(raw[0], raw.data());
  return make_error(Errc::kInternal, errno_message("start " + argv[0], errno));
}

Watched::Watched(pid_t pid)
    : fd_(pid > 0 ? static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)) : -1) {}

Watched::~Watched() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

bool Watched::wait_for_end(Millis timeout) const {
  if (fd_ < 0) {
    return true;
  }
  pollfd readable{fd_, POLLIN, 0};
  return ::poll(&readable, 1, static_cast<int>(timeout.count())) == 1;
}

std::vector<pid_t> running_guards(const HomePaths& paths) {
  std::vector<pid_t> out;
  std::error_code error;
  for (const auto& folder : std::filesystem::directory_iterator(paths.run(), error)) {
    const std::string pid_file = folder.path().string() + "/guard.pid";
    const auto text = read_file(pid_file);
    pid_t pid = 0;
    if (!text ||
        std::from_chars(text->data(), text->data() + text->size(), pid).ec != std::errc()) {
      continue;
    }
    // The number may be another process's by now, another home's guard even. A process that has
    // ended has no command line.
    const auto command_line = read_file(fmt::format("/proc/{}/cmdline", pid));
    if (command_line && command_line->find(pid_file) != std::string::npos) {
      out.push_back(pid);
    }
  }
  return out;
}

std::string last_lines(std::string_view text, std::size_t count) {
  while (text.ends_with('\n')) {
    text.remove_suffix(1);
  }
  std::size_t start = text.size();
  for (std::size_t i = 0; i < count && start != 0 && start != std::string_view::npos; ++i) {
    start = text.rfind('\n', start - 1);
  }
  return std::string(start == std::string_view::npos || start == 0 ? text : text.substr(start + 1));
}

}  // namespace trivet::cli
