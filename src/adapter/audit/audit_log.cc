// SPDX-License-Identifier: Apache-2.0
#include "adapter/audit/audit_log.h"

#include <algorithm>
#include <utility>

#include "adapter/audit/record_text.h"
#include "base/log.h"
#include "base/mutex.h"

namespace trivet::audit {
namespace {

// More clusters than a host carries; deleted ones make room by being closed.
constexpr std::size_t kErrorFilesOpenMax = 64;
constexpr Millis kQueueFullPause{10};

// A name of a cluster is letters, digits and hyphens; anything else must not reach a path.
bool is_file_name(const std::string& name) {
  return !name.empty() && name.size() <= 63 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

}  // namespace

AuditLog::AuditLog(Options options)
    : options_(std::move(options)),
      file_(options_.file, options_.limits),
      worker_("audit", options_.queue_max) {}

AuditLog::~AuditLog() {
  worker_.stop();
}

void AuditLog::post(std::function<void()> write) {
  if (!worker_.post(std::move(write))) {
    ++dropped_;
  }
}

void AuditLog::add(const LoginRecord& record) {
  post([this, record] {
    write(audit_line(record));
    if (!record.is_accepted) {
      write_error(record);
    }
    options_.on_login(record);
  });
}

void AuditLog::add(const ApiRecord& record) {
  post([this, record] { write(audit_line(record)); });
}

void AuditLog::say_dropped() {
  const std::uint64_t dropped = dropped_;
  if (dropped == dropped_said_) {
    return;
  }
  const std::uint64_t count = dropped - dropped_said_;
  if (file_.write(dropped_line(options_.clock.wall_now(), count))) {
    dropped_said_ = dropped;
    log(Level::kError, "audit.dropped", {{"records", count}});
  }
}

void AuditLog::write(const std::string& line) {
  say_dropped();
  const Status written = file_.write(line);
  if (!written) {
    ++dropped_;
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
  const Status written = file->write(error_log_line(record));
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
    say_dropped();
    const MutexLock lock(flag->mutex);
    flag->is_set = true;
    flag->changed.notify_all();
  };
  const Instant end = options_.clock.now() + deadline;
  bool is_posted = false;
  const MutexLock lock(flag->mutex);
  while (!flag->is_set && options_.clock.now() < end) {
    is_posted = is_posted || worker_.post(set_flag);  // false while the queue is full
    const Millis left = since(options_.clock.now(), end);
    flag->changed.wait_for(flag->mutex, is_posted ? left : std::min(left, kQueueFullPause));
  }
}

}  // namespace trivet::audit
