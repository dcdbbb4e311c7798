// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1.1 over TCP and unix sockets. It reads whole requests within limits and deadlines, hands
// each to one handler, and writes what the handler answers, in order, whenever and on whichever
// thread it does.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "net/http_types.h"
#include "net/loop.h"
#include "net/socket.h"

namespace trivet::net {

// Runs on the loop's thread, so it must not block: it may answer at once or hand the request to a
// pool. `done` may be called from any thread, counts once, and outlives the server safely. A `done`
// that is destroyed without a call answers 500.
using HttpDone = std::function<void(HttpResponse)>;
using HttpHandler = std::function<void(HttpRequest, HttpDone)>;

struct HttpServerOptions {
  std::size_t header_bytes_max = 64 * 1024;  // request line and headers; more is 431
  std::size_t body_bytes_max = 1024 * 1024;  // more is 413
  // How long a body to this target may be; not given: body_bytes_max, for all. Runs on the loop's
  // thread. A body over body_bytes_max is only taken while fewer than large_bodies_max are.
  std::function<std::size_t(std::string_view target)> body_limit{};
  std::size_t large_bodies_max = 4;    // memory is bounded; a further one is 503
  std::size_t connections_max = 1024;  // a further one is answered 503 and closed
  // From the connection or the last answer until a request's headers are complete.
  Millis header_timeout{60'000};
  Millis body_timeout{30'000};   // the whole body
  Millis write_timeout{30'000};  // the whole answer
  // A handler that has not answered by then: 503. Longer than any action of the API takes.
  Millis handler_timeout{120'000};
  // What to say when a request never reaches the handler (400, 413, 431, 500, 503). Not given:
  // plain text. Runs on the loop's thread.
  std::function<HttpResponse(int status, std::string_view reason)> refusal;
};

// Thread-safe. The loop must outlive it. Destroying it is stop() with a short deadline.
class HttpServer {
 public:
  HttpServer(Loop& loop, HttpHandler handler, HttpServerOptions options = {});
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // May be called for several addresses. Port 0: the kernel's choice. Returns the port.
  Result<std::uint16_t> listen(const std::string& address, std::uint16_t port);
  // On a socket that listens already (in another network namespace, say). Closed by stop(), or by
  // `close_listening` with what this returned.
  std::uint64_t listen_on(Fd listening);
  // Accepts no more there; connections that were made stay.
  void close_listening(std::uint64_t id);
  // Requests from here carry peer_credentials. The file is removed by stop().
  Status listen_unix(const std::string& path, const UnixListenOptions& options = {});
  // Accepts no more, cuts connections that wait for or are sending a request, lets running requests
  // be answered until `deadline`, then cuts them too. Requires: not called on the loop's thread.
  void stop(Millis deadline);
  std::size_t connections() const;

  struct State;  // http_session.h

 private:
  std::shared_ptr<State> state_;
};

}  // namespace trivet::net
