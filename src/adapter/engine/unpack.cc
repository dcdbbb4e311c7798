// SPDX-License-Identifier: Apache-2.0
#include "adapter/engine/unpack.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "adapter/engine/apt_sources.h"
#include "adapter/engine/files.h"
#include "adapter/engine/subprocess.h"
#include "base/bytes.h"
#include "base/crypto.h"
#include "base/file.h"

namespace trivet::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kClients[] = {"mysql",     "mysqladmin", "mysqlbinlog",
                                         "mysqldump", "mysqlslap",  "mysql_tzinfo_to_sql"};
constexpr std::string_view kUnusedPackages[] = {"perl",   "libperl",    "libgdbm",
                                                "libdb5", "libc-gconv", "gcc-"};
// Plugins of other products, and of clients that log in to clouds: 40 MB together.
constexpr std::string_view kUnusedPlugins[] = {
    "telemetry", "group_replication", "mecab", "mypluglib", "adt_null", "mysqlbackup",
    "webauthn",  "kerberos",          "_oci_", "openid",    "ldap",     "firewall"};

bool begins_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool is_library(std::string_view name) {
  return ends_with(name, ".so") || name.find(".so.") != std::string_view::npos;
}

bool is_unused_package(std::string_view name) {
  const bool unused = std::any_of(std::begin(kUnusedPackages), std::end(kUnusedPackages),
                                  [&](std::string_view start) { return begins_with(name, start); });
  return unused || ends_with(name, "-dev") || ends_with(name, "-doc") ||
         ends_with(name, "-dbgsym") || name.find("mysql-testsuite") != std::string_view::npos ||
         name.find("-test") != std::string_view::npos;
}

bool is_used_plugin(std::string_view name) {
  return ends_with(name, ".so") &&
         std::none_of(
             std::begin(kUnusedPlugins), std::end(kUnusedPlugins),
             [&](std::string_view part) { return name.find(part) != std::string_view::npos; });
}

// Copies `path` of the source's root to the same place below `root`.
class Gatherer {
 public:
  Gatherer(const EngineLayout& source, std::string root)
      : source_(source), root_(std::move(root)) {}

  Status file(const std::string& path, unsigned mode) {
    const std::string to = root_ + path.substr(source_.root.size());
    if (!done_.insert(to).second) {
      return ok();
    }
    TRIVET_CHECK_OK(make_folders_exactly(fs::path(to).parent_path(), 0755));
    return copy_one_file(path, to, mode);
  }

  // All files of a folder and below it. None there: fine.
  Status folder(const std::string& path) {
    for (const std::string& name : names_in(path)) {
      const std::string one = path + "/" + name;
      if (is_folder(one)) {
        TRIVET_CHECK_OK(folder(one));
      } else if (is_file(one)) {
        TRIVET_CHECK_OK(file(one, 0644));
      }
    }
    return ok();
  }

  // What the loader would load with this program or plugin.
  Status libraries_of(const std::string& path) {
    if (source_.loader.empty()) {
      return ok();
    }
    Command command;
    command.argv = source_.command("mysqld");
    command.argv.back() = path;
    command.argv.insert(command.argv.begin() + 1, "--list");
    command.timeout = Millis(20'000);
    TRIVET_TRY(const Outcome outcome, run(command));
    std::size_t at = 0;
    while (at < outcome.out.size()) {
      const std::size_t end = std::min(outcome.out.find('\n', at), outcome.out.size());
      TRIVET_CHECK_OK(library_line(std::string_view(outcome.out).substr(at, end - at), path));
      at = end + 1;
    }
    return outcome.succeeded()
               ? ok()
               : Status(
                     make_error(Errc::kNotFound,
                                fmt::format("{}; add the package of that library", outcome.why())));
  }

 private:
  // "	libssl.so.3 => ENGINE/usr/lib/x86_64-linux-gnu/libssl.so.3 (0x00007f…)"
  Status library_line(std::string_view line, const std::string& user) {
    const std::size_t arrow = line.find(" => ");
    if (arrow == std::string_view::npos) {
      return ok();
    }
    const std::size_t name_at = std::min(line.find_first_not_of(" \t"), arrow);
    const std::string_view name = line.substr(name_at, arrow - name_at);
    const std::string_view rest = line.substr(arrow + 4);
    const std::string found(rest.substr(0, rest.find(" (")));
    if (!begins_with(found, source_.root + "/")) {
      return make_error(
          Errc::kNotFound,
          fmt::format("{} needs {}, which is not among what was given ({}): add its package", user,
                      name, found));
    }
    return file(found, 0644);
  }

  const EngineLayout& source_;
  std::string root_;
  std::set<std::string> done_;
};

Status gather_plugins(const EngineLayout& source, Gatherer& gatherer) {
  for (const std::string_view needed : kNeededPlugins) {
    if (!is_file(fmt::format("{}/{}", source.plugin_dir, needed))) {
      return make_error(
          Errc::kNotFound,
          fmt::format("{} has no plugin {}: a server built without it cannot be a member",
                      source.plugin_dir, needed));
    }
  }
  for (const std::string& name : names_in(source.plugin_dir)) {
    const std::string path = source.plugin_dir + "/" + name;
    if (is_file(path) && is_used_plugin(name)) {
      TRIVET_CHECK_OK(gatherer.file(path, 0644));
      TRIVET_CHECK_OK(gatherer.libraries_of(path));
    }
  }
  return ok();
}

// What the loader cannot tell since it is opened by name at run time: the look-up of users, and
// OpenSSL's providers.
Status gather_libraries(const EngineLayout& source, Gatherer& gatherer) {
  for (const std::string& folder : source.library_folders) {
    for (const std::string& name : names_in(folder)) {
      if (begins_with(name, "libnss_") && is_library(name) && is_file(folder + "/" + name)) {
        TRIVET_CHECK_OK(gatherer.file(folder + "/" + name, 0644));
        TRIVET_CHECK_OK(gatherer.libraries_of(folder + "/" + name));
      }
    }
    TRIVET_CHECK_OK(gatherer.folder(folder + "/ossl-modules"));
  }
  // Libraries that come with MySQL itself.
  for (const char* inner : {"/usr/lib/mysql/private", "/lib/private"}) {
    TRIVET_CHECK_OK(gatherer.folder(source.root + inner));
  }
  if (source.loader.empty() && source.basedir == source.root) {
    for (const std::string& name : names_in(source.root + "/lib")) {
      if (is_library(name) && is_file(source.root + "/lib/" + name)) {
        TRIVET_CHECK_OK(gatherer.file(source.root + "/lib/" + name, 0644));
      }
    }
  }
  return ok();
}

Result<Unpacked> open_packages(const std::string& folder, const std::vector<std::string>& names,
                               const std::string& root, const Progress& progress) {
  Unpacked out;
  std::vector<std::string> paths;
  for (const std::string& name : names) {
    paths.push_back(folder + "/" + name);
    TRIVET_TRY(const std::string content, read_file(paths.back()));
    const auto parsed = parse_package_file(name);
    out.packages.push_back(
        {parsed ? parsed->name : name, parsed ? parsed->version : "", to_hex(sha256(content))});
  }
  TRIVET_CHECK_OK(unpack_packages(paths, root, progress));
  TRIVET_TRY(out.layout, find_layout(root));
  return out;
}

}  // namespace

