// SPDX-License-Identifier: Apache-2.0
//
// One relay thread and the sessions that live on it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "net/poller.h"
#include "net/tcp_relay.h"

namespace trivet::router {

using SessionId = std::uint64_t;

// Owned by the Router; its poller is stopped before it is destroyed. `start` and `abort` may be
// called on any thread and keep their order.
class RelayLoop {
 public:
  // `ended` runs on this loop's thread for each session that ended by itself.
  RelayLoop(std::string name, std::function<void(SessionId)> ended)
      : ended_(std::move(ended)), poller_(std::move(name)) {}

  void start(SessionId id, Fd client, Fd backend) {
    // A std::function is copyable and a descriptor is not.
    auto both = std::make_shared<std::pair<Fd, Fd>>(std::move(client), std::move(backend));
    poller_.post([this, id, both] {
      auto relay = std::make_shared<net::TcpRelay>(poller_, std::move(both->first),
                                                   std::move(both->second), [this, id] {
                                                     forget(id);
                                                     ended_(id);
                                                   });
      relays_.emplace(id, relay);
      relay->start();
    });
  }

  // Resets the session's connections. Unknown ids are ignored: it ended meanwhile.
  void abort(SessionId id) {
    poller_.post([this, id] {
      const auto found = relays_.find(id);
      if (found != relays_.end()) {
        found->second->abort();
        forget(id);
      }
    });
  }

  net::Poller& poller() { return poller_; }

 private:
  void forget(SessionId id) {
    const auto found = relays_.find(id);
    if (found != relays_.end()) {
      poller_.release_later(std::move(found->second));
      relays_.erase(found);
    }
  }

  std::function<void(SessionId)> ended_;
  std::map<SessionId, std::shared_ptr<net::TcpRelay>> relays_;  // on the thread
  net::Poller poller_;  // last: its thread ends before what it uses
};

}  // namespace trivet::router
