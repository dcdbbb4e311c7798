// SPDX-License-Identifier: Apache-2.0
//
// The network interfaces that DB clusters have in their VPCs: one for the writer endpoint, one for
// the reader endpoint, one for each instance, in the subnets of its members. Pure but for new ids.
#pragma once

#include <string>
#include <vector>

#include "model/cluster.h"
#include "model/network.h"
#include "service/network_state.h"

namespace trivet::service {

struct SettledInterfaces {
  NetworkChange change;  // without writes when all is as it should be
  // Why an endpoint has no address in its VPC; empty: all have.
  std::string trouble;
};

// `leased`: addresses that are taken but in no store.
SettledInterfaces settle_cluster_interfaces(const NetworkState& state,
                                            const std::vector<Cluster>& clusters,
                                            const std::vector<NetworkInterface>& leased);

}  // namespace trivet::service
