// SPDX-License-Identifier: Apache-2.0
//
// Which writer endpoints the kernel serves: it hands their new connections to the writer's own
// listening socket, and no byte passes through the router. The router's listener stays open
// underneath: whoever comes while nobody is steered to is held there, or copied. Connections follow
// the term here too (failover.md I14): when a writer is deposed they are ended from outside.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "core/routing/table.h"
#include "net/poller.h"
#include "net/steering.h"
#include "router/router.h"

namespace trivet::router {

// Runs on its poller's thread, all calls; destroyed after that thread has ended.
class SteeredEndpoints {
 public:
  struct Needs {
    const RouterOptions& options;  // without `steering` nothing happens here
    net::Poller& poller;
    const routing::EndpointTable& table;  // the one in force now
    // Does the router listen there? An address that is somebody else's is left to him.
    std::function<bool(const routing::Address&)> is_listening;
  };
  // What `needs` refers to outlives it.
  explicit SteeredEndpoints(Needs needs) : needs_(std::move(needs)) {}

  // Ends what a new table no longer allows: first of all when it comes.
  void forbid();
  // Steers what it allows. Requires: forbid() for this table.
  void allow();
  // Steers nothing any more. Connections stay: who made them may go on without this process.
  void let_go();

  bool is_steered(const routing::Address& endpoint) const;
  std::uint64_t ended() const { return ended_; }  // connections, ever

 private:
  // Whose connections may be at an endpoint.
  struct Served {
    routing::Address writer;
    Term term;
    int pid = 0;
  };
  struct State {
    routing::Listener listener;
    Term first_term;
    // Connections of an earlier run of this program may be there; whose they may be is not known
    // before there is a writer.
    bool is_inherited = true;
    std::optional<Served> served;                     // none: nobody's
    bool is_steered = false;                          // to `served`
    std::optional<net::Poller::TimerId> second_look;  // nothing is steered before it
    std::string failure;
  };

  const routing::ClusterRoute* route_of(const State& state) const;
  bool may_go_on(const State& state) const;
  void hold(State& state);
  void end_others(State& state);
  void look_again(State& state, Millis delay);
  void settle(const routing::Address& endpoint);
  void serve(State& state);
  void failed(State& state, const std::string& why);
  void retry_later();

  const Needs needs_;
  std::map<routing::Address, State> states_;
  bool is_retrying_ = false;
  std::uint64_t ended_ = 0;
};

}  // namespace trivet::router
