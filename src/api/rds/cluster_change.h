// SPDX-License-Identifier: Apache-2.0
//
// ModifyDBCluster's request, checked by AWS's rules and turned into the cluster that it makes of
// one. What AWS takes and this installation cannot change is refused by name, never dropped. Pure.
#pragma once

#include "api/shapes/rds.h"
#include "base/result.h"
#include "model/cluster.h"
#include "service/network_state.h"

namespace trivet::api::rds {

// `now` with what is asked for; the same again when nothing is. The master user's password is
// checked and no part of it. Faults: InvalidParameterValue, InvalidParameterCombination,
// NotImplemented.
Result<Cluster> changed_cluster(const ModifyDBClusterRequest& request, Cluster now,
                                const service::NetworkState& network);

}  // namespace trivet::api::rds
