// SPDX-License-Identifier: Apache-2.0
#include "guard/startup.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "base/file.h"

namespace trivet::guard {
namespace {

Error failed(std::string_view what, int number) {
  return make_error(Errc::kInternal, errno_message(what, number));
}

// What kept the child from becoming the program.
struct ChildFailure {
  char step[24];
  int number;
};

[[noreturn]] void child_failed(int report, const char* step) {
  ChildFailure failure{};
  failure.number = errno;
  std::snprintf(failure.step, sizeof failure.step, "%s", step);
  [[maybe_unused]] const ssize_t n = ::write(report, &failure, sizeof failure);
  ::_exit(127);
}

void reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal) {
    if (signal != SIGKILL && signal != SIGSTOP) {
      ::signal(signal, SIG_DFL);
    }
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// What the child needs, made before the fork: it must not allocate.
struct Child {
  const Options& options;
  pid_t guard;
  int report;
  int output;
  char* const* arguments;
  char* const* environment;
};

[[noreturn]] void become_program(const Child& child) {
  const Options& options = child.options;
  if (::setpgid(0, 0) != 0) {
    child_failed(child.report, "setpgid");
  }
  if (options.uid.has_value() && (*options.uid != ::geteuid() || *options.gid != ::getegid())) {
    const gid_t gid = *options.gid;
    if (::setgroups(1, &gid) != 0 || ::setresgid(gid, gid, gid) != 0) {
      child_failed(child.report, "setgid");
    }
    if (::setresuid(*options.uid, *options.uid, *options.uid) != 0) {
      child_failed(child.report, "setuid");
    }
  }
  // After the change of user, which clears it. The guard may have died before the call: look.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
    child_failed(child.report, "prctl");
  }
  if (::getppid() != child.guard) {
    ::_exit(127);
  }
  if (::dup2(child.output, STDOUT_FILENO) < 0 || ::dup2(child.output, STDERR_FILENO) < 0) {
    child_failed(child.report, "dup2");
  }
  ::umask(0027);
  reset_signals();
  ::execve(options.command[0].c_str(), child.arguments, child.environment);
  child_failed(child.report, "execve");
}

// Pointers into `texts`, ended by a null as execve wants it.
std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const std::string& text : texts) {
    out.push_back(const_cast<char*>(text.c_str()));
  }
  out.push_back(nullptr);
  return out;
}

}  // namespace

Status detach(const Options& options, int keep) {
  if (::setsid() < 0) {
    return failed("setsid", errno);
  }
  ::umask(0077);
  const int log = ::open(options.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY, 0600);
  if (log < 0) {
    return failed("open " + options.log, errno);
  }
  const int nothing = ::open("/dev/null", O_RDONLY | O_NOCTTY);
  if (nothing < 0 || ::dup2(nothing, STDIN_FILENO) < 0 || ::dup2(log, STDOUT_FILENO) < 0 ||
      ::dup2(log, STDERR_FILENO) < 0) {
    return failed("redirect", errno);
  }
  const auto kept = static_cast<unsigned>(keep);
  if ((kept > 3 && ::close_range(3, kept - 1, 0) != 0) || ::close_range(kept + 1, ~0U, 0) != 0) {
    return failed("close_range", errno);
  }
  if (::chdir("/") != 0) {
    return failed("chdir /", errno);
  }
  return ok();
}

Result<int> lock_pid_file(const Options& options) {
  const int fd = ::open(options.pid_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return failed("open " + options.pid_file, errno);
  }
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int number = errno;
    ::close(fd);
    if (number == EWOULDBLOCK) {
      return make_error(Errc::kAlreadyExists, "another guard holds " + options.pid_file);
    }
    return failed("flock " + options.pid_file, number);
  }
  return fd;
}

Status write_pids(int pid_file, pid_t program) {
  char text[64];
  const int length = std::snprintf(text, sizeof text, "%d %d\n", ::getpid(), program);
  if (::ftruncate(pid_file, 0) != 0 ||
      ::pwrite(pid_file, text, static_cast<std::size_t>(length), 0) != length) {
    return failed("write the pid file", errno);
  }
  return ok();
}

Result<int> listen_on(const Options& options) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    return failed("socket", errno);
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, options.socket.c_str(), options.socket.size() + 1);
  ::unlink(options.socket.c_str());
  // The umask set by detach() makes it 0600.
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, 8) != 0) {
    const int number = errno;
    ::close(fd);
    return failed("listen on " + options.socket, number);
  }
  return fd;
}

Result<pid_t> start_program(const Options& options) {
  const int output =
      ::open(options.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
  if (output < 0) {
    return failed("open " + options.output, errno);
  }
  if (options.uid.has_value() && ::geteuid() == 0 &&
      ::fchown(output, *options.uid, *options.gid) != 0) {
    ::close(output);
    return failed("chown " + options.output, errno);
  }
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) {
    ::close(output);
    return failed("pipe", errno);
  }
  const std::vector<char*> arguments = pointers(options.command);
  const std::vector<char*> environment = pointers(options.environment);
  const Child child{options, ::getpid(), report[1], output, arguments.data(), environment.data()};
  const pid_t pid = ::fork();
  if (pid == 0) {
    become_program(child);
  }
  const int fork_error = errno;
  ::close(report[1]);
  ::close(output);
  if (pid < 0) {
    ::close(report[0]);
    return failed("fork", fork_error);
  }
  ChildFailure failure{};
  ssize_t n = 0;
  do {
    n = ::read(report[0], &failure, sizeof failure);
  } while (n < 0 && errno == EINTR);
  ::close(report[0]);
  if (n == static_cast<ssize_t>(sizeof failure)) {
    ::waitpid(pid, nullptr, 0);
    return failed(std::string(failure.step) + " " + options.command[0], failure.number);
  }
  return pid;
}

}  // namespace trivet::guard
