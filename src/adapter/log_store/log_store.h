// SPDX-License-Identifier: Apache-2.0
//
// Log groups as folders, streams as folders in them, events as segments (segment.h). What exists is
// known from memory; events are read from their files.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapter/log_store/segment.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/worker.h"
#include "ports/log_store.h"

namespace trivet::log_store {

struct LogStoreLimits {
  std::int64_t segment_bytes = 4 << 20;
  std::int64_t total_bytes = std::int64_t{1} << 30;  // of all events; the oldest go first
  std::size_t message_bytes = 256 << 10;             // a longer message is cut
  std::size_t waiting_bytes = 8 << 20;  // appended and not written yet; more is dropped and counted
  std::size_t streams_max = 10'000;     // of one group; the one that was silent longest goes
};

// Thread-safe. append() hands events to a thread of its own.
class FileLogStore final : public LogStore {
 public:
  // Reads what is in `root`, which is made when it is needed. Errors of the disk.
  static Result<std::unique_ptr<FileLogStore>> open(std::string root, const Clock& clock,
                                                    LogStoreLimits limits = {});
  ~FileLogStore() override;

  // Returns when what was appended before is written, or at the deadline. Then stops.
  void stop(Millis deadline);

  void append(const std::string& group, const std::string& stream,
              std::vector<LogEvent> events) override;

  Status create_group(const std::string& name, Tags tags, WallTime now) override;
  Status delete_group(const std::string& name) override;
  std::vector<LogGroup> groups() const override;
  std::optional<LogGroup> find_group(const std::string& name) const override;
  Status set_retention(const std::string& name, std::optional<std::int32_t> days) override;
  Status change_tags(const std::string& name, const std::function<Status(Tags&)>& change) override;
  Status create_stream(const std::string& group, const std::string& name, WallTime now) override;
  Status delete_stream(const std::string& group, const std::string& name) override;
  Result<std::vector<LogStream>> streams(const std::string& group) const override;
  Status put(const std::string& group, const std::string& stream, std::vector<LogEvent> events,
             WallTime now) override;
  Result<LogPage> read(const LogRead& query) const override;
  Result<LogFindings> search(const LogSearch& query) const override;

  // Removes what is over its group's retention. Also done by itself, once an hour.
  void expire(WallTime now);

 private:
  struct Stream {
    std::string folder;
    std::int64_t number = 0;  // never given twice in a store; in the ids of events
    WallTime created{};
    std::vector<Segment> segments;  // by number; only the last may be not full
    std::int64_t last_segment = 0;  // the highest number that was given
    std::int64_t bytes() const;
  };
  struct Group {
    std::string folder;
    LogGroup facts;
    std::map<std::string, Stream> streams;
  };
  struct Batch {
    std::string group;
    std::string stream;
    std::vector<LogEvent> events;
    std::int64_t dropped = 0;  // before these
  };

  FileLogStore(std::string root, const Clock& clock, LogStoreLimits limits);

  Status load();
  Status load_group(const std::string& folder) REQUIRES_LOCK(mutex_);
  Status load_stream(const std::string& folder, Group& group) REQUIRES_LOCK(mutex_);
  Status save_group(const Group& group) const;
  Result<Group*> find(const std::string& name) REQUIRES_LOCK(mutex_);
  Result<Group*> make_group(const std::string& name, Tags tags, WallTime now) REQUIRES_LOCK(mutex_);
  Result<Stream*> make_stream(Group& group, const std::string& name, WallTime now)
      REQUIRES_LOCK(mutex_);
  Status write(Stream& stream, const std::vector<LogEvent>& events, WallTime now)
      REQUIRES_LOCK(mutex_);
  Status flush_segment(Stream& stream, std::string& text) REQUIRES_LOCK(mutex_);
  void seal(Stream& stream) REQUIRES_LOCK(mutex_);
  void remove_segment(Stream& stream, std::size_t index) REQUIRES_LOCK(mutex_);
  void make_room() REQUIRES_LOCK(mutex_);
  void write_waiting();
  void write_batch(const Batch& batch);
  void expire_later();
  Result<const Stream*> find_stream(const std::string& group, const std::string& name) const
      REQUIRES_LOCK(mutex_);
  Result<std::string> text_of(const Stream& stream, const Segment& segment) const;
  StoredLogEvent event_of(const std::string& stream_name, const Stream& stream,
                          const Segment& segment, const Record& record) const;

  const std::string root_;
  const Clock& clock_;
  const LogStoreLimits limits_;
  mutable Mutex mutex_;
  std::map<std::string, Group> groups_ GUARDED_BY(mutex_);
  std::int64_t total_bytes_ GUARDED_BY(mutex_) = 0;
  std::int64_t last_stream_ GUARDED_BY(mutex_) = 0;
  Mutex waiting_mutex_;
  CondVar written_;
  std::deque<Batch> waiting_ GUARDED_BY(waiting_mutex_);
  std::size_t waiting_bytes_ GUARDED_BY(waiting_mutex_) = 0;
  std::map<std::pair<std::string, std::string>, std::int64_t> dropped_ GUARDED_BY(waiting_mutex_);
  bool is_writing_ GUARDED_BY(waiting_mutex_) = false;
  std::unique_ptr<Worker> worker_;
};

}  // namespace trivet::log_store
