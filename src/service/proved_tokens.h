// SPDX-License-Identifier: Apache-2.0
//
// Tokens whose signature was found good: a pool that opens a hundred connections with one token, or
// all clients of a cluster after a failover, have it computed once. What is remembered holds for
// the very same token, user and member as long as the identities and the databases are the same
// snapshots; time is looked at again for each login, and so are policies with conditions. Neither
// the token nor its key is kept, only a digest.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "base/time.h"
#include "core/token/db_token.h"
#include "core/wire/token_frame.h"
#include "model/ids.h"
#include "ports/state_store.h"
#include "service/identity_access.h"

namespace trivet::service {

struct DatabaseFacts;

struct ProvedToken {
  // What it was decided on. Held, so that no later snapshot can have the same address.
  std::shared_ptr<const IdentitySnapshot> identities;
  std::shared_ptr<const DatabaseFacts> databases;
  Revision rules;  // of the cluster; 0: the defaults
  token::Accepted accepted;
  token::TokenTimes times;
  Principal principal;
  // Of rds-db:connect, where no policy asks for the time or for anything else of the login.
  std::optional<policy::Decision> decision;
};

// Thread-safe; its lock is held for a look-up only and shared with logins only.
class ProvedTokens {
 public:
  // Names one token of one user on one member.
  static std::string digest(const MemberId& member, const wire::TokenRequest& request);

  // What a proof must have been decided on to count.
  struct Basis {
    const IdentitySnapshot& identities;
    const DatabaseFacts& databases;
    Revision rules;
  };
  // Null when there is none on this basis.
  std::shared_ptr<const ProvedToken> find(const std::string& digest, const Basis& basis) const;
  void add(std::string digest, std::shared_ptr<const ProvedToken> proved);
  std::size_t size() const;

  static constexpr std::size_t kMax = 1024;

 private:
  mutable Mutex mutex_;
  std::map<std::string, std::shared_ptr<const ProvedToken>> proved_ GUARDED_BY(mutex_);
};

}  // namespace trivet::service
