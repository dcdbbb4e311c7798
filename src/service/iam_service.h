// SPDX-License-Identifier: Apache-2.0
//
// IAM: users, groups, access keys, roles, policies, OIDC providers, instance profiles. Every change
// is one commit of the store whose compares name what it was decided on; memory and the snapshot
// that verifiers read follow before the call returns.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "model/iam.h"
#include "ports/state_store.h"
#include "service/iam_checks.h"
#include "service/iam_state.h"
#include "service/identity_snapshot.h"
#include "service/sealer.h"

namespace trivet::service {

// A user, a role or a group, by name.
struct EntityRef {
  enum class Kind { kUser, kRole, kGroup };
  Kind kind = Kind::kUser;
  std::string name;
};

struct PageRequest {
  std::string path_prefix;  // empty: all
  std::string marker;       // of the page before; empty: from the start
  int items_max = 100;      // 1-1000
};
template <typename T>
struct Page {
  std::vector<T> items;
  std::string marker;  // of the next page; empty: this was the last
};

struct CreateUser {
  std::string name;
  std::string path = "/";
  std::string permissions_boundary{};  // ARN; empty: none
  TagList tags;
};
struct CreateRole {
  std::string name;
  std::string path = "/";
  std::string trust_policy;
  std::string description;
  std::int64_t session_seconds_max = 3600;
  std::string permissions_boundary{};  // ARN; empty: none
  TagList tags;
};
struct CreatePolicy {
  std::string name;
  std::string path = "/";
  std::string document;
  std::string description;
  TagList tags;
};
// Of users and groups.
struct UpdateName {
  std::string name;
  std::optional<std::string> new_name;
  std::optional<std::string> new_path;
};
struct UpdateRole {
  std::string name;
  std::optional<std::string> description;
  std::optional<std::int64_t> session_seconds_max;
};

struct NewAccessKey {
  IamAccessKey record;
  SecretString secret;  // clear; given out this once
};
struct AccessKeyUse {
  WallTime time{};
  std::string service;
  std::string region;
};
struct AccessKeyLastUsed {
  std::string user_name;
  std::optional<AccessKeyUse> use;
};

// A managed policy, the customer's or AWS's, with one of its versions.
struct ManagedPolicy {
  std::string arn, name, path, id, description, document;
  std::string version = "v1";
  std::string default_version = "v1";
  WallTime version_created{};
  WallTime created{};
  WallTime updated{};
  std::int64_t attachments = 0;
  std::int64_t boundary_uses = 0;
  Tags tags;
};
enum class PolicyScope { kAll, kAws, kLocal };
enum class PolicyUse { kAny, kPermissions, kBoundary };
struct ListPolicies {
  PolicyScope scope = PolicyScope::kAll;
  bool only_attached = false;
  PolicyUse use = PolicyUse::kAny;
  PageRequest page;
};
struct AttachedPolicy {
  std::string name, arn;
};
// Who has a policy: name and unique id.
struct PolicyEntities {
  std::vector<std::pair<std::string, std::string>> users;
  std::vector<std::pair<std::string, std::string>> roles;
  std::vector<std::pair<std::string, std::string>> groups;
};
struct GroupMembers {
  IamGroup group;
  Page<IamUser> users;
};
struct OidcChange {
  std::vector<std::string> added_client_ids;
  std::vector<std::string> removed_client_ids;
  std::optional<std::vector<std::string>> thumbprints;
  TagList added_tags;
  std::vector<std::string> removed_tags;
  std::optional<std::string> jwks;  // checked by the caller
};

// Under this path are roles that only their service changes: UnmodifiableEntity for everybody else.
inline constexpr std::string_view kServiceLinkedPath = "/aws-service-role/";
std::string service_linked_role_path(std::string_view service);
bool is_service_linked(const IamRole& role);
Status check_modifiable(const IamRole& role);

// Thread-safe: one mutex around memory and commits; readers of snapshot() never wait for it. A
// commit that loses against another process is decided again on fresh state, then
// ConcurrentModification. All faults are AWS's. Does not own the store.
class IamService {
 public:
  struct Options {
    StateStore* store = nullptr;
    std::shared_ptr<const Sealer> sealer;
    Realm realm;
  };
  // Reads what is in the store. kCorrupt when a record does not decode or a secret does not open.
  static Result<std::unique_ptr<IamService>> open(Options options);

