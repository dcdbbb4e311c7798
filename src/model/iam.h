// SPDX-License-Identifier: Apache-2.0
//
// Users, access keys, roles, managed policies and what a session carries, as they are stored. A
// record names others by unique id where a name can be given again (owner of a key, principals of a
// trust policy).
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

// What users and roles have in common.
struct IamEntity {
  std::string name;  // as given; unique whatever its case
  std::string path = "/";
  std::string id;  // AIDA… or AROA…; never given again
  WallTime created{};
  Tags tags;
  std::map<std::string, std::string> inline_policies;  // name → document as it was given
  std::vector<std::string> attached_policies;          // ARNs, in the order of attaching
};

// Key iam/users/<name in lower case>.
struct IamUser : IamEntity {
  std::vector<std::string> access_keys;  // ids; their records have the rest
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

// Key iam/policies/<name in lower case>. Customer managed; version v1 is the only one.
struct IamPolicy {
  std::string name;
  std::string path = "/";
  std::string id;  // ANPA…
  std::string description;
  std::string document;
  WallTime created{};
  WallTime updated{};
  Tags tags;
  // How many users and roles it is attached to. In the record, so that deleting it and attaching it
  // collide in the store.
  std::int64_t attachments = 0;
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
std::string encode(const SessionData& data);  // the same text for the same value
std::string encode(const StoredSessionData& stored);
Result<IamUser> decode_iam_user(std::string_view text);
Result<IamRole> decode_iam_role(std::string_view text);
Result<IamAccessKey> decode_iam_access_key(std::string_view text);
Result<IamPolicy> decode_iam_policy(std::string_view text);
Result<SessionData> decode_session_data(std::string_view text);
Result<StoredSessionData> decode_stored_session_data(std::string_view text);

}  // namespace trivet
