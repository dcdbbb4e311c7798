// SPDX-License-Identifier: Apache-2.0
#include "adapter/engine/apt_fetch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <system_error>

#include "adapter/engine/files.h"
#include "adapter/engine/subprocess.h"
#include "base/bytes.h"
#include "base/crypto.h"
#include "base/fd.h"
#include "base/file.h"

namespace trivet::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 2> kKeyrings = {"/usr/share/keyrings/debian-archive-keyring.gpg",
                                                  "/usr/share/keyrings/debian-archive-keyring.pgp"};
constexpr const char* kMysqlOtherWay =
    "or give the packages or MySQL's tarball with `--from DIR|TARBALL`";
constexpr int kOrphanTries = 200;
constexpr int kOrphanPauseMs = 50;
constexpr std::uint64_t kMysqlUnpackedBytes = std::uint64_t{450} << 20;

// The other way, where it is all that is left: without its "or ".
std::string_view alone(const Wanted& wanted) {
  std::string_view text = wanted.other_way;
  return text.rfind("or ", 0) == 0 ? text.substr(3) : text;
}

Result<std::string> find_keyring(const Wanted& wanted) {
  for (const char* path : kKeyrings) {
    if (is_file(path)) {
      return std::string(path);
    }
  }
  return make_error(
      Errc::kNotFound,
      fmt::format("no Debian keyring ({}): install the package debian-archive-keyring, {}",
                  kKeyrings[0], wanted.other_way));
}

Result<std::string> find_mirror(const Wanted& wanted) {
  std::vector<SourceFile> files;
  std::vector<std::string> paths = {"/etc/apt/sources.list"};
  std::error_code error;
  for (auto at = fs::directory_iterator("/etc/apt/sources.list.d", error);
       !error && at != fs::directory_iterator(); at.increment(error)) {
    const std::string extension = at->path().extension();
    if (extension == ".list" || extension == ".sources") {
      paths.push_back(at->path());
    }
  }
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) {
    if (Result<std::string> text = read_file(path)) {
      files.push_back({path, std::move(*text)});
    }
  }
  if (auto mirror = find_debian_mirror(files)) {
    return *mirror;
  }
  return make_error(
      Errc::kNotFound,
      fmt::format(
          "apt on this machine knows no Debian mirror (a source with a Debian release and "
          "component main in /etc/apt/sources.list or /etc/apt/sources.list.d): add one, {}",
          wanted.other_way));
}

// The one line that a program prints.
Result<std::string> ask(std::vector<std::string> argv, std::string_view what) {
  Command command;
  command.argv = std::move(argv);
  TRIVET_TRY(Outcome outcome, run_checked(command, what));
  while (!outcome.out.empty() && outcome.out.back() == '\n') {
    outcome.out.pop_back();
  }
  return std::move(outcome.out);
}

// The private state. apt reads the file that APT_CONFIG names first; it in turn switches the host's
// own configuration off, because the host's hooks would clean the host's cache and call its
// services.
struct State {
  std::string folder;
  const Wanted& wanted;
  std::string config() const { return folder + "/apt.conf"; }
  std::string archives() const { return folder + "/cache/archives"; }
};

Status write_state(const State& state, const std::string& mirror) {
  for (const char* name :
       {"/state/lists/partial", "/cache/archives/partial", "/none/partial", "/log"}) {
    TRIVET_CHECK_OK(make_folders(state.folder + name, 0755));
  }
  TRIVET_TRY(const std::string keyring, find_keyring(state.wanted));
  TRIVET_TRY(const std::string architecture, ask({"dpkg", "--print-architecture"}, "dpkg"));
  TRIVET_TRY(const std::string dump, ask({"apt-config", "dump"}, "apt-config"));
  std::string text;
  const auto set = [&text](std::string_view name, std::string_view value) {
    text += fmt::format("{} \"{}\";\n", name, value);
  };
  for (const char* name : {"Dir::Etc::main", "Dir::Etc::parts", "Dir::Etc::sourceparts",
                           "Dir::Etc::preferences", "Dir::Etc::preferencesparts"}) {
    set(name, "/dev/null");
  }
  set("Dir::Etc::sourcelist", state.folder + "/sources.list");
  set("Dir::State", state.folder + "/state");
  set("Dir::State::lists", state.folder + "/state/lists");
  set("Dir::State::status", state.folder + "/status");
  set("Dir::State::extended_states", state.folder + "/state/extended_states");
  set("Dir::Cache", state.folder + "/cache");
  set("Dir::Cache::archives", state.archives());
  set("Dir::Log", state.folder + "/log");
  set("APT::Architecture", architecture);
  set("APT::Architectures", architecture);
  set("APT::Install-Recommends", "false");
  set("APT::Get::Assume-Yes", "true");
  set("APT::Update::Error-Mode", "any");
  set("Acquire::Languages", "none");
  // Else --print-uris prints MD5 sums.
  set("Acquire::ForceHash", "SHA256");
  set("Acquire::Retries", "3");
  set("Acquire::http::Timeout", "30");
  set("Acquire::https::Timeout", "30");
  text += fetch_settings(dump);
  TRIVET_CHECK_OK(write_file_atomically(state.config(), text, 0644));
  TRIVET_CHECK_OK(write_file_atomically(state.folder + "/status", "", 0644));
  return write_file_atomically(
      state.folder + "/sources.list",
      fmt::format("deb [signed-by={}] {} {} main\n", keyring, mirror, state.wanted.suite), 0644);
}

