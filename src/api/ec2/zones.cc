// SPDX-License-Identifier: Apache-2.0
//
// DescribeRegions, DescribeAvailabilityZones, DescribeAccountAttributes.
#include <fmt/format.h>

#include "api/ec2/common.h"

namespace trivet::api::ec2 {
namespace {

using Zone = service::AvailabilityZone;

FilterValues filter_values(const Zone& zone, const Realm& realm, std::string_view name) {
  if (name == "zone-name") {
    return one(zone.name);
  }
  if (name == "zone-id") {
    return one(zone.id);
  }
  if (name == "region-name" || name == "group-name") {
    return one(realm.region);
  }
  if (name == "state") {
    return one("available");
  }
  if (name == "zone-type") {
    return one("availability-zone");
  }
  if (name == "opt-in-status") {
    return one("opt-in-not-required");
  }
  if (name == "message" || name == "parent-zone-id" || name == "parent-zone-name") {
    return std::vector<std::string>();
  }
  return std::nullopt;
}

Status check_named(const std::vector<std::string>& names, const std::vector<Zone>& zones,
                   std::string Zone::* what) {
  for (const std::string& name : names) {
    if (std::none_of(zones.begin(), zones.end(),
                     [&](const Zone& zone) { return zone.*what == name; })) {
      return bad_value(fmt::format("Invalid availability zone: [{}]", name));
    }
  }
  return ok();
}

bool is_named(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

Result<DescribeAvailabilityZonesResponse> describe_zones(
    const Realm& realm, const DescribeAvailabilityZonesRequest& request) {
  const auto zones = service::availability_zones(realm);
  TRIVET_CHECK_OK(check_named(request.ZoneNames, zones, &Zone::name));
  TRIVET_CHECK_OK(check_named(request.ZoneIds, zones, &Zone::id));
  DescribeAvailabilityZonesResponse response;
  for (const Zone& zone : zones) {
    TRIVET_TRY(const bool is_passing, passes(request.Filters, [&](std::string_view name) {
                 return filter_values(zone, realm, name);
               }));
    if (!is_passing || !is_named(request.ZoneNames, zone.name) ||
        !is_named(request.ZoneIds, zone.id)) {
      continue;
    }
    ec2::AvailabilityZone out;
    out.OptInStatus = "opt-in-not-required";
    out.RegionName = realm.region;
    out.ZoneName = zone.name;
    out.ZoneId = zone.id;
    out.GroupName = realm.region;
    out.NetworkBorderGroup = realm.region;
    out.ZoneType = "availability-zone";
    out.State = "available";
    response.AvailabilityZones.push_back(std::move(out));
  }
  return response;
}

// The one that is here.
Result<DescribeRegionsResponse> describe_regions(const Realm& realm,
                                                 const DescribeRegionsRequest& request) {
  ec2::Region region;
  region.RegionName = realm.region;
  region.OptInStatus = "opt-in-not-required";
  region.Endpoint = "ec2." + realm.region + ".amazonaws.com";
  for (const std::string& name : request.RegionNames) {
    if (name != realm.region) {
      return bad_value(fmt::format("Invalid region: [{}]", name));
    }
  }
  TRIVET_TRY(const bool is_passing, passes(request.Filters, [&](std::string_view name) {
               return name == "region-name"     ? FilterValues(one(realm.region))
                      : name == "endpoint"      ? FilterValues(one(*region.Endpoint))
                      : name == "opt-in-status" ? FilterValues(one(*region.OptInStatus))
                                                : std::nullopt;
             }));
  DescribeRegionsResponse response;
  if (is_passing) {
    response.Regions.push_back(std::move(region));
  }
  return response;
}

Result<DescribeAccountAttributesResponse> describe_account(
    Ec2Service& service, const DescribeAccountAttributesRequest& request) {
  TRIVET_TRY(const NetworkState state, service.state());
  const trivet::Vpc* vpc = state.default_vpc();
  const std::pair<std::string_view, std::string> known[] = {
      {"supported-platforms", "VPC"}, {"default-vpc", vpc == nullptr ? "none" : vpc->id}};
  DescribeAccountAttributesResponse response;
  for (const auto& [name, value] : known) {
    if (is_named(request.AttributeNames, std::string(name))) {
      response.AccountAttributes.push_back(
          {.AttributeName = std::string(name), .AttributeValues = {{.AttributeValue = value}}});
    }
  }
  return response;
}

}  // namespace

void add_zone_actions(ActionTable& table, Ec2Service& service) {
  table.add(make_action<DescribeRegionsRequest>(
      [&service](const Call&, const DescribeRegionsRequest&) {
        return describe_permission(service.realm(), "ec2:DescribeRegions");
      },
      [&service](const Call&, const DescribeRegionsRequest& request) {
        return describe_regions(service.realm(), request);
      }));
  table.add(make_action<DescribeAvailabilityZonesRequest>(
      [&service](const Call&, const DescribeAvailabilityZonesRequest&) {
        return describe_permission(service.realm(), "ec2:DescribeAvailabilityZones");
      },
      [&service](const Call&, const DescribeAvailabilityZonesRequest& request) {
        return describe_zones(service.realm(), request);
      }));
  table.add(make_action<DescribeAccountAttributesRequest>(
      [&service](const Call&, const DescribeAccountAttributesRequest&) {
        return describe_permission(service.realm(), "ec2:DescribeAccountAttributes");
      },
      [&service](const Call&, const DescribeAccountAttributesRequest& request) {
        return describe_account(service, request);
      }));
}

}  // namespace trivet::api::ec2
