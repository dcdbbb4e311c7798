// SPDX-License-Identifier: Apache-2.0
//
// What to say to a command that there is not, with the one that was probably meant. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace trivet::cli {

// A line with its end; empty when `word` is one of the names, or empty: then nothing is wrong here.
std::string unknown_command(std::string_view word, const std::vector<std::string>& names);

}  // namespace trivet::cli
