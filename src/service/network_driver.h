// SPDX-License-Identifier: Apache-2.0
//
// Has networks enforced: whenever the API or a cluster changed something, the kernel, the resolvers
// and the router's doors in VPCs are made to agree with what is wanted; environments of functions
// get their places. What the store says is wanted, what the kernel has is rebuilt at each start.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/worker.h"
#include "model/ids.h"
#include "ports/function_networks.h"
#include "ports/network_fabric.h"
#include "ports/vpc_doors.h"
#include "service/cluster_view.h"
#include "service/network_state.h"

namespace trivet::service {

// Where things are in this installation.
struct NetworkSettings {
  std::string domain;    // "rds.trivet.internal": endpoint names end in it
  std::string api_host;  // on the host
  std::uint16_t api_port = 4566;
  // Trivet's own processes, which reach endpoints whatever NetworkPolicy says.
  network::HostAccess exempt;
};

// For `trivet status`. Plain value.
struct NetworkReport {
  std::string why_not_enforced;  // empty: they are
  std::string trouble;           // the last thing that could not be done; empty: all is
  NetworkPolicy policy;
  std::set<std::string> shut_out;  // clusters that this host does not reach, by that policy
  std::vector<std::string> vpcs;
  std::size_t environments = 0;
};

// Thread-safe. Owns the thread "network".
class NetworkDriver final : public FunctionNetworks {
 public:
  struct Needs {
    NetworkStore& network;
    NetworkFabric& fabric;
    VpcDoors& doors;
    NetworkSettings settings;
    std::function<std::vector<ClusterViewPtr>()> views;
    // vpc_addresses() changed. On the thread, which holds no lock then.
    std::function<void()> on_addresses;
  };
  explicit NetworkDriver(Needs needs);
  ~NetworkDriver() override;

  // Clears what an earlier run left and begins. Once.
  void start();
  // Something that networks depend on may have changed; returns at once.
  void network_changed();
  // Waits until what changed before this call is in force, or cannot be: 10 s at most.
  void settle();
  void clusters_changed(const std::vector<ClusterViewPtr>& views);
  // Ends the thread and takes the networks down; `with_host_rules` when no member runs any more.
  void stop(bool with_host_rules);

  // Where the endpoints of clusters are in VPCs, as far as the kernel has it so.
  VpcAddresses vpc_addresses() const;
  // The path of a network's namespace, by routing::Address::network.
  std::string namespace_of(const std::string& network) const;
  // The interfaces of environments.
  std::vector<NetworkInterface> leased() const;
  NetworkReport report() const;

  std::string why_not_enforced() const override { return needs_.fabric.why_not(); }
  Result<FunctionNetwork> lease(const std::string& function_arn,
                                const std::optional<VpcPlacement>& vpc) override;
  void release(const std::string& id) override;

 private:
  struct Lease {
    std::string network;  // a VPC's id, or kOutside
    std::string name;     // of the environment, for the fabric
    std::string router;
    NetworkInterface interface;
  };

  void post_sync();
  void sync();
  std::string settle_clusters();
  network::Picture picture_of(const NetworkState& state, const std::string& network) const
      REQUIRES_LOCK(mutex_);
  Status apply(const NetworkState& state, const std::string& network) REQUIRES_LOCK(mutex_);
  Status apply_all(const NetworkState& state) REQUIRES_LOCK(mutex_);
  void remove_others(const NetworkState& state) REQUIRES_LOCK(mutex_);
  VpcDoorsWish doors_wish(const network::Picture& picture) const REQUIRES_LOCK(mutex_);
  VpcAddresses addresses_in(const NetworkState& state) const REQUIRES_LOCK(mutex_);
  void publish_names(const NetworkState& state) REQUIRES_LOCK(mutex_);
  network::HostAccess host_access(const NetworkState& state) const;
  Result<Lease> choose_place(const NetworkState& state, const std::string& function_arn,
                             const std::optional<VpcPlacement>& vpc) REQUIRES_LOCK(mutex_);
  Result<FunctionNetwork> connect(const NetworkState& state, const std::string& id)
      REQUIRES_LOCK(mutex_);
  void look_again_later();
  std::string key_of(const std::string& network) const REQUIRES_LOCK(mutex_);

  Needs needs_;
  mutable Mutex mutex_;                                     // the fabric, and what follows
  std::map<std::string, Lease> leases_ GUARDED_BY(mutex_);  // by id
  // Networks that are enforced, and how often each had to be made: a socket in a namespace that was
  // made again is not one in the old one.
  std::map<std::string, int> generations_ GUARDED_BY(mutex_);
  std::set<std::string> lived_in_ GUARDED_BY(mutex_);  // networks that have had environments
  std::string trouble_ GUARDED_BY(mutex_);
  NetworkPolicy policy_ GUARDED_BY(mutex_);
  std::set<std::string> shut_out_ GUARDED_BY(mutex_);
  std::uint64_t last_number_ GUARDED_BY(mutex_) = 0;
  // Held for as long as a value is copied: the clusters' own thread must never wait for the kernel.
  mutable Mutex seen_mutex_;
  VpcAddresses addresses_ GUARDED_BY(seen_mutex_);
  std::string seen_clusters_ GUARDED_BY(seen_mutex_);
  std::atomic<bool> is_sync_posted_ = false;
  std::atomic<bool> is_begun_ = false;
  Worker worker_;
};

}  // namespace trivet::service
