// SPDX-License-Identifier: Apache-2.0
#include "adapter/engine/system_user.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "adapter/engine/subprocess.h"
#include "base/file.h"

namespace trivet::engine {
namespace {

constexpr std::size_t kBufferSize = 65536;

Result<SystemUser> from_record(const passwd* record, const std::string& whom, int number) {
  if (number != 0) {
    return make_error(Errc::kInternal, errno_message(fmt::format("look up user {}", whom), number));
  }
  if (record == nullptr) {
    return make_error(Errc::kNotFound, fmt::format("there is no user {}", whom));
  }
  return SystemUser{record->pw_name, record->pw_uid, record->pw_gid};
}

}  // namespace

Result<SystemUser> find_user(const std::string& name) {
  std::vector<char> buffer(kBufferSize);
  passwd record{};
  passwd* found = nullptr;
  const int number = ::getpwnam_r(name.c_str(), &record, buffer.data(), buffer.size(), &found);
  return from_record(found, name, number);
}

Result<SystemUser> current_user() {
  std::vector<char> buffer(kBufferSize);
  passwd record{};
  passwd* found = nullptr;
  const int number = ::getpwuid_r(::geteuid(), &record, buffer.data(), buffer.size(), &found);
  return from_record(found, fmt::format("with uid {}", ::geteuid()), number);
}

Result<SystemUser> ensure_system_user(const std::string& name) {
  Result<SystemUser> there = find_user(name);
  if (there || there.error().code != Errc::kNotFound) {
    return there;
  }
  if (::geteuid() != 0) {
    return make_error(Errc::kDenied, fmt::format("only root can make the user {}", name));
  }
  Command command;
  command.argv = {"/usr/sbin/useradd",
                  "--system",
                  "--user-group",
                  "--no-create-home",
                  "--home-dir",
                  "/nonexistent",
                  "--shell",
                  "/usr/sbin/nologin",
                  "--comment",
                  "Trivet database servers",
                  name};
  const Result<Outcome> outcome = run_checked(command, fmt::format("make the user {}", name));
  there = find_user(name);
  if (!there && !outcome) {
    return outcome.error();
  }
  return there;
}

Result<SystemUser> server_user() {
  return ::geteuid() == 0 ? ensure_system_user() : current_user();
}

Status check_can_enter(const std::string& folder, const SystemUser& user) {
  if (user.uid == 0) {
    return ok();
  }
  for (std::size_t at = folder.find('/', 1);; at = folder.find('/', at + 1)) {
    const std::string part = folder.substr(0, at);
    struct stat facts{};
    if (::stat(part.c_str(), &facts) != 0) {
      return make_error(Errc::kNotFound, errno_message(fmt::format("look at {}", part), errno));
    }
    unsigned needed = S_IXOTH;
    if (facts.st_uid == user.uid) {
      needed = S_IXUSR;
    } else if (facts.st_gid == user.gid) {
      needed = S_IXGRP;
    }
    if ((facts.st_mode & needed) == 0) {
      return make_error(Errc::kDenied,
                        fmt::format("the user {} of the database servers cannot enter {}: "
                                    "`chmod o+x {}`, or use a home elsewhere",
                                    user.name, part, part));
    }
    if (at == std::string::npos) {
      return ok();
    }
  }
}

}  // namespace trivet::engine
