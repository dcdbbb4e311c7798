// SPDX-License-Identifier: Apache-2.0
//
// What the resolver of a VPC answers: endpoints of clusters with their addresses in VPCs, the name
// of the API where the VPC reaches it, and anything else only for subnets with a way out. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/network/plan.h"

namespace trivet::network {

// One VPC's part of it.
struct VpcNames {
  struct Range {
    Ipv4Net net;
    bool has_way_out = false;
  };
  std::vector<Range> subnets;
  // Of the VPC endpoint whose private DNS is on; 0: there is none.
  std::uint32_t api_endpoint = 0;
};

// Plain value.
struct NameBook {
  std::string api_name;  // "api.rds.trivet.internal"
  std::string domain;    // "rds.trivet.internal": all names in it are ours
  std::map<std::string, std::uint32_t, std::less<>> addresses;  // lower-case names
  std::map<std::string, VpcNames, std::less<>> vpcs;            // by network
};

struct NameAnswer {
  enum class Kind {
    kAddress,
    kNoSuchName,
    kForward,  // the host's resolver knows
  };
  Kind kind = Kind::kNoSuchName;
  std::uint32_t address = 0;
};

VpcNames names_of(const Picture& picture, const std::vector<VpcEndpoint>& endpoints);
// `name` in lower case, asked from `client` in `network`.
NameAnswer resolve(const NameBook& book, std::string_view network, std::uint32_t client,
                   std::string_view name);

}  // namespace trivet::network
