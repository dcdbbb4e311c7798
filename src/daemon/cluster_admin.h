// SPDX-License-Identifier: Apache-2.0
//
// What an administrator at this machine may ask of a cluster and AWS has no call for: to let a
// member write that may lack acknowledged commits.
#pragma once

#include <optional>

#include "net/http_types.h"
#include "service/cluster_service.h"

namespace trivet::daemon {

// Answers GET and POST /clusters/ID/loss; nullopt for any other call. The caller has checked who
// asks. GET: {"waiting_for","offers":[{"member","held","lacks","lacks_count"}],
// "absent":[{"member","last_heard"}]}; POST: {"member","held"}, both as they were shown.
std::optional<net::HttpResponse> cluster_admin_call(const net::HttpRequest& request,
                                                    service::ClusterService& clusters);

}  // namespace trivet::daemon
