// SPDX-License-Identifier: Apache-2.0
//
// How a member's mysqld ended: what its guard says of it, and what it left behind.
#pragma once

#include <optional>

#include "agent/member_paths.h"
#include "base/result.h"
#include "core/failover/member_end.h"

namespace trivet::agent {

// Before a run: what stands for its socket until it listens.
Status prepare_end_of_mysqld(const MemberPaths& paths);

// Of a run that the kernel has no more. `wait_status` is its guard's word; nullopt: the guard is
// gone too. An end in order has status 0 or 16, a start that is given up 1, a crash that MySQL's
// own handler reports 2 (MySQL's sql/sql_const.h: MYSQLD_SUCCESS_EXIT, MYSQLD_RESTART_EXIT,
// MYSQLD_ABORT_EXIT, MYSQLD_FAILURE_EXIT). One that crashed or was killed on its way down has taken
// its socket's file away, before it let the first client go (close_connections in MySQL's
// sql/mysqld.cc); one that ended while it served leaves the file.
failover::MemberEnd end_of_mysqld(const MemberPaths& paths, std::optional<int> wait_status);

}  // namespace trivet::agent
