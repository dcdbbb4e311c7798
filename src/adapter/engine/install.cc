// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "adapter/engine/apt_fetch.h"
#include "adapter/engine/engine.h"
#include "adapter/engine/files.h"
#include "adapter/engine/unpack.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/iso8601.h"

namespace trivet::engine {
namespace {

constexpr Millis kLockTimeout{3'600'000};

// The folders of one installation. `work` is removed at its start and its end; `apt` at its end
// only, so that what was downloaded serves the next try.
struct Paths {
  explicit Paths(const std::string& home) : engines(engines_folder(home)) {}
  std::string engines;
  std::string lock() const { return engines + "/.lock"; }
  std::string apt() const { return engines + "/.apt"; }
  std::string work() const { return engines + "/.work.partial"; }
};

Result<Fd> prepare(const InstallOptions& options, const Paths& paths) {
  if (options.home.empty() || options.home.front() != '/') {
    return make_error(Errc::kInvalidArgument,
                      fmt::format("a home is an absolute path, not \"{}\"", options.home));
  }
  // Others may pass through the home but not look around in it.
  TRIVET_CHECK_OK(make_folders_exactly(options.home, 0711));
  TRIVET_CHECK_OK(make_folders_exactly(paths.engines, 0755));
  return lock_file(paths.lock(), LockKind::kExclusive, kLockTimeout, [&] {
    if (options.progress) {
      options.progress("waiting for another installation in this home");
    }
  });
}

// What is to become manifest.json, except for what only the running server can say.
struct Source {
  EngineLayout layout;
  Manifest manifest;
};

Result<Source> get_source(const InstallOptions& options, const Paths& paths) {
  Source source;
  if (!options.from.empty()) {
    TRIVET_TRY(Unpacked unpacked, open_from(options.from, paths.work(), options.progress));
    source.layout = std::move(unpacked.layout);
    source.manifest.packages = std::move(unpacked.packages);
    source.manifest.origin = options.from;
    return source;
  }
  TRIVET_CHECK_OK(make_folders_exactly(paths.apt(), 0755));
  TRIVET_TRY(const Download download, fetch_mysql(paths.apt(), options.progress));
  std::vector<std::string> files;
  for (const OfferedPackage& package : download.packages) {
    files.push_back(download.folder + "/" + package.file);
    source.manifest.packages.push_back({package.name, package.version, package.sha256});
  }
  const std::string root = paths.work() + "/root";
  TRIVET_CHECK_OK(unpack_packages(files, root, options.progress));
  TRIVET_TRY(source.layout, find_layout(root));
  source.manifest.origin = download.mirror;
  return source;
}

std::string server_package_version(const Manifest& manifest) {
  for (const ManifestPackage& package : manifest.packages) {
    if (package.name == "mysql-server-core" || package.name == "mysql-community-server-core") {
      return package.version;
    }
  }
  return manifest.version;
}

// Runs what was gathered, as a member would be, before it may be called an engine.
Status complete_manifest(const std::string& root, Manifest& manifest) {
  TRIVET_TRY(const EngineLayout layout, find_layout(root));
  TRIVET_TRY(manifest.version, ask_version(layout));
  manifest.engine = "mysql";
  manifest.series = series_of(manifest.version);
  if (manifest.series != kMysqlSeries) {
    return make_error(Errc::kInvalidArgument,
                      fmt::format("this is MySQL {}, and Trivet needs {}: give that with `--from`",
                                  manifest.version, kMysqlSeries));
  }
  for (const char* program : {"mysql", "mysqlbinlog"}) {
    Command command;
    command.argv = layout.command(program);
    command.argv.emplace_back("--version");
    TRIVET_CHECK_OK(
        run_to_success(command, fmt::format("{} does not run on this machine", program)));
  }
  manifest.package_version = server_package_version(manifest);
  manifest.installed_at = format_iso8601(SystemClock().wall_now());
  return ok();
}

Result<std::string> build(const InstallOptions& options, const Paths& paths) {
  TRIVET_CHECK_OK(remove_tree(paths.work()));
  TRIVET_CHECK_OK(make_folders_exactly(paths.work(), 0755));
  TRIVET_TRY(Source source, get_source(options, paths));
  const std::string engine = paths.work() + "/engine";
  if (options.progress) {
    options.progress("keeping what a server needs");
  }
  TRIVET_CHECK_OK(gather(source.layout, engine + "/root"));
  TRIVET_CHECK_OK(complete_manifest(engine + "/root", source.manifest));
  TRIVET_CHECK_OK(write_file_atomically(engine + "/manifest.json", to_json(source.manifest), 0644));
  TRIVET_CHECK_OK(sync_tree(engine));
  const std::string target = fmt::format("{}/mysql-{}", paths.engines, source.manifest.version);
  if (exists(target)) {
    return make_error(Errc::kConflict,
                      fmt::format("{} is there and is not an engine: move it away", target));
  }
  TRIVET_CHECK_OK(rename_path(engine, target));
  return target;
}

}  // namespace

Result<InstallResult> install_mysql(const InstallOptions& options) {
  const Paths paths(options.home);
  // Without the lock: an engine that is there is whole.
  if (Result<Engine> engine = find_mysql(options.home);
      engine && !exists(paths.work()) && !exists(paths.apt())) {
    return InstallResult{std::move(*engine), true};
  }
  TRIVET_TRY(const Fd lock, prepare(options, paths));
  Result<Engine> found = find_mysql(options.home);
  const bool was_there = found.has_value();
  if (!was_there) {
    const Result<std::string> built = build(options, paths);
    if (!built) {
      static_cast<void>(remove_tree(paths.work()));
      return built.error();
    }
    found = find_mysql(options.home);
  }
  TRIVET_CHECK_OK(remove_tree(paths.work()));
  TRIVET_CHECK_OK(remove_tree(paths.apt()));
  TRIVET_TRY(Engine engine, std::move(found));
  return InstallResult{std::move(engine), was_there};
}

}  // namespace trivet::engine
