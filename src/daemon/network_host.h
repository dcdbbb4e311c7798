// SPDX-License-Identifier: Apache-2.0
//
// Networks on this host: the kernel's part, the doors in VPCs, and what drives both.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapter/netns/fabric.h"
#include "daemon/network_admin.h"
#include "daemon/vpc_doors.h"
#include "model/installation.h"
#include "service/network_driver.h"

namespace trivet::daemon {

// Where the daemon's own logins come from: an address that no endpoint has.
std::string own_source(const Installation& installation);

// Does a cluster refer to this security group?
bool uses_group(const std::vector<service::ClusterViewPtr>& views, const std::string& group);

// Owned by the daemon. Thread-safe but for begin() and stop().
class NetworkHost {
 public:
  struct Needs {
    service::NetworkStore& network;
    std::function<std::vector<service::ClusterViewPtr>()> views;
    std::function<void()> on_addresses;  // as NetworkDriver's
  };
  NetworkHost(const Installation& installation, Needs needs);

  // When there are clusters and an API to serve.
  void begin(net::HttpServer& api);
  // `are_members_stopped`: nobody needs the host's rules any more.
  void stop(bool are_members_stopped);

  service::NetworkDriver& driver() { return driver_; }
  NetworkAdmin& admin() { return admin_; }

 private:
  netns::NetnsFabric fabric_;
  NetVpcDoors doors_;
  service::NetworkDriver driver_;
  NetworkAdmin admin_;
};

}  // namespace trivet::daemon
