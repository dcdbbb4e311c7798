// SPDX-License-Identifier: Apache-2.0
#include "adapter/sandbox/launch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/clock.h"
#include "base/file.h"

namespace trivet::sandbox {
namespace {

// Above every number that the new process gives a meaning to.
constexpr int kLowestFd = 10;
constexpr int kOutputBytes = 256 * 1024;

Error launch_error(std::string_view what) {
  return make_error(Errc::kInternal, errno_message(what, errno));
}

Result<Fd> moved_up(Fd fd) {
  Fd up(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kLowestFd));
  if (!up.is_open()) {
    return launch_error("dup");
  }
  return up;
}

Result<Fd> arguments_file(const std::vector<std::string>& arguments) {
  Fd file(::memfd_create("arguments", MFD_CLOEXEC));
  std::string text;
  for (const std::string& argument : arguments) {
    // It would end this argument and begin another one: an option of bubblewrap's, by a variable's
    // value.
    if (argument.find('\0') != std::string::npos) {
      return make_error(Errc::kInvalidArgument, "a variable or path has a NUL in it");
    }
    text += argument;
    text += '\0';
  }
  if (!file.is_open() ||
      ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::lseek(file.get(), 0, SEEK_SET) != 0) {
    return launch_error("keep a sandbox's arguments");
  }
  return moved_up(std::move(file));
}

// What a new sandbox gets, and what stays with us.
struct Ends {
  Fd control;  // ours
  Fd output;   // ours
  Fd its_control;
  Fd its_output;
  Fd arguments;
  Fd seccomp;
};

Result<Ends> make_ends(const LaunchPlan& plan) {
  Ends out;
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    return launch_error("socketpair");
  }
  out.control = Fd(pair[0]);
  TRIVET_TRY(out.its_control, moved_up(Fd(pair[1])));
  if (::pipe2(pair, O_CLOEXEC) != 0) {
    return launch_error("pipe");
  }
  out.output = Fd(pair[0]);
  TRIVET_TRY(out.its_output, moved_up(Fd(pair[1])));
  ::fcntl(out.output.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(out.output.get(), F_SETPIPE_SZ, kOutputBytes);
  if (plan.uid && ::fchown(out.its_output.get(), *plan.uid, *plan.uid) != 0) {
    return launch_error("give a sandbox its output");
  }
  TRIVET_TRY(out.arguments, arguments_file(plan.bubblewrap_arguments));
  // A descriptor with a position of its own.
  const std::string path = fmt::format("/proc/self/fd/{}", plan.seccomp_fd);
  Fd seccomp(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!seccomp.is_open()) {
    return launch_error("open the seccomp filter");
  }
  TRIVET_TRY(out.seccomp, moved_up(std::move(seccomp)));
  return out;
}

Result<pid_t> spawn(const LaunchPlan& plan, const Ends& ends) {
  std::vector<std::string> arguments = {plan.program, "--parent", std::to_string(::getpid())};
  arguments.insert(arguments.end(), plan.arguments.begin(), plan.arguments.end());
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) {
    pointers.push_back(const_cast<char*>(argument.c_str()));
  }
  pointers.push_back(nullptr);
  char* const no_environment[] = {nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, ends.its_output.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, ends.its_output.get(), STDERR_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, ends.its_control.get(), 3);
  ::posix_spawn_file_actions_adddup2(&actions, ends.arguments.get(), 4);
  ::posix_spawn_file_actions_adddup2(&actions, ends.seccomp.get(), 5);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t all;
  ::sigfillset(&all);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  // A group of its own, so that the daemon's Ctrl-C in a terminal does not reach it.
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(
      &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  const int number = ::posix_spawn(&pid, plan.program.c_str(), &actions, &attributes,
                                   pointers.data(), no_environment);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (number != 0) {
    return make_error(Errc::kInternal, errno_message("start " + plan.program, number));
  }
  return pid;
}

struct Message {
  std::string text;  // empty: the other end is closed
  Fd fd;
};

Result<Message> receive(int control, Instant until) {
  const SystemClock clock;
  for (;;) {
    const auto left = std::chrono::ceil<Millis>(until - clock.now()).count();
    pollfd readable{control, POLLIN, 0};
    const int ready = left > 0 ? ::poll(&readable, 1, static_cast<int>(left)) : 0;
    if (ready < 0 && errno == EINTR) {
      continue;
    }
    if (ready <= 0) {
      return make_error(Errc::kTimeout, "the sandbox did not come up within the deadline");
    }
    char text[1024];
    iovec data{text, sizeof text};
    alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = space;
    message.msg_controllen = sizeof space;
    const ssize_t n = ::recvmsg(control, &message, MSG_CMSG_CLOEXEC);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    Message out;
    out.text.assign(text, n > 0 ? static_cast<std::size_t>(n) : 0);
    const cmsghdr* const header = CMSG_FIRSTHDR(&message);
    if (n > 0 && header != nullptr && header->cmsg_type == SCM_RIGHTS) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
      out.fd = Fd(fd);
    }
    return out;
  }
}

// The listening socket; then the end of the control socket, which the exec closes.
Result<Fd> follow(int control, Millis deadline) {
  const Instant until = SystemClock().now() + deadline;
  Fd listening;
  for (;;) {
    TRIVET_TRY(Message message, receive(control, until));
    if (message.text.empty()) {
      break;
    }
    if (message.text.front() == 'E') {
      return make_error(Errc::kInternal, "make a sandbox: " + message.text.substr(1));
    }
    listening = std::move(message.fd);
  }
  if (!listening.is_open()) {
    return make_error(Errc::kInternal, "the sandbox ended before it was made");
  }
  return listening;
}

}  // namespace

Result<Launched> launch(const LaunchPlan& plan, Millis deadline) {
  TRIVET_TRY(Ends ends, make_ends(plan));
  TRIVET_TRY(const pid_t pid, spawn(plan, ends));
  Launched out;
  out.pid = pid;
  // Not <sys/pidfd.h>: glibc 2.36 declares it without C linkage.
  out.pidfd = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  Result<Fd> listening =
      out.pidfd.is_open() ? Result<Fd>(Fd()) : Result<Fd>(launch_error("pidfd_open"));
  if (listening) {
    ends.its_control.close();
    ends.its_output.close();
    listening = follow(ends.control.get(), deadline);
  }
  if (!listening) {
    ::kill(pid, SIGKILL);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return listening.error();
  }
  out.listening = std::move(*listening);
  out.output = std::move(ends.output);
  return out;
}

}  // namespace trivet::sandbox
