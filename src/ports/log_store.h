// SPDX-License-Identifier: Apache-2.0
//
// Keeps what was logged, as CloudWatch Logs has it: groups of streams of events with times. Space
// is bounded: what is over a group's retention goes, and beyond a total the oldest goes first.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/cluster.h"
#include "ports/log_events.h"

namespace trivet {

struct LogGroup {
  std::string name;
  WallTime created{};
  std::optional<std::int32_t> retention_days;  // unset: kept for ever, within the total
  Tags tags;
  std::int64_t stored_bytes = 0;
};

struct LogStream {
  std::string name;
  WallTime created{};
  std::optional<WallTime> first_event;
  std::optional<WallTime> last_event;
  std::optional<WallTime> last_ingestion;
  std::int64_t stored_bytes = 0;
};

struct StoredLogEvent {
  std::string id;  // sorts by time within a store; an event's for ever
  std::string stream;
  WallTime at{};
  WallTime ingested{};
  std::string message;
};

// Of events of one stream, by where they stand in it: from `from`, before `to`.
struct LogRead {
  std::string group;
  std::string stream;
  WallTime from{};
  WallTime to = WallTime::max();
  std::size_t events_max = 10'000;
  std::size_t bytes_max = 1'000'000;
  bool is_forward = true;  // from the position on; else the last ones before it
  std::string position;    // what a page said; empty: the end that the direction starts at
};
struct LogPage {
  std::vector<StoredLogEvent> events;  // in the order of the stream
  std::string forward;                 // position behind the last of them
  std::string backward;                // position of the first of them
};

// Of events of many streams, by time.
struct LogSearch {
  std::string group;
  std::function<bool(const std::string& stream)> wants_stream;  // never empty
  std::function<bool(std::string_view message)> wants_message;  // never empty
  WallTime from{};
  WallTime to = WallTime::max();  // included
  std::size_t events_max = 10'000;
  std::size_t bytes_max = 1'000'000;
  std::string after;  // the id of the last event of the page before; empty: from the start
};
struct LogFindings {
  std::vector<StoredLogEvent> events;  // by time
  bool is_complete = true;             // else there are more
};

// Thread-safe. All but append() block on the disk. Errors: kNotFound, kAlreadyExists, and
// kUnavailable for the disk; the caller knows what was not there.
class LogStore : public LogEventSink {
 public:
  virtual Status create_group(const std::string& name, Tags tags, WallTime now) = 0;
  virtual Status delete_group(const std::string& name) = 0;
  virtual std::vector<LogGroup> groups() const = 0;  // by name
  virtual std::optional<LogGroup> find_group(const std::string& name) const = 0;
  virtual Status set_retention(const std::string& name, std::optional<std::int32_t> days) = 0;
  virtual Status change_tags(const std::string& name,
                             const std::function<Status(Tags&)>& change) = 0;

  virtual Status create_stream(const std::string& group, const std::string& name, WallTime now) = 0;
  virtual Status delete_stream(const std::string& group, const std::string& name) = 0;
  // By name. kNotFound: the group.
  virtual Result<std::vector<LogStream>> streams(const std::string& group) const = 0;

  // As append(), but written when it returns, and only to a stream that there is.
  virtual Status put(const std::string& group, const std::string& stream,
                     std::vector<LogEvent> events, WallTime now) = 0;
  // kInvalidArgument: `position` is no position.
  virtual Result<LogPage> read(const LogRead& query) const = 0;
  virtual Result<LogFindings> search(const LogSearch& query) const = 0;
};

}  // namespace trivet
