// SPDX-License-Identifier: Apache-2.0
//
// Who there is, which keys are whose, and what each may do: an immutable value, made anew after
// every change of IAM and swapped whole. Logins and API calls read it without a lock and without
// the store.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "model/iam.h"
#include "model/ids.h"
#include "service/iam_documents.h"

namespace trivet::service {

struct IamState;
struct OidcEntry;
struct SessionDataEntry;

// A user, a role, or root. Immutable.
struct Identity {
  enum class Kind { kRoot, kUser, kRole };
  Kind kind = Kind::kUser;
  std::string id;  // AIDA…, AROA…; the account id for root
  std::string name;
  std::string path = "/";
  std::string arn;
  Tags tags;
  std::vector<NamedPolicy> policies;        // inline, attached, of groups; root needs none
  std::vector<NamedPolicy> boundary;        // none or one
  NamedPolicy trust;                        // roles only
  std::int64_t session_seconds_max = 3600;  // roles only
};

// Immutable; thread-safe.
class IdentitySnapshot {
 public:
  struct Key {
    std::shared_ptr<const SecretString> secret;
    bool active = false;
    std::shared_ptr<const Identity> owner;
  };

  // Long-lived keys only (AKIA…). nullptr when there is none.
  const Key* find_key(std::string_view access_key_id) const;
  // By unique id (the account id is root). nullptr when it is gone, whoever has its name now.
  const Identity* find(std::string_view unique_id) const;
  const Identity* find_role_by_arn(std::string_view arn) const;
  // What a session token names by its hash. nullptr when it is gone.
  const SessionData* find_session_data(std::string_view hash) const;
  // By its URL without the scheme. nullptr when there is none.
  const IamOidcProvider* find_oidc_provider(std::string_view url) const;
  // What limits everybody but root: none or one.
  const std::vector<NamedPolicy>& guardrails() const { return guardrails_; }
  const Realm& realm() const { return realm_; }

 private:
  friend std::shared_ptr<const IdentitySnapshot> make_identity_snapshot(const IamState& state,
                                                                        const Realm& realm);
  template <typename T>
  using ByName = std::map<std::string, T, std::less<>>;

  Realm realm_;
  ByName<Key> keys_;
  ByName<std::shared_ptr<const Identity>> by_id_;
  ByName<std::shared_ptr<const Identity>> roles_by_arn_;
  ByName<std::shared_ptr<const SessionDataEntry>> session_data_;
  ByName<std::shared_ptr<const OidcEntry>> oidc_providers_;
  std::vector<NamedPolicy> guardrails_;
};

std::shared_ptr<const IdentitySnapshot> make_identity_snapshot(const IamState& state,
                                                               const Realm& realm);

}  // namespace trivet::service
