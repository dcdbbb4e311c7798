// SPDX-License-Identifier: Apache-2.0
//
// Becoming a guard: leave the daemon's session, let go of everything inherited, lock the pid file,
// listen, and start the program so that it dies with the guard.
#pragma once

#include <sys/types.h>

#include "base/result.h"
#include "guard/options.h"

namespace trivet::guard {

// Exit statuses of trivet-guard as its starter sees them; a message is on standard error.
inline constexpr int kExitUsage = 2;
inline constexpr int kExitHeld = 3;  // another guard of this member lives
inline constexpr int kExitFailed = 4;

// Leaves the caller's session and process group, closes every inherited descriptor except `keep`
// and points standard input, output and error at nothing and the log. Requires: this process is not
// a group leader.
Status detach(const Options& options, int keep);

// Creates and locks the pid file. kAlreadyExists when another guard holds it. The lock lives as
// long as the returned descriptor, which is never closed; the file is never removed (two could
// otherwise hold two files of one name).
Result<int> lock_pid_file(const Options& options);
Status write_pids(int pid_file, pid_t program);

// Replaces a dead guard's socket. Requires: the pid file is locked.
Result<int> listen_on(const Options& options);

// Forks and executes the program: its own process group, given user, clean signal state and
// environment, killed by the kernel when this thread dies. The error names the step that failed in
// the child.
Result<pid_t> start_program(const Options& options);

}  // namespace trivet::guard
