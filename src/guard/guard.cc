// SPDX-License-Identifier: Apache-2.0
#include "guard/guard.h"

#include <fcntl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <ctime>

#include "base/file.h"

namespace trivet::guard {
namespace {

using guard_wire::KillReason;
using guard_wire::Reply;
using guard_wire::ReplyKind;
using guard_wire::Request;
using guard_wire::State;
using guard_wire::Verb;

// Also runs while the machine sleeps: a serve permission must run out then too.
std::int64_t now_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

[[gnu::format(printf, 1, 2)]] void say(const char* format, ...) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  ::gmtime_r(&now.tv_sec, &parts);
  char line[320];
  std::size_t length = std::strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &parts);
  length += static_cast<std::size_t>(std::snprintf(line + length, sizeof line - length,
                                                   ".%03ldZ guard ", now.tv_nsec / 1'000'000));
  va_list arguments;
  va_start(arguments, format);
  const int more = std::vsnprintf(line + length, sizeof line - length - 1, format, arguments);
  va_end(arguments);
  length += more < 0 ? 0U : static_cast<std::size_t>(more);
  length = length > sizeof line - 2 ? sizeof line - 2 : length;
  line[length++] = '\n';
  [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, line, length);
}

Error failed(const char* what) {
  return make_error(Errc::kInternal, errno_message(what, errno));
}

sigset_t signals_read() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
    ::sigaddset(&set, signal);
  }
  return set;
}

// Root and the guard's own user. The socket's folder keeps others out already; this is the second
// lock.
bool may_command(int fd) {
  ucred peer{};
  socklen_t length = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
         (peer.uid == 0 || peer.uid == ::geteuid());
}

}  // namespace

Status block_signals() {
  const sigset_t set = signals_read();
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) {
    return failed("sigprocmask");
  }
  ::signal(SIGPIPE, SIG_IGN);
  return ok();
}

Guard::Guard(const GuardSetup& setup) : setup_(setup) {
  status_.guard_pid = ::getpid();
  status_.mysqld_pid = setup.program;
  status_.generation = setup.generation;
  status_.started_ms = now_ms();
}

Status Guard::open() {
  const sigset_t set = signals_read();
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals_ < 0) {
    return failed("signalfd");
  }
  timer_ = ::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
  if (timer_ < 0) {
    return failed("timerfd_create");
  }
  TRIVET_TRY(const std::string boot_id, read_file("/proc/sys/kernel/random/boot_id"));
  if (const auto bytes = guard_wire::parse_boot_id(std::string_view(boot_id).substr(0, 36))) {
    status_.boot_id = *bytes;
  }
  set_permit(setup_.permit_ms);
  return ok();
}

void Guard::run() {
  say("mysqld %d started, generation %llu", static_cast<int>(setup_.program),
      static_cast<unsigned long long>(setup_.generation));
  while (!quitting_) {
    std::array<pollfd, 3 + kClientsMax> polls{};
    polls[0] = {signals_, POLLIN, 0};
    polls[1] = {timer_, POLLIN, 0};
    polls[2] = {setup_.listener, POLLIN, 0};
    for (std::size_t i = 0; i < kClientsMax; ++i) {
      polls[3 + i] = {clients_[i].fd, POLLIN, 0};  // a negative descriptor is passed over
    }
    // No timeout: everything that can happen is a descriptor, the passing of the permission
    // included.
    const int ready = ::poll(polls.data(), polls.size(), -1);
    if (ready < 0) {
      continue;
    }
    if (polls[0].revents != 0) {
      read_signals();
    }
    if (polls[1].revents != 0) {
      permit_ran_out();
    }
    for (std::size_t i = 0; i < kClientsMax; ++i) {
      if (polls[3 + i].revents != 0 && clients_[i].fd == polls[3 + i].fd) {
        read_client(clients_[i]);
      }
    }
    if (polls[2].revents != 0) {
      accept_client();
    }
  }
  say("guard ends");
}

void Guard::accept_client() {
  const int fd = ::accept4(setup_.listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    return;
  }
  if (!may_command(fd)) {
    say("a client of another user was refused");
    ::close(fd);
    return;
  }
  for (Client& client : clients_) {
    if (client.fd < 0) {
      client = Client{};
      client.fd = fd;
      if (!running()) {
        send(client, ReplyKind::kExited, 0);
      }
      return;
    }
  }
  say("too many clients: one was refused");
  ::close(fd);
}

void Guard::drop(Client& client) {
  ::close(client.fd);
  client.fd = -1;
}

