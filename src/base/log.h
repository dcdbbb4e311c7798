// SPDX-License-Identifier: Apache-2.0
//
// One line an event: `2026-01-02T03:04:05.678Z info  failover.completed cluster=demo ms=112`, or
// the same as one JSON object. Events have dotted names; everything that varies is a field. Never a
// token, a signature or a secret. spdlog is named only in log.cc.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace trivet {

enum class Level { kDebug, kInfo, kWarning, kError };

// A field's value: text or a number, kept as text.
class LogValue {
 public:
  LogValue(std::string_view text) : text_(text) {}    // NOLINT(*-explicit-*)
  LogValue(const char* text) : text_(text) {}         // NOLINT(*-explicit-*)
  LogValue(const std::string& text) : text_(text) {}  // NOLINT(*-explicit-*)
  LogValue(std::int64_t number) : text_(std::to_string(number)), is_number_(true) {}   // NOLINT
  LogValue(int number) : LogValue(static_cast<std::int64_t>(number)) {}                // NOLINT
  LogValue(std::uint64_t number) : text_(std::to_string(number)), is_number_(true) {}  // NOLINT
  LogValue(unsigned number) : LogValue(static_cast<std::uint64_t>(number)) {}          // NOLINT
  LogValue(bool value) : text_(value ? "true" : "false"), is_number_(true) {}          // NOLINT
  const std::string& text() const { return text_; }
  bool is_number() const { return is_number_; }

 private:
  std::string text_;
  bool is_number_ = false;
};

using LogField = std::pair<std::string_view, LogValue>;

// Thread-safe. Standard error until configure_log is called.
void log(Level level, std::string_view event, std::initializer_list<LogField> fields = {});

// What log() writes for one event, without the end of line; always valid UTF-8, and with `json` one
// JSON object.
std::string log_line(bool json, std::string_view time, Level level, std::string_view event,
                     std::initializer_list<LogField> fields);

struct LogOptions {
  Level least = Level::kInfo;
  bool json = false;
  std::string file;  // empty: standard error. Otherwise appended to, rotated at 10 MiB, 5 kept.
};
// False when the file cannot be opened; the log then stays as it was.
bool configure_log(const LogOptions& options);

}  // namespace trivet
