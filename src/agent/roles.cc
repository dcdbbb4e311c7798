// SPDX-License-Identifier: Apache-2.0
#include "agent/roles.h"

#include <fmt/format.h>

#include "adapter/mysql/sql_text.h"

namespace trivet::agent {
namespace {

using mysql::quote;

Error invalid(std::string message) {
  return make_error(Errc::kInvalidArgument, std::move(message));
}

// Nobody logs in as a role, and what has SYSTEM_USER is the server's or ours.
Status check_role(mysql::MemberAdmin& admin, const std::string& role, Millis deadline) {
  TRIVET_TRY(const mysql::QueryResult found,
             admin.query(mysql::bind("SELECT account_locked, Super_priv,"
                                     " (SELECT COUNT(*) FROM mysql.global_grants g WHERE"
                                     " g.USER = u.User AND g.PRIV = 'SYSTEM_USER') AS system_user"
                                     " FROM mysql.user u WHERE u.User = ? AND u.Host = '%'",
                                     {quote(role)}),
                         deadline));
  if (found.rows.empty()) {
    return invalid(fmt::format("there is no role '{}'@'%': CREATE ROLE makes one", role));
  }
  if (found.text(0, "account_locked") != "Y") {
    return invalid(fmt::format("'{}'@'%' is no role but an account that can log in itself", role));
  }
  if (found.text(0, "Super_priv") == "Y" || found.number(0, "system_user") != 0) {
    return invalid(fmt::format("'{}'@'%' is an account of the server's", role));
  }
  return ok();
}

Status give(mysql::MemberAdmin& admin, const RoleGrant& grant, Millis deadline) {
  TRIVET_CHECK_OK(check_role(admin, grant.role, deadline));
  TRIVET_TRY(const mysql::QueryResult hosts,
             admin.query(mysql::bind("SELECT COUNT(*) AS hosts FROM mysql.user WHERE User = ? AND"
                                     " plugin = 'AWSAuthenticationPlugin'",
                                     {quote(grant.user)}),
                         deadline));
  if (hosts.number(0, "hosts") == 0) {
    return invalid(
        fmt::format("no account '{}' logs in with tokens: CREATE USER … IDENTIFIED WITH "
                    "AWSAuthenticationPlugin AS 'RDS' makes one",
                    grant.user));
  }
  return admin.execute(
      mysql::bind("INSERT IGNORE INTO mysql.proxies_priv"
                  " (Host, User, Proxied_host, Proxied_user, With_grant, Grantor)"
                  " SELECT Host, User, '%', ?, 0, 'trivet_admin@localhost' FROM mysql.user"
                  " WHERE User = ? AND plugin = 'AWSAuthenticationPlugin'",
                  {quote(grant.role), quote(grant.user)}),
      deadline);
}

}  // namespace

// GRANT PROXY is for those who have it themselves WITH GRANT OPTION, and then for all accounts. As
// nobody has it here, the table is written.
Status set_role(mysql::MemberAdmin& admin, const RoleGrant& grant, Millis deadline) {
  if (grant.is_given) {
    TRIVET_CHECK_OK(give(admin, grant, deadline));
  } else {
    TRIVET_CHECK_OK(admin.execute(
        mysql::bind("DELETE FROM mysql.proxies_priv WHERE User = ? AND Proxied_host = '%' AND"
                    " Proxied_user = ?",
                    {quote(grant.user), quote(grant.role)}),
        deadline));
  }
  return admin.execute("FLUSH PRIVILEGES", deadline);
}

}  // namespace trivet::agent
