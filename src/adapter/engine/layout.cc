// SPDX-License-Identifier: Apache-2.0
#include "adapter/engine/layout.h"

#include <fmt/format.h>

#include "adapter/engine/apt_sources.h"
#include "adapter/engine/files.h"
#include "adapter/engine/subprocess.h"

namespace trivet::engine {
namespace {

bool is_loader(std::string_view name) {
  return name.substr(0, 9) == "ld-linux-" || name.substr(0, 5) == "ld64.";
}

// The loader and the folder of libraries that it lives in: usr/lib/x86_64-linux-gnu and the like.
void find_loader(EngineLayout& layout) {
  for (const std::string_view base : {"/usr/lib", "/lib"}) {
    const std::string folder = layout.root + std::string(base);
    for (const std::string& triplet : names_in(folder)) {
      const std::string inner = folder + "/" + triplet;
      if (triplet.find("-linux-") == std::string::npos || !is_folder(inner)) {
        continue;
      }
      layout.library_folders.push_back(inner);
      for (const std::string& name : names_in(inner)) {
        if (layout.loader.empty() && is_loader(name) && name.find(".so.") != std::string::npos) {
          layout.loader = inner + "/" + name;
        }
      }
    }
  }
}

Result<EngineLayout> packages_layout(const std::string& root) {
  EngineLayout layout;
  layout.root = root;
  layout.basedir = root + "/usr";
  layout.lc_messages_dir = root + "/usr/share/mysql";
  layout.character_sets_dir = layout.lc_messages_dir + "/charsets";
  layout.plugin_dir = root + "/usr/lib/mysql/plugin";
  layout.server_folder = root + "/usr/sbin";
  layout.client_folder = root + "/usr/bin";
  find_loader(layout);
  if (const std::string own = root + "/usr/lib/mysql/private"; is_folder(own)) {
    layout.library_folders.push_back(own);
  }
  if (layout.loader.empty()) {
    layout.library_folders.clear();
  }
  return layout;
}

Result<EngineLayout> tarball_layout(const std::string& root) {
  EngineLayout layout;
  layout.root = root;
  layout.basedir = root;
  layout.lc_messages_dir = root + "/share";
  layout.character_sets_dir = root + "/share/charsets";
  layout.plugin_dir = root + "/lib/plugin";
  layout.server_folder = root + "/bin";
  layout.client_folder = root + "/bin";
  return layout;
}

}  // namespace

std::string EngineLayout::path_of(std::string_view program) const {
  return fmt::format("{}/{}", program == "mysqld" ? server_folder : client_folder, program);
}

std::vector<std::string> EngineLayout::command(std::string_view program) const {
  const std::string path = path_of(program);
  if (loader.empty()) {
    return {path};
  }
  std::string folders;
  for (const std::string& folder : library_folders) {
    folders += folders.empty() ? "" : ":";
    folders += folder;
  }
  // The cache that it must not look into is the host's.
  return {loader, "--inhibit-cache", "--argv0", path, "--library-path", folders, path};
}

Result<EngineLayout> find_layout(const std::string& root) {
  if (is_file(root + "/usr/sbin/mysqld")) {
    return packages_layout(root);
  }
  if (is_file(root + "/bin/mysqld")) {
    return tarball_layout(root);
  }
  return make_error(Errc::kNotFound,
                    fmt::format("{} holds neither usr/sbin/mysqld nor bin/mysqld", root));
}

Result<std::string> ask_version(const EngineLayout& layout) {
  Command command;
  command.argv = layout.command("mysqld");
  command.argv.insert(command.argv.end(), {"--no-defaults", "--version"});
  command.timeout = Millis(20'000);
  TRIVET_TRY(const Outcome outcome, run_checked(command, "mysqld does not run on this machine"));
  // "…/mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))"
  const std::size_t at = outcome.out.find("  Ver ");
  const std::string version =
      at == std::string::npos ? "" : upstream_version(std::string_view(outcome.out).substr(at + 6));
  if (version.empty()) {
    return make_error(
        Errc::kCorrupt,
        fmt::format("mysqld --version says \"{}\", which names no version", outcome.out));
  }
  return version;
}

}  // namespace trivet::engine
