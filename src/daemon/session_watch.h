// SPDX-License-Identifier: Apache-2.0
//
// The keeper of database sessions, wired to the daemon's parts.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "service/cluster_service.h"
#include "service/login_rules.h"
#include "service/session_keeper.h"
#include "service/token_verifier.h"

namespace trivet::daemon {

struct SessionWatchParts {
  const service::IamService& identities;
  const service::LoginRulesBook& rules;
  const Clock& clock;
  // Null until clusters are there.
  std::function<service::ClusterService*()> clusters;
  std::string file;
};
std::unique_ptr<service::SessionKeeper> make_session_keeper(const SessionWatchParts& parts);

// Tells the keeper of a login. On the login's way: takes no lock but the keeper's.
void keep_session(const service::AllowedLogin& login, service::SessionKeeper& keeper);

}  // namespace trivet::daemon
