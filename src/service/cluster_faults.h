// SPDX-License-Identifier: Apache-2.0
//
// AWS's words for clusters that are not there or not in the state that a call needs.
#pragma once

#include <fmt/format.h>

#include <string_view>

#include "base/result.h"
#include "model/ids.h"

namespace trivet::service {

inline Error no_such_cluster(const ClusterId& id) {
  return aws_fault(Errc::kNotFound, "DBClusterNotFoundFault",
                   fmt::format("DBCluster {} not found.", id.str()));
}

inline Error wrong_state(const ClusterId& id, std::string_view state, std::string_view expected) {
  return aws_fault(Errc::kConflict, "InvalidDBClusterStateFault",
                   fmt::format("DbCluster {} is in {} state but expected it to be one of {}.",
                               id.str(), state, expected));
}

}  // namespace trivet::service
