// SPDX-License-Identifier: Apache-2.0
//
// A client that was accepted and has no backend yet: being connected, or held until there is one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/routing/table.h"
#include "net/poller.h"
#include "net/socket.h"
#include "router/router.h"

namespace trivet::router {

// A backend that was picked for a client, and the term it was picked in.
struct Target {
  routing::Address backend;
  Term term;
};

class WaitingClient;

// What a waiting client needs of its dispatcher.
class WaitingRoom {
 public:
  virtual const routing::EndpointTable& table() const = 0;
  // The backend for a client of `listener`, counted as one connection until `give_back`.
  virtual std::optional<Target> take_backend(const routing::Listener& listener,
                                             const std::vector<routing::Address>& unusable) = 0;
  virtual void give_back(const routing::Address& backend) = 0;
  // `client` is connected to its target: takes its sockets and forgets it.
  virtual void connected(WaitingClient& client) = 0;
  // `client` has been closed: forgets it.
  virtual void gone(WaitingClient& client, bool was_refused) = 0;

 protected:
  ~WaitingRoom() = default;
};

// Runs on its poller's thread, all calls. Owned by the dispatcher.
class WaitingClient {
 public:
  WaitingClient(net::Poller& poller, WaitingRoom& room, const RouterOptions& options,
                routing::Listener listener, Fd client);
  // Each of these may end in connected() or gone() before it returns.
  void start();
  void table_changed();
  void close(bool was_refused);
  // Answers with an ERR packet and closes.
  void refuse(std::uint16_t code, const std::string& message);

  const routing::Listener& listener() const { return listener_; }
  const Target& target() const { return *target_; }  // Requires: connected
  Fd take_client() { return std::move(client_); }
  Fd take_backend() { return std::move(backend_); }

 private:
  struct ClientWatcher final : net::Poller::Watcher {
    void ready(std::uint32_t events) override { owner->client_ready(events); }
    WaitingClient* owner = nullptr;
  };
  struct BackendWatcher final : net::Poller::Watcher {
    void ready(std::uint32_t) override { owner->backend_ready(); }
    WaitingClient* owner = nullptr;
  };

  Millis hold_time() const;
  void connect_next();
  void client_ready(std::uint32_t events);
  void backend_ready();
  void connect_failed();
  void no_backend();
  void give_up();
  void leave_target();
  void watch_client(bool is_watched);
  void set_timer(std::optional<net::Poller::TimerId>& timer, Millis delay,
                 void (WaitingClient::*then)());
  void clear_timer(std::optional<net::Poller::TimerId>& timer);
  void detach();

  net::Poller& poller_;
  WaitingRoom& room_;
  const RouterOptions& options_;
  const routing::Listener listener_;
  Fd client_;
  std::optional<std::string> source_;  // the client's address, where the backend shall see it
  Fd backend_;
  std::optional<Target> target_;
  std::vector<routing::Address> unusable_;
  ClientWatcher client_watcher_;
  BackendWatcher backend_watcher_;
  std::uint32_t client_wishes_ = 0;
  std::uint32_t backend_wishes_ = 0;
  std::optional<net::Poller::TimerId> give_up_timer_;
  std::optional<net::Poller::TimerId> connect_timer_;
  std::optional<net::Poller::TimerId> retry_timer_;
  bool is_over_ = false;
};

}  // namespace trivet::router
