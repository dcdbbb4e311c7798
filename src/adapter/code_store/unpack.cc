// SPDX-License-Identifier: Apache-2.0
#include "adapter/code_store/unpack.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "base/file.h"

namespace trivet::code_store {
namespace {

constexpr std::size_t kComponentMax = 255;
constexpr std::size_t kNameMax = 1024;
constexpr int kDepthMax = 64;

Error refused(std::string message) {
  return make_error(Errc::kInvalidArgument, std::move(message));
}

Error unreadable(std::string_view why) {
  return refused(fmt::format(
      "Could not unzip uploaded file. Please check your file, then try to upload again. ({})",
      why));
}

Error disk_error(std::string_view what, const std::string& path) {
  return make_error(Errc::kUnavailable, errno_message(fmt::format("{} {}", what, path), errno));
}

struct Discard {
  void operator()(zip_t* zip) const { zip_discard(zip); }
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using Archive = std::unique_ptr<zip_t, Discard>;
using ArchivedFile = std::unique_ptr<zip_file_t, Discard>;

Result<Archive> open_archive(std::string_view bytes) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  zip_t* zip = source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY, &error);
  std::string why = zip == nullptr ? zip_error_strerror(&error) : "";
  if (zip == nullptr && source != nullptr) {
    zip_source_free(source);
  }
  zip_error_fini(&error);
  if (zip == nullptr) {
    return unreadable(why);
  }
  return Archive(zip);
}

// The parts of a name: none leads out of the folder, or cannot be a file's name.
Result<std::vector<std::string>> components_of(std::string_view name) {
  const auto bad = [&](std::string_view why) {
    return unreadable(fmt::format("the name '{}' {}", name.substr(0, 100), why));
  };
  if (name.size() > kNameMax) {
    return bad("is too long");
  }
  if (name.empty() || name.starts_with('/')) {
    return bad("is not relative");
  }
  std::vector<std::string> out;
  std::string_view rest = name.ends_with('/') ? name.substr(0, name.size() - 1) : name;
  while (true) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part == "..") {
      return bad("leads out of the archive");
    }
    if (part.size() > kComponentMax) {
      return bad("is too long");
    }
    if (!part.empty() && part != ".") {
      out.emplace_back(part);
    }
    if (slash == std::string_view::npos) {
      break;
    }
    rest.remove_prefix(slash + 1);
  }
  if (out.size() > kDepthMax) {
    return bad("is nested too deep");
  }
  return out;
}

struct Entry {
  zip_uint64_t index = 0;
  std::vector<std::string> path;  // below the folder
  bool is_folder = false;
  bool is_executable = false;
};

Result<Entry> read_entry(zip_t* zip, zip_uint64_t index) {
  zip_stat_t stat;
  if (zip_stat_index(zip, index, ZIP_FL_ENC_RAW, &stat) != 0 || (stat.valid & ZIP_STAT_NAME) == 0) {
    return unreadable(zip_strerror(zip));
  }
  const std::string_view name = stat.name;
  TRIVET_TRY(auto path, components_of(name));
  if ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && stat.encryption_method != ZIP_EM_NONE) {
    return unreadable("it is encrypted");
  }
  Entry entry{.index = index, .path = std::move(path), .is_folder = name.ends_with('/')};
  zip_uint8_t system = 0;
  zip_uint32_t attributes = 0;
  if (zip_file_get_external_attributes(zip, index, 0, &system, &attributes) == 0 &&
      system == ZIP_OPSYS_UNIX) {
    const auto mode = static_cast<mode_t>(attributes >> 16);
    const mode_t kind = mode & S_IFMT;
    if (kind != 0 && kind != S_IFREG && kind != S_IFDIR) {
      return unreadable(
          fmt::format("'{}' is a {}", name.substr(0, 100),
                      kind == S_IFLNK ? "link; put the file itself there" : "special file"));
    }
    entry.is_folder = entry.is_folder || kind == S_IFDIR;
    entry.is_executable = (mode & 0111U) != 0;
  }
  if (entry.path.empty() && !entry.is_folder) {
    return unreadable("a file has no name");
  }
  return entry;
}

