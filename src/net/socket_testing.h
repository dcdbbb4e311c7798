// SPDX-License-Identifier: Apache-2.0
//
// Sockets for tests: blocking calls with a deadline, and waiting for a condition without sleeping.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/time.h"
#include "net/socket.h"

namespace trivet::net {

inline constexpr Millis kTestDeadline{10'000};

// True as soon as `condition` is; false when it never was within the deadline.
template <typename Condition>
bool eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + kTestDeadline;
  do {
    if (condition()) {
      return true;
    }
    std::this_thread::yield();
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

// One connection as a test sees it. Every call ends by the deadline.
class TestSocket {
 public:
  TestSocket() = default;
  explicit TestSocket(Fd fd) : fd_(std::move(fd)) {}

  static TestSocket connect_to(const HostPort& to, std::optional<std::string> source = {}) {
    auto fd = start_connect(to, source);
    if (!fd) {
      return {};
    }
    TestSocket socket(std::move(*fd));
    if (!socket.wait(POLLOUT) || connect_error(socket.fd()) != 0) {
      return {};
    }
    return socket;
  }
  static TestSocket connect_to_path(const std::string& path) {
    Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      return {};
    }
    fcntl(fd.get(), F_SETFL, O_NONBLOCK);
    return TestSocket(std::move(fd));
  }
  static TestSocket accept_from(const Fd& listening) {
    pollfd waiting{.fd = listening.get(), .events = POLLIN, .revents = 0};
    poll(&waiting, 1, static_cast<int>(kTestDeadline.count()));
    auto fd = accept_one(listening.get());
    return fd ? TestSocket(std::move(*fd)) : TestSocket();
  }

  bool is_open() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }
  void close() { fd_.close(); }
  void end_sending() { shutdown(fd_.get(), SHUT_WR); }

  bool send_all(std::string_view data) {
    while (!data.empty()) {
      const ssize_t sent = send(fd_.get(), data.data(), data.size(), MSG_NOSIGNAL);
      if (sent < 0 && (errno != EAGAIN || !wait(POLLOUT))) {
        return false;
      }
      data.remove_prefix(sent < 0 ? 0 : static_cast<std::size_t>(sent));
    }
    return true;
  }
  // Exactly `count` bytes, or fewer when the connection ended or the deadline passed.
  std::string read_exactly(std::size_t count) {
    while (received_.size() < count && receive()) {
    }
    return take(std::min(count, received_.size()));
  }
  // Up to and with `mark`; all that came when it never did.
  std::string read_until(std::string_view mark) {
    while (received_.find(mark) == std::string::npos && receive()) {
    }
    const std::size_t at = received_.find(mark);
    return take(at == std::string::npos ? received_.size() : at + mark.size());
  }
  // All bytes until the peer ended its side. `ended()` tells whether it did.
  std::string read_to_end() {
    while (receive()) {
    }
    return take(received_.size());
  }
  // Orderly end or reset, after reading; not a deadline.
  bool ended() const { return is_ended_; }
  bool was_reset() const { return is_reset_; }
  // Nothing to read right now, and the connection is up.
  bool is_quiet() {
    char byte = 0;
    return recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
  }

 private:
  bool wait(short events) {
    pollfd waiting{.fd = fd_.get(), .events = events, .revents = 0};
    return poll(&waiting, 1, static_cast<int>(kTestDeadline.count())) == 1;
  }
  bool receive() {
    if (!wait(POLLIN)) {
      return false;
    }
    char chunk[65536];
    const ssize_t got = recv(fd_.get(), chunk, sizeof chunk, MSG_DONTWAIT);
    if (got > 0) {
      received_.append(chunk, static_cast<std::size_t>(got));
      return true;
    }
    is_ended_ = got == 0 || errno == ECONNRESET;
    is_reset_ = got < 0 && errno == ECONNRESET;
    return false;
  }
  std::string take(std::size_t count) {
    std::string out = received_.substr(0, count);
    received_.erase(0, count);
    return out;
  }

  Fd fd_;
  std::string received_;
  bool is_ended_ = false;
  bool is_reset_ = false;
};

// A listening socket on a port of the kernel's.
struct TestListener {
  explicit TestListener(const std::string& host) {
    auto made = listen_tcp({host, 0});
    if (made) {
      fd = std::move(*made);
      name = *local_name(fd.get());
    }
  }
  Fd fd;
  HostPort name;
};

// A port that nobody listens on at `host`.
inline HostPort free_name(const std::string& host) {
  return TestListener(host).name;
}

// A folder of its own for socket files.
class TestFolder {
 public:
  TestFolder() {
    char pattern[] = "/tmp/trivet-net-XXXXXX";
    path_ = mkdtemp(pattern);
  }
  ~TestFolder() { rmdir(path_.c_str()); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Bytes that show where each came from: any loss, repeat or swap changes the text.
inline std::string patterned_bytes(std::size_t count, unsigned seed) {
  std::string out(count, '\0');
  std::uint32_t state = seed * 2654435761U + 1;
  for (char& byte : out) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24);
  }
  return out;
}

}  // namespace trivet::net
