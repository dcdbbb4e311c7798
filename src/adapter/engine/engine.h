// SPDX-License-Identifier: Apache-2.0
//
// Installed engines: <home>/engines/<name>-<version>, a folder with a manifest. It appears by one
// rename when it is whole. The home belongs to Trivet, but mysqld runs as another user: engines are
// readable by all, whatever is secret lies elsewhere in the home, in folders of its own.
//
//   manifest.json   what it is
//   root/           the unpacked programs, libraries and messages
//   plugins/        plugin_dir of the members: what they need of the engine's, and ours (plugins.h)
//   template/       an initialised data directory to copy (template.h)
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/engine/layout.h"
#include "adapter/engine/manifest.h"
#include "base/result.h"

namespace trivet::engine {

// The series that Trivet runs clusters on; others are refused.
inline constexpr std::string_view kMysqlSeries = "9.7";

// An engine that is there. Plain value.
struct Engine {
  std::string folder;  // absolute
  Manifest manifest;
  EngineLayout layout;

  std::string plugins_folder() const { return folder + "/plugins"; }
  std::string template_folder() const { return folder + "/template"; }
};

// One line for a person about what is being done; called on the calling thread. May be empty.
using Progress = std::function<void(std::string_view line)>;

std::string engines_folder(const std::string& home);
// All whole engines, by name and then the newest version first. Half-made ones are not there; one
// whose manifest is unreadable is left out. Empty when the home has none yet. Errors: kDenied.
Result<std::vector<Engine>> list(const std::string& home);
// The newest installed 9.7. Errors: kNotFound with the cure.
Result<Engine> find_mysql(const std::string& home);

struct InstallOptions {
  std::string home;
  // Empty: from Debian's unstable packages, over the mirror and proxy of this machine's apt. Else a
  // folder of .deb files, an unpacked root (usr/sbin/mysqld), an unpacked MySQL tarball
  // (bin/mysqld), or a tar file of one of these. What is taken from there is not checked against
  // any signature.
  std::string from;
  Progress progress;
};
struct InstallResult {
  Engine engine;
  bool was_there = false;  // nothing was done, no network was used
};
// Waits for another installation in the same home. Ended at any moment, it leaves nothing that
// looks installed, and what was downloaded is used by the next try. The host's packages, lists and
// caches are not touched. Errors, each with its cure: kUnavailable (no network, mirror without the
// package, mysqld that does not run here, disk full), kNotFound (no keyring, not Debian, no
// apt-get, nothing usable in `from`), kInvalidArgument (another version than 9.7 on offer),
// kTimeout, kDenied.
Result<InstallResult> install_mysql(const InstallOptions& options);

}  // namespace trivet::engine
