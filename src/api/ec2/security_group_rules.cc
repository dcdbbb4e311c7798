// SPDX-License-Identifier: Apache-2.0
//
// AuthorizeSecurityGroupIngress, AuthorizeSecurityGroupEgress, RevokeSecurityGroupIngress,
// RevokeSecurityGroupEgress, DescribeSecurityGroupRules, ModifySecurityGroupRules,
// UpdateSecurityGroupRuleDescriptionsIngress, UpdateSecurityGroupRuleDescriptionsEgress.
#include <fmt/format.h>

#include "api/ec2/group_refs.h"

namespace trivet::api::ec2 {
namespace {

using trivet::SecurityGroup;
using Rule = trivet::SecurityGroupRule;

// Requests about egress and ingress differ in little but their names.
template <typename Request>
constexpr bool kIsEgress =
    std::is_same_v<Request, AuthorizeSecurityGroupEgressRequest> ||
    std::is_same_v<Request, RevokeSecurityGroupEgressRequest> ||
    std::is_same_v<Request, UpdateSecurityGroupRuleDescriptionsEgressRequest>;

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

template <typename Request>
Result<std::vector<Rule>> rules_of(const Request& request) {
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
    rule.is_egress = kIsEgress<Request>;
  }
  return rules;
}

template <typename Request>
Result<typename Operation<Request>::Response> authorize(Ec2Service& service,
                                                        const Request& request) {
  const service::SecurityGroupRef ref = group_ref(request);
  TRIVET_CHECK_OK(check_group_ref(ref));
  TRIVET_TRY(const Tags tags, new_tags(request.TagSpecifications, "security-group-rule"));
  TRIVET_TRY(std::vector<Rule> wanted, rules_of(request));
  for (Rule& rule : wanted) {
    rule.tags = tags;
  }
  TRIVET_TRY(const auto granted, service.authorize(ref, std::move(wanted)));
  TRIVET_TRY(const NetworkState state, service.state());
  typename Operation<Request>::Response response;
  response.Return = true;
  for (const Rule& rule : granted) {
    response.SecurityGroupRules.push_back(rule_shape(rule, group_id(state, ref), service.realm()));
  }
  return response;
}

template <typename Request>
std::vector<Permission> authorize_permission(Ec2Service& service, const Request& request) {
  const std::string action = fmt::format("ec2:{}", Operation<Request>::kAction);
  std::vector<Permission> permissions{group_permission(service, action, group_ref(request))};
  if (!request.TagSpecifications.empty()) {
    auto create = create_permissions(service.realm(), action,
                                     arn(service.realm(), "security-group-rule", "*"),
                                     request.TagSpecifications);
    permissions.insert(permissions.end(), create.begin(), create.end());
  }
  return permissions;
}

RevokedSecurityGroupRule revoked_shape(const Rule& rule, const std::string& group) {
  RevokedSecurityGroupRule out;
  out.SecurityGroupRuleId = rule.id;
  out.GroupId = group;
  out.IsEgress = rule.is_egress;
  out.IpProtocol = rule.protocol;
  out.FromPort = rule.port_min.value_or(-1);
  out.ToPort = rule.port_max.value_or(-1);
  out.CidrIpv4 = unless_empty(rule.cidr_v4);
  out.CidrIpv6 = unless_empty(rule.cidr_v6);
  out.ReferencedGroupId = unless_empty(rule.group_id);
  out.Description = unless_empty(rule.description);
  return out;
}

template <typename Request>
Result<typename Operation<Request>::Response> revoke(Ec2Service& service, const Request& request) {
  const service::SecurityGroupRef ref = group_ref(request);
  TRIVET_CHECK_OK(check_group_ref(ref));
  TRIVET_TRY(std::vector<Rule> rules, rules_of(request));
  if (!rules.empty() && !request.SecurityGroupRuleIds.empty()) {
    return aws_fault(Errc::kInvalidArgument, "InvalidParameterCombination",
                     "The parameter securityGroupRuleIds may not be used together with others "
                     "that name rules");
  }
  TRIVET_TRY(const auto gone, service.revoke(ref, {.is_egress = kIsEgress<Request>,
                                                   .ids = request.SecurityGroupRuleIds,
                                                   .rules = std::move(rules)}));
  TRIVET_TRY(const NetworkState state, service.state());
  typename Operation<Request>::Response response;
  response.Return = true;
  for (const Rule& rule : gone) {
    response.RevokedSecurityGroupRules.push_back(revoked_shape(rule, group_id(state, ref)));
  }
  return response;
}

Rule rule_of(const ec2::SecurityGroupRuleUpdate& update) {
  Rule rule;
  rule.id = update.SecurityGroupRuleId;
  if (const auto& wanted = update.SecurityGroupRule) {
    rule.protocol = wanted->IpProtocol.value_or("");
    rule.port_min = wanted->FromPort;
    rule.port_max = wanted->ToPort;
    rule.cidr_v4 = wanted->CidrIpv4.value_or("");
    rule.cidr_v6 = wanted->CidrIpv6.value_or("");
    rule.prefix_list_id = wanted->PrefixListId.value_or("");
    rule.group_id = wanted->ReferencedGroupId.value_or("");
    rule.description = wanted->Description.value_or("");
  }
  return rule;
}

Result<ModifySecurityGroupRulesResponse> modify_rules(
    Ec2Service& service, const ModifySecurityGroupRulesRequest& request) {
  std::vector<Rule> changed;
  for (const ec2::SecurityGroupRuleUpdate& update : request.SecurityGroupRules) {
    changed.push_back(rule_of(update));
  }
  TRIVET_CHECK_OK(service.modify_rules({.id = request.GroupId, .name = ""}, std::move(changed)));
  return ModifySecurityGroupRulesResponse{.Return = true};
}

template <typename Request>
Result<typename Operation<Request>::Response> describe_rules(Ec2Service& service,
                                                             const Request& request) {
  const service::SecurityGroupRef ref = group_ref(request);
  TRIVET_CHECK_OK(check_group_ref(ref));
  std::vector<Rule> wanted;
  for (const ec2::IpPermission& permission : request.IpPermissions) {
    for (Rule& rule : rules_of(permission)) {
      rule.is_egress = kIsEgress<Request>;
      wanted.push_back(std::move(rule));
    }
  }
  if (!wanted.empty() && !request.SecurityGroupRuleDescriptions.empty()) {
    return aws_fault(Errc::kInvalidArgument, "InvalidParameterCombination",
                     "The parameter securityGroupRuleDescriptions may not be used together with "
                     "ipPermissions");
  }
  for (const ec2::SecurityGroupRuleDescription& each : request.SecurityGroupRuleDescriptions) {
    if (!each.SecurityGroupRuleId || each.SecurityGroupRuleId->empty()) {
      return aws_fault(Errc::kInvalidArgument, "MissingParameter",
                       "The request must contain the parameter securityGroupRuleId");
    }
    Rule& rule = wanted.emplace_back();
    rule.id = *each.SecurityGroupRuleId;
    rule.description = each.Description.value_or("");
  }
  if (wanted.empty()) {
    return aws_fault(
        Errc::kInvalidArgument, "MissingParameter",
        "Either 'ipPermissions' or 'securityGroupRuleDescriptions' should be provided.");
  }
  TRIVET_CHECK_OK(service.update_rule_descriptions(ref, kIsEgress<Request>, std::move(wanted)));
  typename Operation<Request>::Response response;
  response.Return = true;
  return response;
}

// A rule with the group that it is in.
struct GroupRule {
  Rule rule;
  std::string group_id;
};

FilterValues rule_filter_values(const GroupRule& entry, std::string_view name) {
  if (name == "group-id") {
    return one(entry.group_id);
  }
  if (name == "security-group-rule-id") {
    return one(entry.rule.id);
  }
  return tag_filter(entry.rule.tags, name);
}

Result<DescribeSecurityGroupRulesResponse> describe(
    Ec2Service& service, const DescribeSecurityGroupRulesRequest& request) {
  TRIVET_TRY(const NetworkState state, service.state());
  std::map<std::string, GroupRule, std::less<>> all;
  for (const auto& [id, group] : state.security_groups) {
    for (const Rule& rule : group.rules) {
      all[rule.id] = {rule, id};
    }
  }
  TRIVET_TRY(std::vector<GroupRule> found,
             select(all, {request.SecurityGroupRuleIds, request.Filters}, rule_filter_values,
                    [](const std::string& id) {
                      return aws_fault(
                          Errc::kNotFound, "InvalidSecurityGroupRuleId.NotFound",
                          fmt::format("The security group rule ID '{}' does not exist", id));
                    }));
  DescribeSecurityGroupRulesResponse response{.SecurityGroupRules = {},
                                              .NextToken = request.NextToken};
  TRIVET_CHECK_OK(cut_page(found, request.MaxResults, response.NextToken,
                           !request.SecurityGroupRuleIds.empty(),
                           [](const GroupRule& entry) { return entry.rule.id; }));
  for (const GroupRule& entry : found) {
    response.SecurityGroupRules.push_back(rule_shape(entry.rule, entry.group_id, service.realm()));
  }
  return response;
}

template <typename Request>
void add_authorize(ActionTable& table, Ec2Service& service) {
  table.add(make_action<Request>(
      [&service](const Call&, const Request& request) {
        return authorize_permission(service, request);
      },
      [&service](const Call&, const Request& request) { return authorize(service, request); }));
}

template <typename Request>
void add_revoke(ActionTable& table, Ec2Service& service) {
  table.add(make_action<Request>(
      [&service](const Call&, const Request& request) {
        return std::vector<Permission>{group_permission(
            service, fmt::format("ec2:{}", Operation<Request>::kAction), group_ref(request))};
      },
      [&service](const Call&, const Request& request) { return revoke(service, request); }));
}

template <typename Request, typename Do>
void add_change(ActionTable& table, Ec2Service& service, Do change) {
  table.add(make_action<Request>(
      [&service](const Call&, const Request& request) {
        return std::vector<Permission>{group_permission(
            service, fmt::format("ec2:{}", Operation<Request>::kAction), group_ref(request))};
      },
      [&service, change](const Call&, const Request& request) {
        return change(service, request);
      }));
}

}  // namespace

void add_security_group_rule_actions(ActionTable& table, Ec2Service& service) {
  add_change<ModifySecurityGroupRulesRequest>(table, service, modify_rules);
  add_change<UpdateSecurityGroupRuleDescriptionsIngressRequest>(
      table, service, describe_rules<UpdateSecurityGroupRuleDescriptionsIngressRequest>);
  add_change<UpdateSecurityGroupRuleDescriptionsEgressRequest>(
      table, service, describe_rules<UpdateSecurityGroupRuleDescriptionsEgressRequest>);
  add_authorize<AuthorizeSecurityGroupIngressRequest>(table, service);
  add_authorize<AuthorizeSecurityGroupEgressRequest>(table, service);
  add_revoke<RevokeSecurityGroupIngressRequest>(table, service);
  add_revoke<RevokeSecurityGroupEgressRequest>(table, service);
  table.add(make_action<DescribeSecurityGroupRulesRequest>(
      [&service](const Call&, const DescribeSecurityGroupRulesRequest&) {
        return describe_permission(service.realm(), "ec2:DescribeSecurityGroupRules");
      },
      [&service](const Call&, const DescribeSecurityGroupRulesRequest& request) {
        return describe(service, request);
      }));
}

}  // namespace trivet::api::ec2
