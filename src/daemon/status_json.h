// SPDX-License-Identifier: Apache-2.0
//
// `trivet status --json`.
#pragma once

#include <string>
#include <vector>

#include "service/cluster_view.h"

namespace trivet::daemon {

// {"running":true,"clusters":[{"identifier","resource_id","status","term","writer","endpoint":{…},
//   "reader_endpoint":{…},"members":[…],"waiting_for"}]}. `writer` is null while there is none; a
//   member's
// pids are 0 while it has no process, its apply_lag_ms is null when it follows nobody.
std::string status_json(const std::vector<service::ClusterViewPtr>& views);

}  // namespace trivet::daemon
