// SPDX-License-Identifier: Apache-2.0
#include "service/ec2_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "service/ec2_faults.h"
#include "service/security_group_rules.h"

namespace trivet::service {
namespace {

constexpr std::string_view kDefaultVpcCidr = "172.31.0.0/16";
constexpr std::array<std::string_view, 3> kDefaultSubnetCidrs = {"172.31.0.0/20", "172.31.16.0/20",
                                                                 "172.31.32.0/20"};
constexpr std::size_t kTagsMax = 50;

}  // namespace

std::vector<AvailabilityZone> availability_zones(const Realm& realm) {
  const std::string_view region = realm.region;
  // AWS shortens a region's words in the ids of its zones: us-east-1 → use1, ap-southeast-2 →
  // apse2.
  std::string prefix;
  std::size_t begin = 0;
  bool is_first = true;
  while (begin <= region.size()) {
    const std::size_t end = std::min(region.find('-', begin), region.size());
    const std::string_view word = region.substr(begin, end - begin);
    if (is_first || word == "gov" || word == "iso") {
      prefix += is_first ? word : word.substr(0, 1);
    } else if (word == "northeast" || word == "southeast" || word == "northwest" ||
               word == "southwest") {
      prefix += word[0];
      prefix += word[5];
    } else {
      prefix += word.substr(0, 1);
    }
    is_first = false;
    begin = end + 1;
  }
  std::vector<std::string> names = realm.availability_zones;
  for (const char letter : {'a', 'b', 'c'}) {
    if (realm.availability_zones.empty()) {
      names.push_back(fmt::format("{}{}", region, letter));
    }
  }
  std::vector<AvailabilityZone> zones;
  for (const std::string& name : names) {
    zones.push_back({name, fmt::format("{}-az{}", prefix, name.back() - 'a' + 1)});
  }
  return zones;
}

Status check_ec2_tags(const Tags& tags) {
  if (tags.size() > kTagsMax) {
    return aws_fault(Errc::kInvalidArgument, "TagLimitExceeded",
                     "A resource can have no more than 50 tags.");
  }
  for (const auto& [key, value] : tags) {
    if (key.empty() || key.size() > 127) {
      return bad_ec2_value("Tag key must be between 1 and 127 characters long.");
    }
    if (value.size() > 255) {
      return bad_ec2_value("Tag value exceeds the maximum length of 255 characters");
    }
    if (key.starts_with("aws:")) {
      return bad_ec2_value("Tag keys starting with 'aws:' are reserved for internal use");
    }
  }
  return ok();
}

Status Ec2Service::start() {
  return needs_.network.change([this](const NetworkState& state) -> Result<NetworkChange> {
    NetworkChange change;
    if (!state.vpcs.empty()) {
      return change;
    }
    const Vpc vpc{.id = new_ec2_id("vpc"),
                  .cidr = std::string(kDefaultVpcCidr),
                  .cidr_association_id = new_ec2_id("vpc-cidr-assoc"),
                  .is_default = true,
                  .dns_hostnames = true,
                  .tags = {}};
    change.put(vpc);
    const auto zones = availability_zones(needs_.realm);
    for (std::size_t i = 0; i < zones.size(); ++i) {
      change.put(Subnet{.id = new_ec2_id("subnet"),
                        .vpc_id = vpc.id,
                        .availability_zone = zones[i].name,
                        .cidr = std::string(kDefaultSubnetCidrs[i]),
                        .is_default = true,
                        .maps_public_ip = true,
                        .tags = {}});
    }
    change.put(default_security_group(vpc));
    const InternetGateway gateway{.id = new_ec2_id("igw"), .vpc_id = vpc.id, .tags = {}};
    change.put(gateway);
    RouteTable table = main_route_table(vpc);
    table.routes.push_back({"0.0.0.0/0", gateway.id});
    change.put(table);
    return change;
  });
}

std::vector<NetworkInterface> Ec2Service::leased() const {
  return needs_.leased ? needs_.leased() : std::vector<NetworkInterface>();
}

}  // namespace trivet::service
