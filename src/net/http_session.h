// SPDX-License-Identifier: Apache-2.0
//
// One HTTP connection of an HttpServer. Only .cc files of src/net include this: it has Beast in it.
// A session reads a request, waits for its answer, writes it, and only then reads the next:
// pipelined requests wait in the buffer.
#pragma once

#include <atomic>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/acceptor.h"
#include "net/http_server.h"

namespace trivet::net {

namespace beast = boost::beast;
namespace http = boost::beast::http;

class HttpSession;

// What the sessions of one server share. On the loop's thread but for `open_connections`.
struct HttpServer::State {
  // Not owned: what waits in the loop's context keeps this state, and would keep the context with
  // it.
  Loop::Impl* loop = nullptr;
  std::weak_ptr<Loop::Impl> weak_loop;  // for answers that come after the loop's end
  HttpHandler handler;
  HttpServerOptions options;
  std::vector<std::shared_ptr<Acceptor>> acceptors;
  std::map<std::uint64_t, std::shared_ptr<Acceptor>> adopted;  // those of listen_on()
  std::atomic<std::uint64_t> last_adopted{0};
  std::vector<std::string> unix_paths;
  // Keeps each session alive until it is closed.
  std::map<HttpSession*, std::shared_ptr<HttpSession>> sessions;
  std::atomic<std::size_t> open_connections{0};
  std::size_t large_bodies = 0;  // that are being read, or whose requests are being handled
  bool is_stopping = false;
  std::function<void()> on_last_closed;  // set while stopping
};

// Runs on the loop's thread, all calls. Owned by State::sessions, and for the length of an
// operation by it.
class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  struct Peer {
    std::string address;
    std::optional<PeerCredentials> credentials;
  };
  using Stream = beast::basic_stream<asio::generic::stream_protocol>;

  HttpSession(std::shared_ptr<HttpServer::State> server, Stream::socket_type socket, Peer peer);
  void start() { read_header(); }
  // Cuts the connection. Calling it twice is harmless.
  void close();
  bool is_answering() const { return phase_ == Phase::kHandling || phase_ == Phase::kWriting; }
  // The answer to request number `request`; a late or second one is dropped.
  void answer(std::uint64_t request, HttpResponse response);

 private:
  enum class Phase { kReading, kHandling, kWriting, kClosing, kClosed };

  void read_header();
  void on_header(const boost::system::error_code& error);
  bool limit_body();
  void forget_large_body();
  void send_continue();
  void read_body();
  void on_body(const boost::system::error_code& error);
  void on_read_error(const boost::system::error_code& error);
  void handle();
  HttpRequest take_request();
  void refuse(int status, std::string_view reason);
  void write(HttpResponse response);
  void on_written(const boost::system::error_code& error);
  void finish();
  void drain();

  std::shared_ptr<HttpServer::State> server_;
  Stream stream_;
  asio::steady_timer handler_timer_;
  beast::flat_buffer buffer_;
  Peer peer_;
  Phase phase_ = Phase::kReading;
  std::uint64_t request_number_ = 0;
  bool keep_alive_ = false;
  bool is_head_ = false;
  bool has_large_body_ = false;  // counted in State::large_bodies
  unsigned version_ = 11;
  std::size_t drained_bytes_ = 0;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::string_body>> response_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
};

}  // namespace trivet::net
