// SPDX-License-Identifier: Apache-2.0
//
// DB subnet groups: named sets of subnets that clusters are placed in. Names are the same whatever
// their case. "default" is made of the default VPC's default subnets when it is first needed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/network.h"
#include "service/cluster_view.h"
#include "service/network_state.h"

namespace trivet::service {

struct CreateDbSubnetGroup {
  std::string name;
  std::string description;
  std::vector<std::string> subnet_ids;
  Tags tags;
};

// Thread-safe; calls block on the store. Errors carry AWS's codes and texts.
class SubnetGroupService {
 public:
  struct Placed {
    std::string cluster;
    std::vector<std::string> subnet_ids;  // its members'
  };
  struct Needs {
    NetworkStore& network;
    // The clusters that are placed in this group.
    std::function<std::vector<Placed>(const std::string& name)> clusters_in;
  };
  explicit SubnetGroupService(Needs needs) : needs_(std::move(needs)) {}

  Result<NetworkState> state() const { return needs_.network.load(); }

  // Faults: DBSubnetGroupAlreadyExists, DBSubnetGroupDoesNotCoverEnoughAZs, InvalidSubnet,
  // DBSubnetGroupQuotaExceeded, DBSubnetQuotaExceededFault, InvalidParameterValue.
  Result<DbSubnetGroup> create(const CreateDbSubnetGroup& wanted);
  // Other subnets, and another description unless it is empty. Faults: DBSubnetGroupNotFoundFault,
  // DBSubnetGroupDoesNotCoverEnoughAZs, InvalidSubnet, DBSubnetQuotaExceededFault,
  // InvalidParameterValue (another VPC's, or one that a cluster's member is in is left out).
  Result<DbSubnetGroup> modify(const std::string& name, const std::vector<std::string>& subnet_ids,
                               const std::string& description);
  // Faults: DBSubnetGroupNotFoundFault, InvalidDBSubnetGroupStateFault (a cluster is in it),
  // InvalidParameterValue ("default").
  Status remove(const std::string& name);
  // Replaces the tags by what `change` makes of them. Faults: DBSubnetGroupNotFoundFault.
  Status change_tags(const std::string& name, const std::function<Status(Tags&)>& change);

  using Use = std::function<Status(const NetworkState&, const DbSubnetGroup&)>;
  // Runs `use` on the group; until it returns the network stays as it is. The group "default" is
  // made if it is not there. Faults: DBSubnetGroupNotFoundFault, and those of `use`.
  Status hold(const std::string& name, const Use& use);

 private:
  Status make_default();
  std::vector<Placed> clusters_in(const std::string& name) const;
  Needs needs_;
};

// Those that are placed in the group.
std::vector<SubnetGroupService::Placed> clusters_in_group(const std::vector<ClusterViewPtr>& views,
                                                          const std::string& group);

}  // namespace trivet::service
