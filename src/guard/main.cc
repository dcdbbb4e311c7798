// SPDX-License-Identifier: Apache-2.0
//
// trivet-guard: parent of one mysqld. Its starter gets the exit status of a short-lived first
// process, which waits until the guard proper listens and the program runs, or says on standard
// error why not.
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "base/file.h"
#include "guard/guard.h"
#include "guard/options.h"
#include "guard/startup.h"

namespace trivet::guard {
namespace {

// A guard that is not up by then will not be; a loaded disk was never seen to need a tenth of it.
constexpr int kStartDeadlineMs = 10'000;

Result<Guard> start(const Options& options) {
  TRIVET_TRY(const int pid_file, lock_pid_file(options));
  TRIVET_TRY(const int listener, listen_on(options));
  TRIVET_CHECK_OK(block_signals());
  TRIVET_TRY(const pid_t program, start_program(options));
  Guard guard({.listener = listener,
               .program = program,
               .generation = options.generation,
               .permit_ms = options.permit_ms});
  Status ready = guard.open();
  if (ready) {
    ready = write_pids(pid_file, program);
  }
  if (!ready) {
    ::kill(program, SIGKILL);
    return ready.error();
  }
  return guard;
}

// The first byte is the exit status, the rest the message.
void report(int pipe, int status, const std::string& message) {
  const std::string text = static_cast<char>(status) + message;
  [[maybe_unused]] const ssize_t n = ::write(pipe, text.data(), text.size());
  ::close(pipe);
}

int run_guard(const Options& options, int pipe) {
  const Status detached = detach(options, pipe);
  if (!detached) {
    report(pipe, kExitFailed, detached.error().message);
    return kExitFailed;
  }
  ::fcntl(pipe, F_SETFD, FD_CLOEXEC);
  Result<Guard> guard = start(options);
  if (!guard) {
    const int status = guard.error().code == Errc::kAlreadyExists ? kExitHeld : kExitFailed;
    if (status != kExitHeld) {
      ::unlink(options.socket.c_str());
    }
    report(pipe, status, guard.error().message);
    return status;
  }
  report(pipe, 0, "");
  guard->run();
  ::unlink(options.socket.c_str());  // before the lock goes with this process
  return 0;
}

// The starter's side: hands on what the guard proper reports.
int wait_for_guard(int pipe) {
  std::string text;
  for (;;) {
    pollfd readable{pipe, POLLIN, 0};
    const int ready = ::poll(&readable, 1, kStartDeadlineMs);
    if (ready < 0 && errno == EINTR) {
      continue;
    }
    if (ready <= 0) {
      std::fprintf(stderr, "trivet-guard: no answer from the guard after %d ms\n",
                   kStartDeadlineMs);
      return kExitFailed;
    }
    char buffer[512];
    const ssize_t n = ::read(pipe, buffer, sizeof buffer);
    if (n <= 0) {
      break;
    }
    text.append(buffer, static_cast<std::size_t>(n));
  }
  if (text.empty()) {
    std::fprintf(stderr, "trivet-guard: the guard ended before it was ready\n");
    return kExitFailed;
  }
  if (text[0] != 0) {
    std::fprintf(stderr, "trivet-guard: %s\n", text.c_str() + 1);
  }
  return text[0];
}

int guard_main(const std::vector<std::string>& arguments) {
  const auto options = parse_options(arguments);
  if (!options) {
    std::fprintf(stderr, "trivet-guard: %s\n", options.error().message.c_str());
    return kExitUsage;
  }
  int pipes[2];
  if (::pipe(pipes) != 0) {
    std::perror("trivet-guard: pipe");
    return kExitFailed;
  }
  const pid_t pid = ::fork();
  if (pid < 0) {
    std::perror("trivet-guard: fork");
    return kExitFailed;
  }
  if (pid == 0) {
    ::close(pipes[0]);
    return run_guard(*options, pipes[1]);
  }
  ::close(pipes[1]);
  return wait_for_guard(pipes[0]);
}

}  // namespace
}  // namespace trivet::guard

int main(int argc, char** argv) {
  return trivet::guard::guard_main(std::vector<std::string>(argv + 1, argv + argc));
}
