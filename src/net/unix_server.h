// SPDX-License-Identifier: Apache-2.0
//
// Requests and responses as frames on unix sockets: 4 bytes of length, big-endian, and the payload.
// For mysqld's login plugin: one socket for each database member, so that the path says who asks.
//
// Each connection has a thread that waits in it alone. There are few (a plugin keeps up to 16), and
// the kernel then runs the answer on the processor of who asked: waiting for all of them in one
// epoll set made logins 1 % slower.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/time.h"
#include "net/http_types.h"
#include "net/socket.h"

namespace trivet::net {

// Who sent a frame.
struct FramePeer {
  std::string tag;  // what add() was given for this path
  PeerCredentials credentials;
};

struct FrameAnswer {
  FrameAnswer(std::string bytes, Millis wait = Millis(0))  // NOLINT(*-explicit-*)
      : payload(std::move(bytes)), delay(wait) {}

  std::string payload;  // empty: the connection is closed without an answer
  // The answer goes out so much later; this connection waits, and no other.
  Millis delay{0};
};

// Runs inline on the connection's thread, so on several at once: microseconds, no blocking.
using FrameHandler = std::function<FrameAnswer(std::string_view frame, const FramePeer& peer)>;

struct UnixServerOptions {
  std::size_t frame_bytes_max = 80 * 1024;  // a longer frame closes the connection
  std::size_t connections_max = 512;        // a further one is closed at once
  // Without a complete frame for this long, or with an answer unread for this long: closed.
  Millis idle_timeout{60'000};
  std::size_t delayed_max = 256;  // answers that wait at once; a further one goes out undelayed
};

// Thread-safe. Destroying it is stop().
class UnixServer {
 public:
  // `name` is its threads'.
  UnixServer(const std::string& name, FrameHandler handler, UnixServerOptions options = {});
  ~UnixServer();
  UnixServer(const UnixServer&) = delete;
  UnixServer& operator=(const UnixServer&) = delete;

  // Listens when it returns. Errors as listen_unix; kAlreadyExists for a path that is being served.
  Status add(const std::string& path, const std::string& tag,
             const UnixListenOptions& options = {});
  // Removes the socket file, closes its connections. Unknown paths are ignored.
  // Requires: not called by the handler (nor add, nor stop).
  void remove(const std::string& path);
  // As remove() of all, and ends the threads: add() fails from then on.
  void stop();
  std::size_t connections() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace trivet::net
