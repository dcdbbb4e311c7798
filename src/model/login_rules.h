// SPDX-License-Identifier: Apache-2.0
//
// What an administrator asks of logins with tokens to one cluster, beyond what AWS has. The
// defaults are AWS's behaviour. Key login-rules/<cluster resource id>; no record: the defaults.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace trivet {

struct LoginRules {
  // Further names under which the cluster may be reached, as token::parse_allowed_host reads them:
  // "db.example.com:3306", "*.example.com", "localhost:*".
  std::vector<std::string> host_aliases;
  bool one_time_tokens = false;        // a token lets in once
  std::int64_t token_max_age_s = 0;    // since it was signed; 0: as long as it says itself
  bool end_sessions = false;           // when what let them in is taken away
  std::int64_t session_max_age_s = 0;  // of a database session; 0: no end
  std::int64_t principal_logins_per_minute = 0;  // of each principal; 0: any number
  std::int64_t address_logins_per_minute = 0;    // from each source address; 0: any number
  // Policies on rds-db:connect see the source address and the TLS.
  bool connect_conditions = false;
  // The key of the principal's tag that names a MySQL role; empty: tags are not looked at. A
  // session of a principal that has the tag has that role's privileges, and not the account's own.
  std::string role_tag;
  std::vector<std::string> roles;  // which account may get which: "jane=reporting", sorted

  bool look_after_sessions() const { return end_sessions || session_max_age_s > 0; }

  friend bool operator==(const LoginRules&, const LoginRules&) = default;
};

// JSON with a version field. Decoding fails with kCorrupt for text of a newer version or no text of
// ours.
std::string encode(const LoginRules& rules);
Result<LoginRules> decode_login_rules(std::string_view text);

}  // namespace trivet
