// SPDX-License-Identifier: Apache-2.0
//
// What a function sees of the world, and how bubblewrap is told. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace trivet::sandbox {

// Paths are the host's. Whatever is not named here is not there.
struct View {
  std::string root;              // becomes /, read-only
  std::string code_folder;       // /var/task, read-only
  std::string layers_folder;     // /opt, read-only; empty: none
  std::string bootstrap_folder;  // /var/runtime, read-only; empty: none
  std::string ca_bundle;         // /etc/trivet/ca-bundle.pem; empty: none
  std::string resolv_conf;       // /etc/resolv.conf
  std::string tmp_folder;        // /tmp; empty: it is in memory, of `tmp_bytes`
  std::int64_t tmp_bytes = 0;
  std::vector<std::pair<std::string, std::string>> environment;  // all of it, nothing else is
};

// For bubblewrap's `--args`. It names credentials, so it must not become a command line.
std::vector<std::string> bubblewrap_arguments(const View& view);

}  // namespace trivet::sandbox
