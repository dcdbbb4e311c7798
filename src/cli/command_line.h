// SPDX-License-Identifier: Apache-2.0
//
// From argv to a command with its options. The only place that knows CLI11.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/context.h"

namespace trivet::cli {

struct CommandLine {
  std::string name;  // "engine install"; empty when there is nothing to run
  std::string home;  // of --home; empty: not given
  std::function<Result<int>(const Context&)> run;
  // When there is nothing to run: what to print and how to end (help: 0, wrong usage: 2).
  int exit_status = 0;
  std::string message;
};

// `arguments` without the program's name. What stands behind a lone "--" is for the mysql client of
// `connect`, untouched.
CommandLine parse_command_line(std::vector<std::string> arguments);

}  // namespace trivet::cli
