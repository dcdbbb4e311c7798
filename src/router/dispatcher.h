// SPDX-License-Identifier: Apache-2.0
//
// All decisions of the router, on one thread (relay-0) and therefore without a lock: which
// listeners are open, which endpoints the kernel serves, which client goes where, which session
// must end. The relay loops only copy bytes.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/poller.h"
#include "router/relay_loop.h"
#include "router/router.h"
#include "router/steered_endpoints.h"
#include "router/waiting_client.h"

namespace trivet::router {

// Runs on loops[0]'s thread, all calls; destroyed after that thread has ended.
class Dispatcher final : public WaitingRoom {
 public:
  // `loops` and `options` outlive it.
  Dispatcher(const std::vector<std::unique_ptr<RelayLoop>>& loops, const RouterOptions& options);

  Status apply(const routing::EndpointTable& next);
  RouterStats stats() const;
  void session_ended(SessionId id);
  void close_all();

  const routing::EndpointTable& table() const override { return table_; }
  std::optional<Target> take_backend(const routing::Listener& listener,
                                     const std::vector<routing::Address>& unusable) override;
  void give_back(const routing::Address& backend) override;
  void connected(WaitingClient& client) override;
  void gone(WaitingClient& client, bool was_refused) override;

 private:
  struct Door final : net::Poller::Watcher {
    void ready(std::uint32_t) override { owner->accept_from(*this); }
    Dispatcher* owner = nullptr;
    routing::Listener listener;
    Fd fd;  // none while it cannot listen
    std::uint32_t wishes = 0;
    std::string failure;
  };
  // A connected client and what it was connected by.
  struct Session {
    routing::Listener listener;
    Target target;
    std::size_t loop = 0;
  };

  void drop_forbidden_sessions();
  void close_forbidden_doors();
  void open_missing_doors();
  Result<Fd> open_door(const routing::Address& address) const;
  void listen(Door& door);
  void close_door(Door& door);
  void watch_door(Door& door, std::uint32_t wishes);
  void retry_listening_later();
  Status listen_failures() const;
  void accept_from(Door& door);
  void admit(const routing::Listener& listener, Fd client);
  void forget(WaitingClient& client);

  const std::vector<std::unique_ptr<RelayLoop>>& loops_;
  const RouterOptions& options_;
  net::Poller& poller_;
  routing::EndpointTable table_;
  std::map<routing::Address, std::shared_ptr<Door>> doors_;
  std::map<WaitingClient*, std::shared_ptr<WaitingClient>> waiting_;
  std::map<SessionId, Session> sessions_;
  std::vector<std::size_t> sessions_on_loop_;
  SessionId last_session_ = 0;
  routing::ActiveCounts active_;
  std::map<routing::Address, std::uint64_t> totals_;
  SteeredEndpoints steered_;
  bool is_retrying_ = false;
  std::uint64_t accepted_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace trivet::router
