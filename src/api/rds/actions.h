// SPDX-License-Identifier: Apache-2.0
//
// The actions of RDS that are built.
#pragma once

#include <functional>
#include <vector>

#include "api/action.h"
#include "ports/log_files.h"
#include "service/cluster_service.h"
#include "service/engine_catalog.h"
#include "service/instance_tags.h"
#include "service/subnet_group_service.h"

namespace trivet::api {

// What the actions work with. The services must outlive the table.
struct RdsServices {
  service::ClusterService& clusters;
  service::SubnetGroupService& subnet_groups;
  service::InstanceTags& instance_tags;
  // The engines that are installed now. Called from many threads.
  std::function<std::vector<service::EngineVersion>()> engines;
  const LogFiles& log_files;
};

void add_rds_actions(ActionTable& table, RdsServices services);

}  // namespace trivet::api
