// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "agent/accounts.h"
#include "agent/member_paths.h"

namespace trivet::agent {
namespace {

Cluster three_members() {
  Cluster c;
  c.resource_id = ClusterResourceId("cluster-X");
  for (const char* name : {"a", "b", "c"}) {
    Member m;
    m.id = MemberId(name);
    m.server_id = static_cast<std::uint32_t>(1'000 + c.members.size());
    m.endpoint = {std::string(name) + ".example", "127.0.0.9", 3306};
    c.members.push_back(std::move(m));
  }
  return c;
}

ClusterSecrets secrets_of(const Cluster& c) {
  ClusterSecrets out;
  for (const Member& m : c.members) {
    out.replication_passwords.emplace(m.id, SecretString("r'" + m.id.str()));
  }
  out.probe_password = SecretString(std::string("p"));
  out.clone_password = SecretString(std::string("c"));
  return out;
}

std::string joined(const std::vector<SecretString>& statements) {
  std::string out;
  for (const SecretString& sql : statements) {
    out += std::string(sql.reveal()) + "\n";
  }
  return out;
}

TEST(Accounts, TheMasterUserHasNothingThatChangesRolesReplicationOrPlugins) {
  const Cluster c = three_members();
  const std::string sql = joined(
      bootstrap_statements(c, secrets_of(c), {"admin", SecretString(std::string("pw")), ""}));
  const std::string grants = sql.substr(sql.find("CREATE USER 'admin'@'%'"));
  for (const char* privilege :
       {"SUPER", "RELOAD", "FILE", "SHUTDOWN", "SYSTEM_USER", "CONNECTION_ADMIN",
        "SYSTEM_VARIABLES_ADMIN", "REPLICATION_SLAVE_ADMIN", "CLONE_ADMIN", "BINLOG_ADMIN",
        "SET_ANY_DEFINER"}) {
    EXPECT_EQ(grants.find(privilege), std::string::npos) << privilege;
  }
  EXPECT_NE(grants.find("REVOKE INSERT, UPDATE, DELETE"), std::string::npos);
}

TEST(Accounts, OursAreSystemUsersOverTlsAndPasswordsAreQuoted) {
  const Cluster c = three_members();
  const std::string sql = joined(
      bootstrap_statements(c, secrets_of(c), {"admin", SecretString(std::string("pw")), "d`b"}));
  EXPECT_NE(sql.find("CREATE USER 'trivet_repl_1001'@'%' IDENTIFIED WITH caching_sha2_password BY "
                     "'r''b' REQUIRE SSL"),
            std::string::npos)
      << sql;
  EXPECT_NE(sql.find("GRANT REPLICATION SLAVE, CONNECTION_ADMIN, SYSTEM_USER ON *.* TO "
                     "'trivet_repl_1001'@'%'"),
            std::string::npos);
  EXPECT_NE(sql.find("INSERT INTO mysql.rds_topology VALUES (1002, 'c.example', 3306)"),
            std::string::npos);
  EXPECT_NE(sql.find("CREATE DATABASE `d``b`"), std::string::npos);
}

TEST(MemberPaths, SocketsFitTheirLimitBelowTheLongestHome) {
  Cluster c = three_members();
  c.members[0].server_id = 4'294'967'295U;
  const MemberPaths paths("/" + std::string(79, 'h'), c, c.members[0]);
  for (const std::string& path :
       {paths.mysqld_socket(), paths.auth_socket(), paths.guard_socket()}) {
    EXPECT_LE(path.size(), 107U) << path;
  }
}

}  // namespace
}  // namespace trivet::agent
