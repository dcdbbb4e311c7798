// SPDX-License-Identifier: GPL-2.0-only
#include "daemon_exchange.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <mutex>
#include <utility>

namespace trivet_plugin {
namespace {

using trivet::wire::kFramePrefixBytes;
using trivet::wire::TokenRequest;
using trivet::wire::TokenResponse;

constexpr std::int64_t kLoadPatienceMs = 500;
constexpr std::int64_t kRetryPauseMs = 50;  // a daemon that starts is back within a few of these
constexpr std::int64_t kKillCheckMs = 100;  // how often a waiting login looks whether it was killed
// As many logins as a machine's processors can be busy with; the others make their own connection.
constexpr std::size_t kKeptMax = 16;

// Written once by set_daemon_address(), before the first login.
sockaddr_un daemon_address{};
bool has_address = false;

std::int64_t monotonic_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// Closes its descriptor at the end of the scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Connections to the daemon that no login uses: each had its last answer whole and nothing after.
class KeptConnections {
 public:
  // -1: none.
  int take() {
    const std::lock_guard lock(mutex_);
    return count_ == 0 ? -1 : fds_[--count_];
  }
  void keep(Descriptor& daemon) {
    const std::lock_guard lock(mutex_);
    if (count_ < fds_.size()) {
      fds_[count_++] = daemon.release();
    }
  }
  void close_all() {
    const std::lock_guard lock(mutex_);
    while (count_ > 0) {
      close(fds_[--count_]);
    }
  }

 private:
  std::mutex mutex_;
  std::array<int, kKeptMax> fds_{};
  std::size_t count_ = 0;
};

KeptConnections kept;

// Only root and mysqld's own user may see tokens and open accounts.
bool is_trusted(int daemon) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(daemon, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == 0 || peer.uid == geteuid());
}

}  // namespace

const char* describe(Outcome outcome) {
  switch (outcome) {
    case Outcome::kAnswered:
      return "the daemon reports an internal error";
    case Outcome::kTryAgain:
      return "the Trivet daemon is not there (nothing answers at TRIVET_AUTH_SOCKET)";
    case Outcome::kTimeout:
      return "the Trivet daemon did not answer in time (3 seconds for a login)";
    case Outcome::kClientGone:
      return "the client left";
    case Outcome::kOtherProtocol:
      return "the Trivet daemon speaks another version of the protocol";
    case Outcome::kStranger:
      return "TRIVET_AUTH_SOCKET is held by a process of another user";
    case Outcome::kNonsense:
      return "the answer at TRIVET_AUTH_SOCKET is not understood";
    case Outcome::kLocalFault:
      return "TRIVET_AUTH_SOCKET cannot be used (permissions, or no file descriptors left)";
  }
  return "?";
}

bool set_daemon_address(std::string_view path) {
  if (path.size() >= sizeof daemon_address.sun_path) {
    return false;
  }
  daemon_address.sun_family = AF_UNIX;
  std::memcpy(daemon_address.sun_path, path.data(), path.size());
  has_address = true;
  return true;
}

bool has_daemon_address() {
  return has_address;
}

void close_kept_connections() {
  kept.close_all();
}

Outcome ask_versions(trivet::wire::Versions& theirs) {
  Exchange exchange(nullptr, -1, kLoadPatienceMs);
  int connected = -1;
  if (const Outcome outcome = exchange.connect_to_daemon(connected); connected < 0) {
    return outcome;
  }
  Descriptor daemon(connected);
  char question[trivet::wire::kVersionsFrameBytes];
  const std::size_t size = trivet::wire::encode_versions_question({}, question);
  // A new connection has room for these bytes.
  if (send(daemon.get(), question, size, MSG_NOSIGNAL) != static_cast<ssize_t>(size)) {
    return Outcome::kTryAgain;
  }
  std::string_view payload;
  if (const Outcome outcome = exchange.receive_payload(daemon.get(), payload);
      outcome != Outcome::kAnswered) {
    return outcome;
  }
  const auto answer = trivet::wire::decode_versions_answer(payload);
  if (!answer.has_value()) {
    return Outcome::kNonsense;
  }
  theirs = *answer;
  if (!theirs.fit(trivet::wire::kTokenProtocolVersion)) {
    return Outcome::kOtherProtocol;
  }
  kept.keep(daemon);
  return Outcome::kAnswered;
}

