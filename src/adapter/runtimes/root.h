// SPDX-License-Identifier: Apache-2.0
//
// From unpacked packages to a root that a function can run on: what the packages' own scripts would
// have done, without running any of them.
#pragma once

#include <string>

#include "adapter/runtimes/runtimes.h"
#include "base/result.h"

namespace trivet::runtimes {

// The links /bin, /lib, … of a merged /usr, before anything is unpacked over them.
Status prepare_root(const std::string& root);

// Users, mount points, certificates, compiled Python; without documentation and setuid bits.
Status finish_root(const std::string& root, const Kind& kind, const Progress& progress);

// Runs the interpreter (the shell, where there is none) in the root: its version, "3.13.5".
Result<std::string> try_root(const std::string& root, const Kind& kind);

}  // namespace trivet::runtimes
