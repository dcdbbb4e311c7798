// SPDX-License-Identifier: Apache-2.0
//
// Where things are in an unpacked MySQL, and how its programs are started. Two layouts are known:
// Debian's packages unpacked side by side (usr/sbin/mysqld), which run through the C library's own
// loader out of that folder, so that the host's libraries do not matter; and MySQL's tarball
// (bin/mysqld), which runs by itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace trivet::engine {

struct EngineLayout {
  std::string root;
  std::string basedir;             // mysqld --basedir
  std::string lc_messages_dir;     // mysqld --lc-messages-dir
  std::string character_sets_dir;  // --character-sets-dir, of mysqld and of the clients
  std::string plugin_dir;          // the engine's own plugins; members use Engine::plugins_folder()
  std::string loader;              // empty: programs start by themselves
  std::vector<std::string> library_folders;
  std::string server_folder;  // of mysqld
  std::string client_folder;  // of mysql, mysqlbinlog, mysqladmin, mysqldump, …

  std::string path_of(std::string_view program) const;
  // What to put before a program's arguments: command("mysqld") + {"--defaults-file=…"}.
  std::vector<std::string> command(std::string_view program) const;
};

// Errors: kNotFound when there is no mysqld of a known layout below `root`.
Result<EngineLayout> find_layout(const std::string& root);

// "9.7.4" as mysqld itself says. Errors: kUnavailable with what the loader complains about when it
// does not run here.
Result<std::string> ask_version(const EngineLayout& layout);

}  // namespace trivet::engine
