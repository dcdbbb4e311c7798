// SPDX-License-Identifier: Apache-2.0
#include "service/login_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "core/token/reason.h"
#include "model/cluster.h"

namespace trivet::service {
namespace {

constexpr std::string_view kPrefix = "login-rules/";
constexpr int kRacesMax = 20;
constexpr std::size_t kAliasesMax = 64;
constexpr std::size_t kAliasBytesMax = 261;            // a DNS name, a colon and a port
constexpr std::int64_t kTokenAgeMax = 900;             // no token lives longer
constexpr std::int64_t kSessionAgeMax = 365 * 86'400;  // a year
constexpr std::int64_t kLoginsMax = 1'000'000;
constexpr std::size_t kRolesMax = 256;
constexpr std::size_t kAccountBytesMax = 32;  // of an account's name in MySQL
constexpr std::size_t kTagKeyBytesMax = 128;  // AWS's

Error invalid(std::string message) {
  return make_error(Errc::kInvalidArgument, std::move(message));
}

// Names, addresses and a star in front; nothing that would need quoting anywhere.
bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' ||
         c == ':' || c == '*';
}

// As it is kept: "db.example.com:3306", "*.example.com:*".
Result<std::string> read_alias(const std::string& text) {
  const auto alias = token::parse_allowed_host(text);
  if (!alias || text.size() > kAliasBytesMax ||
      !std::all_of(alias->host.begin(), alias->host.end(), is_host_character)) {
    return invalid(fmt::format(
        "{} is no alias: it must be HOST, HOST:PORT or HOST:*, where HOST is a name, an "
        "address, *.DOMAIN or *",
        token::log_quoted(text)));
  }
  return alias->str();
}

Status change_aliases(LoginRules& rules, const LoginRulesChange& change) {
  auto& aliases = rules.host_aliases;
  for (const std::string& text : change.remove_aliases) {
    TRIVET_TRY(const std::string alias, read_alias(text));
    if (std::erase(aliases, alias) == 0) {
      return invalid(fmt::format("{} is not among the aliases", token::log_quoted(alias)));
    }
  }
  for (const std::string& text : change.add_aliases) {
    TRIVET_TRY(std::string alias, read_alias(text));
    if (std::find(aliases.begin(), aliases.end(), alias) == aliases.end()) {
      aliases.push_back(std::move(alias));
    }
  }
  if (aliases.size() > kAliasesMax) {
    return invalid(fmt::format("a cluster has at most {} aliases", kAliasesMax));
  }
  return ok();
}

Status set_number(std::int64_t& out, const std::optional<std::int64_t>& wanted,
                  std::string_view name, std::int64_t max) {
  if (wanted && (*wanted < 0 || *wanted > max)) {
    return invalid(fmt::format("{} is {}: it must be 1 to {}, or 0 for none", name, *wanted, max));
  }
  out = wanted.value_or(out);
  return ok();
}

bool is_account_name(std::string_view name) {
  return !name.empty() && name.size() <= kAccountBytesMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.' || c == '$' || c == '+';
         });
}

bool is_reserved_account(std::string_view name) {
  return name == "root" || name.starts_with("trivet_") || name.starts_with("mysql.") ||
         name.starts_with("rdsadmin");
}

Status change_roles(LoginRules& rules, const LoginRulesChange& change) {
  auto& roles = rules.roles;
  for (const std::string& text : change.remove_roles) {
    TRIVET_CHECK_OK(read_role_pair(text));
    if (std::erase(roles, text) == 0) {
      return invalid(fmt::format("{} is not among the roles", token::log_quoted(text)));
    }
  }
  for (const std::string& text : change.add_roles) {
    TRIVET_CHECK_OK(read_role_pair(text));
    const auto at = std::lower_bound(roles.begin(), roles.end(), text);
    if (at == roles.end() || *at != text) {
      roles.insert(at, text);
    }
  }
  if (roles.size() > kRolesMax) {
    return invalid(fmt::format("a cluster has at most {} roles of accounts", kRolesMax));
  }
  if (change.role_tag && change.role_tag->size() > kTagKeyBytesMax) {
    return invalid(fmt::format("the key of a tag has at most {} bytes", kTagKeyBytesMax));
  }
  rules.role_tag = change.role_tag.value_or(rules.role_tag);
  return ok();
}

Result<LoginRulesBook::Entry> read_entry(const StoredValue& record) {
  LoginRulesBook::Entry entry;
  TRIVET_TRY(entry.rules, decode_login_rules(record.value));
  for (const std::string& alias : entry.rules.host_aliases) {
    auto host = token::parse_allowed_host(alias);
    if (!host) {
      return make_error(Errc::kCorrupt, "an alias in " + record.key + " cannot be read");
    }
    entry.aliases.push_back(std::move(*host));
  }
  entry.modified = record.modified;
  return entry;
}

std::string cluster_of(std::string_view key) {
  return std::string(key.substr(kPrefix.size()));
}

}  // namespace

std::string login_rules_key(const ClusterResourceId& cluster) {
  return std::string(kPrefix) + cluster.str();
}

Result<RolePair> read_role_pair(const std::string& text) {
  const auto at = text.find('=');
  RolePair pair{text.substr(0, at), at == std::string::npos ? "" : text.substr(at + 1)};
  if (!is_account_name(pair.user) || !is_account_name(pair.role) || pair.user == pair.role) {
    return invalid(fmt::format(
        "{} is not USER=ROLE: two names of accounts, of letters, digits and _-.$+, without @host",
        token::log_quoted(text)));
  }
  if (is_reserved_account(pair.role)) {
    return invalid(fmt::format("{} is not a role of yours", token::log_quoted(pair.role)));
  }
  return pair;
}

