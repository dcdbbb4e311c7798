// SPDX-License-Identifier: Apache-2.0
#include "adapter/audit/line_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/file.h"

namespace trivet::audit {

LineFile::~LineFile() {
  close();
}

void LineFile::close() {
  if (fd_ >= 0) {
    ::close(fd_);
    fd_ = -1;
  }
}

Status LineFile::open() {
  struct stat facts{};
  if (fd_ >= 0 && ::fstat(fd_, &facts) == 0 && facts.st_nlink > 0) {
    return ok();
  }
  close();
  const auto slash = path_.rfind('/');
  if (slash != std::string::npos) {
    TRIVET_CHECK_OK(make_folders(path_.substr(0, slash), 0700));
  }
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd_ < 0 || ::fstat(fd_, &facts) != 0) {
    return make_error(Errc::kUnavailable, errno_message("open " + path_, errno));
  }
  bytes_ = static_cast<std::size_t>(facts.st_size);
  return ok();
}

Status LineFile::rotate() {
  for (int i = limits_.kept; i > 0; --i) {
    const std::string from = i == 1 ? path_ : path_ + "." + std::to_string(i - 1);
    const std::string to = path_ + "." + std::to_string(i);
    if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) {
      return make_error(Errc::kUnavailable, errno_message("rename " + from, errno));
    }
  }
  if (limits_.kept == 0) {
    ::unlink(path_.c_str());
  }
  close();
  return open();
}

Status LineFile::write(std::string_view lines) {
  TRIVET_CHECK_OK(open());
  if (bytes_ > 0 && bytes_ + lines.size() > limits_.bytes_max) {
    TRIVET_CHECK_OK(rotate());
  }
  while (!lines.empty()) {
    const ssize_t count = ::write(fd_, lines.data(), lines.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return make_error(Errc::kUnavailable, errno_message("write " + path_, errno));
    }
    lines.remove_prefix(static_cast<std::size_t>(count));
    bytes_ += static_cast<std::size_t>(count);
  }
  return ok();
}

}  // namespace trivet::audit