Status unpack_packages(const std::vector<std::string>& files, const std::string& root,
                       const Progress& progress) {
  TRIVET_CHECK_OK(make_folders_exactly(root, 0755));
  if (progress) {
    progress(fmt::format("unpacking {} packages", files.size()));
  }
  for (const std::string& file : files) {
    const auto parsed = parse_package_file(file);
    if (parsed && is_unused_package(parsed->name)) {
      continue;
    }
    Command command;
    command.argv = {"dpkg-deb", "--extract", file, root};
    command.timeout = Millis(300'000);
    TRIVET_CHECK_OK(run_to_success(command, fmt::format("unpack {}", file)));
  }
  return ok();
}

Result<Unpacked> open_from(const std::string& from, const std::string& work,
                           const Progress& progress) {
  std::error_code error;
  std::string folder = fs::canonical(from, error);
  if (error) {
    return make_error(Errc::kNotFound, fmt::format("--from {}: {}", from, error.message()));
  }
  if (is_file(folder)) {
    if (progress) {
      progress(fmt::format("unpacking {}", folder));
    }
    Command command;
    command.argv = {"tar", "--no-same-owner", "-xf", folder, "-C", work + "/tar"};
    command.timeout = Millis(1'800'000);
    TRIVET_CHECK_OK(make_folders_exactly(work + "/tar", 0755));
    TRIVET_CHECK_OK(run_to_success(command, fmt::format("unpack {}", folder)));
    folder = work + "/tar";
  }
  // The thing itself, or the one folder that a tar file usually holds.
  std::vector<std::string> candidates = {folder};
  for (const std::string& name : names_in(folder)) {
    if (candidates.size() < 32 && is_folder(folder + "/" + name)) {
      candidates.push_back(folder + "/" + name);
    }
  }
  for (const std::string& candidate : candidates) {
    std::vector<std::string> packages;
    for (const std::string& name : names_in(candidate)) {
      if (ends_with(name, ".deb")) {
        packages.push_back(name);
      }
    }
    if (!packages.empty()) {
      return open_packages(candidate, packages, work + "/root", progress);
    }
    if (Result<EngineLayout> layout = find_layout(candidate == "/" ? "" : candidate)) {
      return Unpacked{std::move(*layout), {}};
    }
  }
  return make_error(
      Errc::kNotFound,
      fmt::format("--from {}: neither .deb files nor usr/sbin/mysqld nor bin/mysqld is "
                  "there: give MySQL {}'s packages or tarball",
                  from, kMysqlSeries));
}

Status gather(const EngineLayout& source, const std::string& root) {
  Gatherer gatherer(source, root);
  // First: as a library of others it would not be executable.
  if (!source.loader.empty()) {
    TRIVET_CHECK_OK(gatherer.file(source.loader, 0755));
  }
  TRIVET_CHECK_OK(gatherer.file(source.path_of("mysqld"), 0755));
  TRIVET_CHECK_OK(gatherer.libraries_of(source.path_of("mysqld")));
  for (const std::string_view client : kClients) {
    const std::string path = source.path_of(client);
    if (!is_file(path)) {
      if (client == "mysql" || client == "mysqlbinlog") {
        return make_error(Errc::kNotFound,
                          fmt::format("{} is not there: the clients' package is missing", path));
      }
      continue;
    }
    TRIVET_CHECK_OK(gatherer.file(path, 0755));
    TRIVET_CHECK_OK(gatherer.libraries_of(path));
  }
  TRIVET_CHECK_OK(gather_plugins(source, gatherer));
  TRIVET_CHECK_OK(gather_libraries(source, gatherer));
  if (!is_file(source.lc_messages_dir + "/english/errmsg.sys")) {
    return make_error(Errc::kNotFound,
                      fmt::format("{} has no english/errmsg.sys", source.lc_messages_dir));
  }
  return gatherer.folder(source.lc_messages_dir);
}

}  // namespace trivet::engine
