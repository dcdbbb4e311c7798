// SPDX-License-Identifier: Apache-2.0
#include "adapter/runtimes/root.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "adapter/engine/files.h"
#include "adapter/engine/subprocess.h"
#include "base/file.h"

namespace trivet::runtimes {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 4> kMergedFolders = {"bin", "sbin", "lib", "lib64"};

// Where an environment mounts something, and what AWS's image has.
constexpr std::array<const char*, 14> kFolders = {
    "/proc",          "/dev",         "/tmp",      "/opt",          "/run",
    "/var/task",      "/var/runtime", "/var/lang", "/home",         "/var/lang/bin",
    "/usr/local/bin", "/etc/trivet",  "/root",     "/etc/ssl/certs"};

// Nothing runs it or reads it.
constexpr std::array<const char*, 14> kUnused = {"/usr/share/doc",
                                                 "/usr/share/man",
                                                 "/usr/share/info",
                                                 "/usr/share/locale",
                                                 "/usr/share/lintian",
                                                 "/usr/share/bug",
                                                 "/usr/share/debconf",
                                                 "/usr/share/menu",
                                                 "/var/cache",
                                                 "/var/lib/dpkg",
                                                 "/etc/init.d",
                                                 "/etc/cron.daily",
                                                 "/usr/share/bash-completion",
                                                 "/boot"};

constexpr const char* kPasswd =
    "root:x:0:0:root:/root:/sbin/nologin\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n"
    "sbx_user1051:x:993:990::/tmp:/sbin/nologin\n";
constexpr const char* kGroup = "root:x:0:\nnogroup:x:65534:\nsbx_group:x:990:\n";
constexpr const char* kHosts = "127.0.0.1 localhost\n::1 localhost\n";
constexpr const char* kNsswitch =
    "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n";

Status link(const std::string& target, const std::string& path) {
  if (::symlink(target.c_str(), path.c_str()) != 0 && errno != EEXIST) {
    return make_error(Errc::kInternal, errno_message("link " + path, errno));
  }
  return ok();
}

// A file of ours in place of whatever a package put there, links not followed.
Status put(const std::string& path, std::string_view text) {
  TRIVET_CHECK_OK(engine::remove_tree(path));
  TRIVET_CHECK_OK(engine::make_folders_exactly(fs::path(path).parent_path(), 0755));
  return write_file_atomically(path, text, 0644);
}

// What update-ca-certificates would write.
Status bundle_certificates(const std::string& root) {
  std::string bundle;
  const std::string folder = root + "/usr/share/ca-certificates/mozilla";
  for (const std::string& name : engine::names_in(folder)) {
    TRIVET_TRY(const std::string one, read_file(folder + "/" + name));
    bundle += one;
    if (!bundle.empty() && bundle.back() != '\n') {
      bundle += '\n';
    }
  }
  return put(root + "/etc/ssl/certs/ca-certificates.crt", bundle);
}

Status drop_privileged_bits(const std::string& root) {
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator(root, error);
       !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    struct stat found{};
    if (::lstat(at->path().c_str(), &found) != 0 || S_ISLNK(found.st_mode)) {
      continue;
    }
    // Every file must be there for the environments' users too.
    mode_t mode = found.st_mode & 0777U;
    mode |= S_ISDIR(found.st_mode) ? 0555U : 0444U;
    if ((found.st_mode & 07777U) != mode && ::chmod(at->path().c_str(), mode) != 0) {
      return make_error(Errc::kInternal, errno_message("chmod " + at->path().string(), errno));
    }
  }
  return error ? Status(
                     make_error(Errc::kInternal, fmt::format("walk {}: {}", root, error.message())))
               : ok();
}

