// SPDX-License-Identifier: Apache-2.0
//
// What a rule of a security group may say, and when two are the same. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/network.h"

namespace trivet::service {

// What every new group has: all traffic out.
SecurityGroupRule egress_to_everywhere(std::string id);
// Protocols, ports, peers and descriptions of new rules; protocol numbers become names where EC2
// has one, and ports that say nothing are dropped. Faults: InvalidParameterValue, MissingParameter.
Status check_rules(std::vector<SecurityGroupRule>& rules);
// But for ids, descriptions and tags.
bool says_the_same(const SecurityGroupRule& a, const SecurityGroupRule& b);
// Faults: InvalidPermission.Duplicate, RulesPerSecurityGroupLimitExceeded.
Status add_rules(SecurityGroup& group, const std::vector<SecurityGroupRule>& rules);

}  // namespace trivet::service
