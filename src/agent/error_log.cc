// SPDX-License-Identifier: Apache-2.0
#include "agent/error_log.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agent/own_file.h"
#include "base/file.h"

namespace trivet::agent {
namespace {

constexpr std::size_t kCopyBlock = 8U << 20U;

}  // namespace

Result<ErrorLog::Look> ErrorLog::look(WallTime now) {
  const Fd file = open_own(path_, O_RDWR);
  struct stat found{};
  if (!file.is_open() || ::fstat(file.get(), &found) != 0) {
    return make_error(errno == ENOENT ? Errc::kNotFound : Errc::kInternal,
                      errno_message("open " + path_, errno));
  }
  const auto size = static_cast<std::uint64_t>(found.st_size);
  Look out;
  out.written = size_ && *size_ <= size ? size - *size_ : 0;
  size_ = size;
  if (size > limits_.bytes_max) {
    TRIVET_CHECK_OK(shorten(file.get(), size, now, out));
  }
  return out;
}

// A spin writes as much again in a second: what it said first, and what was before it, are worth
// more than its last gigabyte.
Status ErrorLog::shorten(int file, std::uint64_t size, WallTime now, Look& out) {
  struct stat old{};
  const bool is_recent =
      ::lstat(old_path_.c_str(), &old) == 0 &&
      wall_time_from_ms(std::int64_t{old.st_mtim.tv_sec} * 1'000) + limits_.moved_every > now;
  const bool is_copied = !is_recent && copy_to_old(file, out);
  const std::uint64_t left = is_copied ? 0 : limits_.bytes_kept;
  if (!is_copied) {
    out.cut = size - left;
  }
  if (::ftruncate(file, static_cast<off_t>(left)) != 0) {
    return make_error(Errc::kInternal, errno_message("truncate " + path_, errno));
  }
  size_ = left;
  return ok();
}

// A copy, as mysqld goes on with the file that it has open. Whatever comes in while it is made is
// in it, but for what a last moment brings; a flood is not waited for to its end.
bool ErrorLog::copy_to_old(int file, Look& out) const {
  const std::string unfinished = old_path_ + ".new";
  ::unlink(unfinished.c_str());
  const Fd copy = open_own(unfinished, O_WRONLY | O_CREAT | O_EXCL);
  off_t at = 0;
  ssize_t sent = copy.is_open() ? 1 : -1;
  while (sent > 0 && static_cast<std::uint64_t>(at) < 2 * limits_.bytes_max) {
    sent = ::sendfile(copy.get(), file, &at, kCopyBlock);
  }
  struct stat found{};
  if (sent < 0 || ::fstat(file, &found) != 0 ||
      ::fchown(copy.get(), found.st_uid, found.st_gid) != 0 ||
      ::rename(unfinished.c_str(), old_path_.c_str()) != 0) {
    ::unlink(unfinished.c_str());
    return false;
  }
  out.moved = static_cast<std::uint64_t>(at);
  out.cut = static_cast<std::uint64_t>(std::max<off_t>(0, found.st_size - at));
  return true;
}

}  // namespace trivet::agent
