// SPDX-License-Identifier: Apache-2.0
#include "service/database_session.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "core/policy/evaluate.h"

namespace trivet::service {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;

bool is_long_lived(const Principal& principal) {
  return principal.access_key_id.str().starts_with("AKIA");
}

std::optional<SessionEnd> key_ends(const Principal& principal, const IdentitySnapshot& identities) {
  if (!is_long_lived(principal)) {
    return std::nullopt;
  }
  const IdentitySnapshot::Key* key = identities.find_key(principal.access_key_id.str());
  if (key == nullptr || key->owner->id != principal.identity_id) {
    return SessionEnd::kKeyDeleted;
  }
  return key->active ? std::nullopt : std::optional(SessionEnd::kKeyInactive);
}

std::optional<SessionEnd> permission_ends(const DatabaseSession& session,
                                          const IdentitySnapshot& identities, WallTime now) {
  const Identity* identity = identities.find(session.principal.identity_id);
  if (identity == nullptr) {
    return SessionEnd::kPrincipalDeleted;
  }
  if (const auto key = key_ends(session.principal, identities)) {
    return key;
  }
  Principal as_now = session.principal;
  if (as_now.kind == Principal::Kind::kUser && !as_now.is_temporary()) {
    as_now.tags = identity->tags;  // policies may ask for them
  }
  const policy::Decision decision = decide_access(identities, {.principal = as_now,
                                                               .action = "rds-db:connect",
                                                               .resource = session.resource_arn,
                                                               .context = session.context,
                                                               .now = now});
  return decision.allowed() ? std::nullopt : std::optional(SessionEnd::kNotAllowed);
}

bool is_too_old(const DatabaseSession& session, const SessionRules& rules, WallTime now) {
  return rules.age_max_s > 0 && now >= session.opened + std::chrono::seconds(rules.age_max_s);
}

json to_json(const Principal& p) {
  json out = {{"kind", static_cast<int>(p.kind)},
              {"account", p.account.str()},
              {"arn", p.arn},
              {"principal_arn", p.principal_arn},
              {"user_id", p.user_id},
              {"identity_id", p.identity_id},
              {"name", p.name},
              {"path", p.path},
              {"session_name", p.session_name},
              {"tags", p.tags},
              {"access_key_id", p.access_key_id.str()},
              {"source_identity", p.source_identity},
              {"transitive_tag_keys", p.transitive_tag_keys},
              {"session_policies", p.session_policies}};
  if (p.token_issued_at) {
    out["token_issued_at"] = to_ms(*p.token_issued_at);
  }
  return out;
}

Principal principal_from(const json& j) {
  Principal p;
  const int kind = j.at("kind").get<int>();
  p.kind = kind >= 0 && kind <= static_cast<int>(Principal::Kind::kAnonymous)
               ? static_cast<Principal::Kind>(kind)
               : Principal::Kind::kAnonymous;
  p.account = AccountId(j.at("account").get<std::string>());
  p.arn = j.at("arn");
  p.principal_arn = j.at("principal_arn");
  p.user_id = j.at("user_id");
  p.identity_id = j.at("identity_id");
  p.name = j.at("name");
  p.path = j.at("path");
  p.session_name = j.at("session_name");
  p.tags = j.at("tags").get<std::map<std::string, std::string>>();
  p.access_key_id = AccessKeyId(j.at("access_key_id").get<std::string>());
  p.source_identity = j.at("source_identity");
  p.transitive_tag_keys = j.at("transitive_tag_keys").get<std::vector<std::string>>();
  p.session_policies = j.at("session_policies").get<std::vector<std::string>>();
  if (j.contains("token_issued_at")) {
    p.token_issued_at = wall_time_from_ms(j.at("token_issued_at").get<std::int64_t>());
  }
  return p;
}

}  // namespace

