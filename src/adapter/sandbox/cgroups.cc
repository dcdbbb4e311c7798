// SPDX-License-Identifier: Apache-2.0
#include "adapter/sandbox/cgroups.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <set>

#include "base/file.h"

namespace trivet::sandbox {
namespace {

namespace fs = std::filesystem;

// As AWS has it: short periods, so that a throttled function waits for 20 ms and not for 100.
constexpr std::int64_t kPeriodUs = 20'000;
constexpr std::int64_t kQuotaUsMin = 1'000;  // the kernel's
constexpr int kKillRounds = 50;

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(by), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

bool contains(const std::vector<std::string_view>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

// Not write_file_atomically: these are the kernel's files.
Status put(const std::string& path, std::string_view text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) {
    return make_error(errno == ENOENT ? Errc::kNotFound : Errc::kInternal,
                      errno_message("open " + path, errno));
  }
  const bool is_written =
      ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int number = errno;
  ::close(fd);
  return is_written ? ok()
                    : Status(make_error(Errc::kInternal, errno_message("write " + path, number)));
}

std::int64_t number_in(const std::string& path) {
  const Result<std::string> text = read_file(path);
  std::int64_t number = 0;
  if (text) {
    std::from_chars(text->data(), text->data() + text->size(), number);
  }
  return number;
}

// "name 42" of a file of such lines.
std::int64_t field_in(const std::string& path, std::string_view name) {
  const Result<std::string> text = read_file(path);
  if (!text) {
    return 0;
  }
  for (const std::string_view line : split(*text, '\n')) {
    if (line.size() > name.size() && line.substr(0, name.size()) == name &&
        line[name.size()] == ' ') {
      std::int64_t number = 0;
      std::from_chars(line.data() + name.size() + 1, line.data() + line.size(), number);
      return number;
    }
  }
  return 0;
}

Status make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
    return make_error(Errc::kInternal, errno_message("mkdir " + path, errno));
  }
  return ok();
}

// Ours below a mount, if it may be made and used.
std::string usable(const std::string& mount, const std::string& name, const char* proof) {
  if (mount.empty()) {
    return {};
  }
  const std::string folder = mount + "/" + name;
  const std::string child = folder + "/probe";
  const bool works = make_folder(folder) && make_folder(child) &&
                     ::access((child + "/" + proof).c_str(), W_OK) == 0;
  ::rmdir(child.c_str());
  if (!works) {
    ::rmdir(folder.c_str());
  }
  return works ? folder : std::string();
}

}  // namespace

CgroupMounts parse_cgroup_mounts(std::string_view mounts, std::string_view controllers) {
  CgroupMounts out;
  const std::vector<std::string_view> has =
      split(controllers.substr(0, controllers.find('\n')), ' ');
  for (const std::string_view line : split(mounts, '\n')) {
    const std::vector<std::string_view> words = split(line, ' ');
    if (words.size() < 4) {
      continue;
    }
    if (words[2] == "cgroup2" && contains(has, "memory") && contains(has, "pids") &&
        contains(has, "cpu")) {
      out.unified = words[1];
    }
    if (words[2] == "cgroup") {
      const std::vector<std::string_view> options = split(words[3], ',');
      for (const auto& [name, place] :
           {std::pair<std::string_view, std::string*>{"memory", &out.memory},
            {"cpu", &out.cpu},
            {"pids", &out.pids}}) {
        if (contains(options, name)) {
          *place = words[1];
        }
      }
    }
  }
  if (!out.unified.empty()) {
    out.memory = out.cpu = out.pids = {};
  }
  return out;
}

Cgroups Cgroups::open(const std::string& name) {
  const Result<std::string> mounts = read_file("/proc/self/mounts");
  std::string controllers;
  for (const char* path :
       {"/sys/fs/cgroup/cgroup.controllers", "/sys/fs/cgroup/unified/cgroup.controllers"}) {
    if (const Result<std::string> text = read_file(path); text && controllers.empty()) {
      controllers = *text;
    }
  }
  CgroupMounts found = parse_cgroup_mounts(mounts ? *mounts : "", controllers);
  Cgroups out;
  if (!found.unified.empty()) {
    const std::string folder = found.unified + "/" + name;
    // The root usually has them on already; where it has not, it is ours to ask.
    static_cast<void>(put(found.unified + "/cgroup.subtree_control", "+memory +cpu +pids"));
    if (make_folder(folder) && put(folder + "/cgroup.subtree_control", "+memory +cpu +pids")) {
      out.mounts_.unified = usable(found.unified, name, "memory.max");
    }
    return out;
  }
  out.mounts_.memory = usable(found.memory, name, "memory.limit_in_bytes");
  out.mounts_.cpu = usable(found.cpu, name, "cpu.cfs_quota_us");
  out.mounts_.pids = usable(found.pids, name, "pids.max");
  return out;
}

std::string Cgroups::version() const {
  if (!mounts_.unified.empty()) {
    return "2";
  }
  return folders("x").empty() ? "" : "1";
}

std::vector<std::string> Cgroups::folders(const std::string& id) const {
  std::vector<std::string> out;
  // Version 1 may have two controllers at one place.
  for (const std::string& mount : {mounts_.unified, mounts_.memory, mounts_.cpu, mounts_.pids}) {
    const std::string folder = mount + "/" + id;
    if (!mount.empty() && std::find(out.begin(), out.end(), folder) == out.end()) {
      out.push_back(folder);
    }
  }
  return out;
}

