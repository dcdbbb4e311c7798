// SPDX-License-Identifier: Apache-2.0
#include "adapter/process/guard_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/file.h"

namespace trivet::process {
namespace {

using guard_wire::Reply;
using guard_wire::ReplyKind;
using guard_wire::Request;
using guard_wire::State;
using guard_wire::Verb;

std::int64_t steady_ms() {
  return std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

OwnedFd& OwnedFd::operator=(OwnedFd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) {
      ::close(fd_);
    }
    fd_ = other.release();
  }
  return *this;
}

OwnedFd::~OwnedFd() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

Result<OwnedFd> connect_to_guard(const std::string& socket_path) {
  sockaddr_un address{};
  if (socket_path.size() >= sizeof address.sun_path) {
    return make_error(Errc::kInvalidArgument,
                      "the path of a guard's socket is too long: " + socket_path);
  }
  OwnedFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.is_open()) {
    return make_error(Errc::kInternal, errno_message("socket", errno));
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size() + 1);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int number = errno;
    const bool nobody = number == ENOENT || number == ECONNREFUSED;
    return make_error(nobody ? Errc::kNotFound : Errc::kUnavailable,
                      errno_message("connect to the guard at " + socket_path, number));
  }
  return fd;
}

Result<GuardClient> GuardClient::connect(const std::string& socket_path, Millis deadline) {
  TRIVET_TRY(OwnedFd fd, connect_to_guard(socket_path));
  GuardClient client(std::move(fd));
  TRIVET_TRY([[maybe_unused]] const GuardStatus status, client.status(deadline));
  return client;
}

Result<Reply> GuardClient::receive(std::int64_t until_ms) {
  while (buffer_.size() < guard_wire::kReplyBytes) {
    const std::int64_t left = until_ms - steady_ms();
    pollfd readable{fd_.get(), POLLIN, 0};
    const int ready = ::poll(&readable, 1, left > 0 ? static_cast<int>(left) : 0);
    if (ready < 0 && errno == EINTR) {
      continue;
    }
    if (ready <= 0) {
      return make_error(Errc::kTimeout, "no answer from the guard within the deadline");
    }
    char bytes[guard_wire::kReplyBytes];
    const ssize_t n = ::recv(fd_.get(), bytes, guard_wire::kReplyBytes - buffer_.size(), 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
      continue;
    }
    if (n <= 0) {
      return make_error(Errc::kUnavailable, "the guard is gone");
    }
    buffer_.append(bytes, static_cast<std::size_t>(n));
  }
  const auto reply = guard_wire::decode_reply(buffer_);
  buffer_.clear();
  if (!reply) {
    return make_error(Errc::kUnavailable, "the guard's answer cannot be read");
  }
  if (reply->kind == ReplyKind::kExited) {
    exited_ = reply->status;
  }
  return *reply;
}

Result<GuardStatus> GuardClient::ask(const Request& request, Millis deadline) {
  const std::int64_t until = steady_ms() + deadline.count();
  Request numbered = request;
  numbered.sequence = ++sequence_ == 0 ? ++sequence_ : sequence_;
  const auto bytes = guard_wire::encode(numbered);
  if (::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(bytes.size())) {
    return make_error(Errc::kUnavailable, "the guard is gone");
  }
  for (;;) {  // ends with the answer or the deadline; other answers are late ones of earlier calls
    TRIVET_TRY(const Reply reply, receive(until));
    if (reply.sequence != numbered.sequence) {
      continue;
    }
    if (reply.kind == ReplyKind::kRefused) {
      return make_error(Errc::kConflict, "the guard refused: mysqld still runs");
    }
    return reply.status;
  }
}

Result<GuardStatus> GuardClient::status(Millis deadline) {
  return ask({.verb = Verb::kStatus}, deadline);
}

Result<GuardStatus> GuardClient::kill(Millis deadline) {
  return ask({.verb = Verb::kKill}, deadline);
}

Result<GuardStatus> GuardClient::terminate(Millis deadline) {
  const std::int64_t until = steady_ms() + deadline.count();
  TRIVET_TRY(const GuardStatus status, ask({.verb = Verb::kTerminate}, deadline));
  if (status.state == State::kExited) {
    return status;
  }
  return wait_exit(Millis(until - steady_ms()));
}

Result<GuardStatus> GuardClient::permit(Millis permit, Millis deadline) {
  TRIVET_ASSERT(permit.count() >= 0);
  return ask({.verb = Verb::kPermit, .permit_ms = permit.count()}, deadline);
}

Result<GuardStatus> GuardClient::permit_forever(Millis deadline) {
  return ask({.verb = Verb::kPermit, .permit_ms = guard_wire::kForever}, deadline);
}

Status GuardClient::quit(Millis deadline) {
  const std::int64_t until = steady_ms() + deadline.count();
  TRIVET_TRY([[maybe_unused]] const GuardStatus status, ask({.verb = Verb::kQuit}, deadline));
  for (;;) {  // until the guard's end closes the connection, or the deadline
    const Result<Reply> reply = receive(until);
    if (!reply) {
      return reply.error().code == Errc::kUnavailable ? ok() : Status(reply.error());
    }
  }
}

Result<GuardStatus> GuardClient::wait_exit(Millis deadline) {
  const std::int64_t until = steady_ms() + deadline.count();
  while (!exited_) {
    TRIVET_TRY([[maybe_unused]] const Reply reply, receive(until));
  }
  return *exited_;
}

}  // namespace trivet::process
