// SPDX-License-Identifier: Apache-2.0
#include "agent/end_of_mysqld.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/file.h"

namespace trivet::agent {
namespace {

// MySQL's sql/sql_const.h.
constexpr int kSuccess = 0;
constexpr int kAbort = 1;
constexpr int kFailure = 2;
constexpr int kRestart = 16;

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

// A guard that was told to go has taken its own socket away: then there is no run to ask about.
bool was_on_its_way_down(const MemberPaths& paths) {
  return exists(paths.guard_socket()) && !exists(paths.mysqld_socket());
}

}  // namespace

// mysqld replaces whatever is there when it listens.
Status prepare_end_of_mysqld(const MemberPaths& paths) {
  const std::string path = paths.mysqld_socket();
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 && errno != EEXIST) {
    return make_error(Errc::kUnavailable, errno_message("open " + path, errno));
  }
  if (fd >= 0) {
    ::close(fd);
  }
  return ok();
}

failover::MemberEnd end_of_mysqld(const MemberPaths& paths, std::optional<int> wait_status) {
  const bool exited = wait_status && WIFEXITED(*wait_status);
  const int status = exited ? WEXITSTATUS(*wait_status) : kFailure;
  const std::string how = exited        ? fmt::format("exit status {}", status)
                          : wait_status ? fmt::format("killed by signal {}", WTERMSIG(*wait_status))
                                        : "its guard vanished";
  if (status == kSuccess || status == kRestart) {
    return {how, true};
  }
  const bool on_its_way = status != kAbort && was_on_its_way_down(paths);
  return {on_its_way ? how + " while it shut down" : how, on_its_way};
}

}  // namespace trivet::agent
