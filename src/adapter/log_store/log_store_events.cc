// SPDX-License-Identifier: Apache-2.0
//
// Events of the log store: written, read by stream, searched by time.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

#include "adapter/log_store/log_store.h"
#include "base/file.h"
#include "base/log.h"

namespace trivet::log_store {
namespace {

// AWS counts 26 bytes for each event beside its message.
constexpr std::size_t kEventOverhead = 26;

Error disk_error(std::string_view what, const std::string& path) {
  return make_error(Errc::kUnavailable, errno_message(fmt::format("{} {}", what, path), errno));
}

// At most `bytes`, not in the middle of a character.
std::string_view cut(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) {
    return text;
  }
  std::size_t end = bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) {
    --end;
  }
  return text.substr(0, end);
}

Status append_to(const std::string& path, std::string_view text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) {
    return disk_error("open", path);
  }
  const off_t before = ::lseek(fd, 0, SEEK_END);
  Status status = ok();
  while (!text.empty() && status) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno != EINTR) {
      status = disk_error("write", path);
      (void)!::ftruncate(fd, before);  // no torn record in the middle of a file
    }
    text.remove_prefix(n < 0 ? 0 : static_cast<std::size_t>(n));
  }
  ::close(fd);
  return status;
}

struct Position {
  std::int64_t segment = 0;
  std::int64_t offset = 0;
};

std::string text_of(const Position& position) {
  return fmt::format("{:010}{:022}", position.segment, position.offset);
}

std::optional<Position> parse_position(std::string_view text) {
  Position out;
  const auto read = [](std::string_view digits, std::int64_t& number) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return error == std::errc() && end == digits.data() + digits.size() && number >= 0;
  };
  if (text.size() != 32 || !read(text.substr(0, 10), out.segment) ||
      !read(text.substr(10), out.offset)) {
    return std::nullopt;
  }
  return out;
}

bool is_before(const Position& a, std::int64_t segment, std::int64_t offset) {
  return a.segment < segment || (a.segment == segment && a.offset < offset);
}

}  // namespace

void FileLogStore::append(const std::string& group, const std::string& stream,
                          std::vector<LogEvent> events) {
  std::size_t bytes = 0;
  for (const LogEvent& event : events) {
    bytes += event.message.size() + kEventOverhead;
  }
  const MutexLock lock(waiting_mutex_);
  std::int64_t& dropped = dropped_[{group, stream}];
  if (waiting_bytes_ + bytes > limits_.waiting_bytes) {
    dropped += static_cast<std::int64_t>(events.size());
    return;
  }
  waiting_bytes_ += bytes;
  waiting_.push_back({group, stream, std::move(events), std::exchange(dropped, 0)});
  dropped_.erase({group, stream});
  if (!is_writing_) {
    is_writing_ = worker_->post([this] { write_waiting(); });
  }
}

void FileLogStore::write_waiting() {
  while (true) {
    Batch batch;
    {
      const MutexLock lock(waiting_mutex_);
      if (waiting_.empty()) {
        is_writing_ = false;
        written_.notify_all();
        return;
      }
      batch = std::move(waiting_.front());
      waiting_.pop_front();
      for (const LogEvent& event : batch.events) {
        waiting_bytes_ -= event.message.size() + kEventOverhead;
      }
    }
    write_batch(batch);
  }
}

void FileLogStore::write_batch(const Batch& batch) {
  const MutexLock lock(mutex_);
  const WallTime now = clock_.wall_now();
  const auto known = groups_.find(batch.group);
  auto group =
      known != groups_.end() ? Result<Group*>(&known->second) : make_group(batch.group, {}, now);
  if (!group) {
    log(Level::kError, "logs.not_written", {{"error", group.error().message}});
    return;
  }
  const auto it = (*group)->streams.find(batch.stream);
  auto stream = it != (*group)->streams.end() ? Result<Stream*>(&it->second)
                                              : make_stream(**group, batch.stream, now);
  Status written = stream ? ok() : Status(stream.error());
  if (written && batch.dropped > 0) {
    written = write(**stream,
                    {{now, fmt::format("[trivet] {} log events were dropped: they came faster than "
                                       "they can be written",
                                       batch.dropped)}},
                    now);
  }
  if (written) {
    written = write(**stream, batch.events, now);
  }
  if (!written) {
    log(Level::kError, "logs.not_written", {{"error", written.error().message}});
  }
}

