// SPDX-License-Identifier: Apache-2.0
//
// The lines that Lambda itself writes into a function's log, and the last bytes of a log that an
// Invoke may ask for.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace trivet::environments {

std::string start_line(std::string_view request_id, std::string_view version);
std::string end_line(std::string_view request_id);
std::string init_start_line(std::string_view runtime, std::string_view runtime_version);
// "2026-01-02T03:04:05.678Z ID Task timed out after 3.00 seconds"
std::string timeout_line(std::string_view now_iso8601, std::string_view request_id, Millis timeout);
// "Task timed out after 3.00 seconds"
std::string timed_out(Millis timeout);

struct Report {
  std::string_view request_id;
  std::chrono::microseconds duration{0};
  std::int32_t memory_mb = 0;
  std::int64_t memory_used_bytes = 0;
  std::optional<std::chrono::microseconds> init_duration;  // on a cold start
  std::string_view status;                                 // "timeout", "error" or empty
};
std::string report_line(const Report& report);

// Keeps the last bytes of what it is given, whole lines where that is possible.
class LogTail {
 public:
  static constexpr std::size_t kBytesMax = 4'096;
  void add(std::string_view line);  // without its end
  std::string text() const;

 private:
  std::string text_;
};

// Splits what a process writes into lines: whole ones come out, the rest waits. A line that is
// longer than AWS's longest event is cut.
class LineSplitter {
 public:
  static constexpr std::size_t kLineBytesMax = 256 * 1024;
  template <typename Take>
  void add(std::string_view bytes, const Take& take) {
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      const std::string_view piece = bytes.substr(0, end);
      const std::size_t room = kLineBytesMax - partial_.size();
      partial_ += piece.substr(0, room);
      if (piece.size() > room) {
        flush(take);
        bytes.remove_prefix(room);
        continue;
      }
      if (end == std::string_view::npos) {
        return;
      }
      flush_line(take);
      bytes.remove_prefix(end + 1);
    }
  }
  // What is left without an end.
  template <typename Take>
  void flush(const Take& take) {
    if (!partial_.empty()) {
      flush_line(take);
    }
  }

 private:
  template <typename Take>
  void flush_line(const Take& take) {
    std::string line;
    line.swap(partial_);
    take(std::move(line));
  }
  std::string partial_;
};

}  // namespace trivet::environments