Exchange::Exchange(const THD* thd, int client, std::int64_t patience_ms)
    : thd_(thd), client_(client), deadline_(monotonic_ms() + patience_ms) {}

Outcome Exchange::run(const TokenRequest& request, TokenResponse& response) {
  for (;;) {
    const Outcome outcome = attempt(request, response);
    if (outcome != Outcome::kTryAgain) {
      return outcome;
    }
    const std::int64_t left = deadline_ - monotonic_ms();
    if (left <= 0) {
      return Outcome::kTryAgain;
    }
    if (wait(-1, 0, left < kRetryPauseMs ? left : kRetryPauseMs) == Outcome::kClientGone) {
      return Outcome::kClientGone;
    }
  }
}

Outcome Exchange::attempt(const TokenRequest& request, TokenResponse& response) {
  if (Descriptor old(kept.take()); old.get() >= 0) {
    const Outcome outcome = ask(old.get(), request, response);
    if (outcome == Outcome::kAnswered) {
      kept.keep(old);
    }
    if (outcome != Outcome::kTryAgain) {
      return outcome;
    }
    kept.close_all();  // they are of a daemon that is no more
  }
  int connected = -1;
  if (const Outcome outcome = connect_to_daemon(connected); connected < 0) {
    return outcome;
  }
  Descriptor daemon(connected);
  const Outcome outcome = ask(daemon.get(), request, response);
  if (outcome == Outcome::kAnswered) {
    kept.keep(daemon);
  }
  return outcome;
}

