// SPDX-License-Identifier: Apache-2.0
#include "agent/log_end.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agent/own_file.h"
#include "base/fd.h"
#include "base/file.h"

namespace trivet::agent {
namespace {

constexpr std::size_t kBlock = 1U << 20U;
constexpr std::string_view kIndex = "/binlog.index";
constexpr std::uint64_t kIndexBytesMax = 1U << 26U;

Result<Fd> open_existing(const std::string& path, int flags) {
  Fd file = open_own(path, flags);
  if (!file.is_open()) {
    const Errc code = errno == ENOENT  ? Errc::kNotFound
                      : errno == EPERM ? Errc::kCorrupt
                                       : Errc::kInternal;
    return make_error(code, errno_message("open " + path, errno));
  }
  return file;
}

Result<std::uint64_t> size_of(const Fd& file, const std::string& path) {
  struct stat found{};
  if (::fstat(file.get(), &found) != 0) {
    return make_error(Errc::kInternal, errno_message("stat " + path, errno));
  }
  return static_cast<std::uint64_t>(found.st_size);
}

// Up to `length` bytes; fewer only at the file's end.
Result<std::string> read_at(const Fd& file, std::uint64_t offset, std::size_t length) {
  std::string out(length, '\0');
  std::size_t done = 0;
  while (done < length) {
    const ssize_t got =
        ::pread(file.get(), out.data() + done, length - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return make_error(Errc::kInternal, errno_message("read the binary log", errno));
    }
    if (got == 0) {
      break;
    }
    done += static_cast<std::size_t>(got);
  }
  out.resize(done);
  return out;
}

Status write_all(const Fd& file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(file.get(), bytes.data(), bytes.size());
    if (put < 0 && errno != EINTR) {
      return make_error(Errc::kInternal, errno_message("write a copy of the binary log", errno));
    }
    bytes.remove_prefix(put < 0 ? 0 : static_cast<std::size_t>(put));
  }
  return ok();
}

// Reads ahead: a scan goes forward, some bytes at a time.
class Window {
 public:
  explicit Window(const Fd& file) : file_(file) {}
  // Valid until the next call. Shorter only at the file's end.
  Result<std::string_view> at(std::uint64_t offset, std::size_t length) {
    if (offset < begin_ || offset + length > begin_ + bytes_.size()) {
      TRIVET_TRY(bytes_, read_at(file_, offset, std::max(length, kBlock)));
      begin_ = offset;
    }
    return std::string_view(bytes_).substr(offset - begin_, length);
  }

 private:
  const Fd& file_;
  std::uint64_t begin_ = 0;
  std::string bytes_;
};

LogEnd unreadable(std::string file, std::string why) {
  LogEnd out;
  out.file = std::move(file);
  out.tail.unreadable = std::move(why);
  return out;
}

// The last name in the index; empty when there is none that mysqld would write.
Result<std::string> last_name(const std::string& data) {
  const std::string path = data + std::string(kIndex);
  TRIVET_TRY(const Fd file, open_existing(path, O_RDONLY));
  TRIVET_TRY(const std::uint64_t size, size_of(file, path));
  if (size > kIndexBytesMax) {
    return std::string();
  }
  TRIVET_TRY(std::string text, read_at(file, 0, static_cast<std::size_t>(size)));
  if (!text.ends_with('\n')) {
    return std::string();
  }
  text.pop_back();
  std::string name = text.substr(text.rfind('\n') + 1);
  if (name.starts_with("./")) {
    name.erase(0, 2);
  }
  return name.find('/') == std::string::npos ? name : std::string();
}

Status sync_folder_of(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/'));
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open() || ::fsync(fd.get()) != 0) {
    return make_error(Errc::kInternal, errno_message("fsync " + folder, errno));
  }
  return ok();
}

}  // namespace

Result<LogEnd> read_log_end(const std::string& data, const gtid::GtidSet& writer_held) {
  const auto name = last_name(data);
  if (!name && name.error().code == Errc::kInternal) {
    return name.error();
  }
  if (!name || name->empty()) {
    return unreadable("", name ? "its index names no file" : name.error().message);
  }
  const std::string path = data + "/" + *name;
  const auto file = open_existing(path, O_RDONLY);
  if (!file) {
    return file.error().code == Errc::kInternal
               ? Result<LogEnd>(file.error())
               : Result<LogEnd>(unreadable(path, file.error().message));
  }
  TRIVET_TRY(const std::uint64_t size, size_of(*file, path));
  binlog::TailScanner scanner(writer_held, size);
  Window window(*file);
  while (const auto want = scanner.want()) {
    TRIVET_TRY(const std::string_view bytes, window.at(want->offset, want->length));
    if (bytes.size() != want->length) {
      return make_error(Errc::kInternal, path + " became shorter while it was read");
    }
    scanner.give(bytes);
  }
  return LogEnd{path, scanner.tail()};
}

Status copy_tail(const LogEnd& log, const std::string& to) {
  TRIVET_TRY(const Fd from, open_existing(log.file, O_RDONLY));
  const Fd copy(::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!copy.is_open()) {
    return make_error(Errc::kInternal, errno_message("open " + to, errno));
  }
  TRIVET_TRY(const std::string preamble,
             read_at(from, 0, static_cast<std::size_t>(log.tail.preamble)));
  TRIVET_CHECK_OK(write_all(copy, preamble));
  std::uint64_t at = log.tail.begins_at;
  while (at < log.tail.file_bytes) {
    const std::size_t length =
        static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, log.tail.file_bytes - at));
    TRIVET_TRY(const std::string bytes, read_at(from, at, length));
    if (bytes.size() != length) {
      return make_error(Errc::kInternal, log.file + " became shorter while it was copied");
    }
    TRIVET_CHECK_OK(write_all(copy, bytes));
    at += length;
  }
  if (::fsync(copy.get()) != 0) {
    return make_error(Errc::kInternal, errno_message("fsync " + to, errno));
  }
  return sync_folder_of(to);
}

Status cut_tail(const LogEnd& log) {
  TRIVET_ASSERT(log.tail.begins_at >= log.tail.preamble && log.tail.preamble > 0);
  TRIVET_TRY(const Fd file, open_existing(log.file, O_WRONLY));
  TRIVET_TRY(const std::uint64_t size, size_of(file, log.file));
  if (size != log.tail.file_bytes) {
    return make_error(Errc::kConflict, log.file + " has changed since it was read");
  }
  if (::ftruncate(file.get(), static_cast<off_t>(log.tail.begins_at)) != 0 ||
      ::fsync(file.get()) != 0) {
    return make_error(Errc::kInternal, errno_message("truncate " + log.file, errno));
  }
  return ok();
}

}  // namespace trivet::agent
