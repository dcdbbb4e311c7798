// SPDX-License-Identifier: Apache-2.0
//
// `trivet status --json` and `trivet events --json`.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/routing/table.h"
#include "router/router.h"
#include "runner/runner.h"
#include "service/cluster_view.h"
#include "service/event_log.h"
#include "service/network_driver.h"

namespace trivet::daemon {

// How clients of writer endpoints reach the writer.
struct EndpointFacts {
  std::set<routing::Address> steered;  // straight from the kernel
  std::string why_not_steered;         // why that is not possible here; empty: it is
};

EndpointFacts endpoint_facts(const router::Router& router, std::string why_not_steered);

// {"running":true,"why_not_steered":"","clusters":[{"identifier","resource_id","status","term",
//   "writer","endpoint":{…,"steered"},"reader_endpoint":{…},"members":[…],
//   "commit_delay_ms","waiting_for"}],"network":network_json(),"functions":functions_json()}.
//   `writer` is null while there is none; a member's pids are 0
// while it has no process, its apply_lag_ms is null when it follows nobody.
std::string status_json(const std::vector<service::ClusterViewPtr>& views,
                        const EndpointFacts& endpoints, const service::NetworkReport& network,
                        const runner::Runner& runner);

// {"events":[{"date","event_id","source_type","source_identifier","source_arn","category",
//   "message"}]}, in their order.
std::string events_json(const std::vector<service::RecordedEvent>& events);

}  // namespace trivet::daemon
