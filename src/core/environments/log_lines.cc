// SPDX-License-Identifier: Apache-2.0
#include "core/environments/log_lines.h"

#include <algorithm>
#include <cstdio>

namespace trivet::environments {
namespace {

std::string milliseconds(std::chrono::microseconds time) {
  char text[64];
  std::snprintf(text, sizeof text, "%.2f", static_cast<double>(time.count()) / 1'000.0);
  return text;
}

std::int64_t billed(std::chrono::microseconds time) {
  return (time.count() + 999) / 1'000;
}

}  // namespace

std::string start_line(std::string_view request_id, std::string_view version) {
  return "START RequestId: " + std::string(request_id) + " Version: " + std::string(version);
}

std::string end_line(std::string_view request_id) {
  return "END RequestId: " + std::string(request_id);
}

std::string init_start_line(std::string_view runtime, std::string_view runtime_version) {
  return "INIT_START Runtime Version: " + std::string(runtime) + ":" + std::string(runtime_version);
}

std::string timed_out(Millis timeout) {
  char text[96];
  std::snprintf(text, sizeof text, "Task timed out after %.2f seconds",
                static_cast<double>(timeout.count()) / 1'000.0);
  return text;
}

std::string timeout_line(std::string_view now_iso8601, std::string_view request_id,
                         Millis timeout) {
  return std::string(now_iso8601) + " " + std::string(request_id) + " " + timed_out(timeout);
}

std::string report_line(const Report& report) {
  const std::int64_t used = (report.memory_used_bytes + (1 << 20) - 1) >> 20;
  std::string out =
      "REPORT RequestId: " + std::string(report.request_id) +
      "\tDuration: " + milliseconds(report.duration) +
      " ms\tBilled Duration: " + std::to_string(billed(report.duration)) +
      " ms\tMemory Size: " + std::to_string(report.memory_mb) +
      " MB\tMax Memory Used: " + std::to_string(std::min<std::int64_t>(used, report.memory_mb)) +
      " MB\t";
  if (report.init_duration) {
    out += "Init Duration: " + milliseconds(*report.init_duration) + " ms\t";
  }
  if (!report.status.empty()) {
    out += "Status: " + std::string(report.status) + "\t";
  }
  return out;
}

void LogTail::add(std::string_view line) {
  if (line.size() >= kBytesMax) {
    text_.clear();
    line.remove_prefix(line.size() - kBytesMax + 1);
  }
  text_ += line;
  text_ += '\n';
  if (text_.size() > 2 * kBytesMax) {
    text_.erase(0, text_.size() - kBytesMax);
  }
}

std::string LogTail::text() const {
  return text_.size() <= kBytesMax ? text_ : text_.substr(text_.size() - kBytesMax);
}

}  // namespace trivet::environments
