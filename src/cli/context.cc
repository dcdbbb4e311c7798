// SPDX-License-Identifier: Apache-2.0
#include "cli/context.h"

#include <fmt/format.h>
#include <poll.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/file.h"

namespace trivet::cli {
namespace {

std::string user_home() {
  const std::string home = environment_value("HOME");
  if (!home.empty()) {
    return home;
  }
  const passwd* record = ::getpwuid(::geteuid());
  return record == nullptr ? "" : record->pw_dir;
}

}  // namespace

std::string Context::command(std::string_view words) const {
  return is_default_home ? fmt::format("trivet {}", words)
                         : fmt::format("trivet --home {} {}", paths.home, words);
}

Result<Context> make_context(const std::string& home) {
  const std::string usual = default_home("", ::geteuid() == 0, user_home());
  const std::string chosen =
      !home.empty() ? home
                    : default_home(environment_value("TRIVET_HOME"), ::geteuid() == 0, user_home());
  std::error_code error;
  std::filesystem::path absolute = std::filesystem::absolute(chosen, error).lexically_normal();
  if (error || chosen.empty()) {
    return make_error(Errc::kInvalidArgument, "no home: give --home or set TRIVET_HOME");
  }
  if (!absolute.has_filename()) {
    absolute = absolute.parent_path();  // "/x/" is "/x"
  }
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) {
    return make_error(Errc::kInternal, "read /proc/self/exe: " + error.message());
  }
  // Set in the environment, the home need not be said again.
  const bool is_implied = absolute == usual || absolute == environment_value("TRIVET_HOME");
  return Context{{absolute.string()}, is_implied, program.parent_path().string()};
}

std::string environment_value(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Result<Installation> read_installation(const Context& context) {
  auto text = read_file(context.paths.config());
  if (!text && text.error().code == Errc::kNotFound) {
    return make_error(Errc::kNotFound, fmt::format("{} is not initialised: run `{}`",
                                                   context.paths.home, context.command("init")));
  }
  if (!text) {
    return text.error();
  }
  return decode_installation(*text);
}

std::string run_as_owner(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0 || info.st_uid == ::geteuid()) {
    return "";
  }
  const passwd* record = ::getpwuid(info.st_uid);
  return fmt::format(": run this as {}, who runs trivetd",
                     record == nullptr ? fmt::format("user {}", info.st_uid) : record->pw_name);
}

int say_not_running(const Context& context) {
  if (::access(context.paths.config().c_str(), F_OK) != 0 &&
      (errno == ENOENT || errno == ENOTDIR)) {
    say(fmt::format("{} is not initialised: `{}`", context.paths.home, context.command("init")));
    return kExitNotRunning;
  }
  say(fmt::format("trivetd is not running for {}: `{}` starts it", context.paths.home,
                  context.command("up")));
  const HomePaths of_root{default_home("", true, "")};
  if (context.paths.home != of_root.home && ::access(of_root.admin_socket().c_str(), F_OK) == 0) {
    say(fmt::format("one may be running for {}: --home {}", of_root.home, of_root.home));
  }
  return kExitNotRunning;
}

void say(std::string_view line) {
  fmt::print(stderr, "{}\n", line);
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void wait_for(Millis time) {
  ::poll(nullptr, 0, static_cast<int>(time.count()));
}

}  // namespace trivet::cli
