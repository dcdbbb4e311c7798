// SPDX-License-Identifier: Apache-2.0
#include "adapter/code_store/code_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <vector>

#include "adapter/code_store/unpack.h"
#include "base/bytes.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"

namespace trivet::code_store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPart = ".part";  // of a name: not whole yet

Error store_error(std::string_view what, const std::string& path) {
  return make_error(Errc::kUnavailable, errno_message(fmt::format("{} {}", what, path), errno));
}

Error as_disk_error(const Error& error) {
  return make_error(Errc::kUnavailable, error.message);
}

void remove_tree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) {
    log(Level::kWarning, "functions.code_not_removed",
        {{"path", path}, {"error", error.message()}});
  }
}

Status make_folder(const std::string& path, mode_t mode) {
  if ((::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) || ::chmod(path.c_str(), mode) != 0) {
    return store_error("mkdir", path);
  }
  return ok();
}

// Whatever the process's umask: the users of environments pass through it and its parent.
Status make_root(const std::string& root) {
  TRIVET_CHECK_OK(make_folders(root, 0711));
  const std::string parent = root.substr(0, root.rfind('/'));
  for (const std::string& folder : {parent, root}) {
    TRIVET_CHECK_OK(make_folder(folder, 0711));
  }
  return ok();
}

// All that was written to the file system of `path` is on disk.
Status sync_file_system(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool is_synced = fd >= 0 && ::syncfs(fd) == 0;
  const Status status = is_synced ? ok() : Status(store_error("syncfs", path));
  if (fd >= 0) {
    ::close(fd);
  }
  return status;
}

}  // namespace

// "facts" is the two sizes: "1234 5678".
Result<CodeRef> CodeStore::find(const std::string& id) const {
  TRIVET_TRY(const std::string facts, read_file(path_of(id) + "/facts"));
  CodeRef out{.id = id};
  const char* const end = facts.data() + facts.size();
  const auto [behind, error] = std::from_chars(facts.data(), end, out.archive_bytes);
  if (error != std::errc() || behind == end ||
      std::from_chars(behind + 1, end, out.unpacked_bytes).ec != std::errc()) {
    return make_error(Errc::kCorrupt, path_of(id) + "/facts cannot be read");
  }
  return out;
}

Result<CodeRef> CodeStore::fill(std::string_view archive, const std::string& id,
                                const std::string& into, std::int64_t unpacked_bytes_max) const {
  TRIVET_CHECK_OK(make_folder(into, 0711));
  TRIVET_CHECK_OK(make_folder(into + "/content", 0755));
  TRIVET_TRY(const std::int64_t unpacked,
             unpack(archive, into + "/content", {.bytes_max = unpacked_bytes_max}));
  const CodeRef out{.id = id,
                    .archive_bytes = static_cast<std::int64_t>(archive.size()),
                    .unpacked_bytes = unpacked};
  if (auto status = write_file_atomically(into + "/archive.zip", archive, 0600); !status) {
    return as_disk_error(status.error());
  }
  const std::string facts = fmt::format("{} {}", out.archive_bytes, out.unpacked_bytes);
  if (auto status = write_file_atomically(into + "/facts", facts, 0600); !status) {
    return as_disk_error(status.error());
  }
  TRIVET_CHECK_OK(sync_file_system(into));
  return out;
}

Result<CodeRef> CodeStore::put(std::string_view archive, std::int64_t unpacked_bytes_max) {
  const std::string id = to_hex(sha256(archive));
  const MutexLock lock(mutex_);
  if (const auto known = find(id)) {
    if (known->unpacked_bytes > unpacked_bytes_max) {
      return make_error(
          Errc::kInvalidArgument,
          fmt::format("Unzipped size must be smaller than {} bytes", unpacked_bytes_max));
    }
    return *known;
  }
  if (auto made = make_root(root_); !made) {
    return as_disk_error(made.error());
  }
  TRIVET_CHECK_OK(make_folder(root_, 0711));
  const std::string part = path_of(id) + std::string(kPart);
  remove_tree(part);
  auto filled = fill(archive, id, part, unpacked_bytes_max);
  if (!filled) {
    remove_tree(part);
    return filled.error();
  }
  remove_tree(path_of(id));  // one without facts
  if (::rename(part.c_str(), path_of(id).c_str()) != 0) {
    Error error = store_error("rename", part);
    remove_tree(part);
    return error;
  }
  TRIVET_CHECK_OK(sync_file_system(root_));
  return filled;
}

Result<std::string> CodeStore::archive(const std::string& id) const {
  return read_file(path_of(id) + "/archive.zip");
}

void CodeStore::keep_only(const std::set<std::string>& ids) {
  const MutexLock lock(mutex_);
  std::error_code error;
  std::vector<std::string> doomed;
  for (fs::directory_iterator it(root_, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename();
    if (!ids.contains(name)) {
      doomed.push_back(it->path());
    }
  }
  std::for_each(doomed.begin(), doomed.end(), remove_tree);
}

}  // namespace trivet::code_store
