// SPDX-License-Identifier: Apache-2.0
//
// The login rules of a cluster, for the administrator at this machine.
#pragma once

#include <optional>

#include "net/http_types.h"
#include "service/cluster_service.h"
#include "service/login_rules.h"

namespace trivet::daemon {

// Answers POST /login-rules, which changes what its body names and shows all; nullopt for any other
// call. Roles are given on the cluster's writer, which it waits for. The caller has checked who
// asks.
std::optional<net::HttpResponse> login_rules_admin_call(const net::HttpRequest& request,
                                                        service::LoginRulesBook& book,
                                                        service::ClusterService& clusters);

}  // namespace trivet::daemon
