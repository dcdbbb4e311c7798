// SPDX-License-Identifier: Apache-2.0
//
// What AWS has elsewhere or not at all, for the administrator at this machine: the guardrail over
// all identities, and the keys of OIDC providers.
#pragma once

#include <memory>
#include <optional>

#include "base/clock.h"
#include "model/installation.h"
#include "net/http_types.h"
#include "service/iam_service.h"
#include "service/oidc_keys.h"

namespace trivet::daemon {

// Answers GET and POST /iam/guardrail and POST /iam/oidc-keys; nullopt for any other call. The
// caller has checked who asks.
std::optional<net::HttpResponse> iam_admin_call(const net::HttpRequest& request,
                                                service::IamService& iam);

// Finds the keys of OIDC providers over HTTPS. `clock` outlives it.
std::unique_ptr<service::OidcKeys> make_oidc_keys(const HomePaths& paths, const Clock& clock);

}  // namespace trivet::daemon
