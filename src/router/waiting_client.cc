// SPDX-License-Identifier: Apache-2.0
#include "router/waiting_client.h"

#include <sys/socket.h>

#include <utility>

#include "core/mysql_proto/packet.h"

namespace trivet::router {

WaitingClient::WaitingClient(net::Poller& poller, WaitingRoom& room, const RouterOptions& options,
                             routing::Listener listener, Fd client)
    : poller_(poller),
      room_(room),
      options_(options),
      listener_(std::move(listener)),
      client_(std::move(client)) {
  client_watcher_.owner = this;
  backend_watcher_.owner = this;
}

Millis WaitingClient::hold_time() const {
  return listener_.kind == routing::EndpointKind::kWriter ? options_.writer_hold
                                                          : options_.reader_hold;
}

void WaitingClient::start() {
  const auto peer = net::peer_name(client_.get());
  if (!peer) {
    close(false);  // gone already
    return;
  }
  // A loopback client keeps its address, so that MySQL accounts and its process list see it.
  if (net::is_loopback_v4(peer->host)) {
    source_ = peer->host;
  }
  if (hold_time() > Millis(0)) {
    set_timer(give_up_timer_, hold_time(), &WaitingClient::give_up);
  }
  connect_next();
}

void WaitingClient::connect_next() {
  clear_timer(retry_timer_);
  target_ = room_.take_backend(listener_, unusable_);
  if (!target_) {
    no_backend();
    return;
  }
  const auto& backend = target_->backend;
  const bool keeps_source = source_ && net::is_loopback_v4(backend.host);
  auto started =
      net::start_connect({backend.host, backend.port}, keeps_source ? source_ : std::nullopt);
  if (!started) {
    connect_failed();
    return;
  }
  backend_ = std::move(*started);
  // While it is connected the client is not watched: one that has ended its sending side already is
  // the relay's business.
  watch_client(false);
  if (!poller_.watch(backend_.get(), 0, EPOLLOUT, backend_watcher_)) {
    connect_failed();
    return;
  }
  backend_wishes_ = EPOLLOUT;
  set_timer(connect_timer_, options_.connect_timeout, &WaitingClient::connect_failed);
}

void WaitingClient::backend_ready() {
  if (is_over_ || !backend_) {
    return;
  }
  if (net::connect_error(backend_.get()) != 0) {
    connect_failed();
    return;
  }
  detach();
  is_over_ = true;
  room_.connected(*this);
}

void WaitingClient::connect_failed() {
  unusable_.push_back(target_->backend);
  leave_target();
  connect_next();
}

// Nothing to connect to, or all that there is has been tried.
void WaitingClient::no_backend() {
  if (!give_up_timer_) {
    give_up();
    return;
  }
  watch_client(true);
  if (!unusable_.empty()) {
    unusable_.clear();
    set_timer(retry_timer_, options_.retry_interval, &WaitingClient::connect_next);
  }
}

void WaitingClient::give_up() {
  if (listener_.kind == routing::EndpointKind::kWriter) {
    refuse(mysql_proto::kServerShutdown, "Trivet: the cluster has no writer right now (waited " +
                                             std::to_string(options_.writer_hold.count()) +
                                             " ms). Try again.");
  } else if (listener_.kind == routing::EndpointKind::kInstance) {
    refuse(mysql_proto::kServerShutdown,
           "Trivet: this DB instance does not accept connections right now. Try again.");
  } else {
    refuse(
        mysql_proto::kServerShutdown,
        "Trivet: the cluster has no reader that accepts connections right now. Try again, or use "
        "the writer endpoint.");
  }
}

void WaitingClient::client_ready(std::uint32_t events) {
  if (!is_over_ && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    close(false);  // nobody waits any more
  }
}

void WaitingClient::table_changed() {
  if (is_over_) {
    return;
  }
  const auto* const listener = room_.table().find_listener(listener_.address);
  if (listener == nullptr || *listener != listener_) {
    close(false);
    return;
  }
  if (target_ && room_.table().keeps(listener_, target_->term, target_->backend)) {
    return;
  }
  leave_target();
  unusable_.clear();
  connect_next();
}

void WaitingClient::leave_target() {
  clear_timer(connect_timer_);
  if (backend_) {
    poller_.watch(backend_.get(), backend_wishes_, 0, backend_watcher_);
    backend_wishes_ = 0;
    backend_.close();
  }
  if (target_) {
    room_.give_back(target_->backend);
    target_.reset();
  }
}

void WaitingClient::refuse(std::uint16_t code, const std::string& message) {
  const std::string packet = mysql_proto::first_error_packet(code, message);
  static_cast<void>(send(client_.get(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  // Closing with unread bytes would send a reset, which may overtake the packet. A MySQL client has
  // sent nothing before the greeting; from others one read takes what there is.
  char unread[4096];
  static_cast<void>(recv(client_.get(), unread, sizeof unread, MSG_DONTWAIT));
  close(true);
}

void WaitingClient::close(bool was_refused) {
  if (is_over_) {
    return;
  }
  leave_target();
  detach();
  is_over_ = true;
  client_.close();
  room_.gone(*this, was_refused);
}

void WaitingClient::detach() {
  watch_client(false);
  if (backend_) {
    poller_.watch(backend_.get(), backend_wishes_, 0, backend_watcher_);
    backend_wishes_ = 0;
  }
  clear_timer(give_up_timer_);
  clear_timer(connect_timer_);
  clear_timer(retry_timer_);
}

void WaitingClient::watch_client(bool is_watched) {
  const std::uint32_t wishes = is_watched ? EPOLLRDHUP : 0U;
  poller_.watch(client_.get(), client_wishes_, wishes, client_watcher_);
  client_wishes_ = wishes;
}

void WaitingClient::set_timer(std::optional<net::Poller::TimerId>& timer, Millis delay,
                              void (WaitingClient::*then)()) {
  clear_timer(timer);
  timer = poller_.after(delay, [this, &timer, then] {
    timer.reset();
    (this->*then)();
  });
}

void WaitingClient::clear_timer(std::optional<net::Poller::TimerId>& timer) {
  if (timer) {
    poller_.cancel(*timer);
    timer.reset();
  }
}

}  // namespace trivet::router
