// SPDX-License-Identifier: Apache-2.0
//
// manifest.json of an installed engine: what it is and where it came from. It is written before the
// one rename that makes an engine, so a folder with a readable manifest is a whole engine. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace trivet::engine {

struct ManifestPackage {
  std::string name;
  std::string version;
  std::string sha256;  // of the package file, lower-case hex
};

struct Manifest {
  std::string engine;                     // "mysql"
  std::string version;                    // "9.7.4"
  std::string series;                     // "9.7"
  std::string package_version;            // "9.7.4-2"; of a tarball the version
  std::string origin;                     // the mirror, or the folder or file it was taken from
  std::vector<ManifestPackage> packages;  // none for a tarball
  std::string installed_at;               // 2026-01-02T03:04:05Z
};

std::string to_json(const Manifest& manifest);
// Errors: kCorrupt. Unknown members are ignored.
Result<Manifest> parse_manifest(std::string_view json);

}  // namespace trivet::engine
