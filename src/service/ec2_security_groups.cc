// SPDX-License-Identifier: Apache-2.0
#include "service/ec2_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "service/ec2_faults.h"
#include "service/security_group_rules.h"

namespace trivet::service {
namespace {

constexpr std::size_t kSecurityGroupsMax = 2500;  // AWS's quota for a Region

bool is_group_text(std::string_view text) {
  constexpr std::string_view kOthers = "._-:/()#,@[]+=&;{}!$* ";
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

Status check_group_texts(const CreateSecurityGroup& wanted) {
  struct Field {
    std::string_view name;
    const std::string& value;
  };
  for (const Field& field :
       {Field{"groupName", wanted.name}, Field{"GroupDescription", wanted.description}}) {
    if (field.value.empty()) {
      return aws_fault(Errc::kInvalidArgument, "MissingParameter",
                       fmt::format("The request must contain the parameter {}", field.name));
    }
    if (field.value.size() > 255 || !is_group_text(field.value)) {
      return bad_ec2_value(fmt::format(
          "Value ({}) for parameter {} is invalid. Character sets beyond ASCII are not supported.",
          field.value, field.name));
    }
  }
  if (wanted.name.starts_with("sg-")) {
    return bad_ec2_value(fmt::format(
        "Value ({}) for parameter groupName is invalid. Group names may not be in the format "
        "sg-*.",
        wanted.name));
  }
  if (wanted.name == "default") {
    return bad_ec2_value("Cannot use reserved security group name: default");
  }
  return ok();
}

Error no_such_rule(std::string_view id) {
  return aws_fault(Errc::kNotFound, "InvalidSecurityGroupRuleId.NotFound",
                   fmt::format("The security group rule ID '{}' does not exist", id));
}

Error no_such_permission() {
  return aws_fault(Errc::kNotFound, "InvalidPermission.NotFound",
                   "The specified rule does not exist in this security group.");
}

// nullptr when the group has no such rule.
SecurityGroupRule* find_rule(SecurityGroup& group, std::string_view id) {
  const auto it = std::find_if(group.rules.begin(), group.rules.end(),
                               [&](const SecurityGroupRule& rule) { return rule.id == id; });
  return it == group.rules.end() ? nullptr : &*it;
}

bool refers_to(const SecurityGroup& group, const std::string& id) {
  return std::any_of(group.rules.begin(), group.rules.end(),
                     [&](const SecurityGroupRule& rule) { return rule.group_id == id; });
}

bool has_interface_with(const NetworkState& state, const std::vector<NetworkInterface>& leased,
                        const std::string& group_id) {
  const auto has_it = [&](const NetworkInterface& interface) {
    const auto& ids = interface.group_ids;
    return std::find(ids.begin(), ids.end(), group_id) != ids.end();
  };
  return std::any_of(state.interfaces.begin(), state.interfaces.end(),
                     [&](const auto& entry) { return has_it(entry.second); }) ||
         std::any_of(leased.begin(), leased.end(), has_it);
}

}  // namespace

Result<SecurityGroup> Ec2Service::create_security_group(const CreateSecurityGroup& wanted) {
  TRIVET_CHECK_OK(check_group_texts(wanted));
  TRIVET_CHECK_OK(check_ec2_tags(wanted.tags));
  SecurityGroup group;
  TRIVET_CHECK_OK(needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    const Vpc* vpc = wanted.vpc_id.empty() ? state.default_vpc() : state.find_vpc(wanted.vpc_id);
    if (vpc == nullptr) {
      return no_such_vpc(wanted.vpc_id);
    }
    for (const auto& [id, other] : state.security_groups) {
      if (other.vpc_id == vpc->id && other.name == wanted.name) {
        return aws_fault(Errc::kAlreadyExists, "InvalidGroup.Duplicate",
                         fmt::format("The security group '{}' already exists for VPC '{}'",
                                     wanted.name, vpc->id));
      }
    }
    if (state.security_groups.size() >= kSecurityGroupsMax) {
      return aws_fault(Errc::kInvalidArgument, "SecurityGroupLimitExceeded",
                       "The maximum number of security groups has been reached.");
    }
    group = {.id = new_ec2_id("sg"),
             .vpc_id = vpc->id,
             .name = wanted.name,
             .description = wanted.description,
             .rules = {egress_to_everywhere(new_ec2_id("sgr"))},
             .tags = wanted.tags};
    NetworkChange change;
    change.put(group);
    return change;
  }));
  return group;
}

Result<std::string> Ec2Service::delete_security_group(const SecurityGroupRef& ref) {
  std::string deleted;
  TRIVET_CHECK_OK(needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    TRIVET_TRY(const SecurityGroup group, find_group(state, ref));
    if (group.name == "default") {
      return aws_fault(
          Errc::kInvalidArgument, "CannotDelete",
          fmt::format("the specified group: \"{}\" name: \"default\" cannot be deleted by a user",
                      group.id));
    }
    const bool is_referred_to = std::any_of(
        state.security_groups.begin(), state.security_groups.end(),
        [&](const auto& e) { return e.first != group.id && refers_to(e.second, group.id); });
    if (is_referred_to || has_interface_with(state, leased(), group.id) ||
        (needs_.is_group_used && needs_.is_group_used(group.id))) {
      return aws_fault(Errc::kConflict, "DependencyViolation",
                       fmt::format("resource {} has a dependent object", group.id));
    }
    deleted = group.id;
    NetworkChange change;
    change.remove(group);
    return change;
  }));
  return deleted;
}

