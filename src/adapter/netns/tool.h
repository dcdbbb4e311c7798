// SPDX-License-Identifier: Apache-2.0
//
// ip(8) and nft(8): given a whole batch on their standard input, waited for with a deadline.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace trivet::netns {

// What it wrote to standard output. kNotFound when there is no such program, kTimeout when it was
// killed, kUnavailable with its first line of complaint otherwise. Runs in the network namespace of
// the calling thread.
Result<std::string> run_tool(const std::vector<std::string>& argv, const std::string& input);
// `ip -batch -` with one command a line.
Status run_ip(const std::string& commands);
// `nft -f -`, all of it or nothing.
Status run_nft(const std::string& rules);
// In the namespace at `path`; the status of `work`, or that it could not be entered.
Status run_inside(const std::string& path, const std::function<Status()>& work);

}  // namespace trivet::netns
