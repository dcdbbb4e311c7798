// SPDX-License-Identifier: Apache-2.0
//
// Packages from Debian's unstable release into a folder of ours, by the machine's own apt-get with
// a state of its own: list of sources, package lists, cache and an empty list of what is installed.
// The host's apt is only asked for its mirror, proxy and keyring, and none of its hooks run.
#pragma once

#include <string>
#include <vector>

#include "adapter/engine/apt_sources.h"
#include "adapter/engine/engine.h"
#include "base/result.h"

namespace trivet::engine {

struct Download {
  std::string mirror;
  std::string folder;  // of the files
  std::vector<OfferedPackage> packages;
};

// Everything that mysqld and its clients need, down to the C library. `state` is the private
// folder; what an ended try left in it is used. Each file's SHA-256 has been compared with the
// signed lists. Errors: as install_mysql.
Result<Download> fetch_mysql(const std::string& state, const Progress& progress);

}  // namespace trivet::engine
