// SPDX-License-Identifier: Apache-2.0
#include "adapter/event_spool/event_spool.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/file.h"
#include "base/log.h"

namespace trivet::event_spool {

namespace fs = std::filesystem;

// Of all events' names; write_file_atomically puts what is not whole beside them under others.
static constexpr std::string_view kSuffix = ".event";

Status FileSpool::put(const std::string& id, std::string_view record) {
  TRIVET_CHECK_OK(make_folders(root_, 0700));
  return write_file_atomically(root_ + "/" + id + std::string(kSuffix), record, 0600);
}

Status FileSpool::remove(const std::string& id) {
  const std::string path = root_ + "/" + id + std::string(kSuffix);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return make_error(Errc::kUnavailable, errno_message("unlink " + path, errno));
  }
  // Not synced: an event that comes back after a power cut runs again, which AWS allows too.
  return ok();
}

Result<std::vector<std::pair<std::string, std::string>>> FileSpool::list() {
  std::vector<std::pair<std::string, std::string>> out;
  std::error_code error;
  for (fs::directory_iterator it(root_, error), end; !error && it != end; it.increment(error)) {
    std::string name = it->path().filename();
    if (!name.ends_with(kSuffix)) {
      ::unlink(it->path().c_str());  // what a kill left half-written
      continue;
    }
    auto record = read_file(it->path());
    if (!record) {
      log(Level::kError, "functions.event_unreadable",
          {{"path", it->path().string()}, {"error", record.error().message}});
      continue;
    }
    name.resize(name.size() - kSuffix.size());
    out.emplace_back(std::move(name), std::move(*record));
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return make_error(Errc::kUnavailable, fmt::format("read {}: {}", root_, error.message()));
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace trivet::event_spool
