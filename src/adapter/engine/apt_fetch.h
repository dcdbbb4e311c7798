// SPDX-License-Identifier: Apache-2.0
//
// Packages of a Debian release into a folder of ours, by the machine's own apt-get with a state of
// its own: list of sources, package lists, cache and an empty list of what is installed.
// The host's apt is only asked for its mirror, proxy and keyring, and none of its hooks run.
#pragma once

#include <cstdint>
#include <functional>
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

struct Wanted {
  std::string suite;                  // "unstable", "trixie"
  std::vector<std::string> packages;  // with what they depend on, down to the C library
  std::uint64_t unpacked_bytes = 0;   // about what they take when they are unpacked
  std::string other_way;  // how else it can be had, for messages: "or give … with `--from DIR`"
  // Looks at what would be fetched.
  std::function<Status(const std::string& mirror, const std::vector<OfferedPackage>&)> check =
      [](const std::string&, const std::vector<OfferedPackage>&) { return ok(); };
};

// `state` is the private folder; what an ended try left in it is used. Each file's SHA-256 has been
// compared with the signed lists. Errors: as install_mysql.
Result<Download> fetch_packages(const std::string& state, const Wanted& wanted,
                                const Progress& progress);

// Everything that mysqld and its clients need; kInvalidArgument when another series is on offer.
Result<Download> fetch_mysql(const std::string& state, const Progress& progress);

}  // namespace trivet::engine