Result<std::vector<SecurityGroupRule>> Ec2Service::authorize(const SecurityGroupRef& ref,
                                                             std::vector<SecurityGroupRule> rules) {
  TRIVET_CHECK_OK(check_rules(rules));
  for (SecurityGroupRule& rule : rules) {
    rule.id = new_ec2_id("sgr");
    TRIVET_CHECK_OK(check_ec2_tags(rule.tags));
  }
  const auto plan = [&](const NetworkState& state) -> Result<NetworkChange> {
    TRIVET_TRY(SecurityGroup group, find_group(state, ref));
    for (const SecurityGroupRule& rule : rules) {
      if (!rule.group_id.empty() && state.find_security_group(rule.group_id) == nullptr) {
        return no_such_group({.id = rule.group_id, .name = ""}, state);
      }
    }
    TRIVET_CHECK_OK(add_rules(group, rules));
    NetworkChange change;
    change.put(group);
    return change;
  };
  TRIVET_CHECK_OK(needs_.network.change(plan));
  return rules;
}

Result<std::vector<SecurityGroupRule>> Ec2Service::revoke(const SecurityGroupRef& ref,
                                                          Revoke unwanted) {
  if (unwanted.ids.empty()) {
    TRIVET_CHECK_OK(check_rules(unwanted.rules));
  }
  std::vector<SecurityGroupRule> gone;
  const auto plan = [&](const NetworkState& state) -> Result<NetworkChange> {
    TRIVET_TRY(SecurityGroup group, find_group(state, ref));
    gone.clear();
    const auto take = [&](const auto& is_it) {
      const auto it = std::find_if(group.rules.begin(), group.rules.end(), is_it);
      if (it == group.rules.end()) {
        return false;
      }
      gone.push_back(*it);
      group.rules.erase(it);
      return true;
    };
    for (const std::string& id : unwanted.ids) {
      if (!take([&](const SecurityGroupRule& rule) {
            return rule.id == id && rule.is_egress == unwanted.is_egress;
          })) {
        return no_such_rule(id);
      }
    }
    for (const SecurityGroupRule& rule : unwanted.rules) {
      if (!take([&](const SecurityGroupRule& other) { return says_the_same(rule, other); })) {
        return no_such_permission();
      }
    }
    NetworkChange change;
    change.put(group);
    return change;
  };
  TRIVET_CHECK_OK(needs_.network.change(plan));
  return gone;
}

Status Ec2Service::modify_rules(const SecurityGroupRef& ref,
                                std::vector<SecurityGroupRule> changed) {
  TRIVET_CHECK_OK(check_rules(changed));
  return needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    TRIVET_TRY(SecurityGroup group, find_group(state, ref));
    std::vector<SecurityGroupRule> written;
    for (const SecurityGroupRule& wanted : changed) {
      const SecurityGroupRule* const found = find_rule(group, wanted.id);
      if (found == nullptr) {
        return no_such_rule(wanted.id);
      }
      if (!wanted.group_id.empty() && state.find_security_group(wanted.group_id) == nullptr) {
        return no_such_group({.id = wanted.group_id, .name = ""}, state);
      }
      SecurityGroupRule& rule = written.emplace_back(wanted);
      rule.is_egress = found->is_egress;
      rule.tags = found->tags;
    }
    // Taken out first: two may get each other's place.
    std::erase_if(group.rules, [&](const SecurityGroupRule& rule) {
      return std::any_of(changed.begin(), changed.end(),
                         [&](const SecurityGroupRule& other) { return other.id == rule.id; });
    });
    TRIVET_CHECK_OK(add_rules(group, written));
    NetworkChange change;
    change.put(group);
    return change;
  });
}

Status Ec2Service::update_rule_descriptions(const SecurityGroupRef& ref, bool is_egress,
                                            std::vector<SecurityGroupRule> wanted) {
  if (std::all_of(wanted.begin(), wanted.end(),
                  [](const SecurityGroupRule& rule) { return rule.id.empty(); })) {
    TRIVET_CHECK_OK(check_rules(wanted));
  }
  return needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    TRIVET_TRY(SecurityGroup group, find_group(state, ref));
    for (const SecurityGroupRule& each : wanted) {
      const auto it =
          std::find_if(group.rules.begin(), group.rules.end(), [&](const SecurityGroupRule& rule) {
            return rule.is_egress == is_egress &&
                   (each.id.empty() ? says_the_same(each, rule) : each.id == rule.id);
          });
      if (it == group.rules.end()) {
        return each.id.empty() ? no_such_permission() : no_such_rule(each.id);
      }
      it->description = each.description;
      std::vector<SecurityGroupRule> checked{*it};
      TRIVET_CHECK_OK(check_rules(checked));
    }
    NetworkChange change;
    change.put(group);
    return change;
  });
}

}  // namespace trivet::service
