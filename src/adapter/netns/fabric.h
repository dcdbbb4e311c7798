// SPDX-License-Identifier: Apache-2.0
//
// Networks as namespaces of this host's kernel, by iproute2 and nftables. What bears this
// installation's names: namespaces "tvHASH-…" in /run/netns, the host's ends of VPCs "tvHASHu…",
// the table "inet tvHASH". Nothing else is touched, but for the host's switch for forwarding, while
// a VPC has a way out (uplinks.h).
#pragma once

#include <map>
#include <string>

#include "adapter/netns/uplinks.h"
#include "ports/network_fabric.h"

namespace trivet::netns {

struct FabricOptions {
  std::string installation_id;
  std::string address_prefix;  // "127.30": the uplinks of this installation are in 169.254.30.0/24
};

class NetnsFabric final : public NetworkFabric {
 public:
  // Tries out whether this host can.
  explicit NetnsFabric(const FabricOptions& options);

  std::string why_not() const override { return why_not_; }
  Status clear(bool with_host_rules) override;
  Status apply(const std::string& network, const network::Plan& plan) override;
  Status remove(const std::string& network) override;
  bool is_there(const std::string& network) const override;
  std::string namespace_path(const std::string& network) const override;
  Result<std::string> add_environment(const std::string& network,
                                      const EnvironmentWish& wish) override;
  Status remove_environment(const std::string& network, const std::string& name) override;
  Status apply_host(const network::HostAccess& access) override;

 private:
  struct Made {
    network::Plan plan;
    std::uint64_t inode = 0;  // of the namespace
  };

  std::string try_out();
  Status make(const std::string& network);
  Status change(const std::string& network, const network::Plan& now, const network::Plan& next);
  std::string environment_namespace(const std::string& name) const;

  const std::string prefix_;  // "tv1a2b3c"
  Uplinks uplinks_;
  std::string why_not_;
  std::map<std::string, Made> made_;
};

}  // namespace trivet::netns
