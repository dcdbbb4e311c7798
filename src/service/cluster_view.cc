// SPDX-License-Identifier: Apache-2.0
#include "service/cluster_view.h"

#include <utility>

#include "service/token_verifier.h"

namespace trivet::service {

std::string status_text(const ClusterView& view) {
  if (view.cluster.status == ClusterStatus::kAvailable && view.is_rebooting) {
    return "rebooting";
  }
  if (view.cluster.status == ClusterStatus::kAvailable && view.is_switching_over) {
    return "failing-over";
  }
  if (view.cluster.status == ClusterStatus::kAvailable && !view.writer) {
    return view.topology.phase == Topology::Phase::kFailover ? "failing-over" : "starting";
  }
  return std::string(to_string(view.cluster.status));
}

std::string instance_status_text(const ClusterView& view, const MemberStatus& member) {
  if (view.cluster.status != ClusterStatus::kAvailable) {
    return std::string(to_string(view.cluster.status));
  }
  if (member.is_rebooting) {
    return "rebooting";
  }
  if (member.is_writer || member.state == "available") {
    return "available";
  }
  return member.state == "rebuilding" ? "modifying" : "rebooting";
}

namespace {

// The cluster's doors in its VPC, beside those on the host.
void add_vpc_listeners(const Cluster& cluster, const VpcAddresses& addresses,
                       std::vector<routing::Listener>& listeners) {
  const auto add = [&](const std::string& part, std::uint16_t port, routing::EndpointKind kind,
                       routing::Address member) {
    const auto it = addresses.find("db/" + cluster.resource_id.str() + "/" + part);
    if (it != addresses.end()) {
      listeners.push_back({{it->second.address, port, it->second.network},
                           cluster.resource_id,
                           kind,
                           std::move(member)});
    }
  };
  add("writer", cluster.writer_endpoint.port, routing::EndpointKind::kWriter, {});
  add("reader", cluster.reader_endpoint.port, routing::EndpointKind::kReader, {});
  for (const Member& member : cluster.members) {
    add(member.id.str(), member.endpoint.port, routing::EndpointKind::kInstance,
        {member.endpoint.address, member.endpoint.port, {}});
  }
}

}  // namespace

Result<routing::EndpointTable> make_endpoint_table(const std::vector<ClusterViewPtr>& views,
                                                   const VpcAddresses& vpc_addresses) {
  std::vector<routing::Listener> listeners;
  std::vector<routing::ClusterRoute> routes;
  for (const ClusterViewPtr& view : views) {
    const Cluster& c = view->cluster;
    const bool is_away =
        c.status == ClusterStatus::kDeleting || c.status == ClusterStatus::kFailed ||
        c.status == ClusterStatus::kStopping || c.status == ClusterStatus::kStopped;
    if (view->topology.term == Term() || is_away) {
      continue;  // nobody listens: clients are refused at once
    }
    listeners.push_back({{c.writer_endpoint.address, c.writer_endpoint.port, {}},
                         c.resource_id,
                         routing::EndpointKind::kWriter,
                         {}});
    listeners.push_back({{c.reader_endpoint.address, c.reader_endpoint.port, {}},
                         c.resource_id,
                         routing::EndpointKind::kReader,
                         {}});
    add_vpc_listeners(c, vpc_addresses, listeners);
    routing::ClusterRoute route{.cluster = c.resource_id, .term = view->topology.term};
    route.holds_new = view->holds_new_connections;
    for (const MemberStatus& m : view->members) {
      const Endpoint& endpoint = c.find_member(m.id)->endpoint;
      if (view->writer == m.id) {
        route.writer = routing::Address{endpoint.address, endpoint.port};
        if (m.process.mysqld_pid > 0) {
          route.writer_pid = m.process.mysqld_pid;
        }
      } else if (m.serves_reads) {
        route.readers.push_back({endpoint.address, endpoint.port});
      }
    }
    routes.push_back(std::move(route));
  }
  return routing::EndpointTable::make(std::move(listeners), std::move(routes));
}

std::shared_ptr<const DatabaseFacts> make_database_facts(const std::vector<ClusterViewPtr>& views) {
  auto facts = std::make_shared<DatabaseFacts>();
  for (const ClusterViewPtr& view : views) {
    const Cluster& c = view->cluster;
    DatabaseFacts::Database database{c.resource_id.str(), c.iam_authentication, {}};
    database.cluster = c.id.str();
    // A token made for one endpoint of a cluster is good for the others: it names the same cluster.
    std::vector<Endpoint> endpoints = {c.writer_endpoint, c.reader_endpoint};
    for (const Member& m : c.members) {
      endpoints.push_back(m.endpoint);
    }
    for (const Endpoint& e : endpoints) {
      database.hosts.push_back({e.address, e.port});
      if (e.name != e.address) {
        database.hosts.push_back({e.name, e.port});
      }
    }
    for (const Member& m : c.members) {
      facts->databases.emplace(m.id, database);
    }
  }
  return facts;
}

}  // namespace trivet::service
