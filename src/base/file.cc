// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/fd.h"

namespace trivet {
namespace {

Error failed(std::string_view what, const std::string& path) {
  const int number = errno;
  return make_error(number == ENOENT ? Errc::kNotFound : Errc::kInternal,
                    errno_message(fmt::format("{} {}", what, path), number));
}

Status write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return failed("write", path);
    }
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return ok();
}

}  // namespace

std::string errno_message(std::string_view what, int number) {
  return fmt::format("{}: {} ({})", what, std::strerror(number), number);
}

Result<std::string> read_file(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    return failed("open", path);
  }
  std::string out;
  char buffer[16384];
  for (;;) {
    const ssize_t n = ::read(file.get(), buffer, sizeof buffer);
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
}

Status write_file_atomically(const std::string& path, std::string_view content, unsigned mode) {
  const std::string beside = fmt::format("{}.new.{}", path, ::getpid());
  {
    const Fd file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (file.get() < 0) {
      return failed("create", beside);
    }
    Status written = ::fchmod(file.get(), mode) == 0 ? write_all(file.get(), content, beside)
                                                     : Status(failed("set the mode of", beside));
    if (written && ::fsync(file.get()) != 0) {
      written = failed("fsync", beside);
    }
    if (!written) {
      ::unlink(beside.c_str());
      return written;
    }
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) {
    const Error error = failed("rename to", path);
    ::unlink(beside.c_str());
    return error;
  }
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Fd dir(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (dir.get() < 0 || ::fsync(dir.get()) != 0) {
    return failed("fsync", folder);
  }
  return ok();
}

Status make_folders(const std::string& path, unsigned mode) {
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST) {
      return failed("mkdir", part);
    }
    if (at == std::string::npos) {
      return ok();
    }
  }
}

}  // namespace trivet
