// SPDX-License-Identifier: Apache-2.0
#include "adapter/engine/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>
#include <vector>

#include "base/clock.h"
#include "base/file.h"

namespace trivet::engine {
namespace {

namespace fs = std::filesystem;

constexpr int kLockPauseMs = 50;
constexpr std::size_t kPage = 4096;
// Runs of zeros shorter than this stay: many little holes cost more than they save.
constexpr off_t kLeastHole = 65536;

Error failed(std::string_view what, const std::string& path, int number) {
  Errc code = Errc::kInternal;
  if (number == ENOENT) {
    code = Errc::kNotFound;
  } else if (number == EACCES || number == EPERM) {
    code = Errc::kDenied;
  } else if (number == EEXIST) {
    code = Errc::kAlreadyExists;
  }
  return make_error(code, errno_message(fmt::format("{} {}", what, path), number));
}

Error failed(std::string_view what, const std::string& path) {
  return failed(what, path, errno);
}

// Everything below `path`, folders before what is in them, `path` itself not.
Result<std::vector<fs::path>> entries_below(const std::string& path) {
  std::error_code error;
  std::vector<fs::path> out;
  for (auto at = fs::recursive_directory_iterator(path, error);
       !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    out.push_back(at->path());
  }
  if (error) {
    return failed("list", path, error.value());
  }
  return out;
}

Status copy_range(int in, int out, off_t from, off_t until) {
  off_t in_at = from;
  off_t out_at = from;
  while (in_at < until) {
    ssize_t n =
        ::copy_file_range(in, &in_at, out, &out_at, static_cast<std::size_t>(until - in_at), 0);
    if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)) {
      char buffer[65536];
      n = ::pread(in, buffer, std::min(sizeof buffer, static_cast<std::size_t>(until - in_at)),
                  in_at);
      if (n > 0) {
        n = ::pwrite(out, buffer, static_cast<std::size_t>(n), out_at);
        in_at += std::max<ssize_t>(n, 0);
        out_at += std::max<ssize_t>(n, 0);
      }
    }
    if (n < 0 && errno != EINTR) {
      return make_error(Errc::kInternal, errno_message("copy", errno));
    }
    if (n == 0) {
      return ok();  // it became shorter
    }
  }
  return ok();
}

Status copy_content(int in, int out, off_t size) {
  if (::ioctl(out, FICLONE, in) == 0) {
    return ok();
  }
  if (::ftruncate(out, size) != 0) {
    return make_error(Errc::kInternal, errno_message("size", errno));
  }
  for (off_t at = 0; at < size;) {
    const off_t data = ::lseek(in, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) {
      return ok();  // only a hole is left
    }
    off_t hole = data < 0 ? -1 : ::lseek(in, data, SEEK_HOLE);
    if (data < 0 || hole < 0) {
      return copy_range(in, out, at, size);  // a file system that knows of no holes
    }
    TRIVET_CHECK_OK(copy_range(in, out, data, hole));
    at = hole;
  }
  return ok();
}

Status set_owner(int fd, const std::optional<RunAs>& owner, const std::string& path) {
  if (owner && ::fchown(fd, owner->uid, owner->gid) != 0) {
    return failed("chown", path);
  }
  return ok();
}

