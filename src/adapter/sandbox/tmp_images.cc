// SPDX-License-Identifier: Apache-2.0
#include "adapter/sandbox/tmp_images.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/fd.h"
#include "base/file.h"

namespace trivet::sandbox {
namespace {

constexpr const char* kMkfs = "/usr/sbin/mkfs.ext4";
// Of the file, beside what the function may fill: the file system's own tables.
constexpr std::int64_t kOverheadPercent = 4;
constexpr std::int64_t kOverheadBytes = std::int64_t{4} << 20;

Error image_error(const std::string& what) {
  return make_error(Errc::kInternal, errno_message(what, errno));
}

Status run_mkfs(const std::string& path) {
  // No journal: nothing in it outlives its environment. One inode for 16 KiB is plenty.
  std::array<std::string, 11> arguments = {kMkfs,
                                           "-q",
                                           "-F",
                                           "-m",
                                           "0",
                                           "-i",
                                           "16384",
                                           "-O",
                                           "^has_journal",
                                           "-E",
                                           "lazy_itable_init=1,nodiscard"};
  std::array<char*, 13> argv{};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    argv[i] = arguments[i].data();
  }
  std::string file = path;
  argv[arguments.size()] = file.data();
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  for (const int fd : {0, 1, 2}) {
    ::posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
  }
  char* const no_environment[] = {nullptr};
  pid_t pid = 0;
  const int number = ::posix_spawn(&pid, kMkfs, &actions, nullptr, argv.data(), no_environment);
  ::posix_spawn_file_actions_destroy(&actions);
  if (number != 0) {
    return make_error(Errc::kInternal, errno_message(std::string("run ") + kMkfs, number));
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status == 0 ? ok()
                     : Status(make_error(Errc::kInternal,
                                         fmt::format("{} failed (status {})", kMkfs, status)));
}

// Only what is written in it; the rest stays holes.
Status copy_sparse(const std::string& from, const std::string& to) {
  const Fd in(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  const Fd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  struct stat found{};
  if (!in.is_open() || !out.is_open() || ::fstat(in.get(), &found) != 0) {
    return image_error("copy " + from);
  }
  if (::ioctl(out.get(), FICLONE, in.get()) == 0) {
    return ok();
  }
  if (::ftruncate(out.get(), found.st_size) != 0) {
    return image_error("make " + to);
  }
  off_t at = 0;
  while ((at = ::lseek(in.get(), at, SEEK_DATA)) >= 0) {
    const off_t end = ::lseek(in.get(), at, SEEK_HOLE);
    off_t source = at;
    off_t target = at;
    while (source < end) {
      const ssize_t copied = ::copy_file_range(in.get(), &source, out.get(), &target,
                                               static_cast<std::size_t>(end - source), 0);
      if (copied <= 0) {
        return image_error("copy " + from);
      }
    }
    at = end;
  }
  return ok();
}

}  // namespace

Status TmpImages::check() const {
  if (::access(kMkfs, X_OK) != 0) {
    return make_error(Errc::kNotFound, fmt::format("{} is not there (package e2fsprogs)", kMkfs));
  }
  if (::access("/dev/loop-control", R_OK | W_OK) != 0) {
    return make_error(Errc::kNotFound, "there are no loop devices");
  }
  return ok();
}

Result<std::string> TmpImages::pattern(std::int32_t megabytes) {
  const std::string path = fmt::format("{}/.tmp-{}.img", folder_, megabytes);
  if (::access(path.c_str(), R_OK) == 0) {
    return path;
  }
  const std::string partial = path + ".partial";
  ::unlink(partial.c_str());
  const std::int64_t wanted = std::int64_t{megabytes} << 20;
  {
    const Fd file(::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.is_open() ||
        ::ftruncate(file.get(), wanted + wanted * kOverheadPercent / 100 + kOverheadBytes) != 0) {
      return image_error("make " + partial);
    }
  }
  TRIVET_CHECK_OK(run_mkfs(partial));
  if (::rename(partial.c_str(), path.c_str()) != 0) {
    return image_error("rename " + partial);
  }
  return path;
}

Status TmpImages::make(const std::string& path, std::int32_t megabytes) {
  std::string from;
  {
    const MutexLock lock(mutex_);
    TRIVET_TRY(from, pattern(megabytes));
  }
  return copy_sparse(from, path);
}

}  // namespace trivet::sandbox
