// SPDX-License-Identifier: Apache-2.0
#include "core/network/names.h"

#include <algorithm>

namespace trivet::network {

VpcNames names_of(const Picture& picture, const std::vector<VpcEndpoint>& endpoints) {
  VpcNames out;
  for (const Subnet& subnet : picture.subnets) {
    if (const auto net = parse_ipv4_net(subnet.cidr)) {
      out.subnets.push_back({*net, has_way_out(picture, subnet.id)});
    }
  }
  for (const VpcEndpoint& endpoint : endpoints) {
    if (endpoint.vpc_id != picture.vpc.id || !endpoint.private_dns) {
      continue;
    }
    for (const NetworkInterface& interface : picture.interfaces) {
      const auto address = parse_ipv4(interface.address);
      if (interface.owner == endpoint.id && address && out.api_endpoint == 0) {
        out.api_endpoint = *address;
      }
    }
  }
  return out;
}

NameAnswer resolve(const NameBook& book, std::string_view network, std::uint32_t client,
                   std::string_view name) {
  using Kind = NameAnswer::Kind;
  const auto vpc = book.vpcs.find(network);
  if (vpc == book.vpcs.end()) {
    return {};
  }
  const auto& subnets = vpc->second.subnets;
  const bool goes_out = std::any_of(subnets.begin(), subnets.end(), [&](const auto& range) {
    return range.has_way_out && range.net.contains(client);
  });
  if (name == book.api_name) {
    if (vpc->second.api_endpoint != 0) {
      return {Kind::kAddress, vpc->second.api_endpoint};
    }
    return goes_out ? NameAnswer{Kind::kAddress, *parse_ipv4(kApiAddress)} : NameAnswer{};
  }
  if (const auto known = book.addresses.find(name); known != book.addresses.end()) {
    return {Kind::kAddress, known->second};
  }
  const bool is_ours = name == book.domain || name.ends_with("." + book.domain);
  return goes_out && !is_ours ? NameAnswer{Kind::kForward, 0} : NameAnswer{};
}

}  // namespace trivet::network