Status copy_file(const std::string& from, const std::string& to, const CopyOptions& options) {
  const Fd in(::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat facts{};
  if (!in.is_open() || ::fstat(in.get(), &facts) != 0) {
    return failed("open", from);
  }
  const Fd out(::open(to.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!out.is_open()) {
    return failed("create", to);
  }
  if (Status copied = copy_content(in.get(), out.get(), facts.st_size); !copied) {
    return make_error(copied.error().code, fmt::format("{}: {}", to, copied.error().message));
  }
  if (!options.reserved_folder.empty() && facts.st_size > 0 &&
      fs::path(to).parent_path().filename() == options.reserved_folder) {
    const int number = ::posix_fallocate(out.get(), 0, facts.st_size);
    if (number != 0) {
      return failed("make room for", to, number);
    }
  }
  TRIVET_CHECK_OK(set_owner(out.get(), options.owner, to));
  // After chown, which clears the set-id bits.
  return ::fchmod(out.get(), facts.st_mode & 07777) == 0 ? ok() : Status(failed("chmod", to));
}

Status copy_folder(const std::string& from, const std::string& to, const CopyOptions& options) {
  struct stat facts{};
  if (::stat(from.c_str(), &facts) != 0) {
    return failed("stat", from);
  }
  if (::mkdir(to.c_str(), 0700) != 0) {
    return failed("mkdir", to);
  }
  const Fd folder(::open(to.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open()) {
    return failed("open", to);
  }
  TRIVET_CHECK_OK(set_owner(folder.get(), options.owner, to));
  return ::fchmod(folder.get(), facts.st_mode & 07777) == 0 ? ok() : Status(failed("chmod", to));
}

Status copy_one(const fs::path& from, const std::string& to, const CopyOptions& options) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(from, error);
  if (fs::is_directory(status)) {
    return copy_folder(from, to, options);
  }
  if (fs::is_regular_file(status)) {
    return copy_file(from, to, options);
  }
  if (fs::is_symlink(status)) {
    fs::copy_symlink(from, to, error);
    return error ? Status(failed("link", to, error.value())) : ok();
  }
  return make_error(Errc::kInvalidArgument,
                    fmt::format("{} is neither a file nor a folder", from.string()));
}

struct Range {
  off_t begin = 0;
  off_t end = 0;
};

// The runs of whole zero pages of a file.
Result<std::vector<Range>> zero_ranges(int fd, const std::string& path) {
  std::vector<Range> out;
  std::vector<char> buffer(std::size_t{1} << 20);
  for (off_t at = 0;;) {
    const ssize_t n = ::pread(fd, buffer.data(), buffer.size(), at);
    if (n < 0) {
      return failed("read", path);
    }
    if (n == 0) {
      return out;
    }
    for (std::size_t page = 0; page + kPage <= static_cast<std::size_t>(n); page += kPage) {
      const char* const bytes = buffer.data() + page;
      if (!std::all_of(bytes, bytes + kPage, [](char c) { return c == 0; })) {
        continue;
      }
      const off_t begin = at + static_cast<off_t>(page);
      if (out.empty() || out.back().end != begin) {
        out.push_back({begin, begin});
      }
      out.back().end = begin + static_cast<off_t>(kPage);
    }
    at += n;
  }
}

Status punch_file(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!file.is_open()) {
    return failed("open", path);
  }
  TRIVET_TRY(const std::vector<Range> ranges, zero_ranges(file.get(), path));
  for (const Range& range : ranges) {
    if (range.end - range.begin >= kLeastHole &&
        ::fallocate(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, range.begin,
                    range.end - range.begin) != 0) {
      return errno == EOPNOTSUPP ? ok() : Status(failed("punch a hole into", path));
    }
  }
  return ok();
}

Status sync_one(const std::string& path, int flags) {
  const Fd file(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW));
  if (!file.is_open() || ::fsync(file.get()) != 0) {
    return failed("fsync", path);
  }
  return ok();
}

}  // namespace

Result<Fd> lock_file(const std::string& path, LockKind kind, Millis timeout,
                     const std::function<void()>& on_wait) {
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.is_open()) {
    return failed("open", path);
  }
  const SystemClock clock;
  const Instant until = clock.now() + timeout;
  const int operation = (kind == LockKind::kShared ? LOCK_SH : LOCK_EX) | LOCK_NB;
  for (bool first = true;; first = false) {
    if (::flock(file.get(), operation) == 0) {
      return file;
    }
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return failed("lock", path);
    }
    if (clock.now() >= until) {
      return make_error(Errc::kTimeout, fmt::format("another process keeps {} locked", path));
    }
    if (first && on_wait) {
      on_wait();
    }
    ::poll(nullptr, 0, kLockPauseMs);
  }
}

bool exists(const std::string& path) {
  struct stat facts{};
  return ::lstat(path.c_str(), &facts) == 0;
}

bool is_folder(const std::string& path) {
  struct stat facts{};
  return ::stat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode);
}

bool is_file(const std::string& path) {
  struct stat facts{};
  return ::stat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode);
}

Status remove_tree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  return error ? Status(failed("remove", path, error.value())) : ok();
}

