// SPDX-License-Identifier: Apache-2.0
//
// DescribeSecurityGroups, CreateSecurityGroup, DeleteSecurityGroup.
#include <fmt/format.h>

#include "api/ec2/group_refs.h"

namespace trivet::api::ec2 {
namespace {

using trivet::SecurityGroup;
using Rule = trivet::SecurityGroupRule;

// What the rules of one direction have under the end of a filter's name: "cidr", "from-port", ….
FilterValues rule_values(const SecurityGroup& group, bool is_egress, std::string_view what) {
  const auto text = [](const std::optional<std::int32_t>& port) {
    return port ? std::to_string(*port) : std::string();
  };
  std::vector<std::string> values;
  for (const Rule& rule : group.rules) {
    if (rule.is_egress != is_egress) {
      continue;
    }
    values.push_back(what == "cidr"             ? rule.cidr_v4
                     : what == "ipv6-cidr"      ? rule.cidr_v6
                     : what == "from-port"      ? text(rule.port_min)
                     : what == "to-port"        ? text(rule.port_max)
                     : what == "protocol"       ? rule.protocol
                     : what == "group-id"       ? rule.group_id
                     : what == "prefix-list-id" ? rule.prefix_list_id
                                                : std::string());
  }
  constexpr std::string_view kKnown[] = {"cidr",     "ipv6-cidr", "from-port",     "to-port",
                                         "protocol", "group-id",  "prefix-list-id"};
  if (std::find(std::begin(kKnown), std::end(kKnown), what) == std::end(kKnown)) {
    return std::nullopt;
  }
  std::erase(values, std::string());
  return values;
}

FilterValues filter_values(const SecurityGroup& group, const Realm& realm, std::string_view name) {
  constexpr std::string_view kIngress = "ip-permission.";
  constexpr std::string_view kEgress = "egress.ip-permission.";
  if (name == "description") {
    return one(group.description);
  }
  if (name == "group-id") {
    return one(group.id);
  }
  if (name == "group-name") {
    return one(group.name);
  }
  if (name == "owner-id") {
    return one(realm.account.str());
  }
  if (name == "vpc-id") {
    return one(group.vpc_id);
  }
  if (name.starts_with(kIngress)) {
    return rule_values(group, false, name.substr(kIngress.size()));
  }
  if (name.starts_with(kEgress)) {
    return rule_values(group, true, name.substr(kEgress.size()));
  }
  return tag_filter(group.tags, name);
}

// EC2 shows the rules of a direction together that differ only in their peers.
std::vector<ec2::IpPermission> permission_shapes(const SecurityGroup& group, bool is_egress,
                                                 const Realm& realm) {
  std::vector<ec2::IpPermission> shapes;
  for (const Rule& rule : group.rules) {
    if (rule.is_egress != is_egress) {
      continue;
    }
    auto it = std::find_if(shapes.begin(), shapes.end(), [&](const ec2::IpPermission& shape) {
      return shape.IpProtocol == rule.protocol && shape.FromPort == rule.port_min &&
             shape.ToPort == rule.port_max;
    });
    if (it == shapes.end()) {
      ec2::IpPermission shape;
      shape.IpProtocol = rule.protocol;
      shape.FromPort = rule.port_min;
      shape.ToPort = rule.port_max;
      it = shapes.insert(shapes.end(), std::move(shape));
    }
    const auto description = unless_empty(rule.description);
    if (!rule.group_id.empty()) {
      ec2::UserIdGroupPair pair;
      pair.Description = description;
      pair.UserId = realm.account.str();
      pair.GroupId = rule.group_id;
      it->UserIdGroupPairs.push_back(std::move(pair));
    } else if (!rule.cidr_v6.empty()) {
      it->Ipv6Ranges.push_back({.Description = description, .CidrIpv6 = rule.cidr_v6});
    } else {
      it->IpRanges.push_back({.Description = description, .CidrIp = rule.cidr_v4});
    }
  }
  return shapes;
}

ec2::SecurityGroup shape(const SecurityGroup& group, const Realm& realm) {
  ec2::SecurityGroup out;
  out.GroupId = group.id;
  out.IpPermissionsEgress = permission_shapes(group, true, realm);
  out.Tags = tag_shapes(group.tags);
  out.VpcId = group.vpc_id;
  out.SecurityGroupArn = arn(realm, "security-group", group.id);
  out.OwnerId = realm.account.str();
  out.GroupName = group.name;
  out.Description = group.description;
  out.IpPermissions = permission_shapes(group, false, realm);
  return out;
}

Result<DescribeSecurityGroupsResponse> describe(Ec2Service& service,
                                                const DescribeSecurityGroupsRequest& request) {
  TRIVET_TRY(const NetworkState state, service.state());
  const Realm& realm = service.realm();
  const auto not_found = [](const std::string& name) {
    return aws_fault(Errc::kNotFound, "InvalidGroup.NotFound",
                     fmt::format("The security group '{}' does not exist", name));
  };
  TRIVET_TRY(std::vector<SecurityGroup> found,
             select(
                 state.security_groups, {request.GroupIds, request.Filters},
                 [&](const SecurityGroup& group, std::string_view name) {
                   return filter_values(group, realm, name);
                 },
                 not_found));
  if (!request.GroupNames.empty()) {
    // Names are those of the default VPC.
    const trivet::Vpc* vpc = state.default_vpc();
    const auto is_named = [&](const SecurityGroup& group, const std::string& name) {
      return vpc != nullptr && group.vpc_id == vpc->id && group.name == name;
    };
    for (const std::string& name : request.GroupNames) {
      if (std::none_of(state.security_groups.begin(), state.security_groups.end(),
                       [&](const auto& entry) { return is_named(entry.second, name); })) {
        return not_found(name);
      }
    }
    std::erase_if(found, [&](const SecurityGroup& group) {
      return std::none_of(request.GroupNames.begin(), request.GroupNames.end(),
                          [&](const std::string& name) { return is_named(group, name); });
    });
  }
  DescribeSecurityGroupsResponse response{.NextToken = request.NextToken, .SecurityGroups = {}};
  TRIVET_CHECK_OK(cut_page(found, request.MaxResults, response.NextToken, !request.GroupIds.empty(),
                           [](const SecurityGroup& group) { return group.id; }));
  for (const SecurityGroup& group : found) {
    response.SecurityGroups.push_back(shape(group, realm));
  }
  return response;
}

// The VPC that a group without one goes to.
std::string vpc_of_new(const CreateSecurityGroupRequest& request, const NetworkState& state) {
  const trivet::Vpc* vpc = state.default_vpc();
  return request.VpcId.value_or(vpc == nullptr ? "" : vpc->id);
}

std::vector<Permission> create_permission(Ec2Service& service,
                                          const CreateSecurityGroupRequest& request) {
  const Realm& realm = service.realm();
  auto permissions =
      create_permissions(realm, "ec2:CreateSecurityGroup", arn(realm, "security-group", "*"),
                         request.TagSpecifications);
  std::string vpc_id = request.VpcId.value_or("*");
  Tags tags;
  if (const auto state = service.state()) {
    vpc_id = vpc_of_new(request, *state);
    if (const trivet::Vpc* vpc = state->find_vpc(vpc_id)) {
      tags = vpc->tags;
    }
  }
  add_vpc_keys(realm, vpc_id, permissions.front());
  permissions.push_back(
      on_resource(realm, "ec2:CreateSecurityGroup", arn(realm, "vpc", vpc_id), tags));
  add_vpc_keys(realm, vpc_id, permissions.back());
  return permissions;
}

Result<CreateSecurityGroupResponse> create(Ec2Service& service,
                                           const CreateSecurityGroupRequest& request) {
  TRIVET_TRY(const Tags tags, new_tags(request.TagSpecifications, "security-group"));
  TRIVET_TRY(const SecurityGroup group,
             service.create_security_group({.vpc_id = request.VpcId.value_or(""),
                                            .name = request.GroupName,
                                            .description = request.Description,
                                            .tags = tags}));
  return CreateSecurityGroupResponse{
      .GroupId = group.id,
      .Tags = tag_shapes(group.tags),
      .SecurityGroupArn = arn(service.realm(), "security-group", group.id)};
}

Result<DeleteSecurityGroupResponse> remove(Ec2Service& service,
                                           const DeleteSecurityGroupRequest& request) {
  TRIVET_CHECK_OK(check_group_ref(group_ref(request)));
  TRIVET_TRY(const std::string id, service.delete_security_group(group_ref(request)));
  return DeleteSecurityGroupResponse{.Return = true, .GroupId = id};
}

}  // namespace

void add_security_group_actions(ActionTable& table, Ec2Service& service) {
  table.add(make_action<DescribeSecurityGroupsRequest>(
      [&service](const Call&, const DescribeSecurityGroupsRequest&) {
        return describe_permission(service.realm(), "ec2:DescribeSecurityGroups");
      },
      [&service](const Call&, const DescribeSecurityGroupsRequest& request) {
        return describe(service, request);
      }));
  table.add(make_action<CreateSecurityGroupRequest>(
      [&service](const Call&, const CreateSecurityGroupRequest& request) {
        return create_permission(service, request);
      },
      [&service](const Call&, const CreateSecurityGroupRequest& request) {
        return create(service, request);
      }));
  table.add(make_action<DeleteSecurityGroupRequest>(
      [&service](const Call&, const DeleteSecurityGroupRequest& request) {
        return std::vector<Permission>{
            group_permission(service, "ec2:DeleteSecurityGroup", group_ref(request))};
      },
      [&service](const Call&, const DeleteSecurityGroupRequest& request) {
        return remove(service, request);
      }));
}

}  // namespace trivet::api::ec2