Result<std::vector<std::string>> Cgroups::make(const std::string& id,
                                               const CgroupLimits& limits) const {
  const std::vector<std::string> all = folders(id);
  const auto limited = [&]() -> Status {
    for (const std::string& folder : all) {
      TRIVET_CHECK_OK(make_folder(folder));
    }
    const std::string bytes = std::to_string(limits.memory_bytes);
    const std::string processes = std::to_string(limits.processes);
    if (!mounts_.unified.empty()) {
      const std::string group = mounts_.unified + "/" + id;
      TRIVET_CHECK_OK(put(group + "/memory.max", bytes));
      // Not there when the kernel has no swap accounting.
      static_cast<void>(put(group + "/memory.swap.max", "0"));
      TRIVET_CHECK_OK(put(group + "/pids.max", processes));
      return ok();
    }
    if (!mounts_.memory.empty()) {
      const std::string group = mounts_.memory + "/" + id;
      TRIVET_CHECK_OK(put(group + "/memory.limit_in_bytes", bytes));
      static_cast<void>(put(group + "/memory.memsw.limit_in_bytes", bytes));
    }
    if (!mounts_.pids.empty()) {
      TRIVET_CHECK_OK(put(mounts_.pids + "/" + id + "/pids.max", processes));
    }
    return ok();
  }();
  if (!limited) {
    static_cast<void>(remove(id));
    return limited.error();
  }
  return all;
}

Status Cgroups::set_cpu(const std::string& id, std::optional<std::int64_t> thousandths) const {
  const std::int64_t quota =
      thousandths ? std::max(kQuotaUsMin, kPeriodUs * *thousandths / 1'000) : -1;
  if (!mounts_.unified.empty()) {
    return put(mounts_.unified + "/" + id + "/cpu.max", thousandths
                                                            ? fmt::format("{} {}", quota, kPeriodUs)
                                                            : fmt::format("max {}", kPeriodUs));
  }
  if (!mounts_.cpu.empty()) {
    const std::string group = mounts_.cpu + "/" + id;
    TRIVET_CHECK_OK(put(group + "/cpu.cfs_period_us", std::to_string(kPeriodUs)));
    return put(group + "/cpu.cfs_quota_us", std::to_string(quota));
  }
  return ok();
}

MemoryUse Cgroups::memory(const std::string& id) const {
  MemoryUse out;
  if (!mounts_.unified.empty()) {
    const std::string group = mounts_.unified + "/" + id;
    out.now = number_in(group + "/memory.current");
    out.peak = std::max(number_in(group + "/memory.peak"), out.now);
  } else if (!mounts_.memory.empty()) {
    const std::string group = mounts_.memory + "/" + id;
    out.now = number_in(group + "/memory.usage_in_bytes");
    out.peak = std::max(number_in(group + "/memory.max_usage_in_bytes"), out.now);
  }
  return out;
}

std::int64_t Cgroups::out_of_memory(const std::string& id) const {
  if (!mounts_.unified.empty()) {
    return field_in(mounts_.unified + "/" + id + "/memory.events", "oom_kill");
  }
  return mounts_.memory.empty()
             ? 0
             : field_in(mounts_.memory + "/" + id + "/memory.oom_control", "oom_kill");
}

void Cgroups::kill_all(const std::string& id) const {
  if (!mounts_.unified.empty() && put(mounts_.unified + "/" + id + "/cgroup.kill", "1")) {
    return;
  }
  const std::vector<std::string> all = folders(id);
  if (all.empty()) {
    return;
  }
  // Until nobody new is found: what is killed in one round may have forked in it.
  std::set<pid_t> killed;
  for (int round = 0; round < kKillRounds; ++round) {
    const Result<std::string> members = read_file(all.front() + "/cgroup.procs");
    bool is_news = false;
    for (const std::string_view line :
         members ? split(*members, '\n') : std::vector<std::string_view>()) {
      pid_t pid = 0;
      std::from_chars(line.data(), line.data() + line.size(), pid);
      if (pid > 1) {
        is_news = killed.insert(pid).second || is_news;
        ::kill(pid, SIGKILL);
      }
    }
    if (!is_news) {
      return;
    }
  }
}

Status Cgroups::remove(const std::string& id) const {
  Status out = ok();
  for (const std::string& folder : folders(id)) {
    if (::rmdir(folder.c_str()) != 0 && errno != ENOENT) {
      out = make_error(errno == EBUSY ? Errc::kConflict : Errc::kInternal,
                       errno_message("rmdir " + folder, errno));
    }
  }
  return out;
}

void Cgroups::remove_root() const {
  for (const std::string& mount : {mounts_.unified, mounts_.memory, mounts_.cpu, mounts_.pids}) {
    if (!mount.empty()) {
      ::rmdir(mount.c_str());
    }
  }
}

std::vector<std::string> Cgroups::ids() const {
  std::set<std::string> out;
  for (const std::string& mount : {mounts_.unified, mounts_.memory, mounts_.cpu, mounts_.pids}) {
    std::error_code error;
    if (mount.empty()) {
      continue;
    }
    for (auto at = fs::directory_iterator(mount, error); !error && at != fs::directory_iterator();
         at.increment(error)) {
      if (at->is_directory(error)) {
        out.insert(at->path().filename());
      }
    }
  }
  return {out.begin(), out.end()};
}

}  // namespace trivet::sandbox