// An apt-get of an installation that was killed may still run: it changes its user, and with that
// loses the kernel's promise to end it with its parent. Whoever holds a lock of this private state
// while we hold the installation's is such a one.
Status end_orphan(const std::string& lock_path) {
  const Fd file(::open(lock_path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file.is_open()) {
    return ok();  // not made yet
  }
  for (int i = 0; i < kOrphanTries; ++i) {
    struct flock lock{};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (::fcntl(file.get(), F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) {
      return ok();
    }
    const Result<std::string> name = read_file(fmt::format("/proc/{}/comm", lock.l_pid));
    if (lock.l_pid > 1 && name && name->rfind("apt-get", 0) == 0) {
      ::kill(lock.l_pid, SIGKILL);
    }
    ::poll(nullptr, 0, kOrphanPauseMs);
  }
  return make_error(
      Errc::kTimeout,
      fmt::format("another process keeps {} locked: end it and try again", lock_path));
}

Command apt_get(const State& state, std::vector<std::string> arguments, Millis timeout) {
  Command command;
  command.argv = {"apt-get", "-q"};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.environment = {"APT_CONFIG=" + state.config(), "DEBIAN_FRONTEND=noninteractive"};
  command.timeout = timeout;
  return command;
}

// Why apt-get failed, with the cure.
Error explain(const Outcome& outcome, const std::string& mirror, const Wanted& wanted,
              std::string_view doing) {
  const std::string why = outcome.why();
  const auto says = [&why](std::string_view text) { return why.find(text) != std::string::npos; };
  std::string cure = fmt::format("try again later, {}", wanted.other_way);
  if (says("resolving") || says("onnect") || says("timed out") || says("unreachable")) {
    cure = fmt::format("check the network and apt's proxy, {}", wanted.other_way);
  } else if (says("NO_PUBKEY") || says("not signed") || says("EXPKEYSIG") || says("signature")) {
    cure = fmt::format("update the package debian-archive-keyring, {}", wanted.other_way);
  } else if (says("No space left") || says("enough free space")) {
    cure = "make room on that disk";
  } else if (says("404") || says("does not have a Release file")) {
    cure = fmt::format("this mirror carries no {} release: {}", wanted.suite, alone(wanted));
  }
  return make_error(outcome.timed_out ? Errc::kTimeout : Errc::kUnavailable,
                    fmt::format("{} {}: {}; {}", doing, mirror, why, cure));
}

Status update_lists(const State& state, const std::string& mirror) {
  TRIVET_TRY(const Outcome outcome, run(apt_get(state, {"update"}, Millis(300'000))));
  return outcome.succeeded()
             ? ok()
             : Status(explain(outcome, mirror, state.wanted, "reading the package lists of"));
}

std::vector<std::string> with_packages(const Wanted& wanted, std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), wanted.packages.begin(), wanted.packages.end());
  return arguments;
}

// What would be installed, whether it was downloaded before or not: asked with an empty cache,
// since apt leaves out what it has.
Result<std::vector<OfferedPackage>> ask_offer(const State& state, const std::string& mirror) {
  TRIVET_TRY(const Outcome outcome,
             run(apt_get(state,
                         with_packages(state.wanted,
                                       {"-o", "Dir::Cache::archives=" + state.folder + "/none",
                                        "--print-uris", "install"}),
                         Millis(120'000))));
  if (!outcome.succeeded()) {
    return explain(outcome, mirror, state.wanted, "choosing packages of");
  }
  std::vector<OfferedPackage> packages = parse_offer(outcome.out);
  for (const OfferedPackage& package : packages) {
    if (package.sha256.size() != 64) {
      return make_error(Errc::kUnavailable,
                        fmt::format("{} gives no SHA-256 for {}", mirror, package.file));
    }
  }
  return packages;
}

Status check_space(const State& state, std::uint64_t download) {
  TRIVET_TRY(const std::uint64_t free, free_bytes(state.folder));
  const std::uint64_t needed = download + state.wanted.unpacked_bytes;
  if (free < needed) {
    return make_error(Errc::kUnavailable,
                      fmt::format("{} MB are free at {} and {} MB are needed: make room there",
                                  free >> 20, state.folder, (needed >> 20) + 1));
  }
  return ok();
}

Status check_digests(const State& state, const std::vector<OfferedPackage>& packages) {
  for (const OfferedPackage& package : packages) {
    const std::string path = state.archives() + "/" + package.file;
    TRIVET_TRY(const std::string content, read_file(path));
    if (to_hex(sha256(content)) != package.sha256) {
      TRIVET_CHECK_OK(remove_tree(path));
      return make_error(Errc::kUnavailable,
                        fmt::format("{} was damaged and has been removed: run this again", path));
    }
  }
  return ok();
}

Status download(const State& state, const Download& what, const Progress& progress) {
  Command command = apt_get(state, with_packages(state.wanted, {"--download-only", "install"}),
                            Millis(3'600'000));
  std::size_t got = 0;
  command.on_line = [&](std::string_view line) {
    // "Get:12 http://… unstable/main amd64 libssl3t64 amd64 3.6.5-1 [2300 kB]", once each.
    if (line.substr(0, 4) == "Get:" && ++got % 20 == 0 && progress) {
      progress(fmt::format("fetching package {} of {}", got, what.packages.size()));
    }
  };
  TRIVET_TRY(const Outcome outcome, run(command));
  return outcome.succeeded() ? ok()
                             : Status(explain(outcome, what.mirror, state.wanted, "fetching from"));
}

Status check_mysql_offer(const std::string& mirror, const std::vector<OfferedPackage>& packages) {
  const auto server = std::find_if(packages.begin(), packages.end(), [](const OfferedPackage& p) {
    return p.name == "mysql-server-core";
  });
  if (server == packages.end()) {
    return make_error(Errc::kUnavailable,
                      fmt::format("{} offers no package mysql-server-core: use another mirror, {}",
                                  mirror, kMysqlOtherWay));
  }
  if (series_of(upstream_version(server->version)) != kMysqlSeries) {
    return make_error(
        Errc::kInvalidArgument,
        fmt::format("{} offers MySQL {}, and Trivet needs {}: give the packages or MySQL's tarball "
                    "of {} with `--from DIR|TARBALL`",
                    mirror, server->version, kMysqlSeries, kMysqlSeries));
  }
  return ok();
}

}  // namespace

Result<Download> fetch_packages(const std::string& folder, const Wanted& wanted,
                                const Progress& progress) {
  if (folder.find_first_of("\"\\\n;") != std::string::npos) {
    return make_error(Errc::kInvalidArgument,
                      fmt::format("apt cannot work in a folder with such a name: {}", folder));
  }
  const Result<std::string> version = ask({"apt-get", "--version"}, "apt-get");
  if (!version) {
    return make_error(
        Errc::kNotFound,
        fmt::format("apt-get does not run here ({}): on a system other than Debian {}",
                    version.error().message, alone(wanted)));
  }
  Download out;
  TRIVET_TRY(out.mirror, find_mirror(wanted));
  const State state{folder, wanted};
  out.folder = state.archives();
  TRIVET_CHECK_OK(write_state(state, out.mirror));
  TRIVET_CHECK_OK(end_orphan(folder + "/state/lists/lock"));
  TRIVET_CHECK_OK(end_orphan(state.archives() + "/lock"));
  if (progress) {
    progress(fmt::format("reading the package lists of {}", out.mirror));
  }
  TRIVET_CHECK_OK(update_lists(state, out.mirror));
  TRIVET_TRY(out.packages, ask_offer(state, out.mirror));
  TRIVET_CHECK_OK(wanted.check(out.mirror, out.packages));
  std::uint64_t bytes = 0;
  for (const OfferedPackage& package : out.packages) {
    bytes += package.bytes;
  }
  TRIVET_CHECK_OK(check_space(state, bytes));
  if (progress) {
    progress(fmt::format("fetching {} packages, {} MB", out.packages.size(), bytes / 1'000'000));
  }
  TRIVET_CHECK_OK(download(state, out, progress));
  TRIVET_CHECK_OK(check_digests(state, out.packages));
  return out;
}

Result<Download> fetch_mysql(const std::string& folder, const Progress& progress) {
  Wanted wanted;
  wanted.suite = "unstable";
  wanted.packages = {"mysql-server-core", "mysql-client-core"};
  wanted.unpacked_bytes = kMysqlUnpackedBytes;
  wanted.other_way = kMysqlOtherWay;
  wanted.check = check_mysql_offer;
  return fetch_packages(folder, wanted, progress);
}

}  // namespace trivet::engine
