// SPDX-License-Identifier: Apache-2.0
#include "service/token_verifier.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>
#include <variant>

#include "base/bytes.h"
#include "base/iso8601.h"
#include "service/identity_access.h"

namespace trivet::service {
namespace {

// An access key id is at most so long; a token may claim anything.
constexpr std::size_t kShownKeyIdMax = 128;
constexpr std::string_view kConnectAction = "rds-db:connect";

LoginVerdict refuse(std::string_view reason, token::Reason aws_reason,
                    const wire::TokenRequest& request, std::string detail) {
  LoginVerdict verdict;
  verdict.reason = std::string(reason);
  verdict.detail = std::move(detail);
  verdict.aws_text = token::iam_db_auth_error(aws_reason, request.user, "");
  verdict.aws_status = token::rds_code(aws_reason).status;
  return verdict;
}

LoginVerdict refuse(token::Reason reason, const wire::TokenRequest& request, std::string detail) {
  return refuse(token::to_string(reason), reason, request, std::move(detail));
}

// Of a cluster that has none.
const LoginRulesBook::Entry& default_rules() {
  static const auto* const rules = new LoginRulesBook::Entry;
  return *rules;
}

const LoginRulesBook::Entry& rules_in(const LoginRulesBook::Entries* all,
                                      const std::string& cluster) {
  if (all != nullptr) {
    const auto found = all->find(cluster);
    if (found != all->end()) {
      return found->second;
    }
  }
  return default_rules();
}

token::TokenLimits limits_under(token::TokenLimits limits, const LoginRules& rules) {
  limits.max_age_s = rules.token_max_age_s;
  if (rules.one_time_tokens) {
    limits.skew_max = std::min(limits.skew_max, token::kOneTimeSkewMax);
  }
  return limits;
}

token::ServerFacts server_facts(const Realm& realm, const DatabaseFacts::Database& database,
                                const LoginRulesBook::Entry& rules,
                                const token::TokenLimits& limits) {
  token::ServerFacts server{.realm = realm,
                            .more_regions = {},
                            .hosts = database.hosts,
                            .resource_id = database.resource_id,
                            .login_user = {},
                            .limits = limits_under(limits, rules.rules)};
  server.hosts.insert(server.hosts.end(), rules.aliases.begin(), rules.aliases.end());
  return server;
}

// Whom limits count: all that use mysqld's own socket are one.
std::string_view address_of(const wire::TokenRequest& request) {
  return request.peer_address.empty() ? std::string_view("local") : request.peer_address;
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

// What AWS has for rds-db:connect. It leaves out aws:SourceIp, aws:UserAgent and the like, and so
// do we: a policy must not allow here what it would deny there.
ContextKeys connect_context(const Realm& realm) {
  return {{"aws:RequestedRegion", {realm.region}},
          {"aws:SecureTransport", {"true"}},
          {"aws:ResourceAccount", {realm.account.str()}}};
}

// What a cluster's rules add to it.
ContextKeys connect_context(const Realm& realm, const wire::TokenRequest& request) {
  ContextKeys context = connect_context(realm);
  if (request.transport == wire::Transport::kTcp && !request.peer_address.empty()) {
    context["aws:SourceIp"] = {std::string(request.peer_address)};
  }
  if (request.is_tls) {
    // Named as s3:TlsVersion is, which is compared as a number. Where mysqld did not tell: what no
    // policy can have meant, so that "less than 1.3" and "not this cipher" hold.
    constexpr std::string_view kPrefix = "TLSv";
    const bool is_known = request.tls_version.starts_with(kPrefix) && !request.tls_cipher.empty();
    context["rds-db:TlsVersion"] = {
        is_known ? std::string(request.tls_version.substr(kPrefix.size())) : "0"};
    context["rds-db:TlsCipher"] = {is_known ? std::string(request.tls_cipher) : "unknown"};
  }
  return context;
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

// "this token is for cluster shop: " when another cluster of ours has the name that the token was
// made for; empty when none has.
std::string other_cluster(const DatabaseFacts& facts, std::string_view token) {
  const auto host = token::parse_host_port(token.substr(0, token.find_first_of("/?")));
  if (!host) {
    return "";
  }
  for (const auto& [member, database] : facts.databases) {
    for (const token::AllowedHost& allowed : database.hosts) {
      if (token::matches(allowed, *host)) {
        return "this token is for cluster " + database.cluster + ": ";
      }
    }
  }
  return "";
}

// The last check: its signer holds the key and meant this server and this user, now.
LoginVerdict verdict_of(const policy::Decision& decision, const ProvedToken& proved) {
  const token::Accepted& accepted = proved.accepted;
  LoginVerdict verdict;
  verdict.principal_arn = proved.principal.arn;
  verdict.session_name = proved.principal.session_name;
  verdict.decided_by = {std::string(policy::to_string(decision.kind)), decision.policy,
                        decision.statement, decision.sid};
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
  verdict.detail += is_explicit ? "" : ": attach one that does";
  verdict.aws_text =
      token::iam_db_auth_error(token::Reason::kPolicy, accepted.db_user, proved.principal.arn);
  verdict.aws_status = token::rds_code(token::Reason::kPolicy).status;
  return verdict;
}

// The value of the tag that the rules look at, whatever the case of its key, as in conditions.
std::optional<std::string> role_of(const LoginRules& rules, const Principal& principal) {
  if (!rules.role_tag.empty()) {
    const std::string wanted = to_lower(rules.role_tag);
    for (const auto& [key, value] : principal.tags) {
      if (to_lower(key) == wanted) {
        return value;
      }
    }
  }
  return std::nullopt;
}

// Empty: `user` may have the role. Else what is wrong.
std::string why_no_role(const LoginRules& rules, std::string_view user, const std::string& role) {
  const std::string pair = std::string(user) + "=" + role;
  if (std::binary_search(rules.roles.begin(), rules.roles.end(), pair)) {
    return {};
  }
  return "the principal's tag " + token::log_quoted(rules.role_tag) + " asks for the role " +
         token::log_quoted(role) + ", which the cluster's rules do not give to this user";
}

}  // namespace

struct TokenVerifier::Login {
  Login(const MemberId& asking, const wire::TokenRequest& asked, WallTime when)
      : member(asking), request(asked), now(when) {}

  const MemberId& member;
  const wire::TokenRequest& request;
  const WallTime now;
  std::shared_ptr<const DatabaseFacts> databases;
  const DatabaseFacts::Database* database = nullptr;
  std::shared_ptr<const LoginRulesBook::Entries> all_rules;
  const LoginRulesBook::Entry* rules = &default_rules();
  std::string access_key_id;
};

void TokenVerifier::set_databases(std::shared_ptr<const DatabaseFacts> databases) {
  // What was proved on the same facts stays proved.
  if (*databases == *databases_.load()) {
    return;
  }
  std::set<std::string> clusters;
  for (const auto& [member, database] : databases->databases) {
    clusters.insert(database.resource_id);
  }
  history_.keep_only(clusters);
  databases_.store(std::move(databases));
}

LoginVerdict TokenVerifier::verify(const MemberId& member, const wire::TokenRequest& request,
                                   WallTime now) const {
  Login login(member, request, now);
  LoginVerdict verdict = decide(login);
  verdict.access_key_id = login.access_key_id.substr(0, kShownKeyIdMax);
  verdict.cluster = login.database != nullptr ? login.database->cluster : cluster_of(member);
  if (!verdict.allowed && verdict.reason != kReasonUnknownDatabase) {
    verdict.answer_after = history_.refused(address_of(request), now);
  }
  return verdict;
}

std::string TokenVerifier::cluster_of(const MemberId& member) const {
  const auto databases = databases_.load();
  const auto found = databases->databases.find(member);
  return found == databases->databases.end() ? std::string() : found->second.cluster;
}

LoginVerdict TokenVerifier::decide(Login& login) const {
  const Proof proof = prove(login);
  if (const auto* refused = std::get_if<LoginVerdict>(&proof)) {
    return *refused;
  }
  const ProvedToken& proved = *std::get<std::shared_ptr<const ProvedToken>>(proof);
  const LoginRules& rules = login.rules->rules;
  if (!history_.take_principal(login.database->resource_id, proved.principal.arn,
                               rules.principal_logins_per_minute, login.now)) {
    LoginVerdict verdict = refuse(token::Reason::kPrincipalRate, login.request,
                                  "more than " + std::to_string(rules.principal_logins_per_minute) +
                                      " logins a minute of this principal: the cluster's rules");
    verdict.principal_arn = proved.principal.arn;
    return verdict;
  }
  const auto context = [&] {
    const Realm& realm = proved.identities->realm();
    return rules.connect_conditions ? connect_context(realm, login.request)
                                    : connect_context(realm);
  };
  LoginVerdict verdict = verdict_of(
      proved.decision ? *proved.decision
                      : decide_access(*proved.identities, {.principal = proved.principal,
                                                           .action = kConnectAction,
                                                           .resource = proved.accepted.resource_arn,
                                                           .context = context(),
                                                           .now = login.now}),
      proved);
  if (verdict.allowed) {
    take_role(login, proved, verdict);
  }
  if (verdict.allowed) {
    use_token(login, proved, verdict);
  }
  if (verdict.allowed && rules.look_after_sessions() && options_.on_allowed) {
    options_.on_allowed({login.member, login.request, proved, context(), login.now});
  }
  return verdict;
}

void TokenVerifier::take_role(const Login& login, const ProvedToken& proved,
                              LoginVerdict& verdict) {
  const LoginRules& rules = login.rules->rules;
  const wire::TokenRequest& request = login.request;
  const auto role = role_of(rules, proved.principal);
  if (!role || *role == request.user) {
    return;
  }
  std::string why = why_no_role(rules, request.user, *role);
  if (why.empty() && request.version < wire::kVersionOfAccounts) {
    why = "its mysqld runs the plugin of an earlier version, which knows no roles: reboot it";
  }
  if (why.empty()) {
    verdict.role = *role;
    return;
  }
  verdict.allowed = false;
  verdict.reason = kReasonRole;
  verdict.detail = std::move(why);
  verdict.aws_text =
      token::iam_db_auth_error(token::Reason::kPolicy, request.user, proved.principal.arn);
  verdict.aws_status = token::rds_code(token::Reason::kPolicy).status;
}

void TokenVerifier::use_token(const Login& login, const ProvedToken& proved,
                              LoginVerdict& verdict) const {
  const bool is_one_time = login.rules->rules.one_time_tokens;
  const token::Accepted& accepted = proved.accepted;
  const auto used = history_.use_token(
      login.database->resource_id, {accepted.signature_hash, accepted.signed_at, accepted.ends_at},
      address_of(login.request), is_one_time, login.now);
  const auto refuse_use = [&](token::Reason reason, std::string detail) {
    std::string arn = std::move(verdict.principal_arn);
    verdict = refuse(reason, login.request, std::move(detail));
    verdict.principal_arn = std::move(arn);
  };
  if (used.kind == LoginHistory::TokenUse::Kind::kBeforeMemory) {
    refuse_use(token::Reason::kSignedBeforeMemory,
               "tokens are for one use, and whether this one was used is not known: it was signed "
               "before the daemon started, less than 5 s after that, or too many came since; a new "
               "one is good");
    return;
  }
  if (is_one_time && used.kind == LoginHistory::TokenUse::Kind::kAgain) {
    refuse_use(token::Reason::kTokenUsed, "tokens are for one use; this one was used at " +
                                              format_iso8601(used.use.first_at) + " from " +
                                              used.use.first_from + ", and it came " +
                                              std::to_string(used.use.count) + " times");
  }
  verdict.token_uses = used.use.count;
  verdict.token_first_used = used.use.first_at;
  verdict.token_first_from = used.use.first_from;
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
  const auto rules = options_.rules != nullptr ? options_.rules->snapshot() : nullptr;
  token::ServerFacts server =
      server_facts(snapshot->realm(), database->second,
                   rules_in(rules.get(), database->second.resource_id), options_.limits);
  server.login_user = user;
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
  const std::string db_user = user.empty() ? out.db_user : std::string(user);
  const std::string resource =
      token::connect_resource_arn(server.realm, server.resource_id, db_user);
  const ContextKeys context = connect_context(server.realm);
  const policy::Decision decision = decide_access(*snapshot, {.principal = key.principal,
                                                              .action = kConnectAction,
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
  const LoginRules& asked = rules_in(rules.get(), database->second.resource_id).rules;
  if (const auto role = role_of(asked, key.principal); role && *role != db_user) {
    const std::string wrong = why_no_role(asked, db_user, *role);
    wrong.empty() ? out.right("role", *role) : out.wrong("role", kReasonRole, wrong);
  }
  std::ranges::copy(only_at_a_login(asked), std::back_inserter(out.not_checked));
  return out;
}

TokenVerifier::Proof TokenVerifier::prove(Login& login) const {
  const wire::TokenRequest& request = login.request;
  // The plugin refuses without asking for the password, and has it recorded here.
  if (!request.is_tls) {
    return refuse(kReasonNoTls, token::Reason::kMalformed, request,
                  request.token.empty()
                      ? "the connection is not TLS, so the token was not asked for"
                      : "the connection is not TLS: the token must be taken as read by others");
  }
  login.databases = databases_.load();
  const auto database = login.databases->databases.find(login.member);
  if (database == login.databases->databases.end()) {
    return refuse(kReasonUnknownDatabase, token::Reason::kInternal, request,
                  "no database of that name is known; it may be being made or deleted");
  }
  login.database = &database->second;
  if (!login.database->iam_authentication) {
    return refuse(kReasonIamDisabled, token::Reason::kMalformed, request,
                  "IAM database authentication is not enabled on the cluster");
  }
  login.all_rules = options_.rules != nullptr ? options_.rules->snapshot() : nullptr;
  login.rules = &rules_in(login.all_rules.get(), login.database->resource_id);
  const std::int64_t rate = login.rules->rules.address_logins_per_minute;
  if (!history_.take_address(login.database->resource_id, address_of(request), rate, login.now)) {
    return refuse(token::Reason::kAddressRate, request,
                  "more than " + std::to_string(rate) +
                      " logins a minute from this address: the cluster's rules");
  }
  return prove_signature(login, ProvedTokens::digest(login.member, request));
}

TokenVerifier::Proof TokenVerifier::prove_signature(Login& login, std::string digest) const {
  const auto snapshot = options_.identities.snapshot();
  const ProvedTokens::Basis basis{*snapshot, *login.databases, login.rules->modified};
  if (auto known = proved_.find(digest, basis)) {
    login.access_key_id = known->accepted.access_key_id;
    const auto limits = limits_under(options_.limits, login.rules->rules);
    if (const auto late = token::check_times(known->times, limits, login.now)) {
      return refuse(late->reason, login.request, late->detail);
    }
    return known;
  }
  token::ServerFacts server =
      server_facts(snapshot->realm(), *login.database, *login.rules, options_.limits);
  server.login_user = login.request.user;
  KeyLookup key;
  token::TokenVerdict checked = token::check_db_token(
      login.request.token, server, login.now,
      [&](const std::string& id, const std::optional<std::string>& session_token) {
        login.access_key_id = id;
        key = look_up_key(*snapshot, *options_.sealer, id, session_token);
        token::KeyFacts facts = key_facts(key, id);
        // Of keys that do not exist all are one, which is remembered too: they cost as much.
        const bool is_known = key.state != KeyLookup::State::kUnknown;
        facts.signing_key = [this, &snapshot, name = is_known ? id : std::string()](
                                std::string_view secret, const sigv4::Scope& scope) {
          return signing_keys_.get(snapshot, name, secret, scope);
        };
        return facts;
      });
  if (const auto* rejection = std::get_if<token::Rejection>(&checked)) {
    const bool is_elsewhere = rejection->reason == token::Reason::kHostMismatch;
    return refuse(rejection->reason, login.request,
                  (is_elsewhere ? other_cluster(*login.databases, login.request.token) : "") +
                      rejection->detail);
  }
  if (key.is_principal_gone) {
    return refuse(kReasonPrincipalDeleted, token::Reason::kUnknownKey, login.request,
                  "the role or user behind the session was deleted");
  }
  auto& accepted = std::get<token::Accepted>(checked);
  const token::TokenTimes times{accepted.signed_at, accepted.expires_s, key.session_expires};
  auto decision =
      decide_lasting_access(*snapshot, key.principal, kConnectAction, accepted.resource_arn);
  auto proved = std::make_shared<const ProvedToken>(
      ProvedToken{snapshot, login.databases, login.rules->modified, std::move(accepted), times,
                  std::move(key.principal), std::move(decision)});
  proved_.add(std::move(digest), proved);
  return proved;
}

}  // namespace trivet::service
