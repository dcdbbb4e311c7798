// SPDX-License-Identifier: Apache-2.0
#include "net/tcp_relay.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace trivet::net {
namespace {

constexpr std::size_t kChunkBytes = 64 * 1024;
// A side that gives without end lets the others of its thread have their turn after this many
// chunks.
constexpr int kChunksAtOnce = 4;

// Bytes are here only between one receive and the send behind it, so one buffer serves a whole
// thread.
thread_local std::array<char, kChunkBytes> chunk;

bool is_try_again(int number) {
  return number == EAGAIN || number == EINTR;
}

// How much was taken, 0 when the socket is full, -1 when it is broken.
ssize_t send_some(int fd, const char* data, std::size_t size) {
  const ssize_t sent = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent < 0 && is_try_again(errno) ? 0 : sent;
}

}  // namespace

TcpRelay::TcpRelay(Poller& poller, Fd client, Fd server, Done done)
    : poller_(poller), done_(std::move(done)) {
  client_.relay = this;
  client_.other = &server_;
  client_.fd = std::move(client);
  server_.relay = this;
  server_.other = &client_;
  server_.fd = std::move(server);
}

void TcpRelay::start() {
  set_stream_options(client_.fd.get());
  set_stream_options(server_.fd.get());
  if (!wish(client_) || !wish(server_)) {
    close(true);
  }
}

void TcpRelay::abort() {
  done_ = nullptr;
  close(true);
}

void TcpRelay::ready(Side& side, std::uint32_t events) {
  if (is_closed_) {
    return;
  }
  if ((events & EPOLLERR) != 0) {
    close(true);
    return;
  }
  if ((events & EPOLLOUT) != 0 && (side.wishes & EPOLLOUT) != 0) {
    flush(side);
  }
  if (!is_closed_ && (events & (EPOLLIN | EPOLLHUP)) != 0 && (side.wishes & EPOLLIN) != 0) {
    copy_from(side);
  }
}

void TcpRelay::copy_from(Side& side) {
  Side& to = *side.other;
  for (int i = 0; i < kChunksAtOnce; ++i) {
    const ssize_t got = recv(side.fd.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (got < 0) {
      if (!is_try_again(errno)) {
        close(true);
      }
      return;
    }
    is_moved_ = true;
    if (got == 0) {
      side.is_read_ended = true;
      forward_end(side);
      return;
    }
    const auto size = static_cast<std::size_t>(got);
    const ssize_t sent = send_some(to.fd.get(), chunk.data(), size);
    if (sent < 0) {
      close(true);
      return;
    }
    if (static_cast<std::size_t>(sent) < size) {
      to.pending.assign(chunk.data() + sent, size - static_cast<std::size_t>(sent));
      to.written = 0;
      if (!wish(to) || !wish(side)) {
        close(true);
      }
      return;
    }
    if (size < chunk.size()) {
      return;  // there is no more, or the poller says so at once
    }
  }
}

void TcpRelay::flush(Side& side) {
  const ssize_t sent = send_some(side.fd.get(), side.pending.data() + side.written,
                                 side.pending.size() - side.written);
  if (sent < 0) {
    close(true);
    return;
  }
  is_moved_ = true;
  side.written += static_cast<std::size_t>(sent);
  if (side.written < side.pending.size()) {
    return;
  }
  std::string().swap(side.pending);
  side.written = 0;
  if (side.other->is_read_ended) {
    forward_end(*side.other);
  } else if (!wish(side) || !wish(*side.other)) {
    close(true);
  }
}

// `side` has said its last; so does the other, once it has been given everything.
void TcpRelay::forward_end(Side& side) {
  Side& to = *side.other;
  if (to.pending.empty() && !to.is_write_ended) {
    to.is_write_ended = true;
    shutdown(to.fd.get(), SHUT_WR);
  }
  if (client_.is_write_ended && server_.is_write_ended) {
    close(false);
    return;
  }
  if (!wish(client_) || !wish(server_)) {
    close(true);
    return;
  }
  watch_half_closed();
}

bool TcpRelay::wish(Side& side) {
  // A side with no wishes is not watched at all: its hang-up would else be reported without end.
  const std::uint32_t read = !side.is_read_ended && side.other->pending.empty() ? EPOLLIN : 0U;
  const std::uint32_t write = side.pending.empty() ? 0U : EPOLLOUT;
  const std::uint32_t wishes = read | write;
  const bool is_set = poller_.watch(side.fd.get(), side.wishes, wishes, side);
  side.wishes = wishes;
  return is_set;
}

void TcpRelay::watch_half_closed() {
  if (is_silence_watched_) {
    return;
  }
  is_silence_watched_ = true;
  is_moved_ = false;
  silence_timer_ = poller_.after(kHalfClosedSilenceMax, [this] {
    is_silence_watched_ = false;
    if (is_moved_) {
      watch_half_closed();
    } else {
      close(true);
    }
  });
}

void TcpRelay::close(bool with_reset) {
  if (is_closed_) {
    return;
  }
  is_closed_ = true;
  if (is_silence_watched_) {
    poller_.cancel(silence_timer_);
  }
  for (Side* side : {&client_, &server_}) {
    poller_.watch(side->fd.get(), side->wishes, 0, *side);
    if (with_reset) {
      reset_on_close(side->fd.get());
    }
    side->fd.close();
  }
  if (done_) {
    std::exchange(done_, nullptr)();
  }
}

}  // namespace trivet::net
