// SPDX-License-Identifier: Apache-2.0
//
// What is kept of each login and each API call: who, from where, to what, what was decided and by
// which statement. Never a token, a signature or a secret.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"

namespace trivet {

// The statement of a policy that decided; of an implicit deny there is none.
struct DecidedBy {
  std::string kind;    // "identity-based policy"; empty: nothing needed to decide
  std::string policy;  // its name; empty for an implicit deny
  int statement = -1;  // its index in the policy
  std::string sid;     // its Sid, if it has one
};

// A login with a token, as far as it was decided here: what mysqld does then is its own.
struct LoginRecord {
  WallTime at{};
  std::string cluster;  // DBClusterIdentifier; empty when the member is not known
  std::string member;   // DBInstanceIdentifier
  std::string user;     // as the client sent it
  std::string principal_arn;
  std::string session_name;
  std::string access_key_id;  // as claimed
  std::string peer_address;
  std::uint16_t peer_port = 0;
  std::uint64_t connection_id = 0;  // mysqld's
  std::string tls_version;          // "TLSv1.3"; empty: not known
  std::string tls_cipher;           // "TLS_AES_256_GCM_SHA384"
  std::string role;                 // whose privileges the session has, by the principal's tag
  bool is_accepted = false;
  std::string reason;  // empty when accepted
  std::string detail;
  DecidedBy decided_by;
  std::string aws_text;  // RDS's iam-db-auth-error line without its time; empty when accepted
  int aws_status = 200;
  // How often the token was used, with this login; 0: it did not get so far. More than once: when
  // and from which address first.
  std::int64_t token_uses = 0;
  WallTime token_first_used{};
  std::string token_first_from;
  Millis answer_after{0};  // so long a refusal's answer waits
  std::int64_t microseconds = 0;
};

struct ApiRecord {
  WallTime at{};
  std::string request_id;
  std::string principal_arn;
  std::string session_name;
  std::string access_key_id;  // as claimed
  std::string source;         // the client's address
  std::string service;        // "rds"; empty when it could not be told
  std::string action;         // "CreateDBCluster"
  bool is_known_action = false;
  std::string permission;  // that was asked last: "rds:CreateDBCluster"; empty: none was
  std::string resource;    // of it
  // done; refused: not authenticated; denied: by a policy; rejected: cannot be done; failed: our
  // fault.
  std::string verdict;
  std::string code;  // of the error
  int status = 200;
  DecidedBy decided_by;
  std::int64_t milliseconds = 0;
};

}  // namespace trivet
