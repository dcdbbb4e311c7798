// SPDX-License-Identifier: Apache-2.0
//
// IAM: users, access keys, roles, policies. Every change is one commit of the store whose compares
// name what it was decided on; memory and the snapshot that verifiers read follow before the call
// returns.
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

// A user or a role, by name.
struct EntityRef {
  enum class Kind { kUser, kRole };
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
  TagList tags;
};
struct CreateRole {
  std::string name;
  std::string path = "/";
  std::string trust_policy;
  std::string description;
  std::int64_t session_seconds_max = 3600;
  TagList tags;
};
struct CreatePolicy {
  std::string name;
  std::string path = "/";
  std::string document;
  std::string description;
  TagList tags;
};
struct UpdateUser {
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

// A managed policy, the customer's or AWS's.
struct ManagedPolicy {
  std::string arn, name, path, id, description, document;
  std::string version = "v1";
  WallTime created{};
  WallTime updated{};
  std::int64_t attachments = 0;
  Tags tags;
};
enum class PolicyScope { kAll, kAws, kLocal };
struct ListPolicies {
  PolicyScope scope = PolicyScope::kAll;
  bool only_attached = false;
  PageRequest page;
};
struct AttachedPolicy {
  std::string name, arn;
};
// Who has a policy: name and unique id.
struct PolicyEntities {
  std::vector<std::pair<std::string, std::string>> users;
  std::vector<std::pair<std::string, std::string>> roles;
};

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
  Status update_user(const UpdateUser& request);
  // DeleteConflict while it has keys or policies.
  Status delete_user(std::string_view name);

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
  Status delete_role(std::string_view name);

  Status put_inline_policy(const EntityRef& entity, std::string_view name,
                           std::string_view document);
  Result<std::string> get_inline_policy(const EntityRef& entity, std::string_view name) const;
  Result<Page<std::string>> list_inline_policies(const EntityRef& entity,
                                                 const PageRequest& page) const;
  Status delete_inline_policy(const EntityRef& entity, std::string_view name);

  Result<ManagedPolicy> create_policy(const CreatePolicy& request, WallTime now);
  Result<ManagedPolicy> get_policy(std::string_view arn) const;
  Result<Page<ManagedPolicy>> list_policies(const ListPolicies& request) const;
  Status delete_policy(std::string_view arn);
  // Those whose path starts with `path_prefix` (of the user or role).
  Result<PolicyEntities> entities_for_policy(std::string_view arn,
                                             std::string_view path_prefix) const;
  Status attach_policy(const EntityRef& entity, std::string_view arn);
  Status detach_policy(const EntityRef& entity, std::string_view arn);
  Result<Page<AttachedPolicy>> list_attached_policies(const EntityRef& entity,
                                                      const PageRequest& page) const;

  Status tag(const EntityRef& entity, const TagList& tags);
  Status untag(const EntityRef& entity, const std::vector<std::string>& keys);
  Result<Tags> list_tags(const EntityRef& entity) const;

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
  // An immutable copy of the state, for reading without the lock.
  std::shared_ptr<const IamState> state() const { return state_.load(); }

  const Options options_;
  Mutex mutex_;  // one change at a time
  std::atomic<std::shared_ptr<const IamState>> state_;
  std::atomic<std::shared_ptr<const IdentitySnapshot>> snapshot_;
  mutable Mutex use_mutex_;
  std::map<std::string, AccessKeyUse, std::less<>> uses_ GUARDED_BY(use_mutex_);
};

}  // namespace trivet::service
