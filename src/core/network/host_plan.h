// SPDX-License-Identifier: Apache-2.0
//
// The host's rules: what comes out of VPCs goes on with the host's address and reaches nothing of
// the host itself, and, where that is wanted, processes of the host reach endpoints only as the
// clusters' security groups allow. One table of the installation's own for nft(8). Pure.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "core/network/ipv4_net.h"
#include "model/network.h"

namespace trivet::network {

// An endpoint of a cluster on the host's side.
struct HostEndpoint {
  std::string cluster;  // whose it is
  std::string address;  // "127.30.0.5"
  std::uint16_t port = 0;
  bool is_public = false;  // PubliclyAccessible: else nobody outside its VPC reaches it
  std::vector<SecurityGroupRule> ingress;  // of all its groups
  friend bool operator==(const HostEndpoint&, const HostEndpoint&) = default;
};

// Who on the host reaches endpoints.
struct HostAccess {
  bool is_enforced = false;  // else everybody
  std::vector<HostEndpoint> endpoints;
  // Trivet's own processes, which always do.
  std::vector<std::uint32_t> exempt_uids;  // the members'
  std::uint32_t exempt_mark = 0;           // of the router's connections
  // Of the daemon's own logins, which no mark can be put on; only the daemon's user may come from
  // there.
  std::string exempt_source;
  std::uint32_t exempt_source_uid = 0;
  friend bool operator==(const HostAccess&, const HostAccess&) = default;
};

struct HostNames {
  std::string table;     // "tv1a2b3c"
  std::string uplinks;   // what names of the host's ends of VPCs begin with: "tv1a2b3cu"
  std::string link_net;  // "169.254.30.0/24": the addresses of those ends
};

struct HostOptions {
  bool has_uplinks = false;
  // The host forwarded nothing before: it goes on forwarding nothing but what VPCs send.
  bool was_forwarding = true;
};

std::string host_rules(const HostNames& names, const HostOptions& options,
                       const HostAccess& access);
// The clusters that a process of the host does not reach from 127.0.0.1, for want of a rule or of
// PubliclyAccessible.
std::set<std::string> shut_out(const HostAccess& access);

}  // namespace trivet::network
