// SPDX-License-Identifier: Apache-2.0
//
// MySQL's proxying: whose sessions may have the privileges of which role.
#pragma once

#include "adapter/mysql/member_admin.h"
#include "ports/member_agent.h"

namespace trivet::agent {

// On the writer. The role must be a locked account of any host ('%') that is none of the server's
// or ours, and the user one that logs in with tokens; each of its hosts gets it. kInvalidArgument
// says what is not so. Taking away what is not there is success.
Status set_role(mysql::MemberAdmin& admin, const RoleGrant& grant, Millis deadline);

}  // namespace trivet::agent
