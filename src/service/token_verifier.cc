// SPDX-License-Identifier: Apache-2.0
#include "service/token_verifier.h"

#include <utility>
#include <variant>

#include "base/log.h"
#include "service/identity_access.h"

namespace trivet::service {
namespace {

LoginVerdict refuse(std::string_view reason, token::Reason aws_reason,
                    const wire::TokenRequest& request, std::string detail) {
  LoginVerdict verdict;
  verdict.reason = std::string(reason);
  verdict.detail = std::move(detail);
  verdict.aws_text = token::iam_db_auth_error(aws_reason, request.user, "");
  verdict.aws_status = token::rds_code(aws_reason).status;
  return verdict;
}

token::KeyFacts::Status status_of(KeyLookup::State state) {
  switch (state) {
    case KeyLookup::State::kUnknown:
      return token::KeyFacts::Status::kUnknown;
    case KeyLookup::State::kInactive:
      return token::KeyFacts::Status::kInactive;
    case KeyLookup::State::kActive:
      return token::KeyFacts::Status::kActive;
  }
  return token::KeyFacts::Status::kUnknown;
}

token::KeyFacts key_facts(const KeyLookup& found, std::string_view access_key_id) {
  token::KeyFacts facts;
  facts.status = status_of(found.state);
  facts.secret = found.secret.copy();
  facts.is_session_token_valid = found.is_session_token_valid;
  facts.session_expires = found.session_expires;
  // Nothing is stored of a session, so whether the key exists cannot be known without its token:
  // what is wrong is the token.
  if (access_key_id.starts_with("ASIA") && found.state == KeyLookup::State::kUnknown) {
    facts.status = token::KeyFacts::Status::kActive;
  }
  return facts;
}

// Only what AWS has for rds-db:connect. It leaves out aws:SourceIp, aws:UserAgent and the like, and
// so do we: a policy must not allow here what it would deny there.
ContextKeys connect_context(const Realm& realm) {
  return {{"aws:RequestedRegion", {realm.region}},
          {"aws:SecureTransport", {"true"}},
          {"aws:ResourceAccount", {realm.account.str()}}};
}

void log_verdict(const MemberId& member, const wire::TokenRequest& request,
                 std::string_view access_key_id, const LoginVerdict& verdict) {
  const std::string user = token::log_quoted(request.user);
  const std::string key = token::log_quoted(access_key_id);
  const auto connection = static_cast<std::uint64_t>(request.connection_id);
  if (verdict.allowed) {
    log(Level::kInfo, "login.accepted",
        {{"member", member.str()},
         {"user", user},
         {"principal", verdict.principal_arn},
         {"access_key", key},
         {"peer", request.peer_address},
         {"connection", connection}});
    return;
  }
  const Level level = verdict.reason == kReasonUnknownDatabase ? Level::kError : Level::kWarning;
  log(level, "login.refused",
      {{"member", member.str()},
       {"reason", verdict.reason},
       {"detail", verdict.detail},
       {"user", user},
       {"principal", verdict.principal_arn},
       {"access_key", key},
       {"peer", request.peer_address},
       {"connection", connection},
       {"iam-db-auth-error", verdict.aws_text}});
}

// "statement 2 (Sid 'Connect') of identity-based policy 'X'"; "no …" when none decided.
std::string decided_by(const policy::Decision& decision) {
  const std::string kind(policy::to_string(decision.kind));
  if (decision.kind == policy::PolicyKind::kNone) {
    return "the root user, whom nothing needs to allow";
  }
  if (decision.statement < 0) {
    return "no " + kind + " allows it";
  }
  return "statement " + std::to_string(decision.statement) +
         (decision.sid.empty() ? "" : " (Sid '" + decision.sid + "')") + " of " + kind + " '" +
         decision.policy + "'";
}

// The last check: its signer holds the key and meant this server and this user, now.
LoginVerdict check_policy(const ProvedToken& proved, WallTime now) {
  const token::Accepted& accepted = proved.accepted;
  const IdentitySnapshot& snapshot = *proved.identities;
  const ContextKeys context = connect_context(snapshot.realm());
  const policy::Decision decision = decide_access(snapshot, {.principal = proved.principal,
                                                             .action = "rds-db:connect",
                                                             .resource = accepted.resource_arn,
                                                             .context = context,
                                                             .now = now});
  LoginVerdict verdict;
  verdict.principal_arn = proved.principal.arn;
  if (decision.allowed()) {
    verdict.allowed = true;
    return verdict;
  }
  const bool is_explicit = decision.outcome == policy::Outcome::kExplicitDeny;
  verdict.reason = std::string(is_explicit ? kReasonExplicitDeny : kReasonImplicitDeny);
  const std::string kind(policy::to_string(decision.kind));
  verdict.detail =
      is_explicit ? "explicit deny in " + kind + " '" + decision.policy + "' of rds-db:connect on "
                  : "no " + kind + " allows rds-db:connect on ";
  verdict.detail += accepted.resource_arn;
  verdict.aws_text =
      token::iam_db_auth_error(token::Reason::kPolicy, accepted.db_user, proved.principal.arn);
  verdict.aws_status = token::rds_code(token::Reason::kPolicy).status;
  return verdict;
}

}  // namespace

LoginVerdict TokenVerifier::verify(const MemberId& member, const wire::TokenRequest& request,
                                   WallTime now) const {
  std::string access_key_id;
  const LoginVerdict verdict = decide(member, request, now, access_key_id);
  log_verdict(member, request, access_key_id, verdict);
  return verdict;
}

LoginVerdict TokenVerifier::decide(const MemberId& member, const wire::TokenRequest& request,
                                   WallTime now, std::string& access_key_id) const {
  const auto proved = prove(member, request, now, access_key_id);
  if (const auto* refused = std::get_if<LoginVerdict>(&proved)) {
    return *refused;
  }
  const auto& token = *std::get<std::shared_ptr<const ProvedToken>>(proved);
  LoginVerdict verdict = check_policy(token, now);
  if (verdict.allowed && options_.on_allowed) {
    options_.on_allowed({member, request, token, connect_context(token.identities->realm()), now});
  }
  return verdict;
}

token::Explanation TokenVerifier::explain(const MemberId& member, std::string_view user,
                                          std::string_view text, WallTime now) const {
  const auto databases = databases_.load();
  const auto database = databases->databases.find(member);
  token::Explanation out;
  if (database == databases->databases.end()) {
    out.wrong("database", kReasonUnknownDatabase, "no database of that name is known");
    return out;
  }
  const auto snapshot = options_.identities.snapshot();
  const token::ServerFacts server{.realm = snapshot->realm(),
                                  .hosts = database->second.hosts,
                                  .resource_id = database->second.resource_id,
                                  .login_user = std::string(user),
                                  .limits = options_.limits};
  KeyLookup key;
  out = token::explain_db_token(
      text, server, now,
      [&](const std::string& id, const std::optional<std::string>& session_token) {
        key = look_up_key(*snapshot, *options_.sealer, id, session_token);
        return key_facts(key, id);
      });
  if (!database->second.iam_authentication) {
    out.reason = kReasonIamDisabled;
    out.checks.insert(
        out.checks.begin(),
        {"iam-enabled", false, "IAM database authentication is not enabled on the cluster"});
  } else {
    out.checks.insert(out.checks.begin(), {"iam-enabled", true, "on this cluster"});
  }
  if (key.state != KeyLookup::State::kActive || out.db_user.empty()) {
    out.not_checked.insert(out.not_checked.end(), {"principal", "policy"});
    return out;
  }
  if (key.is_principal_gone || key.principal.arn.empty()) {
    out.wrong("principal", kReasonPrincipalDeleted, "the role or user behind it was deleted");
    out.not_checked.push_back("policy");
    return out;
  }
  out.right("principal", key.principal.arn);
  const std::string resource =
      token::connect_resource_arn(server.realm, server.resource_id, out.db_user);
  const ContextKeys context = connect_context(server.realm);
  const policy::Decision decision = decide_access(*snapshot, {.principal = key.principal,
                                                              .action = "rds-db:connect",
                                                              .resource = resource,
                                                              .context = context,
                                                              .now = now});
  const std::string why = "rds-db:connect on " + resource + ": " + decided_by(decision);
  if (decision.allowed()) {
    out.right("policy", why);
  } else {
    const bool is_explicit = decision.outcome == policy::Outcome::kExplicitDeny;
    out.wrong("policy", is_explicit ? kReasonExplicitDeny : kReasonImplicitDeny, why);
  }
  return out;
}

std::variant<std::shared_ptr<const ProvedToken>, LoginVerdict> TokenVerifier::prove(
    const MemberId& member, const wire::TokenRequest& request, WallTime now,
    std::string& access_key_id) const {
  // The plugin refuses before it asks for the password; this is the second line.
  if (!request.is_tls) {
    return refuse(kReasonNoTls, token::Reason::kMalformed, request,
                  "the connection is not TLS: the token must be taken as read by others");
  }
  const auto databases = databases_.load();
  const auto database = databases->databases.find(member);
  if (database == databases->databases.end()) {
    return refuse(kReasonUnknownDatabase, token::Reason::kInternal, request,
                  "no database of that name is known; it may be being made or deleted");
  }
  if (!database->second.iam_authentication) {
    return refuse(kReasonIamDisabled, token::Reason::kMalformed, request,
                  "IAM database authentication is not enabled on the cluster");
  }
  const auto snapshot = options_.identities.snapshot();
  std::string digest = ProvedTokens::digest(member, request);
  if (auto known = proved_.find(digest, *snapshot, *databases)) {
    access_key_id = known->accepted.access_key_id;
    if (const auto late = token::check_times(known->times, options_.limits, now)) {
      return refuse(token::to_string(late->reason), late->reason, request, late->detail);
    }
    return known;
  }
  const token::ServerFacts server{.realm = snapshot->realm(),
                                  .hosts = database->second.hosts,
                                  .resource_id = database->second.resource_id,
                                  .login_user = std::string(request.user),
                                  .limits = options_.limits};
  KeyLookup key;
  token::TokenVerdict checked = token::check_db_token(
      request.token, server, now,
      [&](const std::string& id, const std::optional<std::string>& session_token) {
        access_key_id = id;
        key = look_up_key(*snapshot, *options_.sealer, id, session_token);
        return key_facts(key, id);
      });
  if (const auto* rejection = std::get_if<token::Rejection>(&checked)) {
    return refuse(token::to_string(rejection->reason), rejection->reason, request,
                  rejection->detail);
  }
  if (key.is_principal_gone) {
    return refuse(kReasonPrincipalDeleted, token::Reason::kUnknownKey, request,
                  "the role or user behind the session was deleted");
  }
  auto& accepted = std::get<token::Accepted>(checked);
  const token::TokenTimes times{accepted.signed_at, accepted.expires_s, key.session_expires};
  auto proved = std::make_shared<const ProvedToken>(
      ProvedToken{snapshot, databases, std::move(accepted), times, std::move(key.principal)});
  proved_.add(std::move(digest), proved);
  return proved;
}

}  // namespace trivet::service
