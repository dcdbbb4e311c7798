// SPDX-License-Identifier: Apache-2.0
//
// One rule of a security group in the words of nft(8). Pure.
#pragma once

#include <optional>
#include <string>

#include "model/network.h"

namespace trivet::network {

// The name of the set of the addresses that are in a group.
std::string set_name(const std::string& group_id);
// "ip saddr 10.0.0.0/8 tcp dport 3306 ": everything but the verdict, the peer being the source of
// an ingress rule and the destination of an egress rule. nullopt: no IPv4 packet matches.
std::optional<std::string> rule_match(const SecurityGroupRule& rule);

}  // namespace trivet::network
