// SPDX-License-Identifier: Apache-2.0
#include "base/network_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "base/file.h"

namespace trivet {

Status in_network_namespace(const std::string& path, const std::function<void()>& work) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return make_error(errno == ENOENT ? Errc::kNotFound : Errc::kUnavailable,
                      errno_message("open the network namespace " + path, errno));
  }
  int failure = 0;
  // The thread ends inside, so no thread of ours ever has to come back.
  std::thread inside([&] {
    if (::setns(fd, CLONE_NEWNET) != 0) {
      failure = errno;
      return;
    }
    work();
  });
  inside.join();
  ::close(fd);
  if (failure != 0) {
    return make_error(failure == EPERM ? Errc::kDenied : Errc::kUnavailable,
                      errno_message("enter the network namespace " + path, failure));
  }
  return ok();
}

}  // namespace trivet
