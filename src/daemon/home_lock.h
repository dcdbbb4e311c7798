// SPDX-License-Identifier: Apache-2.0
//
// One daemon at a time for each home.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/file.h"
#include "base/result.h"

namespace trivet::daemon {

// Given back by the kernel however we end.
class HomeLock {
 public:
  HomeLock() = default;
  HomeLock(const HomeLock&) = delete;
  HomeLock& operator=(const HomeLock&) = delete;
  ~HomeLock() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Status take(const std::string& path) {
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0) {
      return make_error(Errc::kDenied, errno_message("open " + path, errno));
    }
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      return make_error(
          Errc::kAlreadyExists,
          "another trivetd runs on this home: `trivet status` shows it, `trivet down` stops it");
    }
    return ok();
  }

 private:
  int fd_ = -1;
};

}  // namespace trivet::daemon
