// SPDX-License-Identifier: Apache-2.0
#include "router/steered_endpoints.h"

#include <utility>

#include "base/log.h"

namespace trivet::router {
namespace {

// A connection that the kernel was just handing over when its endpoint was released is there by
// then, and one that waited in the router's own queue has been accepted.
constexpr Millis kSettle{50};

net::HostPort name_of(const routing::Address& address) {
  return {address.host, address.port};
}

bool is_ipv4(const routing::Address& address) {
  return net::ipv4_of(address.host).has_value();
}

}  // namespace

const routing::ClusterRoute* SteeredEndpoints::route_of(const State& state) const {
  const auto* const now = needs_.table.find_listener(state.listener.address);
  return now != nullptr && *now == state.listener ? needs_.table.find_cluster(now->cluster)
                                                  : nullptr;
}

// May the connections that are there stay?
bool SteeredEndpoints::may_go_on(const State& state) const {
  const auto* const route = route_of(state);
  if (state.served) {
    return route != nullptr &&
           needs_.table.keeps(state.listener, state.served->term, state.served->writer) &&
           route->writer_pid.value_or(state.served->pid) == state.served->pid;
  }
  return !state.is_inherited || !needs_.is_listening(state.listener.address) ||
         (route != nullptr && (route->writer.has_value() || route->term == state.first_term));
}

void SteeredEndpoints::forbid() {
  for (auto& [endpoint, state] : states_) {
    if (may_go_on(state)) {
      hold(state);
      continue;
    }
    if (std::exchange(state.is_steered, false)) {
      needs_.options.steering->release(name_of(endpoint));
      log(Level::kInfo, "router.released", {{"address", routing::to_string(endpoint)}});
    }
    state.is_inherited = false;
    state.served.reset();
    end_others(state);
    look_again(state, kSettle);
  }
}

// New connections come to the router from now on; those that are there stay.
void SteeredEndpoints::hold(State& state) {
  const auto* const route = route_of(state);
  if (route != nullptr && route->holds_new && std::exchange(state.is_steered, false)) {
    needs_.options.steering->release(name_of(state.listener.address));
  }
}

// Requires: not steered.
void SteeredEndpoints::end_others(State& state) {
  const auto& endpoint = state.listener.address;
  const auto spared = state.served ? std::optional(state.served->pid) : std::nullopt;
  const auto ended = needs_.options.steering->end_connections(name_of(endpoint), spared);
  if (!ended) {
    failed(state, ended.error().message);
    look_again(state, needs_.options.listen_retry_interval);
  } else if (ended->ended > 0) {
    ended_ += ended->ended;
    log(Level::kInfo, "router.ended_steered",
        {{"address", routing::to_string(endpoint)}, {"connections", ended->ended}});
  }
}

void SteeredEndpoints::look_again(State& state, Millis delay) {
  if (state.second_look) {
    needs_.poller.cancel(*state.second_look);
  }
  state.second_look =
      needs_.poller.after(delay, [this, endpoint = state.listener.address] { settle(endpoint); });
}

void SteeredEndpoints::settle(const routing::Address& endpoint) {
  const auto found = states_.find(endpoint);
  if (found == states_.end()) {
    return;
  }
  State& state = found->second;
  state.second_look.reset();
  end_others(state);
  if (!state.second_look && route_of(state) == nullptr) {
    states_.erase(found);
  }
  allow();
}

void SteeredEndpoints::allow() {
  if (!needs_.options.steering) {
    return;
  }
  for (const auto& listener : needs_.table.listeners()) {
    // The kernel's program looks at connections of the host's own network.
    if (listener.kind != routing::EndpointKind::kWriter || !is_ipv4(listener.address) ||
        !listener.address.network.empty()) {
      continue;
    }
    const auto [found, is_new] = states_.try_emplace(listener.address);
    State& state = found->second;
    if (is_new) {
      state.listener = listener;
      state.first_term = needs_.table.find_cluster(listener.cluster)->term;
    }
    serve(state);
  }
}

void SteeredEndpoints::serve(State& state) {
  const auto& endpoint = state.listener.address;
  const auto* const route = route_of(state);
  if (route == nullptr || !needs_.is_listening(endpoint) || state.is_steered || state.second_look ||
      route->holds_new || !route->writer || !route->writer_pid || !is_ipv4(*route->writer)) {
    return;
  }
  state.served = Served{.writer = *route->writer, .term = route->term, .pid = *route->writer_pid};
  if (std::exchange(state.is_inherited, false)) {
    end_others(state);
    if (state.second_look) {
      return;
    }
  }
  const Status steered = needs_.options.steering->steer(
      name_of(endpoint), {.listening = name_of(*route->writer), .pid = *route->writer_pid});
  if (!steered) {
    failed(state, steered.error().message);
    retry_later();
    return;
  }
  state.is_steered = true;
  state.failure.clear();
  log(Level::kInfo, "router.steered",
      {{"address", routing::to_string(endpoint)},
       {"writer", routing::to_string(*route->writer)},
       {"pid", *route->writer_pid}});
}

void SteeredEndpoints::failed(State& state, const std::string& why) {
  if (std::exchange(state.failure, why) != why) {
    log(Level::kWarning, "router.steering_failed",
        {{"address", routing::to_string(state.listener.address)}, {"error", why}});
  }
}

void SteeredEndpoints::retry_later() {
  if (!std::exchange(is_retrying_, true)) {
    needs_.poller.after(needs_.options.listen_retry_interval, [this] {
      is_retrying_ = false;
      allow();
    });
  }
}

void SteeredEndpoints::let_go() {
  for (const auto& [endpoint, state] : states_) {
    if (state.is_steered) {
      needs_.options.steering->release(name_of(endpoint));
    }
  }
  states_.clear();
}

bool SteeredEndpoints::is_steered(const routing::Address& endpoint) const {
  const auto found = states_.find(endpoint);
  return found != states_.end() && found->second.is_steered;
}

}  // namespace trivet::router
