// SPDX-License-Identifier: Apache-2.0
#include "router/dispatcher.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/network_namespace.h"
#include "core/mysql_proto/packet.h"

namespace trivet::router {
namespace {

// As many as are taken before other events of the thread get their turn.
constexpr int kAcceptedAtOnceMax = 64;
// Out of descriptors: time for some to be closed.
constexpr Millis kAcceptPause{100};

}  // namespace

Dispatcher::Dispatcher(const std::vector<std::unique_ptr<RelayLoop>>& loops,
                       const RouterOptions& options)
    : loops_(loops),
      options_(options),
      poller_(loops.front()->poller()),
      sessions_on_loop_(loops.size(), 0),
      steered_({.options = options,
                .poller = poller_,
                .table = table_,
                .is_listening = [this](const routing::Address& address) {
                  const auto found = doors_.find(address);
                  return found != doors_.end() && found->second->fd;
                }}) {}

Status Dispatcher::apply(const routing::EndpointTable& next) {
  table_ = routing::without_older_terms(table_, next);
  // First what must not go on: a deposed writer's connections.
  steered_.forbid();
  drop_forbidden_sessions();
  close_forbidden_doors();
  open_missing_doors();
  const auto waiting = waiting_;  // one that is connected or closed leaves the map
  for (const auto& [key, client] : waiting) {
    client->table_changed();
  }
  return listen_failures();
}

void Dispatcher::drop_forbidden_sessions() {
  for (auto it = sessions_.begin(); it != sessions_.end();) {
    const Session& session = it->second;
    if (table_.keeps(session.listener, session.target.term, session.target.backend)) {
      ++it;
      continue;
    }
    loops_[session.loop]->abort(it->first);
    --sessions_on_loop_[session.loop];
    give_back(session.target.backend);
    ++dropped_;
    it = sessions_.erase(it);
  }
}

void Dispatcher::close_forbidden_doors() {
  for (auto it = doors_.begin(); it != doors_.end();) {
    const auto* const wanted = table_.find_listener(it->first);
    if (wanted != nullptr && *wanted == it->second->listener) {
      ++it;
      continue;
    }
    close_door(*it->second);
    log(Level::kInfo, "router.closed", {{"address", routing::to_string(it->first)}});
    poller_.release_later(it->second);
    it = doors_.erase(it);
  }
}

void Dispatcher::open_missing_doors() {
  for (const auto& listener : table_.listeners()) {
    auto& door = doors_[listener.address];
    if (!door) {
      door = std::make_shared<Door>();
      door->owner = this;
      door->listener = listener;
    }
    if (!door->fd) {
      listen(*door);
    }
  }
  steered_.allow();
  retry_listening_later();
}

// A socket belongs to the network namespace that it was made in, for good.
Result<Fd> Dispatcher::open_door(const routing::Address& address) const {
  if (address.network.empty()) {
    return net::listen_tcp({address.host, address.port});
  }
  Result<Fd> listening = make_error(Errc::kUnavailable, "there are no VPCs here");
  if (options_.namespace_of) {
    const Status entered = in_network_namespace(options_.namespace_of(address.network), [&] {
      listening = net::listen_tcp({address.host, address.port});
    });
    if (!entered) {
      return entered.error();
    }
  }
  return listening;
}

void Dispatcher::listen(Door& door) {
  const auto& address = door.listener.address;
  auto listening = open_door(address);
  if (!listening) {
    if (door.failure != listening.error().message) {
      door.failure = listening.error().message;
      log(Level::kError, "router.listen_failed",
          {{"address", routing::to_string(address)}, {"error", door.failure}});
    }
    return;
  }
  door.fd = std::move(*listening);
  door.failure.clear();
  watch_door(door, EPOLLIN);
  log(Level::kInfo, "router.listening",
      {{"address", routing::to_string(address)},
       {"cluster", door.listener.cluster.str()},
       {"kind", routing::to_string(door.listener.kind)}});
}

void Dispatcher::watch_door(Door& door, std::uint32_t wishes) {
  if (!poller_.watch(door.fd.get(), door.wishes, wishes, door)) {
    log(Level::kError, "router.watch_failed",
        {{"address", routing::to_string(door.listener.address)}});
    return;
  }
  door.wishes = wishes;
}

void Dispatcher::close_door(Door& door) {
  if (door.fd) {
    watch_door(door, 0);
    door.fd.close();
  }
}

void Dispatcher::retry_listening_later() {
  const bool has_failed = std::any_of(doors_.begin(), doors_.end(),
                                      [](const auto& entry) { return !entry.second->fd; });
  if (!has_failed || is_retrying_) {
    return;
  }
  is_retrying_ = true;
  poller_.after(options_.listen_retry_interval, [this] {
    is_retrying_ = false;
    open_missing_doors();
  });
}

Status Dispatcher::listen_failures() const {
  std::string message;
  for (const auto& [address, door] : doors_) {
    if (!door->fd) {
      message += (message.empty() ? "" : "; ") + door->failure;
    }
  }
  return message.empty() ? ok() : make_error(Errc::kUnavailable, std::move(message));
}

void Dispatcher::accept_from(Door& door) {
  for (int i = 0; i < kAcceptedAtOnceMax && door.fd; ++i) {
    auto accepted = net::accept_one(door.fd.get());
    if (accepted) {
      admit(door.listener, std::move(*accepted));
      continue;
    }
    if (accepted.error().message.empty()) {
      return;
    }
    log(Level::kWarning, "router.accept_failed", {{"error", accepted.error().message}});
    watch_door(door, 0);
    poller_.after(kAcceptPause, [this, address = door.listener.address] {
      const auto found = doors_.find(address);
      if (found != doors_.end() && found->second->fd) {
        watch_door(*found->second, EPOLLIN);
      }
    });
    return;
  }
}

void Dispatcher::admit(const routing::Listener& listener, Fd client) {
  ++accepted_;
  const bool is_full = waiting_.size() >= options_.held_max;
  auto waiting =
      std::make_shared<WaitingClient>(poller_, *this, options_, listener, std::move(client));
  waiting_.emplace(waiting.get(), waiting);
  if (is_full) {
    waiting->refuse(mysql_proto::kTooManyConnections,
                    "Trivet: too many connections wait for this cluster. Try again.");
  } else {
    waiting->start();
  }
}

std::optional<Target> Dispatcher::take_backend(const routing::Listener& listener,
                                               const std::vector<routing::Address>& unusable) {
  auto backend = table_.pick(listener.address, active_, unusable);
  if (!backend) {
    return std::nullopt;
  }
  ++active_[*backend];
  return Target{.backend = std::move(*backend),
                .term = table_.find_cluster(listener.cluster)->term};
}

void Dispatcher::give_back(const routing::Address& backend) {
  const auto found = active_.find(backend);
  TRIVET_ASSERT(found != active_.end() && found->second > 0);
  if (--found->second == 0) {
    active_.erase(found);
  }
}

void Dispatcher::connected(WaitingClient& client) {
  const auto least = std::min_element(sessions_on_loop_.begin(), sessions_on_loop_.end());
  const auto loop = static_cast<std::size_t>(least - sessions_on_loop_.begin());
  const SessionId id = ++last_session_;
  sessions_.emplace(
      id, Session{.listener = client.listener(), .target = client.target(), .loop = loop});
  ++sessions_on_loop_[loop];
  ++totals_[client.target().backend];
  loops_[loop]->start(id, client.take_client(), client.take_backend());
  forget(client);
}

void Dispatcher::gone(WaitingClient& client, bool was_refused) {
  refused_ += was_refused ? 1 : 0;
  forget(client);
}

void Dispatcher::forget(WaitingClient& client) {
  const auto found = waiting_.find(&client);
  poller_.release_later(std::move(found->second));
  waiting_.erase(found);
}

void Dispatcher::session_ended(SessionId id) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) {
    return;  // dropped meanwhile
  }
  --sessions_on_loop_[found->second.loop];
  give_back(found->second.target.backend);
  sessions_.erase(found);
}

void Dispatcher::close_all() {
  steered_.let_go();
  // An empty table allows nothing.
  static_cast<void>(apply(routing::EndpointTable()));
}

RouterStats Dispatcher::stats() const {
  RouterStats out;
  out.accepted = accepted_;
  out.refused = refused_;
  out.dropped = dropped_ + steered_.ended();
  for (const auto& [address, door] : doors_) {
    const auto held = std::count_if(waiting_.begin(), waiting_.end(), [&](const auto& entry) {
      return entry.second->listener().address == address;
    });
    out.listeners.push_back({.listener = door->listener,
                             .is_listening = static_cast<bool>(door->fd),
                             .is_steered = steered_.is_steered(address),
                             .failure = door->failure,
                             .held = static_cast<std::size_t>(held)});
  }
  std::map<routing::Address, BackendStats> backends;
  for (const auto& [backend, total] : totals_) {
    backends[backend].total = total;
  }
  for (const auto& [backend, active] : active_) {
    backends[backend].active = active;
  }
  for (auto& [backend, stats] : backends) {
    stats.backend = backend;
    out.backends.push_back(std::move(stats));
  }
  return out;
}

}  // namespace trivet::router