Status FileLogStore::put(const std::string& group_name, const std::string& stream_name,
                         std::vector<LogEvent> events, WallTime now) {
  const MutexLock lock(mutex_);
  TRIVET_TRY(Group* const group, find(group_name));
  const auto it = group->streams.find(stream_name);
  if (it == group->streams.end()) {
    return make_error(Errc::kNotFound, "no such log stream: " + stream_name);
  }
  return write(it->second, events, now);
}

Status FileLogStore::flush_segment(Stream& stream, std::string& text) {
  Segment& segment = stream.segments.back();
  TRIVET_CHECK_OK(append_to(stream.folder + "/" + segment.file_name(), text));
  segment.bytes += static_cast<std::int64_t>(text.size());
  total_bytes_ += static_cast<std::int64_t>(text.size());
  text.clear();
  return ok();
}

void FileLogStore::seal(Stream& stream) {
  Segment& segment = stream.segments.back();
  Segment full = segment;
  full.is_full = true;
  const std::string from = stream.folder + "/" + segment.file_name();
  if (::rename(from.c_str(), (stream.folder + "/" + full.file_name()).c_str()) == 0) {
    segment = full;
  } else {
    log(Level::kWarning, "logs.not_sealed", {{"error", errno_message("rename " + from, errno)}});
  }
}

Status FileLogStore::write(Stream& stream, const std::vector<LogEvent>& events, WallTime now) {
  std::string text;
  const auto begin_segment = [&] { stream.segments.push_back({.number = ++stream.last_segment}); };
  if (stream.segments.empty() || stream.segments.back().is_full) {
    begin_segment();
  }
  for (const LogEvent& event : events) {
    text += encode_record(event.at, now, cut(event.message, limits_.message_bytes));
    stream.segments.back().count(event.at, now);
    const auto bytes = stream.segments.back().bytes + static_cast<std::int64_t>(text.size());
    if (bytes >= limits_.segment_bytes) {
      TRIVET_CHECK_OK(flush_segment(stream, text));
      seal(stream);
      begin_segment();
    }
  }
  if (!text.empty()) {
    TRIVET_CHECK_OK(flush_segment(stream, text));
  }
  if (stream.segments.back().events == 0) {
    stream.segments.pop_back();  // it has no file
  }
  make_room();
  return ok();
}

Result<std::string> FileLogStore::text_of(const Stream& stream, const Segment& segment) const {
  auto text = read_file(stream.folder + "/" + segment.file_name());
  if (!text && text.error().code == Errc::kNotFound) {
    return std::string();  // written before its first record failed
  }
  return text;
}

StoredLogEvent FileLogStore::event_of(const std::string& stream_name, const Stream& stream,
                                      const Segment& segment, const Record& record) const {
  return {.id = fmt::format("{:014}{:012}{:010}{:020}", std::max<std::int64_t>(to_ms(record.at), 0),
                            stream.number, segment.number, record.offset),
          .stream = stream_name,
          .at = record.at,
          .ingested = record.ingested,
          .message = std::string(record.message)};
}

Result<const FileLogStore::Stream*> FileLogStore::find_stream(const std::string& group_name,
                                                              const std::string& name) const {
  const auto group = groups_.find(group_name);
  if (group == groups_.end()) {
    return make_error(Errc::kNotFound, "no such log group: " + group_name);
  }
  const auto found = group->second.streams.find(name);
  if (found == group->second.streams.end()) {
    return make_error(Errc::kNotFound, "no such log stream: " + name);
  }
  return &found->second;
}

namespace {

bool may_have_wanted(const Segment& segment, const LogRead& query,
                     const std::optional<Position>& start) {
  const bool is_behind_start = start && (query.is_forward ? segment.number < start->segment
                                                          : segment.number > start->segment);
  return segment.events > 0 && segment.last >= query.from && segment.first < query.to &&
         !is_behind_start;
}

// Those of a segment that are asked for, in the order in which they are taken.
std::vector<Record> wanted_records(std::string_view text, const Segment& segment,
                                   const LogRead& query, const std::optional<Position>& start) {
  std::vector<Record> records = parse_records(text);
  std::erase_if(records, [&](const Record& record) {
    return record.at < query.from || record.at >= query.to ||
           (start && query.is_forward ==
                         is_before({segment.number, record.offset}, start->segment, start->offset));
  });
  if (!query.is_forward) {
    std::reverse(records.begin(), records.end());
  }
  return records;
}

}  // namespace

