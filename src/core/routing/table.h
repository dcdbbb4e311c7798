// SPDX-License-Identifier: Apache-2.0
//
// Where a connection to an endpoint goes. An EndpointTable is one immutable picture of all
// endpoints: the router gets a new one whole and never changes it. Routes follow the term, never
// what a server says of itself (failover.md I14).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/ids.h"

namespace trivet::routing {

// A numeric IP address and a port.
struct Address {
  std::string host;
  std::uint16_t port = 0;
  std::string network;  // the VPC that it is in; empty: the host's own network
  friend auto operator<=>(const Address&, const Address&) = default;
};
std::string to_string(
    const Address& address);  // "127.0.0.1:3306", "[::1]:3306", "vpc-1/10.0.0.4:3306"

// kInstance: one member, whatever its role. On the host members listen there themselves.
enum class EndpointKind { kWriter, kReader, kInstance };
std::string to_string(EndpointKind kind);  // "writer", "reader", "instance"

// An address that clients connect to.
struct Listener {
  Address address;
  ClusterResourceId cluster;
  EndpointKind kind = EndpointKind::kWriter;
  Address member;  // where the one member listens; of kInstance only
  friend bool operator==(const Listener&, const Listener&) = default;
};

// Who serves one cluster in one term.
struct ClusterRoute {
  // Never used again for another cluster, so terms of the same id can be compared.
  ClusterResourceId cluster;
  Term term;
  std::optional<Address> writer;  // none: new connections wait for one
  bool holds_new = false;  // those of the writer stay, and new ones wait: it is about to hand over
  std::optional<int> writer_pid;  // of its server, where that runs on this host
  std::vector<Address> readers;  // healthy members of this term that are not the writer, best first
  // A reader connection goes to the writer when there is no reader. Off: it is refused.
  bool readers_fall_back_to_writer = false;
  friend bool operator==(const ClusterRoute&, const ClusterRoute&) = default;
};

// Connections that each backend has now; one that is not named has none.
using ActiveCounts = std::map<Address, std::size_t>;

// Immutable; thread-safe.
class EndpointTable {
 public:
  EndpointTable() = default;  // no endpoint

  // kInvalidArgument when an address has two listeners, a cluster two routes, or a listener's
  // cluster none.
  static Result<EndpointTable> make(std::vector<Listener> listeners,
                                    std::vector<ClusterRoute> clusters);

  const std::vector<Listener>& listeners() const { return listeners_; }
  const std::vector<ClusterRoute>& clusters() const { return clusters_; }
  // Null when there is none.
  const Listener* find_listener(const Address& address) const;
  const ClusterRoute* find_cluster(const ClusterResourceId& cluster) const;

  // The backend for a new connection to `listener`. Writer endpoint: the writer. Reader endpoint:
  // the reader with the fewest connections, the first of equals. nullopt when there is none, also
  // when all are in `unusable` (which did not accept this connection). Instance endpoint: its
  // member.
  std::optional<Address> pick(const Address& listener, const ActiveCounts& active,
                              const std::vector<Address>& unusable = {}) const;

  // May a connection that came through `listener` (as it was then) in `term` stay on `backend`? A
  // writer's only in the same term; a reader's as long as the endpoint still uses that backend, an
  // instance's as long as there is the endpoint.
  bool keeps(const Listener& listener, Term term, const Address& backend) const;

 private:
  std::vector<Listener> listeners_;
  std::vector<ClusterRoute> clusters_;
};

// What is in force after `next` was published over `current`: `next`, but a cluster whose term in
// `next` is lower than in `current` keeps its route of `current`: an old picture came late.
EndpointTable without_older_terms(const EndpointTable& current, const EndpointTable& next);

}  // namespace trivet::routing
