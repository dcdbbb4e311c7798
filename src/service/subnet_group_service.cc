// SPDX-License-Identifier: Apache-2.0
#include "service/subnet_group_service.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/bytes.h"

namespace trivet::service {
namespace {

constexpr std::string_view kDefaultName = "default";
constexpr std::size_t kGroupsMax = 50;        // AWS's quota for an account and Region
constexpr std::size_t kGroupSubnetsMax = 20;  // and for a group
constexpr std::size_t kZonesMin = 2;

Error bad_group_value(std::string message) {
  return aws_fault(Errc::kInvalidArgument, "InvalidParameterValue", std::move(message));
}

Error no_such_group(const std::string& name) {
  return aws_fault(Errc::kNotFound, "DBSubnetGroupNotFoundFault",
                   fmt::format("DB subnet group '{}' does not exist.", name));
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

Status check_texts(const CreateDbSubnetGroup& wanted) {
  const std::string& name = wanted.name;
  if (name.empty()) {
    return bad_group_value(
        "The parameter DBSubnetGroupName must be provided and must not be blank.");
  }
  const bool is_valid = name.size() <= 255 && is_letter(name.front()) &&
                        std::all_of(name.begin(), name.end(), [](char c) {
                          return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                                 c == ' ' || c == '-';
                        });
  if (!is_valid) {
    return bad_group_value(
        "The parameter DBSubnetGroupName is not a valid identifier: it must begin with a letter, "
        "must contain only letters, digits, periods, underscores, spaces and hyphens, and must not "
        "be longer than 255 characters.");
  }
  if (to_lower(name) == kDefaultName) {
    return bad_group_value("The DB subnet group name 'default' is reserved.");
  }
  if (wanted.description.empty()) {
    return bad_group_value(
        "The parameter DBSubnetGroupDescription must be provided and must not be blank.");
  }
  return ok();
}

// Each once, in their order.
Result<std::vector<std::string>> distinct(const std::vector<std::string>& subnet_ids) {
  std::vector<std::string> out;
  for (const std::string& id : subnet_ids) {
    if (std::find(out.begin(), out.end(), id) == out.end()) {
      out.push_back(id);
    }
  }
  if (out.empty()) {
    return bad_group_value("The parameter SubnetIds must be provided and must not be blank.");
  }
  if (out.size() > kGroupSubnetsMax) {
    return aws_fault(
        Errc::kInvalidArgument, "DBSubnetQuotaExceededFault",
        fmt::format("A DB subnet group may have at most {} subnets.", kGroupSubnetsMax));
  }
  return out;
}

// The group's VPC, when its subnets are there, in one VPC and in zones enough.
Result<std::string> check_subnets(const NetworkState& state,
                                  const std::vector<std::string>& subnet_ids) {
  std::vector<std::string> unknown;
  std::set<std::string> vpcs;
  std::set<std::string> zones;
  for (const std::string& id : subnet_ids) {
    const Subnet* subnet = state.find_subnet(id);
    if (subnet == nullptr) {
      unknown.push_back(id);
      continue;
    }
    vpcs.insert(subnet->vpc_id);
    zones.insert(subnet->availability_zone);
  }
  if (!unknown.empty()) {
    return aws_fault(
        Errc::kInvalidArgument, "InvalidSubnet",
        fmt::format("Some input subnets in :[{}] are invalid.", fmt::join(unknown, ", ")));
  }
  if (vpcs.size() > 1) {
    return aws_fault(Errc::kInvalidArgument, "InvalidSubnet",
                     "All subnets of a DB subnet group must be in the same VPC.");
  }
  if (zones.size() < kZonesMin) {
    return aws_fault(
        Errc::kInvalidArgument, "DBSubnetGroupDoesNotCoverEnoughAZs",
        fmt::format("The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. "
                    "Current AZ coverage: {}. Add subnets to cover at least {} AZs.",
                    fmt::join(zones, ", "), kZonesMin));
  }
  return *vpcs.begin();
}

}  // namespace

Result<DbSubnetGroup> SubnetGroupService::create(const CreateDbSubnetGroup& wanted) {
  TRIVET_CHECK_OK(check_texts(wanted));
  DbSubnetGroup group{.name = to_lower(wanted.name),
                      .description = wanted.description,
                      .vpc_id = {},
                      .subnet_ids = {},
                      .tags = wanted.tags};
  TRIVET_TRY(group.subnet_ids, distinct(wanted.subnet_ids));
  TRIVET_CHECK_OK(needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    if (state.find_subnet_group(group.name) != nullptr) {
      return aws_fault(Errc::kAlreadyExists, "DBSubnetGroupAlreadyExists",
                       fmt::format("The DB subnet group '{}' already exists.", group.name));
    }
    if (state.subnet_groups.size() >= kGroupsMax) {
      return aws_fault(Errc::kConflict, "DBSubnetGroupQuotaExceeded",
                       fmt::format("Cannot create more than {} DB subnet groups", kGroupsMax));
    }
    TRIVET_TRY(group.vpc_id, check_subnets(state, group.subnet_ids));
    NetworkChange change;
    change.put(group);
    return change;
  }));
  return group;
}

