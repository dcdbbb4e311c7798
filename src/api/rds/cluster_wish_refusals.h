// SPDX-License-Identifier: Apache-2.0
//
// The parameters of CreateDBCluster that a cluster here cannot have: AWS's own for Aurora, and
// those of parts that are not built. Only for this folder. Pure.
#pragma once

#include "api/shapes/rds.h"
#include "base/result.h"

namespace trivet::api::rds {

// Parameters that AWS does not take for a Multi-AZ DB cluster. InvalidParameterCombination;
// NetworkTypeNotSupported.
Status refuse_aurora_parameters(const CreateDBClusterRequest& request);
// Parameters that AWS takes and that would mean something that is not there. NotImplemented, with
// the parameter's name; InvalidParameterCombination where AWS refuses the combination as well.
Status refuse_unbuilt_parameters(const CreateDBClusterRequest& request);

}  // namespace trivet::api::rds
