// SPDX-License-Identifier: Apache-2.0
#include "daemon/instance_logs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "agent/member_paths.h"

namespace trivet::daemon {
namespace {

constexpr int kFullOnesMax = 5;  // audit::LineFile::Limits

}  // namespace

std::vector<std::pair<std::string, std::string>> InstanceLogs::files(const Cluster& cluster,
                                                                     const Member& member) const {
  const agent::MemberPaths member_paths(paths_.home, cluster, member);
  const std::string refused = paths_.auth_error_logs() + "/" + cluster.id.str() + ".log";
  std::vector<std::pair<std::string, std::string>> out = {
      {"error/mysql-error.log", member_paths.error_log()},
      {"error/mysql-error.log.1", member_paths.old_error_log()},
      {"iam-db-auth-error/iam-db-auth-error.log", refused}};
  for (int i = 1; i <= kFullOnesMax; ++i) {
    const std::string end = "." + std::to_string(i);
    out.emplace_back("iam-db-auth-error/iam-db-auth-error.log" + end, refused + end);
  }
  return out;
}

Result<std::vector<LogFileInfo>> InstanceLogs::list(const Cluster& cluster,
                                                    const Member& member) const {
  std::vector<LogFileInfo> out;
  for (const auto& [name, path] : files(cluster, member)) {
    struct stat found{};
    if (::stat(path.c_str(), &found) == 0) {
      const std::int64_t ms =
          std::int64_t{found.st_mtim.tv_sec} * 1000 + found.st_mtim.tv_nsec / 1'000'000;
      out.push_back({name, found.st_size, wall_time_from_ms(ms)});
    }
  }
  return out;
}

Result<std::string> InstanceLogs::read(const Cluster& cluster, const Member& member,
                                       std::string_view name, std::int64_t from,
                                       std::size_t bytes_max) const {
  const auto all = files(cluster, member);
  const auto known =
      std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.first == name; });
  const int fd =
      known == all.end() ? -1 : ::open(known->second.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    return make_error(Errc::kNotFound, "there is no log file " + std::string(name));
  }
  std::string out(bytes_max, '\0');
  std::size_t used = 0;
  ssize_t count = 0;
  while (used < bytes_max && (count = ::pread(fd, out.data() + used, bytes_max - used,
                                              from + static_cast<off_t>(used))) > 0) {
    used += static_cast<std::size_t>(count);
  }
  ::close(fd);
  if (count < 0) {
    return make_error(Errc::kUnavailable, "log file " + std::string(name) + " cannot be read");
  }
  out.resize(used);
  return out;
}

}  // namespace trivet::daemon