Result<LogPage> FileLogStore::read(const LogRead& query) const {
  const std::optional<Position> start = parse_position(query.position);
  if (!query.position.empty() && !start) {
    return make_error(Errc::kInvalidArgument, "this is no position in a stream");
  }
  const MutexLock lock(mutex_);
  TRIVET_TRY(const Stream* const stream, find_stream(query.group, query.stream));
  LogPage page;
  // Where a page without events stands: where it was asked for.
  Position first = start.value_or(Position());
  if (!start && !query.is_forward && !stream->segments.empty()) {
    first = {stream->segments.back().number, stream->segments.back().bytes};
  }
  Position behind = first;
  std::size_t bytes = 0;
  bool is_full = false;
  const auto take = [&](const Segment& segment, const Record& record) {
    bytes += record.message.size() + kEventOverhead;
    const bool is_only = page.events.empty();
    is_full = page.events.size() >= query.events_max || (bytes > query.bytes_max && !is_only);
    if (is_full) {
      return;
    }
    page.events.push_back(event_of(query.stream, *stream, segment, record));
    behind = query.is_forward || is_only ? Position{segment.number, record.end} : behind;
    first = !query.is_forward || is_only ? Position{segment.number, record.offset} : first;
  };
  const std::size_t count = stream->segments.size();
  for (std::size_t i = 0; i < count && !is_full; ++i) {
    const Segment& segment = stream->segments[query.is_forward ? i : count - 1 - i];
    if (!may_have_wanted(segment, query, start)) {
      continue;
    }
    TRIVET_TRY(const std::string text, text_of(*stream, segment));
    for (const Record& record : wanted_records(text, segment, query, start)) {
      take(segment, record);
      if (is_full) {
        break;
      }
    }
  }
  if (!query.is_forward) {
    std::reverse(page.events.begin(), page.events.end());
  }
  page.forward = log_store::text_of(behind);
  page.backward = log_store::text_of(first);
  return page;
}

Result<LogFindings> FileLogStore::search(const LogSearch& query) const {
  struct Place {
    const std::string* name;
    const Stream* stream;
    const Segment* segment;
  };
  const MutexLock lock(mutex_);
  const auto group = groups_.find(query.group);
  if (group == groups_.end()) {
    return make_error(Errc::kNotFound, "no such log group: " + query.group);
  }
  std::vector<Place> places;
  for (const auto& [name, stream] : group->second.streams) {
    if (!query.wants_stream(name)) {
      continue;
    }
    for (const Segment& segment : stream.segments) {
      if (segment.events > 0 && segment.last >= query.from && segment.first <= query.to) {
        places.push_back({&name, &stream, &segment});
      }
    }
  }
  std::sort(places.begin(), places.end(),
            [](const Place& a, const Place& b) { return a.segment->first < b.segment->first; });
  LogFindings out;
  const auto by_id = [](const StoredLogEvent& a, const StoredLogEvent& b) { return a.id < b.id; };
  std::vector<StoredLogEvent>& heap = out.events;  // the latest of those kept on top
  std::size_t bytes = 0;
  for (const Place& place : places) {
    if (!out.is_complete && place.segment->first > heap.front().at) {
      break;  // all that is kept is earlier, and more would not be
    }
    TRIVET_TRY(const std::string text, text_of(*place.stream, *place.segment));
    for (const Record& record : parse_records(text)) {
      if (record.at < query.from || record.at > query.to || !query.wants_message(record.message)) {
        continue;
      }
      StoredLogEvent event = event_of(*place.name, *place.stream, *place.segment, record);
      if (event.id <= query.after) {
        continue;
      }
      bytes += event.message.size() + kEventOverhead;
      heap.push_back(std::move(event));
      std::push_heap(heap.begin(), heap.end(), by_id);
      while (heap.size() > 1 && (heap.size() > query.events_max || bytes > query.bytes_max)) {
        std::pop_heap(heap.begin(), heap.end(), by_id);
        bytes -= heap.back().message.size() + kEventOverhead;
        heap.pop_back();
        out.is_complete = false;
      }
    }
  }
  std::sort(heap.begin(), heap.end(), by_id);
  return out;
}

}  // namespace trivet::log_store
