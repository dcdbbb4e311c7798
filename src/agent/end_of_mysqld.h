// SPDX-License-Identifier: Apache-2.0
//
// What mysqld's exit status says.
#pragma once

#include <sys/wait.h>

namespace trivet::agent {

// Whether it ended as it was told to (SIGTERM, SHUTDOWN, RESTART): then it answered commits that
// waited with OK on its way down (T43). Takes a wait status. A crash that MySQL's own handler
// reports ends with status 2, a start that is given up with 1 (MySQL's sql/sql_const.h:
// MYSQLD_SUCCESS_EXIT 0, MYSQLD_ABORT_EXIT 1, MYSQLD_FAILURE_EXIT 2, MYSQLD_RESTART_EXIT 16).
inline bool ended_as_told(int wait_status) {
  return WIFEXITED(wait_status) &&
         (WEXITSTATUS(wait_status) == 0 || WEXITSTATUS(wait_status) == 16);
}

}  // namespace trivet::agent