Status rename_path(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    return failed(fmt::format("rename {} to", from), to);
  }
  return sync_one(fs::path(to).parent_path(), O_RDONLY | O_DIRECTORY);
}

Result<std::uint64_t> free_bytes(const std::string& path) {
  struct statvfs facts{};
  if (::statvfs(path.c_str(), &facts) != 0) {
    return failed("look for free space at", path);
  }
  return static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize;
}

Result<TreeSize> tree_size(const std::string& path) {
  TRIVET_TRY(const std::vector<fs::path> entries, entries_below(path));
  TreeSize size;
  for (const fs::path& entry : entries) {
    struct stat facts{};
    if (::lstat(entry.c_str(), &facts) == 0 && S_ISREG(facts.st_mode)) {
      ++size.files;
      size.bytes += static_cast<std::uint64_t>(facts.st_size);
      size.allocated += static_cast<std::uint64_t>(facts.st_blocks) * 512;
    }
  }
  return size;
}

Status copy_tree(const std::string& from, const std::string& to, const CopyOptions& options) {
  if (exists(to)) {
    return make_error(Errc::kAlreadyExists, fmt::format("{} is already there", to));
  }
  TRIVET_TRY(const std::vector<fs::path> entries, entries_below(from));
  Status status = copy_folder(from, to, options);
  for (auto at = entries.begin(); status && at != entries.end(); ++at) {
    const std::string below = at->string().substr(from.size());
    status = copy_one(*at, to + below, options);
  }
  if (!status) {
    static_cast<void>(remove_tree(to));
  }
  return status;
}

Status copy_one_file(const std::string& from, const std::string& to, unsigned mode) {
  std::error_code error;
  const fs::path real = fs::canonical(from, error);
  if (error) {
    return failed("open", from, error.value());
  }
  TRIVET_CHECK_OK(copy_file(real.string(), to, CopyOptions{}));
  return ::chmod(to.c_str(), mode) == 0 ? ok() : Status(failed("chmod", to));
}

Status make_folders_exactly(const std::string& path, unsigned mode) {
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), mode) == 0) {
      if (::chmod(part.c_str(), mode) != 0) {
        return failed("chmod", part);
      }
    } else if (errno != EEXIST) {
      return failed("mkdir", part);
    }
    if (at == std::string::npos) {
      return ok();
    }
  }
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code error;
  for (auto at = fs::directory_iterator(folder, error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    out.push_back(at->path().filename());
  }
  std::sort(out.begin(), out.end());
  return out;
}

Status punch_holes(const std::string& path) {
  TRIVET_TRY(const std::vector<fs::path> entries, entries_below(path));
  for (const fs::path& entry : entries) {
    if (fs::is_regular_file(fs::symlink_status(entry))) {
      TRIVET_CHECK_OK(punch_file(entry));
    }
  }
  return ok();
}

Status sync_tree(const std::string& path) {
  TRIVET_TRY(const std::vector<fs::path> entries, entries_below(path));
  // The kernel starts writing all of it before we wait for the first one.
  for (const fs::path& entry : entries) {
    if (is_file(entry) && !fs::is_symlink(entry)) {
      const Fd file(::open(entry.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
      if (file.is_open()) {
        ::sync_file_range(file.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
      }
    }
  }
  for (const fs::path& entry : entries) {
    std::error_code error;
    const fs::file_status status = fs::symlink_status(entry, error);
    if (fs::is_regular_file(status)) {
      TRIVET_CHECK_OK(sync_one(entry, O_RDONLY));
    } else if (fs::is_directory(status)) {
      TRIVET_CHECK_OK(sync_one(entry, O_RDONLY | O_DIRECTORY));
    }
  }
  return sync_one(path, O_RDONLY | O_DIRECTORY);
}

Status give_tree(const std::string& path, const RunAs& owner) {
  TRIVET_TRY(std::vector<fs::path> entries, entries_below(path));
  entries.emplace_back(path);
  for (const fs::path& entry : entries) {
    if (::lchown(entry.c_str(), owner.uid, owner.gid) != 0) {
      return failed("chown", entry);
    }
  }
  return ok();
}

}  // namespace trivet::engine
