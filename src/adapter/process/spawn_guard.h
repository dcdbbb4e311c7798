// SPDX-License-Identifier: Apache-2.0
//
// Starts a guard with mysqld under it. Both outlive the daemon: a guard belongs to no session of
// ours and holds none of our descriptors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapter/process/guard_client.h"
#include "base/result.h"
#include "base/time.h"

namespace trivet::process {

struct GuardSpec {
  std::string guard_binary;  // path of trivet-guard
  std::string socket;        // in a folder that only we can enter; at most 107 characters
  std::string pid_file;
  std::string log;     // the guard's own lines
  std::string output;  // mysqld's standard output and error until its error log is open
  std::optional<std::pair<std::uint32_t, std::uint32_t>>
      user;  // uid and gid of mysqld; unset: ours
  std::uint64_t generation = 0;
  std::optional<Millis> permit;  // the first serve permission; unset: for ever
  std::vector<std::string>
      environment;                   // NAME=VALUE; mysqld gets only these (see mysqld_environment)
  std::vector<std::string> command;  // see mysqld_command in my_cnf.h
};

// Returns when the guard listens and the program was executed (not: when mysqld answers).
// kAlreadyExists: another guard of this member lives. kInternal says which step failed, in words
// for people. kTimeout.
Result<GuardStatus> spawn_guard(const GuardSpec& spec, Millis deadline);

}  // namespace trivet::process