  const Realm& realm() const { return options_.realm; }
  // The identities as they are now; never null.
  std::shared_ptr<const IdentitySnapshot> snapshot() const { return snapshot_.load(); }

  // When the first of root's keys that are still there was made; 1970 when there is none.
  WallTime account_created() const;

  Result<IamUser> create_user(const CreateUser& request, WallTime now);
  Result<IamUser> get_user(std::string_view name) const;
  Result<Page<IamUser>> list_users(const PageRequest& page) const;
  Status update_user(const UpdateName& request);
  // DeleteConflict while it has keys, policies or groups.
  Status delete_user(std::string_view name);

  Result<IamGroup> create_group(std::string_view name, std::string_view path, WallTime now);
  Result<GroupMembers> get_group(std::string_view name, const PageRequest& page) const;
  Result<Page<IamGroup>> list_groups(const PageRequest& page) const;
  Status update_group(const UpdateName& request);
  // DeleteConflict while it has members or policies.
  Status delete_group(std::string_view name);
  Status add_to_group(std::string_view group, std::string_view user);
  Status remove_from_group(std::string_view group, std::string_view user);
  Result<Page<IamGroup>> list_groups_for_user(std::string_view user, const PageRequest& page) const;

  // `user` empty: the root user's keys. At most two for each.
  Result<NewAccessKey> create_access_key(std::string_view user, WallTime now);
  Result<Page<IamAccessKey>> list_access_keys(std::string_view user, const PageRequest& page) const;
  Status update_access_key(std::string_view user, std::string_view id, bool active);
  Status delete_access_key(std::string_view user, std::string_view id);
  // The key of the root user: create_access_key(""), for `init`.
  Result<NewAccessKey> create_root_key(WallTime now) { return create_access_key("", now); }
  // "" when the key is root's. NoSuchEntity.
  Result<std::string> user_of_access_key(std::string_view id) const;
  // In memory only: cheap enough for every call.
  void note_access_key_used(std::string_view id, AccessKeyUse use);
  Result<AccessKeyLastUsed> access_key_last_used(std::string_view id) const;

  Result<IamRole> create_role(const CreateRole& request, WallTime now);
  // `trust_policy` shows the unique id in place of an ARN whose bearer is gone.
  Result<IamRole> get_role(std::string_view name) const;
  Result<Page<IamRole>> list_roles(const PageRequest& page) const;
  Status update_role(const UpdateRole& request);
  Status update_trust_policy(std::string_view role, std::string_view document);
  // DeleteConflict while it has policies or is in an instance profile.
  Status delete_role(std::string_view name);

  // Of rds.amazonaws.com alone; NotImplemented, InvalidInput.
  Result<IamRole> create_service_linked_role(std::string_view service, std::string_view suffix,
                                             std::string_view description, WallTime now);
  // At once; returns the id of a task that has ended. Until the next start it is known.
  Result<std::string> delete_service_linked_role(std::string_view name);
  Status check_deletion(std::string_view task) const;  // NoSuchEntity

  Result<IamInstanceProfile> create_instance_profile(std::string_view name, std::string_view path,
                                                     const TagList& tags, WallTime now);
  Result<IamInstanceProfile> get_instance_profile(std::string_view name) const;
  // `role` empty: all of them.
  Result<Page<IamInstanceProfile>> list_instance_profiles(const PageRequest& page,
                                                          std::string_view role) const;
  // One role for each. LimitExceeded.
  Status add_to_instance_profile(std::string_view profile, std::string_view role);
  Status remove_from_instance_profile(std::string_view profile, std::string_view role);
  Status tag_instance_profile(std::string_view name, const TagList& added,
                              const std::vector<std::string>& removed);
  // DeleteConflict while it has a role.
  Status delete_instance_profile(std::string_view name);

