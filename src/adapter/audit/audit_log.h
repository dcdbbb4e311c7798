// SPDX-License-Identifier: Apache-2.0
//
// The audit log and RDS's iam-db-auth-error log as files. A thread of its own writes them, so that
// a disk that hangs delays no login: what does not fit into the queue is counted, and said later.
// It writes what came in 20 ms at once: waking it for each login would cost more than the writing.
// Who adds a record makes its line: to hand the record over costs more than that.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/audit/line_file.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/worker.h"
#include "ports/audit_sink.h"

namespace trivet::audit {

// Thread-safe.
class AuditLog final : public AuditSink {
 public:
  struct Options {
    std::string file;           // "…/audit.log"
    std::string errors_folder;  // one file for each cluster: "…/iam-db-auth-error/CLUSTER.log"
    const Clock& clock;         // outlives the log
    LineFile::Limits limits{};
    std::size_t queue_max = 10'000;
    // Called on the log's thread with every refused login, after it was written.
    std::function<void(const LoginRecord&)> on_refused = [](const LoginRecord&) {};
  };
  explicit AuditLog(Options options);
  ~AuditLog() override;

  void add(LoginRecord record) override;
  void add(ApiRecord record) override;
  // Since the start: records that were lost, to a full queue or to a file that could not be
  // written.
  std::uint64_t dropped() const { return dropped_; }
  // Waits, at most that long, for what was added before to be written. The destructor drops the
  // rest.
  void flush(Millis deadline);

 private:
  // What waits for the worker.
  struct Queue {
    std::string lines;  // each with its end
    std::size_t records = 0;
    std::vector<LoginRecord> refused;
  };

  void queue(const std::string& line, LoginRecord* refused);
  void write_queue();
  void write(std::string_view lines);
  void write_error(const LoginRecord& record);
  void say_dropped();

  const Options options_;
  Mutex mutex_;
  Queue queue_ GUARDED_BY(mutex_);  // not empty: write_queue() is to come
  Queue taken_;                     // of the worker; its room is used again
  LineFile file_;                   // of the worker
  std::map<std::string, std::unique_ptr<LineFile>> errors_;  // of the worker
  std::uint64_t dropped_said_ = 0;                           // of the worker
  bool is_failing_ = false;                                  // of the worker
  std::atomic<std::uint64_t> dropped_ = 0;
  Worker worker_;  // last: it uses the others
};

}  // namespace trivet::audit
