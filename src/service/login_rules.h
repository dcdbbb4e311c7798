// SPDX-License-Identifier: Apache-2.0
//
// The login rules of all clusters: read from one immutable snapshot, changed by compare-and-set in
// the store. The snapshot follows the store, so that rules go with their cluster.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "core/token/host.h"
#include "model/ids.h"
#include "model/login_rules.h"
#include "ports/state_store.h"

namespace trivet::service {

// Where the rules of a cluster lie in the store.
std::string login_rules_key(const ClusterResourceId& cluster);

// What is to be other than it is; everything else stays.
struct LoginRulesChange {
  std::vector<std::string> add_aliases;
  std::vector<std::string> remove_aliases;
  std::optional<bool> one_time_tokens;
  std::optional<std::int64_t> token_max_age_s;
  std::optional<bool> end_sessions;
  std::optional<std::int64_t> session_max_age_s;
  std::optional<std::int64_t> principal_logins_per_minute;
  std::optional<std::int64_t> address_logins_per_minute;
  std::optional<bool> connect_conditions;
  std::optional<std::string> role_tag;    // empty: none
  std::vector<std::string> add_roles;     // "USER=ROLE"
  std::vector<std::string> remove_roles;  // the same
};

// "jane=reporting" in two. kInvalidArgument for what is no such pair, and for a role that could be
// one of Trivet's or MySQL's own accounts.
struct RolePair {
  std::string user;
  std::string role;
};
Result<RolePair> read_role_pair(const std::string& text);

// The rules as the change makes them, aliases in one way of writing, each once. kInvalidArgument
// with what is wrong: all of the change is refused then. Pure.
Result<LoginRules> changed(const LoginRules& rules, const LoginRulesChange& change);

// Thread-safe. Reading takes no lock and does not touch the store.
class LoginRulesBook {
 public:
  struct Entry {
    LoginRules rules;
    std::vector<token::AllowedHost> aliases;  // of the rules, read
    Revision modified;
  };
  using Entries = std::map<std::string, Entry, std::less<>>;  // by cluster resource id

  // The store outlives it.
  explicit LoginRulesBook(StateStore& store);

  // Once, before any other call. Errors: the store's; kCorrupt for rules that cannot be read.
  Status load();
  // Immutable; a cluster that is not in it has the defaults.
  std::shared_ptr<const Entries> snapshot() const { return entries_.load(); }
  LoginRules find(const ClusterResourceId& cluster) const;

  // Durable, and seen by snapshot(), when it returns; returns the rules as they are then. Errors:
  // kNotFound when there is no such cluster; those of changed(); the store's. Blocks on the store.
  Result<LoginRules> change(const ClusterId& cluster, const LoginRulesChange& change);

 private:
  void apply(const std::vector<StoreEvent>& events);

  StateStore& store_;
  Mutex mutex_;  // of writers of entries_
  std::atomic<std::shared_ptr<const Entries>> entries_;
  std::unique_ptr<StoreWatch> watch_;
};

// What of the rules cannot be asked about a token in hand, by name: it has not been used, and comes
// from nowhere.
std::vector<std::string_view> only_at_a_login(const LoginRules& rules);

}  // namespace trivet::service
