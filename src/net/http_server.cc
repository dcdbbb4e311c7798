// SPDX-License-Identifier: Apache-2.0
#include "net/http_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <utility>

#include "base/log.h"
#include "net/http_session.h"

namespace trivet::net {
namespace {

// Beyond the deadline that stop() was given: until the loop ran what stop() posted to it.
constexpr Millis kLoopMargin{2'000};

// At the cap a connection gets this and no session.
constexpr std::string_view kTooManyConnections =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    "Content-Length: 21\r\n\r\ntoo many connections\n";

void refuse_connection(int fd) {
  // What the client has sent already is read first: closing with unread data would send a reset,
  // which may overtake the answer. One read is enough for an ordinary request; this is courtesy,
  // not a promise.
  char unread[4096];
  static_cast<void>(recv(fd, unread, sizeof unread, MSG_DONTWAIT));
  static_cast<void>(send(fd, kTooManyConnections.data(), kTooManyConnections.size(),
                         MSG_DONTWAIT | MSG_NOSIGNAL));
}

void add_session(const std::shared_ptr<HttpServer::State>& state, Fd fd, bool is_unix) {
  if (state->sessions.size() >= state->options.connections_max) {
    refuse_connection(fd.get());
    return;
  }
  HttpSession::Peer peer;
  asio::generic::stream_protocol protocol(AF_UNIX, 0);
  if (is_unix) {
    auto credentials = peer_credentials(fd.get());
    if (!credentials) {
      return;
    }
    peer.credentials = *credentials;
  } else {
    const auto name = peer_name(fd.get());
    const auto own = local_name(fd.get());
    if (!name || !own) {
      return;  // gone already
    }
    peer.address = name->host;
    const bool is_v6 = own->host.find(':') != std::string::npos;
    protocol = asio::generic::stream_protocol(is_v6 ? AF_INET6 : AF_INET, IPPROTO_TCP);
    set_stream_options(fd.get());
  }
  HttpSession::Stream::socket_type socket(state->loop->context);
  boost::system::error_code error;
  socket.assign(protocol, fd.get(), error);
  if (error) {
    return;
  }
  static_cast<void>(fd.release());
  auto session = std::make_shared<HttpSession>(state, std::move(socket), std::move(peer));
  state->sessions.emplace(session.get(), session);
  ++state->open_connections;
  session->start();
}

// False when the server is stopping.
bool accept_from(const std::shared_ptr<HttpServer::State>& state, Fd& listening, bool is_unix) {
  if (state->is_stopping) {
    return false;
  }
  auto acceptor = std::make_shared<Acceptor>(
      state->loop->context, std::move(listening),
      [state, is_unix](Fd accepted) { add_session(state, std::move(accepted), is_unix); });
  state->acceptors.push_back(acceptor);
  acceptor->start();
  return true;
}

// On the loop's thread, or after it ended.
void begin_stop(const std::shared_ptr<HttpServer::State>& state) {
  state->is_stopping = true;
  for (const auto& acceptor : state->acceptors) {
    acceptor->close();
  }
  state->acceptors.clear();
  state->adopted.clear();
  for (const auto& path : state->unix_paths) {
    unlink(path.c_str());
  }
  state->unix_paths.clear();
  const auto sessions = state->sessions;  // closing one takes it out of the map
  for (const auto& [key, session] : sessions) {
    if (!session->is_answering()) {
      session->close();
    }
  }
}

void cut_all(const std::shared_ptr<HttpServer::State>& state) {
  const auto sessions = state->sessions;
  for (const auto& [key, session] : sessions) {
    session->close();
  }
}

}  // namespace

HttpServer::HttpServer(Loop& loop, HttpHandler handler, HttpServerOptions options)
    : state_(std::make_shared<State>()) {
  state_->loop = loop.impl().get();
  state_->weak_loop = loop.impl();
  state_->handler = std::move(handler);
  state_->options = std::move(options);
}

HttpServer::~HttpServer() {
  stop(Millis(100));
}

Result<std::uint16_t> HttpServer::listen(const std::string& address, std::uint16_t port) {
  TRIVET_TRY(Fd fd, listen_tcp({address, port}));
  TRIVET_TRY(const HostPort name, local_name(fd.get()));
  auto kept = std::make_shared<Fd>(std::move(fd));
  asio::post(state_->loop->context, [state = state_, kept] { accept_from(state, *kept, false); });
  return name.port;
}

std::uint64_t HttpServer::listen_on(Fd listening) {
  const std::uint64_t id = ++state_->last_adopted;
  auto kept = std::make_shared<Fd>(std::move(listening));
  asio::post(state_->loop->context, [state = state_, kept, id] {
    if (accept_from(state, *kept, false)) {
      state->adopted[id] = state->acceptors.back();
    }
  });
  return id;
}

void HttpServer::close_listening(std::uint64_t id) {
  asio::post(state_->loop->context, [state = state_, id] {
    const auto it = state->adopted.find(id);
    if (it != state->adopted.end()) {
      it->second->close();
      std::erase(state->acceptors, it->second);
      state->adopted.erase(it);
    }
  });
}

Status HttpServer::listen_unix(const std::string& path, const UnixListenOptions& options) {
  TRIVET_TRY(Fd fd, net::listen_unix(path, options));
  auto kept = std::make_shared<Fd>(std::move(fd));
  asio::post(state_->loop->context, [state = state_, kept, path] {
    if (accept_from(state, *kept, true)) {
      state->unix_paths.push_back(path);
    } else {
      unlink(path.c_str());
    }
  });
  return ok();
}

void HttpServer::stop(Millis deadline) {
  Loop::Impl* const loop = state_->loop;
  if (loop->stopped) {
    begin_stop(state_);
    cut_all(state_);
    return;
  }
  TRIVET_ASSERT(std::this_thread::get_id() != loop->thread.get_id());
  auto last_closed = std::make_shared<std::promise<void>>();
  std::future<void> closed = last_closed->get_future();
  asio::post(loop->context, [state = state_, last_closed, deadline] {
    begin_stop(state);
    if (state->sessions.empty()) {
      last_closed->set_value();
      return;
    }
    auto timer = std::make_shared<asio::steady_timer>(state->loop->context, deadline);
    state->on_last_closed = [last_closed, timer] {
      timer->cancel();
      last_closed->set_value();
    };
    timer->async_wait([state, timer](const boost::system::error_code& error) {
      if (!error) {
        cut_all(state);
      }
    });
  });
  if (closed.wait_for(deadline + kLoopMargin) != std::future_status::ready) {
    log(Level::kWarning, "net.http_stop_late", {{"sessions", std::uint64_t{connections()}}});
  }
}

std::size_t HttpServer::connections() const {
  return state_->open_connections;
}

}  // namespace trivet::net
