// SPDX-License-Identifier: Apache-2.0
//
// What `trivet logs` shows: pages of FilterLogEvents, each event once. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace trivet::cli {

struct ShownLogEvent {
  std::string id;
  std::string stream;
  WallTime at{};
  std::string message;
};
struct LogEventPage {
  std::vector<ShownLogEvent> events;
  std::string next_token;  // empty: that was all
};
// kCorrupt: no answer of FilterLogEvents.
Result<LogEventPage> parse_log_page(std::string_view json);

// Remembers what was shown, so that asking again from a little earlier shows nothing twice: events
// of several streams do not come in the order of their times.
class LogTail {
 public:
  explicit LogTail(WallTime from) : latest_(from), from_(from) {}
  // From when to ask next.
  WallTime from() const;
  // Those that are new, in the order given.
  std::vector<ShownLogEvent> take(std::vector<ShownLogEvent> events);

 private:
  WallTime latest_;
  WallTime from_;
  std::set<std::string> shown_;  // ids begin with the event's time
};

// "2026-01-02T03:04:05.678Z message", a line for each; line ends within a message become spaces
// that set what follows off.
std::string render_log_events(const std::vector<ShownLogEvent>& events);

// "90", "90s", "10m", "2h", "3d": nullopt when it is none.
std::optional<Millis> parse_age(std::string_view text);

}  // namespace trivet::cli
