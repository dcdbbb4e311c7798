// SPDX-License-Identifier: Apache-2.0
//
// trivet audit: reads the files of the audit log, without the daemon.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "cli/admin_client.h"
#include "cli/audit_list.h"
#include "cli/commands.h"

namespace trivet::cli {
namespace {

constexpr int kFullOnesMax = 5;  // AUDIT.LOG.1 to .5, the last one the oldest
constexpr Millis kLookEvery{200};
// The daemon writes a record within 20 ms of what it is about.
constexpr Millis kWritten{50};

// Lines of one file, as far as it is written.
class Reader {
 public:
  explicit Reader(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), errno_(fd_ < 0 ? errno : 0) {}
  ~Reader() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  bool is_open() const { return fd_ >= 0; }
  int error() const { return errno_; }
  // Whether `path` is still this file, not one that came after it.
  bool is_at(const std::string& path) const {
    struct stat here{};
    struct stat there{};
    return ::fstat(fd_, &here) == 0 && ::stat(path.c_str(), &there) == 0 &&
           here.st_ino == there.st_ino && here.st_dev == there.st_dev;
  }
  // Calls `take` with each line that is whole by now.
  void read_lines(const std::function<void(std::string_view)>& take) {
    std::array<char, 65536> buffer;
    ssize_t count = 0;
    while ((count = ::read(fd_, buffer.data(), buffer.size())) > 0) {
      rest_.append(buffer.data(), static_cast<std::size_t>(count));
      std::size_t begin = 0;
      for (std::size_t end = 0; (end = rest_.find('\n', begin)) != std::string::npos;
           begin = end + 1) {
        take(std::string_view(rest_).substr(begin, end - begin));
      }
      rest_.erase(0, begin);
    }
  }

 private:
  const int fd_;
  const int errno_;
  std::string rest_;
};

void show(std::string_view line, bool as_json) {
  print(as_json ? std::string(line) + "\n" : render_audit(line));
}

// Until somebody interrupts it.
[[noreturn]] void follow(const std::string& path, std::unique_ptr<Reader> reader,
                         const AuditOptions& options) {
  const auto take = [&options](std::string_view line) {
    if (is_chosen(line, options.choice)) {
      show(line, options.json);
    }
  };
  while (true) {
    if (!reader->is_open() || !reader->is_at(path)) {
      auto next = std::make_unique<Reader>(path);
      if (next->is_open()) {
        if (reader->is_open()) {
          reader->read_lines(take);  // what was written before it became FILE.1
        }
        reader = std::move(next);
      }
    }
    if (reader->is_open()) {
      reader->read_lines(take);
    }
    wait_for(kLookEvery);
  }
}

}  // namespace

Result<int> run_audit(const Context& context, const AuditOptions& given) {
  AuditOptions options = given;
  if (options.minutes > 0) {
    options.choice.from = SystemClock().wall_now() - std::chrono::minutes(options.minutes);
  }
  const auto names = cluster_names(context.paths);
  if (names) {
    wait_for(kWritten);
    if (!options.choice.cluster.empty() &&
        std::find(names->begin(), names->end(), options.choice.cluster) == names->end()) {
      say(fmt::format("note: there is no cluster '{}' now", options.choice.cluster));
    }
  }
  const std::string path = context.paths.audit_log();
  std::deque<std::string> last;
  const auto take = [&](std::string_view line) {
    if (!is_chosen(line, options.choice)) {
      return;
    }
    last.emplace_back(line);
    if (options.last > 0 && last.size() > static_cast<std::size_t>(options.last)) {
      last.pop_front();
    }
  };
  for (int i = kFullOnesMax; i > 0; --i) {
    Reader full(path + "." + std::to_string(i));
    if (full.is_open()) {
      full.read_lines(take);
    }
  }
  auto newest = std::make_unique<Reader>(path);
  if (newest->is_open()) {
    newest->read_lines(take);
  } else if (newest->error() != ENOENT) {
    return make_error(Errc::kDenied,
                      fmt::format("{} cannot be read: {}{}", path, std::strerror(newest->error()),
                                  run_as_owner(context.paths.home)));
  }
  if (last.empty() && !options.follow) {
    say("no record of that is in the audit log");
  }
  for (const std::string& line : last) {
    show(line, options.json);
  }
  if (options.follow) {
    follow(path, std::move(newest), options);
  }
  return kExitOk;
}

}  // namespace trivet::cli