// Makes the folders of a path; its full name.
Result<std::string> make_path(const std::string& folder, const Entry& entry) {
  std::string path = folder;
  const std::size_t folders = entry.path.size() - (entry.is_folder ? 0 : 1);
  for (std::size_t i = 0; i < entry.path.size(); ++i) {
    path += "/" + entry.path[i];
    if (i >= folders) {
      continue;
    }
    if (::mkdir(path.c_str(), 0755) == 0) {
      if (::chmod(path.c_str(), 0755) != 0) {  // whatever the umask
        return disk_error("chmod", path);
      }
      continue;
    }
    struct stat found{};
    if (errno != EEXIST) {
      return disk_error("mkdir", path);
    }
    if (::lstat(path.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) {
      return unreadable(fmt::format("'{}' is both a file and a folder", entry.path[i]));
    }
  }
  return path;
}

class OpenFile {
 public:
  explicit OpenFile(int fd) : fd_(fd) {}
  ~OpenFile() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

Error too_large(std::int64_t bytes_max) {
  return refused(fmt::format("Unzipped size must be smaller than {} bytes", bytes_max));
}

// Writes one file, of at most `room` bytes; how many there were.
Result<std::int64_t> write_file(zip_t* zip, const Entry& entry, const std::string& path,
                                std::int64_t room, std::int64_t bytes_max) {
  const ArchivedFile in(zip_fopen_index(zip, entry.index, 0));
  if (in == nullptr) {
    return unreadable(zip_strerror(zip));
  }
  const mode_t mode = entry.is_executable ? 0755 : 0644;
  const OpenFile out(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode));
  if (out.fd() < 0) {
    return errno == EISDIR
               ? unreadable(fmt::format("'{}' is both a file and a folder", entry.path.back()))
               : disk_error("open", path);
  }
  if (::fchmod(out.fd(), mode) != 0) {
    return disk_error("chmod", path);
  }
  std::vector<char> buffer(64 * 1024);
  std::int64_t written = 0;
  while (true) {
    const zip_int64_t count = zip_fread(in.get(), buffer.data(), buffer.size());
    if (count < 0) {
      return unreadable(zip_file_strerror(in.get()));
    }
    if (count == 0) {
      return written;
    }
    written += count;
    if (written > room) {
      return too_large(bytes_max);
    }
    std::string_view rest(buffer.data(), static_cast<std::size_t>(count));
    while (!rest.empty()) {
      const ssize_t n = ::write(out.fd(), rest.data(), rest.size());
      if (n < 0 && errno != EINTR) {
        return disk_error("write", path);
      }
      rest.remove_prefix(n < 0 ? 0 : static_cast<std::size_t>(n));
    }
  }
}

}  // namespace

Result<std::int64_t> unpack(std::string_view archive, const std::string& folder,
                            const UnpackLimits& limits) {
  TRIVET_TRY(const Archive zip, open_archive(archive));
  const zip_int64_t count = zip_get_num_entries(zip.get(), 0);
  if (count <= 0) {
    return refused("Uploaded file must be a non-empty zip");
  }
  if (count > limits.entries_max) {
    return unreadable(fmt::format("it has more than {} entries", limits.entries_max));
  }
  std::int64_t total = 0;
  for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(count); ++i) {
    TRIVET_TRY(const Entry entry, read_entry(zip.get(), i));
    TRIVET_TRY(const std::string path, make_path(folder, entry));
    if (entry.is_folder) {
      continue;
    }
    TRIVET_TRY(const std::int64_t bytes,
               write_file(zip.get(), entry, path, limits.bytes_max - total, limits.bytes_max));
    total += bytes;
  }
  return total;
}

}  // namespace trivet::code_store
