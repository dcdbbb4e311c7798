// SPDX-License-Identifier: Apache-2.0
#include "agent/accounts.h"

#include <fmt/format.h>

#include "adapter/mysql/sql_text.h"

namespace trivet::agent {
namespace {

using mysql::quote;
using mysql::quote_account;
using mysql::quote_name;

constexpr const char* kMasterPrivileges =
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, PROCESS, REFERENCES, INDEX, ALTER, SHOW "
    "DATABASES,"
    " CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE "
    "VIEW,"
    " SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER, CREATE ROLE, DROP "
    "ROLE";
constexpr const char* kMasterDynamicPrivileges =
    "FLUSH_OPTIMIZER_COSTS, FLUSH_STATUS, FLUSH_TABLES, FLUSH_USER_RESOURCES, SHOW_ROUTINE,"
    // The server itself keeps ROLE_ADMIN away from accounts with SYSTEM_USER, ours.
    " XA_RECOVER_ADMIN, APPLICATION_PASSWORD_ADMIN, ROLE_ADMIN";
constexpr const char* kNotInMysqlSchema =
    "INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, CREATE TEMPORARY TABLES, LOCK "
    "TABLES,"
    " CREATE VIEW, CREATE ROUTINE, ALTER ROUTINE, EVENT, TRIGGER";

void add_account(std::vector<SecretString>& out, const std::string& account,
                 const SecretString& password, const std::string& privileges) {
  out.emplace_back(
      fmt::format("CREATE USER {} IDENTIFIED WITH caching_sha2_password BY {} REQUIRE SSL PASSWORD "
                  "EXPIRE NEVER",
                  account, quote(password.reveal())));
  out.emplace_back(fmt::format("GRANT {} ON *.* TO {}", privileges, account));
}

void add_topology_table(std::vector<SecretString>& out, const Cluster& cluster) {
  out.emplace_back(std::string(
      "CREATE TABLE mysql.rds_topology (id INT UNSIGNED NOT NULL PRIMARY KEY,"
      " endpoint VARCHAR(512) NOT NULL, port SMALLINT UNSIGNED NOT NULL) ENGINE=InnoDB"));
  for (const Member& member : cluster.members) {
    out.emplace_back(fmt::format("INSERT INTO mysql.rds_topology VALUES ({}, {}, {})",
                                 member.server_id, quote(member.endpoint.name),
                                 member.endpoint.port));
  }
}

// RDS's own table of that name; a small write to it lets commits go on whose acknowledgement got
// lost.
void add_heartbeat_table(std::vector<SecretString>& out) {
  out.emplace_back(std::string(
      "CREATE TABLE mysql.rds_heartbeat2 (id INT NOT NULL PRIMARY KEY, value BIGINT DEFAULT NULL)"
      " ENGINE=InnoDB"));
}

std::string with_password(const SecretString& password) {
  return fmt::format("IDENTIFIED WITH caching_sha2_password BY {} PASSWORD EXPIRE NEVER",
                     quote(password.reveal()));
}

void add_master_grants(std::vector<SecretString>& out, const std::string& master) {
  out.emplace_back(
      fmt::format("GRANT {} ON *.* TO {} WITH GRANT OPTION", kMasterPrivileges, master));
  out.emplace_back(
      fmt::format("GRANT {} ON *.* TO {} WITH GRANT OPTION", kMasterDynamicPrivileges, master));
  out.emplace_back(fmt::format("REVOKE {} ON mysql.* FROM {}", kNotInMysqlSchema, master));
}

}  // namespace

std::string replication_account(const Member& member) {
  return kReplicationAccountPrefix + std::to_string(member.server_id);
}

std::vector<SecretString> bootstrap_statements(const Cluster& cluster,
                                               const ClusterSecrets& secrets,
                                               const Bootstrap& what) {
  std::vector<SecretString> out;
  for (const Member& member : cluster.members) {
    // CONNECTION_ADMIN: a voter must attach to a new writer while its door is still shut (I7).
    add_account(out, quote_account(replication_account(member), "%"),
                secrets.replication_passwords.at(member.id),
                "REPLICATION SLAVE, CONNECTION_ADMIN, SYSTEM_USER");
  }
  add_account(out, quote_account(kProbeAccount, "%"), secrets.probe_password, "SYSTEM_USER");
  add_account(out, quote_account(kCloneAccount, "%"), secrets.clone_password,
              "BACKUP_ADMIN, CONNECTION_ADMIN, SYSTEM_USER");
  add_topology_table(out, cluster);
  add_heartbeat_table(out);
  const std::string master = quote_account(what.master_username, "%");
  out.emplace_back(fmt::format("CREATE USER {} {}", master, with_password(what.master_password)));
  add_master_grants(out, master);
  if (!what.database_name.empty()) {
    out.emplace_back(fmt::format("CREATE DATABASE {}", quote_name(what.database_name)));
  }
  return out;
}

std::vector<SecretString> master_user_statements(const std::string& name,
                                                 const SecretString& password) {
  std::vector<SecretString> out;
  const std::string master = quote_account(name, "%");
  const std::string identified = with_password(password);
  out.emplace_back(fmt::format("CREATE USER IF NOT EXISTS {} {}", master, identified));
  out.emplace_back(fmt::format("ALTER USER {} {} ACCOUNT UNLOCK", master, identified));
  add_master_grants(out, master);
  return out;
}

}  // namespace trivet::agent
