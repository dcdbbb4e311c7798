// SPDX-License-Identifier: Apache-2.0
//
// Everything under iam/ of the store, decoded. Loading at start and applying a commit run the same
// code, so memory is always what a restart would find.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "model/iam.h"
#include "ports/state_store.h"
#include "service/iam_documents.h"
#include "service/sealer.h"

namespace trivet::service {

inline constexpr std::string_view kUserPrefix = "iam/users/";
inline constexpr std::string_view kGroupPrefix = "iam/groups/";
inline constexpr std::string_view kRolePrefix = "iam/roles/";
inline constexpr std::string_view kOidcPrefix = "iam/oidc-providers/";
inline constexpr std::string_view kInstanceProfilePrefix = "iam/instance-profiles/";
inline constexpr std::string_view kAccountKey = "iam/account";
inline constexpr std::string_view kPolicyPrefix = "iam/policies/";
inline constexpr std::string_view kAccessKeyPrefix = "iam/access-keys/";
inline constexpr std::string_view kSessionDataPrefix = "iam/session-data/";

// Names are the same whatever their case; so are keys.
std::string user_key(std::string_view name);
std::string group_key(std::string_view name);
std::string role_key(std::string_view name);
std::string oidc_key(std::string_view url);
std::string instance_profile_key(std::string_view name);
std::string policy_key(std::string_view name);
std::string access_key_key(std::string_view id);
std::string session_data_key(std::string_view hash);

struct UserEntry {
  IamUser record;
  Revision modified;
  std::vector<NamedPolicy> inline_policies;
};
struct GroupEntry {
  IamGroup record;
  Revision modified;
  std::vector<NamedPolicy> inline_policies;
};
struct RoleEntry {
  IamRole record;
  Revision modified;
  std::vector<NamedPolicy> inline_policies;
  NamedPolicy trust;
};
struct AccessKeyEntry {
  IamAccessKey record;
  Revision modified;
  std::shared_ptr<const SecretString> secret;
};
struct PolicyEntry {
  IamPolicy record;
  Revision modified;
  NamedPolicy parsed;
};
struct OidcEntry {
  IamOidcProvider record;
  Revision modified;
};
struct ProfileEntry {
  IamInstanceProfile record;
  Revision modified;
};
struct AccountEntry {
  IamAccount record;
  Revision modified;
  std::vector<NamedPolicy> guardrails;  // none or one
};
struct SessionDataEntry {
  StoredSessionData record;
  Revision modified;
};

// Plain value; thread-compatible. Entries are shared and never changed, so a copy is cheap.
struct IamState {
  template <typename Entry>
  using Entries = std::map<std::string, std::shared_ptr<const Entry>, std::less<>>;

  Entries<UserEntry> users;                     // by name in lower case
  Entries<GroupEntry> groups;                   // by name in lower case
  Entries<RoleEntry> roles;                     // by name in lower case
  Entries<PolicyEntry> policies;                // by name in lower case
  Entries<AccessKeyEntry> access_keys;          // by id
  Entries<SessionDataEntry> session_data;       // by hash
  Entries<OidcEntry> oidc_providers;            // by URL without its scheme
  Entries<ProfileEntry> instance_profiles;      // by name in lower case
  std::shared_ptr<const AccountEntry> account;  // nullptr: nothing was set yet

  // Takes in one value of the store. Keys that are none of IAM's are ignored. kCorrupt, naming the
  // key.
  Status put(const StoredValue& value, const Sealer& sealer);
  void erase(std::string_view key);

  const UserEntry* find_user(std::string_view name) const;
  const GroupEntry* find_group(std::string_view name) const;
  const RoleEntry* find_role(std::string_view name) const;
  const ProfileEntry* find_instance_profile(std::string_view name) const;
  // By ARN: exact, as AWS compares them. nullptr when there is none.
  const PolicyEntry* find_policy(const Realm& realm, std::string_view arn) const;
  // The groups that a user is in, by name.
  std::vector<const GroupEntry*> groups_of(std::string_view user_id) const;
  std::optional<std::string> unique_id_of(const Realm& realm, const std::string& arn) const;
  std::optional<std::string> arn_of(const Realm& realm, std::string_view unique_id) const;
  // The principals of a role's trust policy that are no longer what was meant: a renamed user's ARN
  // → the new one; the ARN of one that is gone → its unique id, which nobody matches.
  Replacements changed_principals(const Realm& realm, const RoleEntry& role) const;
};

Result<IamState> load_iam_state(StateStore& store, const Sealer& sealer);

}  // namespace trivet::service
