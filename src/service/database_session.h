// SPDX-License-Identifier: Apache-2.0
//
// A database session that a token let in, and whether it may go on: decided on the identities as
// they are now, by the rules of its cluster. Pure. A session goes on when the token or the
// temporary credentials behind it run out, as on AWS; it ends with what was taken away.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/ids.h"
#include "model/principal.h"
#include "ports/member_agent.h"
#include "service/identity_access.h"

namespace trivet::service {

// What the login was. Immutable once made.
struct DatabaseSession {
  MemberId member;
  std::string cluster;  // resource id
  std::uint64_t connection = 0;
  std::string user;
  std::uint16_t peer_port = 0;
  std::string resource_arn;  // that rds-db:connect was asked for
  Principal principal;
  ContextKeys context;  // of the question
  WallTime opened{};
};
using DatabaseSessionPtr = std::shared_ptr<const DatabaseSession>;

struct SessionRules {
  bool end_with_permission = false;
  std::int64_t age_max_s = 0;  // 0: none
};

enum class SessionEnd { kKeyDeleted, kKeyInactive, kPrincipalDeleted, kNotAllowed, kTooOld };
std::string_view to_string(SessionEnd why);  // "key-deleted", …, for logs

// nullopt: it goes on.
std::optional<SessionEnd> why_session_ends(const DatabaseSession& session,
                                           const SessionRules& rules,
                                           const IdentitySnapshot& identities, WallTime now);

struct UnwantedSession {
  DatabaseSessionPtr session;
  SessionEnd why = SessionEnd::kNotAllowed;
};
using RulesByCluster = std::map<std::string, SessionRules, std::less<>>;
// Those that end, in the order given. Asks the policies once for all sessions of one login's
// credentials, so that pools cost what one connection costs.
std::vector<UnwantedSession> unwanted_sessions(const std::vector<DatabaseSessionPtr>& sessions,
                                               const RulesByCluster& rules,
                                               const IdentitySnapshot& identities, WallTime now);

// Whether what a member shows is this session: its number is given to others when mysqld starts
// again, so user and client's port count too.
bool is_same(const DatabaseSession& session, const ClientSession& shown);

// JSON with a version field: what a daemon that comes later needs of the sessions. kCorrupt.
std::string encode(const std::vector<DatabaseSessionPtr>& sessions);
Result<std::vector<DatabaseSessionPtr>> decode_database_sessions(std::string_view text);

}  // namespace trivet::service
