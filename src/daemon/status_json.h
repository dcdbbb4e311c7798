// SPDX-License-Identifier: Apache-2.0
//
// `trivet status --json` and `trivet events --json`.
#pragma once

#include <string>
#include <vector>

#include "service/cluster_view.h"
#include "service/event_log.h"

namespace trivet::daemon {

// {"running":true,"clusters":[{"identifier","resource_id","status","term","writer","endpoint":{…},
//   "reader_endpoint":{…},"members":[…],"waiting_for"}]}. `writer` is null while there is none; a
//   member's
// pids are 0 while it has no process, its apply_lag_ms is null when it follows nobody.
std::string status_json(const std::vector<service::ClusterViewPtr>& views);
// {"events":[{"date","event_id","source_type","source_identifier","source_arn","category","message"}]},
// in their order.
std::string events_json(const std::vector<service::RecordedEvent>& events);

}  // namespace trivet::daemon
