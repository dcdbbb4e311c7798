// SPDX-License-Identifier: Apache-2.0
#include "service/network_driver.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <memory>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "core/network/ipv4_net.h"
#include "service/cluster_interfaces.h"
#include "service/ec2_faults.h"

namespace trivet::service {
namespace {

// Somebody may have deleted a namespace; what could not be done may be possible by then.
constexpr Millis kLookAgain{2'000};
constexpr Millis kSettlesWithin{10'000};

std::vector<Cluster> clusters_of(const std::vector<ClusterViewPtr>& views) {
  std::vector<Cluster> clusters;
  for (const ClusterViewPtr& view : views) {
    clusters.push_back(view->cluster);
  }
  return clusters;
}

// What networks depend on, as text: most changes of a view are none of it.
std::string digest_of(const std::vector<ClusterViewPtr>& views) {
  std::string out;
  for (const ClusterViewPtr& view : views) {
    const Cluster& c = view->cluster;
    out += c.resource_id.str() + (c.status == ClusterStatus::kDeleting ? "-" : "+") +
           (c.publicly_accessible ? "p" : "") + c.writer_endpoint.name + c.vpc_id;
    for (const std::string& group : c.security_group_ids) {
      out += "," + group;
    }
    out += ";";
  }
  return out;
}

// A name's address as the host's network knows it is of no use in a VPC.
void add_names(const Cluster& cluster, const VpcAddresses& addresses, network::NameBook& book) {
  const std::string prefix = "db/" + cluster.resource_id.str() + "/";
  const auto add = [&](const std::string& part, const Endpoint& endpoint) {
    const auto it = addresses.find(prefix + part);
    const auto address =
        it == addresses.end() ? std::nullopt : network::parse_ipv4(it->second.address);
    if (address && endpoint.name != endpoint.address) {
      book.addresses[to_lower(endpoint.name)] = *address;
    }
  };
  add("writer", cluster.writer_endpoint);
  add("reader", cluster.reader_endpoint);
  for (const Member& member : cluster.members) {
    add(member.id.str(), member.endpoint);
  }
}

}  // namespace

NetworkDriver::NetworkDriver(Needs needs) : needs_(std::move(needs)), worker_("network") {}

NetworkDriver::~NetworkDriver() {
  worker_.stop();
}

void NetworkDriver::start() {
  if (needs_.fabric.why_not().empty()) {
    const MutexLock lock(mutex_);
    const Status cleared = needs_.fabric.clear(false);
    if (!cleared) {
      log(Level::kWarning, "network.not_cleared", {{"error", cleared.error().message}});
    }
  } else {
    log(Level::kWarning, "network.not_enforced", {{"why", needs_.fabric.why_not()}});
  }
  is_begun_ = true;
  post_sync();
  look_again_later();
}

void NetworkDriver::stop(bool with_host_rules) {
  if (!is_begun_.exchange(false)) {
    return;
  }
  worker_.stop();
  const MutexLock lock(mutex_);
  for (const auto& [network, generation] : generations_) {
    needs_.doors.leave(network);
  }
  generations_.clear();
  leases_.clear();
  if (needs_.fabric.why_not().empty()) {
    const Status cleared = needs_.fabric.clear(with_host_rules);
    if (!cleared) {
      log(Level::kWarning, "network.not_cleared", {{"error", cleared.error().message}});
    }
  }
}

void NetworkDriver::network_changed() {
  post_sync();
}

void NetworkDriver::settle() {
  const auto done = std::make_shared<std::promise<void>>();
  auto waited = done->get_future();
  if (is_begun_ && worker_.post([done] { done->set_value(); })) {
    waited.wait_for(kSettlesWithin);
  }
}

void NetworkDriver::clusters_changed(const std::vector<ClusterViewPtr>& views) {
  std::string now = digest_of(views);
  {
    const MutexLock lock(seen_mutex_);
    if (now == seen_clusters_) {
      return;
    }
    seen_clusters_ = std::move(now);
  }
  post_sync();
}

void NetworkDriver::post_sync() {
  if (is_begun_ && !is_sync_posted_.exchange(true)) {
    worker_.post([this] {
      is_sync_posted_ = false;
      sync();
    });
  }
}

void NetworkDriver::look_again_later() {
  worker_.post_after(kLookAgain, [this] {
    bool is_whole = true;
    {
      const MutexLock lock(mutex_);
      is_whole = trouble_.empty() &&
                 std::all_of(generations_.begin(), generations_.end(), [&](const auto& entry) {
                   return needs_.fabric.is_there(entry.first);
                 });
    }
    if (!is_whole) {
      sync();
    }
    look_again_later();
  });
}

// What could not be done; empty: all of it.
std::string NetworkDriver::settle_clusters() {
  std::string trouble;
  const auto clusters = clusters_of(needs_.views());
  const Status settled =
      needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
        SettledInterfaces found = settle_cluster_interfaces(state, clusters, leased());
        trouble = found.trouble;
        return std::move(found.change);
      });
  return settled ? trouble : settled.error().message;
}

void NetworkDriver::sync() {
  std::string trouble = settle_clusters();
  const auto state = needs_.network.load();
  VpcAddresses addresses;
  {
    const MutexLock lock(mutex_);
    if (!state) {
      trouble = state.error().message;
    } else {
      policy_ = state->policy;
    }
    if (state && needs_.fabric.why_not().empty()) {
      const Status applied = apply_all(*state);
      trouble = applied ? trouble : applied.error().message;
    }
    if (trouble != trouble_ && !trouble.empty()) {
      log(Level::kWarning, "network.not_as_wanted", {{"error", trouble}});
    }
    trouble_ = trouble;
    addresses = state ? addresses_in(*state) : vpc_addresses();
  }
  bool has_changed = false;
  {
    const MutexLock lock(seen_mutex_);
    has_changed = addresses_ != addresses;
    addresses_ = std::move(addresses);
  }
  if (has_changed && needs_.on_addresses) {
    needs_.on_addresses();
  }
}

Status NetworkDriver::apply_all(const NetworkState& state) {
  remove_others(state);
  Status first = ok();
  for (const auto& [id, vpc] : state.vpcs) {
    const Status applied = apply(state, id);
    first = first ? applied : first;
  }
  if (generations_.contains(std::string(network::kOutside))) {
    const Status applied = apply(state, std::string(network::kOutside));
    first = first ? applied : first;
  }
  publish_names(state);
  const network::HostAccess access = host_access(state);
  shut_out_ = network::shut_out(access);
  const Status host = needs_.fabric.apply_host(access);
  return first ? host : first;
}

// Of networks that the kernel has.
VpcAddresses NetworkDriver::addresses_in(const NetworkState& state) const {
  VpcAddresses out;
  for (const auto& [id, interface] : state.interfaces) {
    if (interface.owner.starts_with("db/") && generations_.contains(interface.vpc_id)) {
      out[interface.owner] = {key_of(interface.vpc_id), interface.address};
    }
  }
  return out;
}

void NetworkDriver::remove_others(const NetworkState& state) {
  for (auto it = generations_.begin(); it != generations_.end();) {
    if (state.vpcs.contains(it->first) || it->first == network::kOutside) {
      ++it;
      continue;
    }
    needs_.doors.leave(it->first);
    const Status removed = needs_.fabric.remove(it->first);
    if (!removed) {
      log(Level::kWarning, "network.not_removed",
          {{"network", it->first}, {"error", removed.error().message}});
    }
    lived_in_.erase(it->first);
    it = generations_.erase(it);
  }
}

network::Picture NetworkDriver::picture_of(const NetworkState& state,
                                           const std::string& network) const {
  network::Picture out;
  if (network == network::kOutside) {
    out = network::outside_picture();
  } else {
    out.vpc = state.vpcs.at(network);
  }
  const auto take = [&](const auto& map, auto& list) {
    for (const auto& [id, record] : map) {
      if (record.vpc_id == network) {
        list.push_back(record);
      }
    }
  };
  take(state.subnets, out.subnets);
  take(state.security_groups, out.groups);
  take(state.route_tables, out.route_tables);
  take(state.interfaces, out.interfaces);
  for (const auto& [id, gateway] : state.internet_gateways) {
    out.gateway_id = gateway.vpc_id == network ? id : out.gateway_id;
  }
  for (const auto& [id, lease] : leases_) {
    if (lease.network == network) {
      out.interfaces.push_back(lease.interface);
    }
  }
  return out;
}

VpcDoorsWish NetworkDriver::doors_wish(const network::Picture& picture) const {
  VpcDoorsWish wish;
  wish.namespace_path = needs_.fabric.namespace_path(picture.vpc.id);
  wish.dns_address = network::dns_address(picture.vpc);
  wish.api_addresses = {std::string(network::kApiAddress)};
  for (const NetworkInterface& interface : picture.interfaces) {
    if (interface.owner.starts_with("vpce-")) {
      wish.api_addresses.push_back(interface.address);
    }
  }
  return wish;
}

Status NetworkDriver::apply(const NetworkState& state, const std::string& network) {
  const network::Picture picture = picture_of(state, network);
  const bool was_there = needs_.fabric.is_there(network);
  network::PlanOptions options{.api_port = needs_.settings.api_port,
                               .opens_ways_out = lived_in_.contains(network),
                               .vpc_networks = {}};
  for (const auto& [id, vpc] : state.vpcs) {
    options.vpc_networks.push_back(vpc.cidr);
  }
  TRIVET_CHECK_OK(needs_.fabric.apply(network, network::make_plan(picture, options)));
  if (!was_there) {
    needs_.doors.leave(network);
    const int generation = ++generations_[network];
    log(generation == 1 ? Level::kInfo : Level::kWarning,
        generation == 1 ? "network.made" : "network.made_again", {{"network", network}});
    for (const auto& [id, lease] : leases_) {
      if (lease.network == network && generation > 1) {
        const auto connected = needs_.fabric.add_environment(
            network, {lease.name, lease.interface.address, lease.router});
        if (!connected) {
          return connected.error();
        }
      }
    }
  }
  return needs_.doors.serve(network, doors_wish(picture));
}

std::string NetworkDriver::key_of(const std::string& network) const {
  const auto it = generations_.find(network);
  return it == generations_.end() || it->second == 1 ? network
                                                     : fmt::format("{}#{}", network, it->second);
}

std::string NetworkDriver::namespace_of(const std::string& network) const {
  return needs_.fabric.namespace_path(network.substr(0, network.find('#')));
}

void NetworkDriver::publish_names(const NetworkState& state) {
  auto book = std::make_shared<network::NameBook>();
  book->domain = to_lower(needs_.settings.domain);
  book->api_name = "api." + book->domain;
  std::vector<VpcEndpoint> endpoints;
  for (const auto& [id, endpoint] : state.endpoints) {
    endpoints.push_back(endpoint);
  }
  const VpcAddresses addresses = addresses_in(state);
  for (const ClusterViewPtr& view : needs_.views()) {
    add_names(view->cluster, addresses, *book);
  }
  for (const auto& [network, generation] : generations_) {
    book->vpcs[network] = network::names_of(picture_of(state, network), endpoints);
  }
  needs_.doors.set_names(std::move(book));
}

network::HostAccess NetworkDriver::host_access(const NetworkState& state) const {
  if (!state.policy.host_obeys_groups) {
    return {};
  }
  network::HostAccess out = needs_.settings.exempt;
  out.is_enforced = true;
  for (const ClusterViewPtr& view : needs_.views()) {
    const Cluster& cluster = view->cluster;
    std::vector<SecurityGroupRule> rules;
    for (const std::string& id : cluster.security_group_ids) {
      if (const SecurityGroup* group = state.find_security_group(id)) {
        rules.insert(rules.end(), group->rules.begin(), group->rules.end());
      }
    }
    std::vector<Endpoint> endpoints = {cluster.writer_endpoint, cluster.reader_endpoint};
    for (const Member& member : cluster.members) {
      endpoints.push_back(member.endpoint);
    }
    for (const Endpoint& endpoint : endpoints) {
      out.endpoints.push_back(
          {cluster.id.str(), endpoint.address, endpoint.port, cluster.publicly_accessible, rules});
    }
  }
  return out;
}

VpcAddresses NetworkDriver::vpc_addresses() const {
  const MutexLock lock(seen_mutex_);
  return addresses_;
}

std::vector<NetworkInterface> NetworkDriver::leased() const {
  const MutexLock lock(mutex_);
  std::vector<NetworkInterface> out;
  for (const auto& [id, lease] : leases_) {
    if (lease.network != network::kOutside) {
      out.push_back(lease.interface);
    }
  }
  return out;
}

NetworkReport NetworkDriver::report() const {
  const MutexLock lock(mutex_);
  NetworkReport out;
  out.why_not_enforced = needs_.fabric.why_not();
  out.trouble = trouble_;
  out.policy = policy_;
  out.shut_out = shut_out_;
  for (const auto& [network, generation] : generations_) {
    if (network != network::kOutside) {
      out.vpcs.push_back(network);
    }
  }
  out.environments = leases_.size();
  return out;
}

}  // namespace trivet::service
