// SPDX-License-Identifier: Apache-2.0
//
// Users, groups, access keys, roles, managed policies, OIDC providers, instance profiles and what a
// session carries, as they are stored. A record names others by unique id where a name can be given
// again (owner of a key, principals of a trust policy).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/ids.h"

namespace trivet {

using Tags = std::map<std::string, std::string>;

// What users, groups and roles have in common.
struct IamEntity {
  std::string name;  // as given; unique whatever its case
  std::string path = "/";
  std::string id;  // AIDA…, AGPA… or AROA…; never given again
  WallTime created{};
  Tags tags;
  std::map<std::string, std::string> inline_policies;  // name → document as it was given
  std::vector<std::string> attached_policies;          // ARNs, in the order of attaching
  std::string permissions_boundary;                    // ARN; empty: none. Not of groups.
};

// Key iam/users/<name in lower case>.
struct IamUser : IamEntity {
  std::vector<std::string> access_keys;  // ids; their records have the rest
};

// Key iam/groups/<name in lower case>. Tags are not for groups.
struct IamGroup : IamEntity {
  std::vector<std::string> member_ids;  // unique ids of users; one that is gone counts for nothing
};

// Key iam/roles/<name in lower case>.
struct IamRole : IamEntity {
  std::string description;
  std::string trust_policy;  // document as it was given
  // Each user's or role's ARN in it → the unique id that stood behind it when it was written.
  std::map<std::string, std::string> trusted_ids;
  std::int64_t session_seconds_max = 3600;
};

// Key iam/access-keys/<id>.
struct IamAccessKey {
  AccessKeyId id;
  std::string owner_id;       // the user's unique id; the account id when the key is root's
  std::string owner_name;     // the user's name; empty when the key is root's
  std::string sealed_secret;  // Sealer, context = this record's key
  bool active = true;
  WallTime created{};
};

struct IamPolicyVersion {
  std::int64_t number = 1;  // v1, v2, …: a number is never given again
  std::string document;
  WallTime created{};
};

// Key iam/policies/<name in lower case>. Customer managed.
struct IamPolicy {
  std::string name;
  std::string path = "/";
  std::string id;  // ANPA…
  std::string description;
  std::vector<IamPolicyVersion> versions;  // 1 to 5, by number
  std::int64_t default_version = 1;        // the one that counts
  std::int64_t last_version = 1;           // the highest number given so far
  WallTime created{};
  WallTime updated{};
  Tags tags;
  // How many users, groups and roles it is attached to, and of how many it is the boundary. In the
  // record, so that deleting it and attaching it collide in the store.
  std::int64_t attachments = 0;
  std::int64_t boundary_uses = 0;

  // nullptr when there is no such version.
  const IamPolicyVersion* find_version(std::int64_t number) const {
    for (const IamPolicyVersion& version : versions) {
      if (version.number == number) {
        return &version;
      }
    }
    return nullptr;
  }
  // What counts. Requires: a record that was decoded or made by IAM, which has its default.
  const IamPolicyVersion& current() const { return *find_version(default_version); }
};

// Key iam/oidc-providers/<URL without its scheme>: somebody whose signed statements about identity
// a role may trust.
struct IamOidcProvider {
  std::string url;                       // without "https://"
  std::vector<std::string> client_ids;   // audiences
  std::vector<std::string> thumbprints;  // of its TLS certificate; kept for AWS's tools
  std::string jwks;                      // its keys, as JSON; empty: not given here
  WallTime created{};
  Tags tags;
};

// Key iam/instance-profiles/<name in lower case>.
struct IamInstanceProfile {
  std::string name;
  std::string path = "/";
  std::string id;         // AIPA…
  std::string role_name;  // empty: none yet. Roles are never renamed.
  WallTime created{};
  Tags tags;
};

// Key iam/account: what belongs to no one identity.
struct IamAccount {
  std::string alias;      // empty: none
  std::string guardrail;  // a policy that limits everybody but root; empty: none
};

// What a session carries beside who it is. Small ones travel in the session token; larger ones are
// stored under iam/session-data/<hash of it> until `expires`.
struct SessionData {
  // Documents that limit the session: the inline one, and the managed ones as they were when it
  // began.
  std::vector<std::string> policies;
  Tags tags;
  std::vector<std::string> transitive_keys;  // of `tags`
  bool empty() const { return policies.empty() && tags.empty() && transitive_keys.empty(); }
};
struct StoredSessionData {
  SessionData data;
  WallTime expires{};
};

// JSON with a version field. Decoding fails with kCorrupt for text of a newer version or no text of
// ours.
std::string encode(const IamUser& user);
std::string encode(const IamRole& role);
std::string encode(const IamAccessKey& key);
std::string encode(const IamPolicy& policy);
std::string encode(const IamGroup& group);
std::string encode(const IamOidcProvider& provider);
std::string encode(const IamInstanceProfile& profile);
std::string encode(const IamAccount& account);
std::string encode(const SessionData& data);  // the same text for the same value
std::string encode(const StoredSessionData& stored);
Result<IamUser> decode_iam_user(std::string_view text);
Result<IamRole> decode_iam_role(std::string_view text);
Result<IamAccessKey> decode_iam_access_key(std::string_view text);
Result<IamPolicy> decode_iam_policy(std::string_view text);
Result<IamGroup> decode_iam_group(std::string_view text);
Result<IamOidcProvider> decode_iam_oidc_provider(std::string_view text);
Result<IamInstanceProfile> decode_iam_instance_profile(std::string_view text);
Result<IamAccount> decode_iam_account(std::string_view text);
Result<SessionData> decode_session_data(std::string_view text);
Result<StoredSessionData> decode_stored_session_data(std::string_view text);

}  // namespace trivet
