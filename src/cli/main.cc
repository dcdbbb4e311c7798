// SPDX-License-Identifier: Apache-2.0
//
// trivet: the command line. Exit status 0 done, 1 failed, 2 wrong usage, 3 the daemon is not
// running.
#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/context.h"

namespace trivet::cli {
namespace {

int fail(const std::string& command, const Error& error) {
  say(fmt::format("trivet {}: {}", command, error.message));
  return error.code == Errc::kInvalidArgument ? kExitUsage : kExitFailed;
}

int trivet_main(std::vector<std::string> arguments) {
  const CommandLine line = parse_command_line(std::move(arguments));
  if (!line.run) {
    std::fputs(line.message.c_str(), line.exit_status == kExitOk ? stdout : stderr);
    return line.exit_status;
  }
  const auto context = make_context(line.home);
  if (!context) {
    return fail(line.name, context.error());
  }
  const Result<int> status = line.run(*context);
  return status ? *status : fail(line.name, status.error());
}

}  // namespace
}  // namespace trivet::cli

int main(int argc, char** argv) {
  return trivet::cli::trivet_main(std::vector<std::string>(argv + 1, argv + argc));
}