// A program of the root, in it and in nothing else.
engine::Command in_root(const std::string& root, std::vector<std::string> command,
                        bool is_writable) {
  engine::Command out;
  out.argv = {"bwrap",
              "--unshare-all",
              "--die-with-parent",
              is_writable ? "--bind" : "--ro-bind",
              root,
              "/",
              "--proc",
              "/proc",
              "--dev",
              "/dev",
              "--tmpfs",
              "/tmp",
              "--chdir",
              "/",
              "--clearenv",
              "--setenv",
              "PATH",
              "/usr/bin:/bin",
              "--setenv",
              "LANG",
              "C.UTF-8",
              "--cap-drop",
              "ALL"};
  out.argv.insert(out.argv.end(), command.begin(), command.end());
  out.folder = "/";
  out.timeout = Millis(300'000);
  return out;
}

// Without it each cold start would compile what it imports: the root is read-only. Hashes that
// nobody checks, since the files' times mean nothing here.
Status compile_python(const std::string& root, const Kind& kind) {
  const std::string interpreter(kind.interpreter);
  const std::string library = "/usr/lib/" + interpreter.substr(interpreter.rfind('/') + 1);
  engine::Command command = in_root(
      root,
      {interpreter, "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash", "-x",
       "/(test|tests|idlelib|lib2to3|turtledemo)/", library, "/usr/lib/python3/dist-packages"},
      true);
  return engine::run_to_success(command, fmt::format("compile Python's library for {}", kind.name));
}

Status link_interpreter(const std::string& root, const Kind& kind) {
  const std::string interpreter(kind.interpreter);
  const std::string bin = root + "/var/lang/bin/";
  if (kind.family == Family::kNode) {
    return link(interpreter, bin + "node");
  }
  if (kind.family == Family::kPython) {
    for (const std::string& name : {interpreter.substr(interpreter.rfind('/') + 1),
                                    std::string("python3"), std::string("python")}) {
      TRIVET_CHECK_OK(link(interpreter, bin + name));
    }
  }
  return ok();
}

}  // namespace

Status prepare_root(const std::string& root) {
  TRIVET_CHECK_OK(engine::make_folders_exactly(root, 0755));
  for (const char* name : kMergedFolders) {
    TRIVET_CHECK_OK(engine::make_folders_exactly(fmt::format("{}/usr/{}", root, name), 0755));
    TRIVET_CHECK_OK(link(fmt::format("usr/{}", name), fmt::format("{}/{}", root, name)));
  }
  return ok();
}

Status finish_root(const std::string& root, const Kind& kind, const Progress& progress) {
  for (const char* path : kUnused) {
    TRIVET_CHECK_OK(engine::remove_tree(root + path));
  }
  for (const char* path : kFolders) {
    // A package may have made a link of it (/var/run); /tmp and the like are folders everywhere.
    TRIVET_CHECK_OK(engine::make_folders_exactly(root + path, 0755));
  }
  TRIVET_CHECK_OK(put(root + "/etc/passwd", kPasswd));
  TRIVET_CHECK_OK(put(root + "/etc/group", kGroup));
  TRIVET_CHECK_OK(put(root + "/etc/hosts", kHosts));
  TRIVET_CHECK_OK(put(root + "/etc/nsswitch.conf", kNsswitch));
  TRIVET_CHECK_OK(put(root + "/etc/resolv.conf", ""));
  TRIVET_CHECK_OK(put(root + "/etc/trivet/ca-bundle.pem", ""));
  TRIVET_CHECK_OK(bundle_certificates(root));
  TRIVET_CHECK_OK(engine::remove_tree(root + "/etc/localtime"));
  TRIVET_CHECK_OK(link("/usr/share/zoneinfo/UTC", root + "/etc/localtime"));
  TRIVET_CHECK_OK(link("dash", root + "/usr/bin/sh"));
  TRIVET_CHECK_OK(link_interpreter(root, kind));
  TRIVET_CHECK_OK(drop_privileged_bits(root));
  if (kind.family == Family::kPython) {
    if (progress) {
      progress("compiling Python's library");
    }
    TRIVET_CHECK_OK(compile_python(root, kind));
  }
  return ok();
}

Result<std::string> try_root(const std::string& root, const Kind& kind) {
  std::vector<std::string> command;
  switch (kind.family) {
    case Family::kPython:
      command = {std::string(kind.interpreter), "-c",
                 "import platform, ssl, sqlite3, ctypes, boto3; print(platform.python_version())"};
      break;
    case Family::kNode:
      command = {std::string(kind.interpreter), "-p", "process.versions.node"};
      break;
    case Family::kProvided:
      command = {"/bin/sh", "-c", "/usr/bin/curl --version >/dev/null && cat /etc/debian_version"};
      break;
  }
  TRIVET_TRY(engine::Outcome outcome,
             engine::run_checked(in_root(root, std::move(command), false),
                                 fmt::format("{} does not run on this machine", kind.name)));
  while (!outcome.out.empty() && outcome.out.back() == '\n') {
    outcome.out.pop_back();
  }
  return std::move(outcome.out);
}

}  // namespace trivet::runtimes
