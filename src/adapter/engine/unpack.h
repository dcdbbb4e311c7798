// SPDX-License-Identifier: Apache-2.0
//
// From packages, a tar file or a folder to the files that an engine consists of. An allow-list, not
// a clean-up: the server, a few clients, its messages and plugins, and of the libraries those that
// the loader says they need. 409 MB of packages become about 200.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "adapter/engine/engine.h"
#include "adapter/engine/layout.h"
#include "base/result.h"

namespace trivet::engine {

// The plugins without which no member starts; find them in EngineLayout::plugin_dir.
inline constexpr std::string_view kNeededPlugins[] = {"auth_socket.so", "semisync_source.so",
                                                      "semisync_replica.so", "mysql_clone.so"};

// Unpacks each package file below `root`, one over the other. Packages that no program of ours uses
// (documentation, Perl) are left out.
Status unpack_packages(const std::vector<std::string>& files, const std::string& root,
                       const Progress& progress);

// What `from` (see InstallOptions) gives, ready for gather().
struct Unpacked {
  EngineLayout layout;
  std::vector<ManifestPackage> packages;  // when it was packages
};
// `work` is an empty folder for what must be unpacked. Errors: kNotFound when there is nothing
// usable.
Result<Unpacked> open_from(const std::string& from, const std::string& work,
                           const Progress& progress);

// Copies what an engine needs to `root`, in the same layout. Errors: kNotFound when something is
// missing, a library for instance.
Status gather(const EngineLayout& source, const std::string& root);

}  // namespace trivet::engine
