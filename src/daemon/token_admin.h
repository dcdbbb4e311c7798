// SPDX-License-Identifier: Apache-2.0
//
// POST /token/explain, for the administrator at this machine: what a token's checks say, and why.
#pragma once

#include <vector>

#include "base/time.h"
#include "net/http_types.h"
#include "service/cluster_view.h"
#include "service/token_verifier.h"

namespace trivet::daemon {

// Body: {"token","cluster","user"}. No cluster: the one whose endpoint the token names, else the
// only one. The caller has checked who asks.
net::HttpResponse explain_token(const net::HttpRequest& request,
                                const service::TokenVerifier& verifier,
                                const std::vector<service::ClusterViewPtr>& views, WallTime now);

}  // namespace trivet::daemon