Outcome Exchange::connect_to_daemon(int& connected) const {
  Descriptor daemon(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (daemon.get() < 0) {
    return Outcome::kLocalFault;
  }
  // A unix socket connects at once or not at all; EAGAIN is a full queue of waiting connections.
  if (connect(daemon.get(), reinterpret_cast<const sockaddr*>(&daemon_address),
              sizeof daemon_address) != 0) {
    const bool may_come =
        errno == ECONNREFUSED || errno == ENOENT || errno == EAGAIN || errno == EINTR;
    return may_come ? Outcome::kTryAgain : Outcome::kLocalFault;
  }
  if (!is_trusted(daemon.get())) {
    return Outcome::kStranger;
  }
  connected = daemon.release();
  return Outcome::kAnswered;
}

Outcome Exchange::ask(int daemon, const TokenRequest& request, TokenResponse& response) {
  const Outcome sent = send_request(daemon, request);
  return sent == Outcome::kAnswered ? receive_response(daemon, response) : sent;
}

Outcome Exchange::send_request(int daemon, const TokenRequest& request) {
  char head[trivet::wire::kMaxRequestHeadBytes];
  const std::size_t head_size = trivet::wire::encode_request_head(request, head);
  if (head_size == 0) {
    return Outcome::kLocalFault;
  }
  const std::size_t total = head_size + request.token.size();
  std::size_t sent = 0;
  while (sent < total) {
    iovec parts[2];
    msghdr message{};
    message.msg_iov = parts;
    if (sent < head_size) {
      parts[message.msg_iovlen++] = {head + sent, head_size - sent};
    }
    const std::size_t token_sent = sent > head_size ? sent - head_size : 0;
    parts[message.msg_iovlen++] = {const_cast<char*>(request.token.data()) + token_sent,
                                   request.token.size() - token_sent};
    const ssize_t count = sendmsg(daemon, &message, MSG_NOSIGNAL);
    if (count > 0) {
      sent += static_cast<std::size_t>(count);
    } else if (const Outcome next = after_failure(daemon, POLLOUT); next != Outcome::kAnswered) {
      return next;
    }
  }
  return Outcome::kAnswered;
}

Outcome Exchange::receive_response(int daemon, TokenResponse& response) {
  std::string_view payload;
  if (const Outcome outcome = receive_payload(daemon, payload); outcome != Outcome::kAnswered) {
    return outcome;
  }
  if (const auto versions = trivet::wire::decode_versions_answer(payload)) {
    versions_ = *versions;
    return Outcome::kOtherProtocol;
  }
  const auto decoded = trivet::wire::decode_response(payload);
  if (!decoded.has_value()) {
    return Outcome::kNonsense;
  }
  response = *decoded;
  return Outcome::kAnswered;
}

Outcome Exchange::receive_payload(int daemon, std::string_view& payload) {
  std::size_t got = 0;
  std::size_t wanted = kFramePrefixBytes;
  while (got < wanted) {
    // Waiting first: an answer is never there at once.
    if (const Outcome next = wait(daemon, POLLIN, deadline_ - monotonic_ms());
        next != Outcome::kAnswered) {
      return next;
    }
    const ssize_t count = recv(daemon, answer_ + got, sizeof answer_ - got, 0);
    if (count == 0) {
      return Outcome::kTryAgain;
    }
    if (count < 0) {
      if (const Outcome next = after_failure(daemon, POLLIN); next != Outcome::kAnswered) {
        return next;
      }
      continue;
    }
    got += static_cast<std::size_t>(count);
    if (got >= kFramePrefixBytes) {
      const auto size = trivet::wire::decode_frame_size({answer_, kFramePrefixBytes},
                                                        sizeof answer_ - kFramePrefixBytes);
      if (!size.has_value()) {
        return Outcome::kNonsense;
      }
      wanted = kFramePrefixBytes + *size;
    }
  }
  payload = {answer_ + kFramePrefixBytes, got - kFramePrefixBytes};
  return got == wanted ? Outcome::kAnswered : Outcome::kNonsense;
}

// After a call that moved nothing: waits where that helps. kAnswered means "go on".
Outcome Exchange::after_failure(int daemon, short events) {
  if (errno == EINTR) {
    return deadline_ > monotonic_ms() ? Outcome::kAnswered : Outcome::kTimeout;
  }
  if (errno == EPIPE || errno == ECONNRESET) {
    return Outcome::kTryAgain;
  }
  if (errno != EAGAIN) {
    return Outcome::kLocalFault;
  }
  return wait(daemon, events, deadline_ - monotonic_ms());
}

// Waits for events of `daemon` (-1: for the time only). kAnswered: look again. A client that hangs
// up and a connection that is killed end the wait within kKillCheckMs, so mysqld gets its threads
// back when it shuts down. The client's socket is not waited for: that would cost each login more
// than it is worth to the one in a thousand whose client leaves.
Outcome Exchange::wait(int daemon, short events, std::int64_t milliseconds) {
  const std::int64_t until = monotonic_ms() + milliseconds;
  for (std::int64_t left = milliseconds; left > 0; left = until - monotonic_ms()) {
    pollfd watched = {.fd = daemon, .events = events, .revents = 0};
    const int ready =
        poll(&watched, 1, static_cast<int>(left < kKillCheckMs ? left : kKillCheckMs));
    if (ready > 0) {
      return Outcome::kAnswered;
    }
    if (ready < 0 && errno != EINTR) {
      return Outcome::kLocalFault;
    }
    if (is_killed() || has_client_left()) {
      return Outcome::kClientGone;
    }
  }
  return daemon >= 0 ? Outcome::kTimeout : Outcome::kAnswered;
}

bool Exchange::has_client_left() const {
  pollfd client = {.fd = client_, .events = POLLRDHUP, .revents = 0};  // -1 is left out
  return poll(&client, 1, 0) > 0;
}

bool Exchange::is_killed() const {
  return thd_ != nullptr && thd_killed != nullptr && thd_killed(thd_) != 0;
}

}  // namespace trivet_plugin