  Status put_inline_policy(const EntityRef& entity, std::string_view name,
                           std::string_view document);
  Result<std::string> get_inline_policy(const EntityRef& entity, std::string_view name) const;
  Result<Page<std::string>> list_inline_policies(const EntityRef& entity,
                                                 const PageRequest& page) const;
  Status delete_inline_policy(const EntityRef& entity, std::string_view name);

  Result<ManagedPolicy> create_policy(const CreatePolicy& request, WallTime now);
  Result<ManagedPolicy> get_policy(std::string_view arn) const;
  Result<Page<ManagedPolicy>> list_policies(const ListPolicies& request) const;
  // DeleteConflict while it is attached or has other versions than its default.
  Status delete_policy(std::string_view arn);
  // At most five versions.
  Result<ManagedPolicy> create_policy_version(std::string_view arn, std::string_view document,
                                              bool is_default, WallTime now);
  Result<ManagedPolicy> get_policy_version(std::string_view arn, std::string_view version) const;
  // The newest first, as AWS.
  Result<std::vector<ManagedPolicy>> list_policy_versions(std::string_view arn) const;
  Status delete_policy_version(std::string_view arn, std::string_view version);
  Status set_default_policy_version(std::string_view arn, std::string_view version);
  Status tag_policy(std::string_view arn, const TagList& added,
                    const std::vector<std::string>& removed);
  // Those whose path starts with `path_prefix` (of the user or role).
  Result<PolicyEntities> entities_for_policy(std::string_view arn, std::string_view path_prefix,
                                             PolicyUse use) const;
  Status attach_policy(const EntityRef& entity, std::string_view arn);
  Status detach_policy(const EntityRef& entity, std::string_view arn);
  Result<Page<AttachedPolicy>> list_attached_policies(const EntityRef& entity,
                                                      const PageRequest& page) const;

  // `arn` empty: takes the boundary away. Not for groups.
  Status set_boundary(const EntityRef& entity, std::string_view arn);

  Status tag(const EntityRef& entity, const TagList& tags);
  Status untag(const EntityRef& entity, const std::vector<std::string>& keys);
  Result<Tags> list_tags(const EntityRef& entity) const;

  // `url` with its scheme, as AWS takes it. Returns the provider's ARN.
  Result<std::string> create_oidc_provider(IamOidcProvider provider, const TagList& tags,
                                           WallTime now);
  Result<IamOidcProvider> get_oidc_provider(std::string_view arn) const;
  std::vector<std::string> list_oidc_providers() const;  // ARNs
  Status change_oidc_provider(std::string_view arn, const OidcChange& change);
  Status delete_oidc_provider(std::string_view arn);

  Status set_account_alias(std::string_view alias);
  Status delete_account_alias(std::string_view alias);
  // A policy that nobody but root gets past; empty: none.
  Status set_guardrail(std::string_view document);
  IamAccount account() const;

  // All secret access keys are under the sealer's current key when it returns, in one commit.
  Status reseal();

  // An immutable copy of everything, for reading without the lock.
  std::shared_ptr<const IamState> state() const { return state_.load(); }

  // Keeps what is too large for a session token until `expires`; the same data is kept once. Drops
  // what has run out. Returns the hash to find it by.
  Result<std::string> keep_session_data(const SessionData& data, WallTime expires, WallTime now);

 private:
  explicit IamService(Options options) : options_(std::move(options)) {}

  using Plan = std::function<Result<Commit>(const IamState&)>;
  // Decides and commits, up to three times when another process was faster.
  Status mutate(const Plan& plan) EXCLUDES_LOCK(mutex_);
  Status reload() REQUIRES_LOCK(mutex_);
  Status apply(const Commit& commit, Revision revision) REQUIRES_LOCK(mutex_);
  const Options options_;
  Mutex mutex_;  // one change at a time
  std::atomic<std::shared_ptr<const IamState>> state_;
  std::atomic<std::shared_ptr<const IdentitySnapshot>> snapshot_;
  mutable Mutex use_mutex_;
  std::map<std::string, AccessKeyUse, std::less<>> uses_ GUARDED_BY(use_mutex_);
  std::vector<std::string> deletions_ GUARDED_BY(use_mutex_);  // tasks' ids, the newest last
};

}  // namespace trivet::service
