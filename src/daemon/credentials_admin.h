// SPDX-License-Identifier: Apache-2.0
//
// POST /credentials: short-lived credentials for whoever may use the daemon's socket.
#pragma once

#include <string>

#include "base/time.h"
#include "model/installation.h"
#include "net/http_types.h"
#include "service/sts_service.h"

namespace trivet::daemon {

struct CredentialsFacts {
  const Installation& installation;
  std::string ca_bundle;  // path
  WallTime now{};
};

// Body: {"duration_seconds"}, 900 to 43200; an hour without it. The caller has checked who asks.
net::HttpResponse give_credentials(const net::HttpRequest& request, service::StsService& sts,
                                   const CredentialsFacts& facts);

}  // namespace trivet::daemon
