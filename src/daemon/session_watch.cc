// SPDX-License-Identifier: Apache-2.0
#include "daemon/session_watch.h"

#include <utility>

namespace trivet::daemon {
namespace {

service::SessionRules session_rules(const LoginRules& rules) {
  return {rules.end_sessions, rules.session_max_age_s};
}

}  // namespace

std::unique_ptr<service::SessionKeeper> make_session_keeper(const SessionWatchParts& parts) {
  const service::LoginRulesBook* rules = &parts.rules;
  return std::make_unique<service::SessionKeeper>(service::SessionKeeper::Needs{
      .identities = parts.identities,
      .clock = parts.clock,
      .rules =
          [rules] {
            service::RulesByCluster out;
            for (const auto& [cluster, entry] : *rules->snapshot()) {
              if (entry.rules.look_after_sessions()) {
                out.emplace(cluster, session_rules(entry.rules));
              }
            }
            return out;
          },
      .end =
          [clusters = parts.clusters](const MemberId& member, std::vector<ClientSession> unwanted,
                                      std::function<void(service::SessionKeeper::Shown)> done) {
            clusters()->end_sessions(member, std::move(unwanted), std::move(done));
          },
      .file = parts.file});
}

void keep_session(const service::AllowedLogin& login, service::SessionKeeper& keeper) {
  const auto& databases = login.proved.databases->databases;
  const auto database = databases.find(login.member);
  if (database == databases.end()) {
    return;
  }
  keeper.opened({.member = login.member,
                 .cluster = database->second.resource_id,
                 .connection = login.request.connection_id,
                 .user = std::string(login.request.user),
                 .peer_port = login.request.peer_port,
                 .resource_arn = login.proved.accepted.resource_arn,
                 .principal = login.proved.principal,
                 .context = login.context,
                 .opened = login.now});
}

}  // namespace trivet::daemon
