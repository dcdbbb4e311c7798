// SPDX-License-Identifier: Apache-2.0
//
// DescribeSecurityGroups, CreateSecurityGroup, DeleteSecurityGroup, AuthorizeSecurityGroupIngress.
#include <fmt/format.h>

#include "api/ec2/common.h"

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

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string>(text);
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

ec2::SecurityGroupRule rule_shape(const Rule& rule, const std::string& group_id,
                                  const Realm& realm) {
  ec2::SecurityGroupRule out;
  out.SecurityGroupRuleId = rule.id;
  out.GroupId = group_id;
  out.GroupOwnerId = realm.account.str();
  out.IsEgress = rule.is_egress;
  out.IpProtocol = rule.protocol;
  out.FromPort = rule.port_min.value_or(-1);
  out.ToPort = rule.port_max.value_or(-1);
  out.CidrIpv4 = unless_empty(rule.cidr_v4);
  out.CidrIpv6 = unless_empty(rule.cidr_v6);
  if (!rule.group_id.empty()) {
    out.ReferencedGroupInfo = ec2::ReferencedSecurityGroup{.GroupId = rule.group_id,
                                                           .PeeringStatus = {},
                                                           .UserId = realm.account.str(),
                                                           .VpcId = {},
                                                           .VpcPeeringConnectionId = {}};
  }
  out.Description = unless_empty(rule.description);
  out.Tags = tag_shapes(rule.tags);
  out.SecurityGroupRuleArn = arn(realm, "security-group-rule", rule.id);
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
std::string vpc_of(const CreateSecurityGroupRequest& request, const NetworkState& state) {
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
    vpc_id = vpc_of(request, *state);
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

// The permission on an existing group, named by id or by name.
Permission group_permission(Ec2Service& service, std::string_view action,
                            const service::SecurityGroupRef& ref) {
  const Realm& realm = service.realm();
  const auto state = service.state();
  if (state) {
    const trivet::Vpc* vpc = state->default_vpc();
    for (const auto& [id, group] : state->security_groups) {
      const bool is_named =
          ref.id.empty() && vpc != nullptr && group.vpc_id == vpc->id && group.name == ref.name;
      if (id == ref.id || is_named) {
        Permission permission =
            on_resource(realm, action, arn(realm, "security-group", id), group.tags);
        add_vpc_keys(realm, group.vpc_id, permission);
        return permission;
      }
    }
  }
  return on_resource(realm, action,
                     arn(realm, "security-group", ref.id.empty() ? "*" : std::string_view(ref.id)));
}

template <typename Request>
service::SecurityGroupRef ref_of(const Request& request) {
  return {.id = request.GroupId.value_or(""), .name = request.GroupName.value_or("")};
}

Status check_ref(const service::SecurityGroupRef& ref) {
  if (ref.id.empty() && ref.name.empty()) {
    return aws_fault(Errc::kInvalidArgument, "MissingParameter",
                     "The request must contain the parameter groupName or groupId");
  }
  if (!ref.id.empty() && !ref.name.empty()) {
    return aws_fault(Errc::kInvalidArgument, "InvalidParameterCombination",
                     "The parameters groupName and groupId cannot be used together");
  }
  if (!ref.id.empty() && !ref.id.starts_with("sg-")) {
    return aws_fault(Errc::kInvalidArgument, "InvalidGroupId.Malformed",
                     fmt::format("Invalid id: \"{}\" (expecting \"sg-...\")", ref.id));
  }
  return ok();
}

Result<DeleteSecurityGroupResponse> remove(Ec2Service& service,
                                           const DeleteSecurityGroupRequest& request) {
  TRIVET_CHECK_OK(check_ref(ref_of(request)));
  TRIVET_TRY(const std::string id, service.delete_security_group(ref_of(request)));
  return DeleteSecurityGroupResponse{.Return = true, .GroupId = id};
}

// One rule for each peer of a permission.
std::vector<Rule> rules_of(const ec2::IpPermission& permission) {
  Rule base;
  base.protocol = permission.IpProtocol.value_or("");
  base.port_min = permission.FromPort;
  base.port_max = permission.ToPort;
  std::vector<Rule> rules;
  const auto add = [&](std::string Rule::* peer, const std::optional<std::string>& value,
                       const std::optional<std::string>& description) {
    Rule rule = base;
    rule.*peer = value.value_or("");
    rule.description = description.value_or("");
    rules.push_back(std::move(rule));
  };
  for (const ec2::IpRange& range : permission.IpRanges) {
    add(&Rule::cidr_v4, range.CidrIp, range.Description);
  }
  for (const ec2::Ipv6Range& range : permission.Ipv6Ranges) {
    add(&Rule::cidr_v6, range.CidrIpv6, range.Description);
  }
  for (const ec2::PrefixListId& list : permission.PrefixListIds) {
    add(&Rule::prefix_list_id, list.PrefixListId, list.Description);
  }
  for (const ec2::UserIdGroupPair& pair : permission.UserIdGroupPairs) {
    add(&Rule::group_id, pair.GroupId, pair.Description);
  }
  if (rules.empty()) {
    rules.push_back(std::move(base));  // refused for want of a peer
  }
  return rules;
}

Result<std::vector<Rule>> rules_of(const AuthorizeSecurityGroupIngressRequest& request) {
  if (request.SourceSecurityGroupName || request.SourceSecurityGroupOwnerId) {
    return aws_fault(Errc::kInvalidArgument, "InvalidParameterCombination",
                     "SourceSecurityGroupName is of EC2-Classic: name the source group in "
                     "IpPermissions");
  }
  const bool is_short = request.CidrIp || request.IpProtocol || request.FromPort || request.ToPort;
  if (is_short && !request.IpPermissions.empty()) {
    return aws_fault(Errc::kInvalidArgument, "InvalidParameterCombination",
                     "The parameter ipPermissions may not be used together with cidrIp, "
                     "ipProtocol, fromPort or toPort");
  }
  TRIVET_TRY(const Tags tags, new_tags(request.TagSpecifications, "security-group-rule"));
  std::vector<Rule> rules;
  for (const ec2::IpPermission& permission : request.IpPermissions) {
    const auto more = rules_of(permission);
    rules.insert(rules.end(), more.begin(), more.end());
  }
  if (is_short) {
    Rule rule;
    rule.protocol = request.IpProtocol.value_or("");
    rule.port_min = request.FromPort;
    rule.port_max = request.ToPort;
    rule.cidr_v4 = request.CidrIp.value_or("");
    rules.push_back(std::move(rule));
  }
  for (Rule& rule : rules) {
    rule.tags = tags;
  }
  return rules;
}

Result<AuthorizeSecurityGroupIngressResponse> authorize_ingress(
    Ec2Service& service, const AuthorizeSecurityGroupIngressRequest& request) {
  const service::SecurityGroupRef ref = ref_of(request);
  TRIVET_CHECK_OK(check_ref(ref));
  TRIVET_TRY(std::vector<Rule> wanted, rules_of(request));
  TRIVET_TRY(const auto granted, service.authorize_ingress(ref, std::move(wanted)));
  TRIVET_TRY(const NetworkState state, service.state());
  std::string group_id = ref.id;
  for (const auto& [id, group] : state.security_groups) {
    const bool has_it = std::any_of(group.rules.begin(), group.rules.end(), [&](const Rule& rule) {
      return rule.id == granted.front().id;
    });
    group_id = has_it ? id : group_id;
  }
  AuthorizeSecurityGroupIngressResponse response;
  response.Return = true;
  for (const Rule& rule : granted) {
    response.SecurityGroupRules.push_back(rule_shape(rule, group_id, service.realm()));
  }
  return response;
}

std::vector<Permission> authorize_permission(Ec2Service& service,
                                             const AuthorizeSecurityGroupIngressRequest& request) {
  const Realm& realm = service.realm();
  std::vector<Permission> permissions{
      group_permission(service, "ec2:AuthorizeSecurityGroupIngress", ref_of(request))};
  if (!request.TagSpecifications.empty()) {
    auto create =
        create_permissions(realm, "ec2:AuthorizeSecurityGroupIngress",
                           arn(realm, "security-group-rule", "*"), request.TagSpecifications);
    permissions.insert(permissions.end(), create.begin(), create.end());
  }
  return permissions;
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
            group_permission(service, "ec2:DeleteSecurityGroup", ref_of(request))};
      },
      [&service](const Call&, const DeleteSecurityGroupRequest& request) {
        return remove(service, request);
      }));
  table.add(make_action<AuthorizeSecurityGroupIngressRequest>(
      [&service](const Call&, const AuthorizeSecurityGroupIngressRequest& request) {
        return authorize_permission(service, request);
      },
      [&service](const Call&, const AuthorizeSecurityGroupIngressRequest& request) {
        return authorize_ingress(service, request);
      }));
}

}  // namespace trivet::api::ec2
