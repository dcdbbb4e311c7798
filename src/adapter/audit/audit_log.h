// SPDX-License-Identifier: Apache-2.0
//
// The audit log and RDS's iam-db-auth-error log as files. A thread of its own writes them, so that
// a disk that hangs delays no login: what does not fit into the queue is counted, and said later.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "adapter/audit/line_file.h"
#include "base/clock.h"
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
    // Called on the log's thread with every login that is written.
    std::function<void(const LoginRecord&)> on_login = [](const LoginRecord&) {};
  };
  explicit AuditLog(Options options);
  ~AuditLog() override;

  void add(const LoginRecord& record) override;
  void add(const ApiRecord& record) override;
  // Since the start: records that were lost, to a full queue or to a file that could not be
  // written.
  std::uint64_t dropped() const { return dropped_; }
  // Waits, at most that long, for what was added before to be written. The destructor drops the
  // rest.
  void flush(Millis deadline);

 private:
  void post(std::function<void()> write);
  void write(const std::string& line);
  void write_error(const LoginRecord& record);
  void say_dropped();

  const Options options_;
  LineFile file_;                                            // of the worker
  std::map<std::string, std::unique_ptr<LineFile>> errors_;  // of the worker
  std::uint64_t dropped_said_ = 0;                           // of the worker
  bool is_failing_ = false;                                  // of the worker
  std::atomic<std::uint64_t> dropped_ = 0;
  Worker worker_;  // last: it uses the others
};

}  // namespace trivet::audit
