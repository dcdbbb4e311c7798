// SPDX-License-Identifier: Apache-2.0
//
// The command line of trivet-guard:
//   trivet-guard --socket PATH --pid-file PATH --log PATH --output PATH [--uid N --gid N]
//   [--generation N]
//                [--permit-ms N] [--env NAME=VALUE]… -- PROGRAM [ARGUMENT…]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace trivet::guard {

struct Options {
  std::string socket;                // where clients connect; its folder keeps others out
  std::string pid_file;              // locked for as long as the guard lives
  std::string log;                   // the guard's own lines
  std::string output;                // standard output and error of the program; empty: `log`
  std::optional<std::uint32_t> uid;  // of the program; unset: the guard's own
  std::optional<std::uint32_t> gid;
  std::uint64_t generation = 0;
  std::int64_t permit_ms = -1;           // the first serve permission; -1: for ever
  std::vector<std::string> environment;  // NAME=VALUE; the program gets these and no others
  std::vector<std::string> command;      // an absolute path and its arguments
};

// kInvalidArgument names what is wrong.
Result<Options> parse_options(const std::vector<std::string>& arguments);

}  // namespace trivet::guard
