// SPDX-License-Identifier: Apache-2.0
#include "core/routing/table.h"

#include <algorithm>
#include <set>
#include <utility>

namespace trivet::routing {
namespace {

bool contains(const std::vector<Address>& addresses, const Address& address) {
  return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

std::size_t count_of(const ActiveCounts& active, const Address& backend) {
  const auto found = active.find(backend);
  return found == active.end() ? 0 : found->second;
}

}  // namespace

std::string to_string(const Address& address) {
  const std::string port = std::to_string(address.port);
  const std::string network = address.network.empty() ? "" : address.network + "/";
  return network + (address.host.find(':') == std::string::npos ? address.host + ":" + port
                                                                : "[" + address.host + "]:" + port);
}

std::string to_string(EndpointKind kind) {
  switch (kind) {
    case EndpointKind::kWriter:
      return "writer";
    case EndpointKind::kReader:
      return "reader";
    case EndpointKind::kInstance:
      return "instance";
  }
  TRIVET_ASSERT(false);
}

Result<EndpointTable> EndpointTable::make(std::vector<Listener> listeners,
                                          std::vector<ClusterRoute> clusters) {
  EndpointTable table;
  std::set<ClusterResourceId> ids;
  for (const ClusterRoute& route : clusters) {
    if (!ids.insert(route.cluster).second) {
      return make_error(Errc::kInvalidArgument,
                        "cluster " + route.cluster.str() + " has two routes");
    }
  }
  std::set<Address> addresses;
  for (const Listener& listener : listeners) {
    if (!addresses.insert(listener.address).second) {
      return make_error(Errc::kInvalidArgument, to_string(listener.address) + " has two listeners");
    }
    if (!ids.contains(listener.cluster)) {
      return make_error(Errc::kInvalidArgument, to_string(listener.address) +
                                                    " is an endpoint of " + listener.cluster.str() +
                                                    ", which has no route");
    }
  }
  table.listeners_ = std::move(listeners);
  table.clusters_ = std::move(clusters);
  return table;
}

const Listener* EndpointTable::find_listener(const Address& address) const {
  const auto found = std::find_if(listeners_.begin(), listeners_.end(),
                                  [&](const Listener& l) { return l.address == address; });
  return found == listeners_.end() ? nullptr : &*found;
}

const ClusterRoute* EndpointTable::find_cluster(const ClusterResourceId& cluster) const {
  const auto found = std::find_if(clusters_.begin(), clusters_.end(),
                                  [&](const ClusterRoute& r) { return r.cluster == cluster; });
  return found == clusters_.end() ? nullptr : &*found;
}

std::optional<Address> EndpointTable::pick(const Address& listener, const ActiveCounts& active,
                                           const std::vector<Address>& unusable) const {
  const Listener* const at = find_listener(listener);
  const ClusterRoute* const route = at == nullptr ? nullptr : find_cluster(at->cluster);
  if (route == nullptr) {
    return std::nullopt;
  }
  if (at->kind == EndpointKind::kInstance) {
    return contains(unusable, at->member) ? std::nullopt : std::optional(at->member);
  }
  if (at->kind == EndpointKind::kReader) {
    const Address* best = nullptr;
    for (const Address& reader : route->readers) {
      if (!contains(unusable, reader) &&
          (best == nullptr || count_of(active, reader) < count_of(active, *best))) {
        best = &reader;
      }
    }
    if (best != nullptr) {
      return *best;
    }
    if (!route->readers_fall_back_to_writer) {
      return std::nullopt;
    }
  }
  if (route->holds_new || (route->writer && contains(unusable, *route->writer))) {
    return std::nullopt;
  }
  return route->writer;
}

bool EndpointTable::keeps(const Listener& listener, Term term, const Address& backend) const {
  const Listener* const now = find_listener(listener.address);
  const ClusterRoute* const route = now == nullptr ? nullptr : find_cluster(now->cluster);
  if (route == nullptr || *now != listener) {
    return false;
  }
  if (listener.kind == EndpointKind::kInstance) {
    return backend == listener.member;
  }
  if (listener.kind == EndpointKind::kReader && contains(route->readers, backend)) {
    return true;
  }
  const bool may_use_writer =
      listener.kind == EndpointKind::kWriter || route->readers_fall_back_to_writer;
  return may_use_writer && route->writer == backend && route->term == term;
}

EndpointTable without_older_terms(const EndpointTable& current, const EndpointTable& next) {
  std::vector<ClusterRoute> clusters = next.clusters();
  for (ClusterRoute& route : clusters) {
    const ClusterRoute* const old = current.find_cluster(route.cluster);
    if (old != nullptr && old->term > route.term) {
      route = *old;
    }
  }
  auto merged = EndpointTable::make(next.listeners(), std::move(clusters));
  TRIVET_ASSERT(merged.has_value());  // the same ids and listeners as `next`
  return std::move(*merged);
}

}  // namespace trivet::routing