Result<LoginRules> changed(const LoginRules& rules, const LoginRulesChange& change) {
  LoginRules out = rules;
  TRIVET_CHECK_OK(change_aliases(out, change));
  TRIVET_CHECK_OK(change_roles(out, change));
  TRIVET_CHECK_OK(
      set_number(out.token_max_age_s, change.token_max_age_s, "token_max_age_s", kTokenAgeMax));
  TRIVET_CHECK_OK(set_number(out.session_max_age_s, change.session_max_age_s, "session_max_age_s",
                             kSessionAgeMax));
  TRIVET_CHECK_OK(set_number(out.principal_logins_per_minute, change.principal_logins_per_minute,
                             "principal_logins_per_minute", kLoginsMax));
  TRIVET_CHECK_OK(set_number(out.address_logins_per_minute, change.address_logins_per_minute,
                             "address_logins_per_minute", kLoginsMax));
  out.one_time_tokens = change.one_time_tokens.value_or(out.one_time_tokens);
  out.end_sessions = change.end_sessions.value_or(out.end_sessions);
  out.connect_conditions = change.connect_conditions.value_or(out.connect_conditions);
  return out;
}

LoginRulesBook::LoginRulesBook(StateStore& store)
    : store_(store), entries_(std::make_shared<const Entries>()) {}

Status LoginRulesBook::load() {
  // Watched first: what is written meanwhile is newer than what is read, and stays.
  TRIVET_TRY(watch_, store_.watch(std::string(kPrefix),
                                  [this](const std::vector<StoreEvent>& e) { apply(e); }));
  TRIVET_TRY(const std::vector<StoredValue> records, store_.list(kPrefix));
  std::vector<StoreEvent> events;
  for (const StoredValue& record : records) {
    const auto entry = read_entry(record);
    if (!entry) {
      return make_error(entry.error().code, record.key + ": " + entry.error().message);
    }
    events.push_back({StoreEvent::Kind::kPut, record});
  }
  apply(events);
  return ok();
}

void LoginRulesBook::apply(const std::vector<StoreEvent>& events) {
  const MutexLock lock(mutex_);
  auto next = std::make_shared<Entries>(*entries_.load());
  for (const StoreEvent& event : events) {
    const std::string cluster = cluster_of(event.value.key);
    const auto known = next->find(cluster);
    if (known != next->end() && known->second.modified >= event.value.modified) {
      continue;
    }
    if (event.kind == StoreEvent::Kind::kDelete) {
      next->erase(cluster);
      continue;
    }
    auto entry = read_entry(event.value);
    if (!entry) {  // of another daemon, newer than this one: the rules that are known go on
      log(Level::kError, "login_rules.unreadable",
          {{"key", event.value.key}, {"error", entry.error().message}});
      continue;
    }
    next->insert_or_assign(cluster, std::move(*entry));
  }
  entries_.store(std::move(next));
}

LoginRules LoginRulesBook::find(const ClusterResourceId& cluster) const {
  const auto entries = snapshot();
  const auto found = entries->find(cluster.str());
  return found == entries->end() ? LoginRules() : found->second.rules;
}

Result<LoginRules> LoginRulesBook::change(const ClusterId& cluster,
                                          const LoginRulesChange& change) {
  for (int race = 0; race < kRacesMax; ++race) {
    // The cluster's record is compared too, so that nothing is written for one that goes.
    const auto owner = store_.get("clusters/" + cluster.str());
    if (!owner) {
      return owner.error().code == Errc::kNotFound
                 ? make_error(Errc::kNotFound, "there is no DB cluster " + cluster.str())
                 : owner.error();
    }
    TRIVET_TRY(const Cluster record, decode_cluster(owner->value));
    const std::string key = login_rules_key(record.resource_id);
    LoginRules rules;
    Revision modified;
    const auto stored = store_.get(key);
    if (stored) {
      TRIVET_TRY(rules, decode_login_rules(stored->value));
      modified = stored->modified;
    } else if (stored.error().code != Errc::kNotFound) {
      return stored.error();
    }
    TRIVET_TRY(LoginRules wanted, changed(rules, change));
    if (wanted == rules) {
      return wanted;
    }
    const auto done = store_.commit({.compares = {{owner->key, owner->modified}, {key, modified}},
                                     .puts = {{key, encode(wanted)}},
                                     .deletes = {}});
    if (done) {
      apply({{StoreEvent::Kind::kPut, {key, encode(wanted), *done}}});
      return wanted;
    }
    if (done.error().code != Errc::kConflict) {
      return done.error();
    }
  }
  return make_error(Errc::kConflict,
                    "cluster " + cluster.str() + " is being changed by others: try again");
}

std::vector<std::string_view> only_at_a_login(const LoginRules& rules) {
  std::vector<std::string_view> out;
  if (rules.one_time_tokens) {
    out.emplace_back("one use");
  }
  if (rules.principal_logins_per_minute > 0 || rules.address_logins_per_minute > 0) {
    out.emplace_back("rates");
  }
  if (rules.connect_conditions) {
    out.emplace_back("source address and TLS");
  }
  return out;
}

}  // namespace trivet::service
