// SPDX-License-Identifier: Apache-2.0
//
// The names and numbers of the domain, each a type of its own.
#pragma once

#include <string>
#include <vector>

#include "base/strong_id.h"

namespace trivet {

using AccountId = StrongId<struct AccountIdTag>;                  // 12 digits
using ClusterId = StrongId<struct ClusterIdTag>;                  // DBClusterIdentifier, lower case
using ClusterResourceId = StrongId<struct ClusterResourceIdTag>;  // "cluster-" + 26; never changes
using MemberId = StrongId<struct MemberIdTag>;  // DBInstanceIdentifier, "<cluster>-instance-1"
using AccessKeyId = StrongId<struct AccessKeyIdTag>;  // AKIA… or ASIA…
// Grows by one at each change of writer (failover.md I4). 0 = not formed yet.
using Term = StrongInt<struct TermTag>;

// Where an installation is, in AWS's words. Fixed at `trivet init`.
struct Realm {
  AccountId account;
  std::string region = "us-east-1";
  std::string partition = "aws";
  // Three, in order of preference: "us-east-1a". Empty: the region's a, b and c.
  std::vector<std::string> availability_zones{};
};

}  // namespace trivet
