// SPDX-License-Identifier: Apache-2.0
//
// Takes what functions write, as CloudWatch Logs would: groups, streams, events.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"

namespace trivet {

struct LogEvent {
  WallTime at{};
  std::string message;  // UTF-8, without the final line break; at most 256 KiB count
};

// Thread-safe. Never waits for a disk: what is written is bounded, and what comes too fast is
// counted and said in the stream itself.
class LogEventSink {
 public:
  virtual ~LogEventSink() = default;
  // Makes group and stream when they are not there.
  virtual void append(const std::string& group, const std::string& stream,
                      std::vector<LogEvent> events) = 0;
};

}  // namespace trivet
