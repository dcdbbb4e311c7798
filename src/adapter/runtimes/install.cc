// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "adapter/engine/apt_fetch.h"
#include "adapter/engine/files.h"
#include "adapter/engine/unpack.h"
#include "adapter/runtimes/root.h"
#include "adapter/runtimes/runtimes.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/iso8601.h"

namespace trivet::runtimes {
namespace {

constexpr Millis kLockTimeout{3'600'000};
constexpr std::uint64_t kUnpackedBytes = std::uint64_t{400} << 20;
constexpr std::array<const char*, 3> kBubblewrap = {"/usr/bin/bwrap", "/usr/local/bin/bwrap",
                                                    "/bin/bwrap"};

// The folders of one installation. `work` is removed at its start and its end; `apt` at its end
// only, so that what was downloaded serves the next try.
struct Paths {
  explicit Paths(const InstallOptions& options)
      : all(runtimes_folder(options.home)), name(options.name) {}
  std::string all;
  std::string name;
  std::string lock() const { return all + "/.lock"; }
  std::string apt() const { return fmt::format("{}/.{}.apt", all, name); }
  std::string work() const { return fmt::format("{}/.{}.partial", all, name); }
};

Result<Fd> prepare(const InstallOptions& options, const Paths& paths) {
  if (options.home.empty() || options.home.front() != '/') {
    return make_error(Errc::kInvalidArgument,
                      fmt::format("a home is an absolute path, not \"{}\"", options.home));
  }
  // Others may pass through the home but not look around in it.
  TRIVET_CHECK_OK(engine::make_folders_exactly(options.home, 0711));
  TRIVET_CHECK_OK(engine::make_folders_exactly(paths.all, 0755));
  return engine::lock_file(paths.lock(), engine::LockKind::kExclusive, kLockTimeout, [&] {
    if (options.progress) {
      options.progress("waiting for another installation in this home");
    }
  });
}

struct Packages {
  std::vector<std::string> files;
  engine::Manifest manifest;
};

Result<Packages> packages_of_folder(const std::string& folder) {
  Packages out;
  out.manifest.origin = folder;
  for (const std::string& name : engine::names_in(folder)) {
    const auto parsed = engine::parse_package_file(name);
    if (!parsed) {
      continue;
    }
    TRIVET_TRY(const std::string content, read_file(folder + "/" + name));
    out.files.push_back(folder + "/" + name);
    out.manifest.packages.push_back({parsed->name, parsed->version, to_hex(sha256(content))});
  }
  if (out.files.empty()) {
    return make_error(Errc::kNotFound, fmt::format("--from {}: no .deb file is there", folder));
  }
  return out;
}

Result<Packages> get_packages(const InstallOptions& options, const Kind& kind, const Paths& paths) {
  if (!options.from.empty()) {
    return packages_of_folder(options.from);
  }
  engine::Wanted wanted;
  wanted.suite = kind.suite;
  wanted.packages.assign(kind.packages.begin(), kind.packages.end());
  wanted.unpacked_bytes = kUnpackedBytes;
  wanted.other_way = "or give the packages with `--from DIR`";
  TRIVET_CHECK_OK(engine::make_folders_exactly(paths.apt(), 0755));
  TRIVET_TRY(const engine::Download download,
             engine::fetch_packages(paths.apt(), wanted, options.progress));
  Packages out;
  out.manifest.origin = download.mirror;
  for (const engine::OfferedPackage& package : download.packages) {
    out.files.push_back(download.folder + "/" + package.file);
    out.manifest.packages.push_back({package.name, package.version, package.sha256});
  }
  return out;
}

Status check_bubblewrap() {
  for (const char* path : kBubblewrap) {
    if (engine::is_file(path)) {
      return ok();
    }
  }
  return make_error(Errc::kNotFound,
                    "functions run under bubblewrap, which is not here: install the package "
                    "bubblewrap");
}

Status build(const InstallOptions& options, const Kind& kind, const Paths& paths) {
  TRIVET_CHECK_OK(engine::remove_tree(paths.work()));
  TRIVET_CHECK_OK(engine::make_folders_exactly(paths.work(), 0755));
  TRIVET_TRY(Packages packages, get_packages(options, kind, paths));
  const std::string root = paths.work() + "/root";
  TRIVET_CHECK_OK(prepare_root(root));
  TRIVET_CHECK_OK(engine::unpack_packages(packages.files, root, options.progress));
  TRIVET_CHECK_OK(finish_root(root, kind, options.progress));
  engine::Manifest& manifest = packages.manifest;
  TRIVET_TRY(manifest.version, try_root(root, kind));
  manifest.engine = kind.name;
  manifest.series = engine::series_of(manifest.version);
  manifest.package_version = manifest.version;
  manifest.installed_at = format_iso8601(SystemClock().wall_now());
  TRIVET_CHECK_OK(
      write_file_atomically(paths.work() + "/manifest.json", engine::to_json(manifest), 0644));
  TRIVET_CHECK_OK(engine::sync_tree(paths.work()));
  const std::string target = fmt::format("{}/{}", paths.all, kind.name);
  if (engine::exists(target)) {
    return make_error(Errc::kConflict,
                      fmt::format("{} is there and is no runtime: move it away", target));
  }
  return engine::rename_path(paths.work(), target);
}

}  // namespace

Result<InstallResult> install(const InstallOptions& options) {
  Result<Runtime> found = find(options.home, options.name);
  if (found) {
    return InstallResult{std::move(*found), true};
  }
  if (found.error().code == Errc::kInvalidArgument) {
    return found.error();
  }
  TRIVET_CHECK_OK(check_bubblewrap());
  const Paths paths(options);
  TRIVET_TRY(const Fd lock, prepare(options, paths));
  found = find(options.home, options.name);
  const bool was_there = found.has_value();
  if (!was_there) {
    const Status built = build(options, *find_kind(options.name), paths);
    if (!built) {
      static_cast<void>(engine::remove_tree(paths.work()));
      return built.error();
    }
    found = find(options.home, options.name);
  }
  TRIVET_CHECK_OK(engine::remove_tree(paths.apt()));
  TRIVET_TRY(Runtime runtime, std::move(found));
  return InstallResult{std::move(runtime), was_there};
}

}  // namespace trivet::runtimes
