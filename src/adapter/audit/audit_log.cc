// SPDX-License-Identifier: Apache-2.0
#include "adapter/audit/audit_log.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "adapter/audit/record_text.h"
#include "base/log.h"

namespace trivet::audit {
namespace {

// More clusters than a host carries; deleted ones make room by being closed.
constexpr std::size_t kErrorFilesOpenMax = 64;
constexpr Millis kGather{20};
constexpr std::size_t kWriteBytes = 65'536;  // at once, so that a full file is not much too long

// A name of a cluster is letters, digits and hyphens; anything else must not reach a path.
bool is_file_name(const std::string& name) {
  return !name.empty() && name.size() <= 63 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

// The whole lines at the begin of `rest`, one at least, which are taken off it.
std::string_view take_lines(std::string_view& rest) {
  std::size_t last = rest.size() - 1;
  if (rest.size() > kWriteBytes) {
    last = rest.rfind('\n', kWriteBytes - 1);
    last = last == std::string_view::npos ? rest.find('\n') : last;
  }
  const std::string_view lines = rest.substr(0, last + 1);
  rest.remove_prefix(last + 1);
  return lines;
}

}  // namespace

AuditLog::AuditLog(Options options)
    : options_(std::move(options)), file_(options_.file, options_.limits), worker_("audit") {}

AuditLog::~AuditLog() {
  worker_.stop();
}

void AuditLog::add(LoginRecord record) {
  const std::string line = audit_line(record);
  queue(line, record.is_accepted ? nullptr : &record);
}

void AuditLog::add(ApiRecord record) {
  queue(audit_line(record), nullptr);
}

void AuditLog::queue(const std::string& line, LoginRecord* refused) {
  const MutexLock lock(mutex_);
  if (queue_.records >= options_.queue_max) {
    ++dropped_;
    return;
  }
  queue_.lines += line;
  queue_.lines += '\n';
  if (refused != nullptr) {
    queue_.refused.push_back(std::move(*refused));
  }
  if (++queue_.records == 1) {
    worker_.post_after(kGather, [this] { write_queue(); });
  }
}

void AuditLog::write_queue() {
  taken_.lines.clear();
  taken_.records = 0;
  taken_.refused.clear();
  {
    const MutexLock lock(mutex_);
    std::swap(taken_, queue_);
  }
  for (std::string_view rest = taken_.lines; !rest.empty();) {
    write(take_lines(rest));
  }
  for (const LoginRecord& record : taken_.refused) {
    write_error(record);
    options_.on_refused(record);
  }
}

void AuditLog::say_dropped() {
  const std::uint64_t dropped = dropped_;
  if (dropped == dropped_said_) {
    return;
  }
  const std::uint64_t count = dropped - dropped_said_;
  if (file_.write(dropped_line(options_.clock.wall_now(), count) + '\n')) {
    dropped_said_ = dropped;
    log(Level::kError, "audit.dropped", {{"records", count}});
  }
}

void AuditLog::write(std::string_view lines) {
  say_dropped();
  const Status written = file_.write(lines);
  if (!written) {
    dropped_ += static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
    if (!is_failing_) {
      log(Level::kError, "audit.not_written", {{"error", written.error().message}});
    }
  }
  is_failing_ = !written;
}

void AuditLog::write_error(const LoginRecord& record) {
  if (!is_file_name(record.cluster)) {
    return;
  }
  if (errors_.size() >= kErrorFilesOpenMax && !errors_.contains(record.cluster)) {
    errors_.clear();
  }
  auto& file = errors_[record.cluster];
  if (!file) {
    file = std::make_unique<LineFile>(options_.errors_folder + "/" + record.cluster + ".log",
                                      options_.limits);
  }
  const Status written = file->write(error_log_line(record) + '\n');
  if (!written) {
    log(Level::kError, "audit.error_log_not_written", {{"error", written.error().message}});
  }
}

void AuditLog::flush(Millis deadline) {
  struct Flag {
    Mutex mutex;
    CondVar changed;
    bool is_set GUARDED_BY(mutex) = false;
  };
  // Shared: the worker may come to it after we gave up.
  const auto flag = std::make_shared<Flag>();
  const auto set_flag = [this, flag] {
    write_queue();
    say_dropped();
    const MutexLock lock(flag->mutex);
    flag->is_set = true;
    flag->changed.notify_all();
  };
  const Instant end = options_.clock.now() + deadline;
  worker_.post(set_flag);
  const MutexLock lock(flag->mutex);
  while (!flag->is_set && options_.clock.now() < end) {
    flag->changed.wait_for(flag->mutex, since(options_.clock.now(), end));
  }
}

}  // namespace trivet::audit