std::vector<SubnetGroupService::Placed> SubnetGroupService::clusters_in(
    const std::string& name) const {
  return needs_.clusters_in ? needs_.clusters_in(name) : std::vector<Placed>();
}

Result<DbSubnetGroup> SubnetGroupService::modify(const std::string& name,
                                                 const std::vector<std::string>& subnet_ids,
                                                 const std::string& description) {
  TRIVET_TRY(const std::vector<std::string> wanted, distinct(subnet_ids));
  const std::string lower = to_lower(name);
  if (lower == kDefaultName) {
    TRIVET_CHECK_OK(make_default());
  }
  DbSubnetGroup group;
  TRIVET_CHECK_OK(needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    const DbSubnetGroup* found = state.find_subnet_group(lower);
    if (found == nullptr) {
      return no_such_group(name);
    }
    group = *found;
    TRIVET_TRY(const std::string vpc, check_subnets(state, wanted));
    if (vpc != group.vpc_id) {
      return bad_group_value(
          "The new Subnets are not in the same Vpc as the existing subnet group");
    }
    std::set<std::string> missed;
    for (const Placed& placed : clusters_in(lower)) {
      for (const std::string& id : placed.subnet_ids) {
        if (std::find(wanted.begin(), wanted.end(), id) == wanted.end()) {
          missed.insert(id);
        }
      }
    }
    if (!missed.empty()) {
      return bad_group_value(fmt::format(
          "Some of the subnets to be deleted are currently in use: {}", fmt::join(missed, ", ")));
    }
    group.subnet_ids = wanted;
    if (!description.empty()) {
      group.description = description;
    }
    NetworkChange change;
    change.put(group);
    return change;
  }));
  return group;
}

Status SubnetGroupService::remove(const std::string& name) {
  const std::string lower = to_lower(name);
  return needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    if (lower == kDefaultName) {
      return bad_group_value("The default DB subnet group cannot be deleted.");
    }
    const DbSubnetGroup* group = state.find_subnet_group(lower);
    if (group == nullptr) {
      return no_such_group(name);
    }
    const std::vector<Placed> clusters = clusters_in(lower);
    if (!clusters.empty()) {
      return aws_fault(Errc::kConflict, "InvalidDBSubnetGroupStateFault",
                       fmt::format("Cannot delete the subnet group '{}' because at least one "
                                   "database cluster: {} is still using it.",
                                   lower, clusters.front().cluster));
    }
    NetworkChange change;
    change.remove(*group);
    return change;
  });
}

Status SubnetGroupService::change_tags(const std::string& name,
                                       const std::function<Status(Tags&)>& change_tags) {
  return needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    const DbSubnetGroup* found = state.find_subnet_group(to_lower(name));
    if (found == nullptr) {
      return no_such_group(name);
    }
    DbSubnetGroup group = *found;
    TRIVET_CHECK_OK(change_tags(group.tags));
    NetworkChange change;
    change.put(group);
    return change;
  });
}

Status SubnetGroupService::make_default() {
  return needs_.network.change([](const NetworkState& state) -> Result<NetworkChange> {
    NetworkChange change;
    if (state.find_subnet_group(kDefaultName) != nullptr) {
      return change;
    }
    const Vpc* vpc = state.default_vpc();
    DbSubnetGroup group{.name = std::string(kDefaultName),
                        .description = "default",
                        .vpc_id = vpc == nullptr ? "" : vpc->id,
                        .subnet_ids = {},
                        .tags = {}};
    for (const auto& [id, subnet] : state.subnets) {
      if (subnet.vpc_id == group.vpc_id && subnet.is_default) {
        group.subnet_ids.push_back(id);
      }
    }
    if (group.subnet_ids.empty()) {
      return no_such_group(std::string(kDefaultName));
    }
    change.put(group);
    return change;
  });
}

Status SubnetGroupService::hold(const std::string& name, const Use& use) {
  const std::string lower = to_lower(name);
  if (lower == kDefaultName) {
    TRIVET_CHECK_OK(make_default());
  }
  return needs_.network.hold([&](const NetworkState& state) -> Status {
    const DbSubnetGroup* group = state.find_subnet_group(lower);
    return group == nullptr ? Status(no_such_group(name)) : use(state, *group);
  });
}

std::vector<SubnetGroupService::Placed> clusters_in_group(const std::vector<ClusterViewPtr>& views,
                                                          const std::string& group) {
  std::vector<SubnetGroupService::Placed> out;
  for (const ClusterViewPtr& view : views) {
    if (view->cluster.subnet_group != group) {
      continue;
    }
    SubnetGroupService::Placed& placed = out.emplace_back();
    placed.cluster = view->cluster.id.str();
    for (const Member& member : view->cluster.members) {
      placed.subnet_ids.push_back(member.subnet_id);
    }
  }
  return out;
}

}  // namespace trivet::service
