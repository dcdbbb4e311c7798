// SPDX-License-Identifier: Apache-2.0
#include "agent/own_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace trivet::agent {

Fd open_own(const std::string& path, int flags) {
  Fd file(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  struct stat found{};
  if (file.is_open() &&
      (::fstat(file.get(), &found) != 0 || !S_ISREG(found.st_mode) || found.st_nlink != 1)) {
    file.close();
    errno = EPERM;
  }
  return file;
}

}  // namespace trivet::agent
