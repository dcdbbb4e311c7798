// SPDX-License-Identifier: Apache-2.0
//
// What functions run on: <home>/runtimes/<name>, a folder with a manifest and a root, the `/` that
// a function sees. It is unpacked from Debian's packages as an engine is, and like one it appears
// by one rename when it is whole. Readable by all: environments run as users of their own.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/engine/manifest.h"
#include "base/result.h"

namespace trivet::runtimes {

enum class Family {
  kPython,
  kNode,
  kProvided,  // the function brings its own program, `bootstrap`
};

// A runtime that Trivet knows. Plain value.
struct Kind {
  std::string_view name;  // AWS's identifier: "python3.13"
  Family family;
  std::string_view suite;  // the Debian release that its packages come from
  std::vector<std::string_view> packages;
  std::string_view interpreter;  // in the root; empty for kProvided
};

const std::vector<Kind>& known_kinds();
const Kind* find_kind(std::string_view name);  // nullptr: there is none

// One that is installed.
struct Runtime {
  const Kind* kind = nullptr;
  std::string folder;  // absolute
  engine::Manifest manifest;

  std::string root() const { return folder + "/root"; }
};

std::string runtimes_folder(const std::string& home);
// All whole ones, by name. Empty when the home has none yet. Errors: kDenied.
Result<std::vector<Runtime>> list(const std::string& home);
// kInvalidArgument: no such runtime, with those that there are. kUnavailable: not installed, with
// the command that installs it.
Result<Runtime> find(const std::string& home, std::string_view name);

using Progress = std::function<void(std::string_view line)>;

struct InstallOptions {
  std::string home;
  std::string name;
  // Empty: from Debian's packages, over the mirror and proxy of this machine's apt. Else a folder
  // of .deb files, which are not checked against any signature.
  std::string from;
  Progress progress;
};
struct InstallResult {
  Runtime runtime;
  bool was_there = false;  // nothing was done, no network was used
};
// Waits for another installation in the same home. Ended at any moment, it leaves nothing that
// looks installed. Errors, each with its cure: kInvalidArgument (no such runtime), kUnavailable (no
// network, mirror without the release, a program that does not run here), kNotFound (no
// bubblewrap, no apt, nothing usable in `from`), kTimeout, kDenied.
Result<InstallResult> install(const InstallOptions& options);

// Takes it away. Environments that run on it keep what they have open and fail at what they have
// not: functions that use it should be gone. Errors: kNotFound.
Status remove(const std::string& home, std::string_view name);

}  // namespace trivet::runtimes
