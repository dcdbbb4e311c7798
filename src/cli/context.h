// SPDX-License-Identifier: Apache-2.0
//
// What every command of `trivet` knows: the home it works on and where the other programs are. A
// command returns its exit status, or an Error that main prints.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/installation.h"

namespace trivet::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitNotRunning = 3;

struct Context {
  HomePaths paths;
  bool is_default_home = true;
  std::string program_folder;  // of this program, links resolved

  // "trivet up", with --home where the home is not the default one: for the cure in a message.
  std::string command(std::string_view words) const;
  std::string daemon_program() const { return program_folder + "/trivetd"; }
};

// `home` empty: the environment decides. Errors: kInvalidArgument when no home can be told.
Result<Context> make_context(const std::string& home);

// The environment variable, empty when it is not set.
std::string environment_value(const char* name);

// Errors: kNotFound with the cure when the home is not initialised; those of decode_installation.
Result<Installation> read_installation(const Context& context);

// ": run this as NAME", the owner of the file, who runs trivetd; "" when that is this user.
std::string run_as_owner(const std::string& path);

// Says on standard error that no daemon runs; returns kExitNotRunning.
int say_not_running(const Context& context);

// Progress and warnings go to standard error, results to standard output.
void say(std::string_view line);
void print(std::string_view text);  // as it is, and flushed

// Blocks this thread. For polling loops, which have a deadline.
void wait_for(Millis time);

}  // namespace trivet::cli
