// SPDX-License-Identifier: Apache-2.0
//
// The accounts that a new cluster begins with, as SQL. Trivet's own have SYSTEM_USER, so that
// nobody with CREATE USER can change them. The master user has RDS's grants
// (AmazonRDS/latest/UserGuide/UsingWithRDS.MasterAccounts.html) but for what would let it change
// roles, replication or plugins: RELOAD (it would allow RESET BINARY LOGS) is given as the FLUSH_
// privileges, and the mysql schema is for reading.
#pragma once

#include <string>
#include <vector>

#include "base/secret.h"
#include "model/cluster.h"
#include "ports/member_agent.h"

namespace trivet::agent {

// A commit of our own. One row for each session that may do this at a time: one that waits holds
// its row.
constexpr std::string_view kHeartbeat =
    "REPLACE INTO mysql.rds_heartbeat2"
    " VALUES (CONNECTION_ID() % 1000, ROUND(UNIX_TIMESTAMP(NOW(3)) * 1000))";

inline constexpr const char* kProbeAccount = "trivet_probe";
inline constexpr const char* kCloneAccount = "trivet_clone";
inline constexpr const char* kReplicationAccountPrefix = "trivet_repl_";

std::string replication_account(const Member& member);

// In order; each may hold a password.
std::vector<SecretString> bootstrap_statements(const Cluster& cluster,
                                               const ClusterSecrets& secrets,
                                               const Bootstrap& what);

// The master user with `password` and its grants, whatever became of it; as above.
std::vector<SecretString> master_user_statements(const std::string& name,
                                                 const SecretString& password);

}  // namespace trivet::agent
