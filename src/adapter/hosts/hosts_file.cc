// SPDX-License-Identifier: Apache-2.0
#include "adapter/hosts/hosts_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/fd.h"
#include "base/file.h"

namespace trivet::hosts {
namespace {

constexpr std::size_t kMostBytes = std::size_t{4} << 20;
constexpr int kLockTries = 100;
constexpr int kLockPauseMs = 20;

Error failed(std::string_view what, const std::string& path) {
  const int number = errno;
  Errc code = Errc::kInternal;
  if (number == EACCES || number == EPERM || number == EROFS) {
    code = Errc::kDenied;
  } else if (number == ENOENT) {
    code = Errc::kNotFound;
  }
  return make_error(code, errno_message(fmt::format("{} {}", what, path), number));
}

Status lock(int fd, const std::string& path) {
  for (int i = 0; i < kLockTries; ++i) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) {
      return ok();
    }
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return failed("lock", path);
    }
    ::poll(nullptr, 0, kLockPauseMs);
  }
  return make_error(Errc::kTimeout, fmt::format("another process keeps {} locked", path));
}

Result<std::string> read_all(int fd, const std::string& path) {
  std::string out;
  char buffer[16384];
  while (out.size() <= kMostBytes) {
    const ssize_t n = ::pread(fd, buffer, sizeof buffer, static_cast<off_t>(out.size()));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return failed("read", path);
    }
    if (n == 0) {
      return out;
    }
    out.append(buffer, static_cast<std::size_t>(n));
  }
  return make_error(Errc::kCorrupt, fmt::format("{} is larger than {} bytes", path, kMostBytes));
}

Status write_at(int fd, std::string_view content, off_t at, const std::string& path) {
  while (!content.empty()) {
    const ssize_t n = ::pwrite(fd, content.data(), content.size(), at);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return failed("write", path);
    }
    content.remove_prefix(static_cast<std::size_t>(n));
    at += n;
  }
  return ok();
}

// Resolvers read the file at any moment and we may be killed at any moment, so each step leaves a
// file that means the same or more: the space for a longer text is taken before a byte changes (a
// full disk then costs nothing), and a shorter one is first padded with empty lines to the old
// length by the same write and cut afterwards. Bytes before the first difference are not touched.
Status rewrite(int fd, std::string_view old, std::string_view next, const std::string& path) {
  std::size_t same = 0;
  while (same < old.size() && same < next.size() && old[same] == next[same]) {
    ++same;
  }
  if (next.size() > old.size() &&
      ::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(next.size())) != 0 &&
      errno != EOPNOTSUPP && errno != ENOSYS) {
    return failed("make room in", path);
  }
  std::string changed(next.substr(same));
  if (next.size() < old.size()) {
    changed.append(old.size() - next.size(), '\n');
  }
  TRIVET_CHECK_OK(write_at(fd, changed, static_cast<off_t>(same), path));
  if (next.size() < old.size() && ::ftruncate(fd, static_cast<off_t>(next.size())) != 0) {
    return failed("shorten", path);
  }
  if (::fsync(fd) != 0) {
    return failed("fsync", path);
  }
  return ok();
}

}  // namespace

HostsFile::HostsFile(std::string path, std::string installation)
    : path_(std::move(path)), installation_(std::move(installation)) {}

Status HostsFile::set_entries(const std::vector<Entry>& entries) const {
  const Fd file(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
  if (file.get() < 0) {
    return failed("open", path_);
  }
  TRIVET_CHECK_OK(lock(file.get(), path_));
  TRIVET_TRY(const std::string old, read_all(file.get(), path_));
  TRIVET_TRY(const std::string next, with_block(old, installation_, entries));
  return next == old ? ok() : rewrite(file.get(), old, next, path_);
}

Status HostsFile::remove_block() const {
  // Reading first: who may not write need not, when there is nothing to take out.
  const Result<std::string> now = read_file(path_);
  if (!now) {
    return now.error().code == Errc::kNotFound ? ok() : Status(now.error());
  }
  TRIVET_TRY(const std::string without, without_block(*now, installation_));
  return without == *now ? ok() : set_entries({});
}

bool HostsFile::is_writable() const {
  return ::access(path_.c_str(), R_OK | W_OK) == 0;
}

}  // namespace trivet::hosts
