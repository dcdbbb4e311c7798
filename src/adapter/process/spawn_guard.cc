// SPDX-License-Identifier: Apache-2.0
#include "adapter/process/spawn_guard.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>

#include "adapter/process/core_dumps.h"
#include "base/file.h"

extern char** environ;

namespace trivet::process {
namespace {

// As trivet-guard's exit statuses say it (guard/startup.h).
constexpr int kExitHeld = 3;

std::vector<std::string> arguments_of(const GuardSpec& spec) {
  std::vector<std::string> out = {spec.guard_binary, "--socket", spec.socket, "--pid-file",
                                  spec.pid_file,     "--log",    spec.log};
  const auto add = [&out](std::string name, std::string value) {
    out.push_back(std::move(name));
    out.push_back(std::move(value));
  };
  if (!spec.output.empty()) {
    add("--output", spec.output);
  }
  if (spec.user) {
    add("--uid", std::to_string(spec.user->first));
    add("--gid", std::to_string(spec.user->second));
  }
  add("--generation", std::to_string(spec.generation));
  if (spec.permit) {
    add("--permit-ms", std::to_string(spec.permit->count()));
  }
  for (const std::string& variable : spec.environment) {
    add("--env", variable);
  }
  out.emplace_back("--");
  out.insert(out.end(), spec.command.begin(), spec.command.end());
  return out;
}

// Starts the short-lived first process of a guard with its standard error in `write_end`.
Result<pid_t> spawn(const GuardSpec& spec, int write_end) {
  const std::vector<std::string> arguments = arguments_of(spec);
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) {
    pointers.push_back(const_cast<char*>(argument.c_str()));
  }
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, write_end, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, write_end, STDERR_FILENO);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  // A group of its own, so that the daemon's Ctrl-C in a terminal does not reach it.
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  pid_t pid = 0;
  const CoreLimitForChildren as_without_us;
  const int number = ::posix_spawn(&pid, spec.guard_binary.c_str(), &actions, &attributes,
                                   pointers.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (number != 0) {
    return make_error(Errc::kInternal, errno_message("start " + spec.guard_binary, number));
  }
  return pid;
}

// Everything written until the end, or kTimeout.
Result<std::string> read_to_end(int fd, Millis deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  std::string text;
  for (;;) {
    const auto left = std::chrono::ceil<Millis>(until - std::chrono::steady_clock::now()).count();
    pollfd readable{fd, POLLIN, 0};
    const int ready = left > 0 ? ::poll(&readable, 1, static_cast<int>(left)) : 0;
    if (ready < 0 && errno == EINTR) {
      continue;
    }
    if (ready <= 0) {
      return make_error(Errc::kTimeout, "the guard did not come up within the deadline");
    }
    char buffer[1024];
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n <= 0) {
      return text;
    }
    text.append(buffer, static_cast<std::size_t>(n));
  }
}

}  // namespace

Result<GuardStatus> spawn_guard(const GuardSpec& spec, Millis deadline) {
  int pipes[2];
  if (::pipe2(pipes, O_CLOEXEC) != 0) {
    return make_error(Errc::kInternal, errno_message("pipe", errno));
  }
  const OwnedFd read_end(pipes[0]);
  OwnedFd write_end(pipes[1]);
  TRIVET_TRY(const pid_t pid, spawn(spec, write_end.get()));
  write_end = OwnedFd();
  Result<std::string> message = read_to_end(read_end.get(), deadline);
  if (!message) {
    ::kill(pid, SIGKILL);
  }
  int wait_status = 0;
  pid_t reaped = 0;
  do {
    reaped = ::waitpid(pid, &wait_status, 0);
  } while (reaped < 0 && errno == EINTR);
  if (!message) {
    return message.error();
  }
  if (reaped != pid || !WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0) {
    const bool held = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == kExitHeld;
    while (!message->empty() && message->back() == '\n') {
      message->pop_back();
    }
    return make_error(held ? Errc::kAlreadyExists : Errc::kInternal, *message);
  }
  TRIVET_TRY(GuardClient client, GuardClient::connect(spec.socket, deadline));
  return client.status(deadline);
}

}  // namespace trivet::process
