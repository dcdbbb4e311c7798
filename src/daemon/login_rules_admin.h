// SPDX-License-Identifier: Apache-2.0
//
// The login rules of a cluster, for the administrator at this machine.
#pragma once

#include <functional>
#include <optional>

#include "net/http_types.h"
#include "ports/member_agent.h"
#include "service/login_rules.h"

namespace trivet::daemon {

// Answers POST /login-rules, which changes what its body names and shows all; nullopt for any other
// call. `set_role` tells the writer who may have which role. The caller has checked who asks.
std::optional<net::HttpResponse> login_rules_admin_call(
    const net::HttpRequest& request, service::LoginRulesBook& book,
    const std::function<Status(const ClusterId&, const RoleGrant&)>& set_role);

}  // namespace trivet::daemon