void Guard::read_client(Client& client) {
  const ssize_t n = ::recv(client.fd, client.buffer.data() + client.filled,
                           client.buffer.size() - client.filled, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  if (n <= 0) {
    drop(client);
    return;
  }
  client.filled += static_cast<std::size_t>(n);
  if (client.filled < client.buffer.size()) {
    return;
  }
  client.filled = 0;
  const auto request = guard_wire::decode_request({client.buffer.data(), client.buffer.size()});
  if (!request) {
    say("a client spoke nonsense and was dropped");
    drop(client);
    return;
  }
  handle(client, *request);
}

void Guard::handle(Client& client, const Request& request) {
  switch (request.verb) {
    case Verb::kStatus:
      break;
    case Verb::kKill:
      if (running() && client.kill_sequence != 0) {
        send(client, ReplyKind::kRefused, request.sequence);
        return;
      }
      if (running()) {
        client.kill_sequence = request.sequence;
        kill_program(KillReason::kAsked);
        return;
      }
      break;
    case Verb::kTerminate:
      if (running()) {
        say("SIGTERM for mysqld %d, as asked", static_cast<int>(setup_.program));
        ::kill(setup_.program, SIGTERM);
      }
      break;
    case Verb::kPermit:
      set_permit(request.permit_ms);
      break;
    case Verb::kQuit:
      if (running()) {
        send(client, ReplyKind::kRefused, request.sequence);
        return;
      }
      quitting_ = true;
      break;
  }
  send(client, ReplyKind::kDone, request.sequence);
}

void Guard::send(Client& client, ReplyKind kind, std::uint32_t sequence) {
  Reply reply{.kind = kind, .sequence = sequence, .status = status_};
  if (permit_ends_ms_ != guard_wire::kForever) {
    const std::int64_t left = permit_ends_ms_ - now_ms();
    reply.status.permit_left_ms = left < 0 ? 0 : left;
  }
  const auto bytes = guard_wire::encode(reply);
  // A client that does not read for so long that its socket is full is no client.
  if (::send(client.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(bytes.size())) {
    drop(client);
  }
}

void Guard::read_signals() {
  signalfd_siginfo info{};
  while (::read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo == static_cast<std::uint32_t>(SIGCHLD)) {
      reap();
      continue;
    }
    say("signal %u from process %u", info.ssi_signo, info.ssi_pid);
    if (!running()) {
      quitting_ = true;
      continue;
    }
    ending_ = true;
    kill_program(KillReason::kGuardTerminated);
  }
}

void Guard::permit_ran_out() {
  std::uint64_t times = 0;
  if (::read(timer_, &times, sizeof times) == static_cast<ssize_t>(sizeof times) && running()) {
    say("the serve permission ran out");
    kill_program(KillReason::kPermitExpired);
  }
}

void Guard::set_permit(std::int64_t permit_ms) {
  itimerspec timer{};
  if (permit_ms == guard_wire::kForever) {
    permit_ends_ms_ = guard_wire::kForever;
  } else {
    // At most ten years, and not 0, which would disarm the timer instead of firing it.
    constexpr std::int64_t kLongest = 10LL * 365 * 24 * 3600 * 1000;
    const std::int64_t bounded = permit_ms > kLongest ? kLongest : permit_ms;
    permit_ends_ms_ = now_ms() + bounded;
    timer.it_value.tv_sec = bounded / 1000;
    timer.it_value.tv_nsec = bounded == 0 ? 1 : bounded % 1000 * 1'000'000;
  }
  ::timerfd_settime(timer_, 0, &timer, nullptr);
}

void Guard::kill_program(KillReason reason) {
  if (status_.kill_reason == KillReason::kNone) {
    status_.kill_reason = reason;
  }
  // Not reaped yet, so the number is still the program's.
  ::kill(setup_.program, SIGKILL);
}

void Guard::reap() {
  int wait_status = 0;
  if (!running() || ::waitpid(setup_.program, &wait_status, WNOHANG) != setup_.program) {
    return;
  }
  status_.state = State::kExited;
  status_.wait_status = wait_status;
  status_.exited_ms = now_ms();
  for (Client& client : clients_) {
    if (client.fd >= 0) {
      send(client, ReplyKind::kExited, 0);
    }
    if (client.fd >= 0 && client.kill_sequence != 0) {
      send(client, ReplyKind::kDone, client.kill_sequence);
      client.kill_sequence = 0;
    }
  }
  if (WIFSIGNALED(wait_status)) {
    say("mysqld %d was killed by signal %d", static_cast<int>(setup_.program),
        WTERMSIG(wait_status));
  } else {
    say("mysqld %d exited with status %d", static_cast<int>(setup_.program),
        WEXITSTATUS(wait_status));
  }
  quitting_ = quitting_ || ending_;
}

}  // namespace trivet::guard
