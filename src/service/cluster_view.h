// SPDX-License-Identifier: Apache-2.0
//
// What a cluster looks like at one moment: for the API, `trivet status`, the router and the login
// check. Made by the cluster's driver, immutable, handed on whole.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/routing/table.h"
#include "model/cluster.h"
#include "ports/member_agent.h"

namespace trivet::service {

struct DatabaseFacts;

struct MemberStatus {
  MemberId id;
  std::string state;  // "available", "starting", "rebuilding", …
  bool is_writer = false;
  bool is_voter = false;
  bool is_rebooting = false;  // or about to be: a reboot was asked for
  bool serves_reads = false;  // open, and its lag is under the bound
  MemberProcess process;      // zeros: none
  std::optional<Millis> apply_lag;
  std::string trouble;  // the last thing that went wrong; empty when it serves
  friend bool operator==(const MemberStatus&, const MemberStatus&) = default;
};

struct ClusterView {
  Cluster cluster;
  Topology topology;
  std::optional<MemberId> writer;  // serves the writer endpoint now
  std::vector<MemberStatus> members;
  std::string waiting_for;    // why there is no writer; empty when there is one
  bool is_rebooting = false;  // all of it, or its writer
  bool is_switching_over = false;
  bool holds_new_connections = false;  // of the writer endpoint: those that are there stay
  Millis commit_delay{0};              // so that readers keep up
};
using ClusterViewPtr = std::shared_ptr<const ClusterView>;

// AWS's word for the cluster now: an election in progress is "failing-over", a return after all
// members were down "starting".
std::string status_text(const ClusterView& view);
// AWS's word for a member now.
std::string instance_status_text(const ClusterView& view, const MemberStatus& member);

// An address in a VPC, by the owner of its network interface (NetworkInterface::owner).
struct VpcAddress {
  std::string network;  // as routing::Address::network
  std::string address;
  friend bool operator==(const VpcAddress&, const VpcAddress&) = default;
};
using VpcAddresses = std::map<std::string, VpcAddress, std::less<>>;

// The router's picture of all clusters. The host's instance endpoints are not in it: mysqld listens
// there itself. Endpoints in VPCs are as far as they have addresses.
Result<routing::EndpointTable> make_endpoint_table(const std::vector<ClusterViewPtr>& views,
                                                   const VpcAddresses& vpc_addresses = {});

// What logins need to know of all clusters.
std::shared_ptr<const DatabaseFacts> make_database_facts(const std::vector<ClusterViewPtr>& views);

}  // namespace trivet::service