std::string_view to_string(SessionEnd why) {
  switch (why) {
    case SessionEnd::kKeyDeleted:
      return "key-deleted";
    case SessionEnd::kKeyInactive:
      return "key-inactive";
    case SessionEnd::kPrincipalDeleted:
      return "principal-deleted";
    case SessionEnd::kNotAllowed:
      return "not-allowed";
    case SessionEnd::kTooOld:
      return "too-old";
  }
  return "unknown";
}

std::optional<SessionEnd> why_session_ends(const DatabaseSession& session,
                                           const SessionRules& rules,
                                           const IdentitySnapshot& identities, WallTime now) {
  if (is_too_old(session, rules, now)) {
    return SessionEnd::kTooOld;
  }
  return rules.end_with_permission ? permission_ends(session, identities, now) : std::nullopt;
}

std::vector<UnwantedSession> unwanted_sessions(const std::vector<DatabaseSessionPtr>& sessions,
                                               const RulesByCluster& rules,
                                               const IdentitySnapshot& identities, WallTime now) {
  // All that a decision depends on and two logins may differ in. Credentials of one session name
  // are told apart by their key.
  using Asked = std::tuple<std::string, std::string, std::optional<WallTime>, ContextKeys>;
  std::map<Asked, std::optional<SessionEnd>> decided;
  std::vector<UnwantedSession> out;
  for (const DatabaseSessionPtr& session : sessions) {
    const auto found = rules.find(session->cluster);
    if (found == rules.end()) {
      continue;
    }
    std::optional<SessionEnd> why;
    if (is_too_old(*session, found->second, now)) {
      why = SessionEnd::kTooOld;
    } else if (found->second.end_with_permission) {
      const Principal& who = session->principal;
      Asked asked{who.access_key_id.str(), session->resource_arn, who.token_issued_at,
                  session->context};
      const auto known = decided.find(asked);
      why = known != decided.end() ? known->second : permission_ends(*session, identities, now);
      if (known == decided.end()) {
        decided.emplace(std::move(asked), why);
      }
    }
    if (why) {
      out.push_back({session, *why});
    }
  }
  return out;
}

bool is_same(const DatabaseSession& session, const ClientSession& shown) {
  return shown.id == session.connection && shown.user == session.user &&
         shown.host.ends_with(":" + std::to_string(session.peer_port));
}

std::string encode(const std::vector<DatabaseSessionPtr>& sessions) {
  json list = json::array();
  for (const DatabaseSessionPtr& s : sessions) {
    list.push_back({{"member", s->member.str()},
                    {"cluster", s->cluster},
                    {"connection", s->connection},
                    {"user", s->user},
                    {"peer_port", s->peer_port},
                    {"resource_arn", s->resource_arn},
                    {"principal", to_json(s->principal)},
                    {"context", s->context},
                    {"opened", to_ms(s->opened)}});
  }
  const json record = {{"v", kVersion}, {"sessions", std::move(list)}};
  return record.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<std::vector<DatabaseSessionPtr>> decode_database_sessions(std::string_view text) {
  try {
    const json record = json::parse(text);
    if (record.at("v").get<int>() > kVersion) {
      return make_error(Errc::kCorrupt, "the sessions were written by a newer version of Trivet");
    }
    std::vector<DatabaseSessionPtr> out;
    for (const json& j : record.at("sessions")) {
      DatabaseSession s;
      s.member = MemberId(j.at("member").get<std::string>());
      s.cluster = j.at("cluster");
      s.connection = j.at("connection").get<std::uint64_t>();
      s.user = j.at("user");
      s.peer_port = j.at("peer_port").get<std::uint16_t>();
      s.resource_arn = j.at("resource_arn");
      s.principal = principal_from(j.at("principal"));
      s.context = j.at("context").get<ContextKeys>();
      s.opened = wall_time_from_ms(j.at("opened").get<std::int64_t>());
      out.push_back(std::make_shared<const DatabaseSession>(std::move(s)));
    }
    return out;
  } catch (const json::exception& e) {
    return make_error(Errc::kCorrupt, std::string("the sessions cannot be read: ") + e.what());
  }
}

}  // namespace trivet::service
