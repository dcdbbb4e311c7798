// SPDX-License-Identifier: Apache-2.0
#include "adapter/log_store/log_store.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"

namespace trivet::log_store {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr Millis kExpireEvery{3'600'000};
constexpr const char* kFacts = "/facts.json";

// Names of groups and streams hold slashes and may be longer than a file's.
std::string folder_name(std::string_view name) {
  return to_hex(sha256(name)).substr(0, 32);
}

Error no_such(std::string_view what, const std::string& name) {
  return make_error(Errc::kNotFound, fmt::format("no such {}: {}", what, name));
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    out.push_back(it->path().filename());
  }
  std::sort(out.begin(), out.end());
  return out;
}

Status remove_tree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  return error ? Status(make_error(Errc::kUnavailable,
                                   fmt::format("remove {}: {}", path, error.message())))
               : ok();
}

}  // namespace

std::int64_t FileLogStore::Stream::bytes() const {
  std::int64_t total = 0;
  for (const Segment& segment : segments) {
    total += segment.bytes;
  }
  return total;
}

FileLogStore::FileLogStore(std::string root, const Clock& clock, LogStoreLimits limits)
    : root_(std::move(root)),
      clock_(clock),
      limits_(limits),
      worker_(std::make_unique<Worker>("logs")) {}

FileLogStore::~FileLogStore() {
  stop(Millis(1'000));
}

Result<std::unique_ptr<FileLogStore>> FileLogStore::open(std::string root, const Clock& clock,
                                                         LogStoreLimits limits) {
  std::unique_ptr<FileLogStore> store(new FileLogStore(std::move(root), clock, limits));
  TRIVET_CHECK_OK(store->load());
  store->expire(clock.wall_now());
  store->expire_later();
  return store;
}

void FileLogStore::stop(Millis deadline) {
  {
    const Instant end = clock_.now() + deadline;
    MutexLock lock(waiting_mutex_);
    while (is_writing_ && clock_.now() < end) {
      written_.wait_for(waiting_mutex_, Millis(50));
    }
  }
  worker_->stop();
}

Status FileLogStore::load() {
  const MutexLock lock(mutex_);
  TRIVET_CHECK_OK(make_folders(root_, 0700));
  for (const std::string& name : names_in(root_)) {
    if (auto loaded = load_group(root_ + "/" + name); !loaded) {
      // One group that cannot be read must not keep the daemon from starting.
      log(Level::kError, "logs.group_unreadable",
          {{"folder", name}, {"error", loaded.error().message}});
    }
  }
  return ok();
}

Status FileLogStore::load_group(const std::string& folder) {
  TRIVET_TRY(const std::string text, read_file(folder + kFacts));
  const json facts = json::parse(text, nullptr, false);
  if (!facts.is_object() || !facts.contains("name") || !facts["name"].is_string()) {
    return make_error(Errc::kCorrupt, folder + kFacts + " is none of ours");
  }
  Group group;
  group.folder = folder;
  group.facts.name = facts["name"];
  group.facts.created = wall_time_from_ms(facts.value("created", std::int64_t{0}));
  if (facts.contains("retention_days")) {
    group.facts.retention_days = facts.value("retention_days", 0);
  }
  group.facts.tags = facts.value("tags", Tags());
  for (const std::string& name : names_in(folder)) {
    if (fs::is_directory(folder + "/" + name)) {
      TRIVET_CHECK_OK(load_stream(folder + "/" + name, group));
    }
  }
  const std::string key = group.facts.name;
  groups_[key] = std::move(group);
  return ok();
}

Status FileLogStore::load_stream(const std::string& folder, Group& group) {
  const auto text = read_file(folder + kFacts);
  const json facts = text ? json::parse(*text, nullptr, false) : json();
  if (!facts.is_object() || !facts.contains("name") || !facts["name"].is_string()) {
    return remove_tree(folder);  // made by halves when the daemon was killed
  }
  Stream stream;
  stream.folder = folder;
  stream.number = facts.value("number", std::int64_t{0});
  stream.created = wall_time_from_ms(facts.value("created", std::int64_t{0}));
  for (const std::string& name : names_in(folder)) {
    auto segment = parse_file_name(name);
    if (!segment) {
      continue;
    }
    if (!segment->is_full) {
      const std::string path = folder + "/" + name;
      TRIVET_TRY(const std::string content, read_file(path));
      for (const Record& record : parse_records(content)) {
        segment->count(record.at, record.ingested);
        segment->bytes = record.end;
      }
      // What a kill tore off in its middle.
      if (segment->bytes < static_cast<std::int64_t>(content.size()) &&
          ::truncate(path.c_str(), segment->bytes) != 0) {
        return make_error(Errc::kUnavailable, errno_message("truncate " + path, errno));
      }
    }
    total_bytes_ += segment->bytes;
    stream.last_segment = segment->number;
    stream.segments.push_back(*segment);
  }
  last_stream_ = std::max(last_stream_, stream.number);
  group.streams[facts["name"]] = std::move(stream);
  return ok();
}

Status FileLogStore::save_group(const Group& group) const {
  json facts = {{"name", group.facts.name},
                {"created", to_ms(group.facts.created)},
                {"tags", group.facts.tags}};
  if (group.facts.retention_days) {
    facts["retention_days"] = *group.facts.retention_days;
  }
  return write_file_atomically(group.folder + kFacts,
                               facts.dump(-1, ' ', false, json::error_handler_t::replace), 0600);
}

Result<FileLogStore::Group*> FileLogStore::find(const std::string& name) {
  const auto it = groups_.find(name);
  if (it == groups_.end()) {
    return no_such("log group", name);
  }
  return &it->second;
}

Result<FileLogStore::Group*> FileLogStore::make_group(const std::string& name, Tags tags,
                                                      WallTime now) {
  Group group;
  group.folder = root_ + "/" + folder_name(name);
  group.facts = {.name = name, .created = now, .tags = std::move(tags)};
  TRIVET_CHECK_OK(make_folders(group.folder, 0700));
  TRIVET_CHECK_OK(save_group(group));
  return &(groups_[name] = std::move(group));
}

Result<FileLogStore::Stream*> FileLogStore::make_stream(Group& group, const std::string& name,
                                                        WallTime now) {
  if (group.streams.size() >= limits_.streams_max) {
    const auto silent = std::min_element(
        group.streams.begin(), group.streams.end(), [](const auto& a, const auto& b) {
          const auto last = [](const Stream& stream) {
            return stream.segments.empty() ? stream.created : stream.segments.back().ingested;
          };
          return last(a.second) < last(b.second);
        });
    total_bytes_ -= silent->second.bytes();
    TRIVET_CHECK_OK(remove_tree(silent->second.folder));
    group.streams.erase(silent);
  }
  Stream stream;
  stream.folder = group.folder + "/" + folder_name(name);
  stream.number = ++last_stream_;
  stream.created = now;
  TRIVET_CHECK_OK(make_folders(stream.folder, 0700));
  const json facts = {{"name", name}, {"number", stream.number}, {"created", to_ms(now)}};
  TRIVET_CHECK_OK(write_file_atomically(
      stream.folder + kFacts, facts.dump(-1, ' ', false, json::error_handler_t::replace), 0600));
  return &(group.streams[name] = std::move(stream));
}

Status FileLogStore::create_group(const std::string& name, Tags tags, WallTime now) {
  const MutexLock lock(mutex_);
  if (groups_.contains(name)) {
    return make_error(Errc::kAlreadyExists, "the log group exists: " + name);
  }
  TRIVET_TRY([[maybe_unused]] Group* const group, make_group(name, std::move(tags), now));
  return ok();
}

Status FileLogStore::delete_group(const std::string& name) {
  const MutexLock lock(mutex_);
  TRIVET_TRY(Group* const group, find(name));
  for (const auto& [stream_name, stream] : group->streams) {
    total_bytes_ -= stream.bytes();
  }
  const std::string folder = group->folder;
  groups_.erase(name);
  return remove_tree(folder);
}

std::vector<LogGroup> FileLogStore::groups() const {
  const MutexLock lock(mutex_);
  std::vector<LogGroup> out;
  for (const auto& [name, group] : groups_) {
    LogGroup& facts = out.emplace_back(group.facts);
    for (const auto& [stream_name, stream] : group.streams) {
      facts.stored_bytes += stream.bytes();
    }
  }
  return out;
}

std::optional<LogGroup> FileLogStore::find_group(const std::string& name) const {
  const MutexLock lock(mutex_);
  const auto it = groups_.find(name);
  return it == groups_.end() ? std::nullopt : std::optional(it->second.facts);
}

Status FileLogStore::set_retention(const std::string& name, std::optional<std::int32_t> days) {
  const MutexLock lock(mutex_);
  TRIVET_TRY(Group* const group, find(name));
  Group changed{.folder = group->folder, .facts = group->facts, .streams = {}};
  changed.facts.retention_days = days;
  TRIVET_CHECK_OK(save_group(changed));
  group->facts = changed.facts;
  return ok();
}

Status FileLogStore::change_tags(const std::string& name,
                                 const std::function<Status(Tags&)>& change) {
  const MutexLock lock(mutex_);
  TRIVET_TRY(Group* const group, find(name));
  Group changed{.folder = group->folder, .facts = group->facts, .streams = {}};
  TRIVET_CHECK_OK(change(changed.facts.tags));
  TRIVET_CHECK_OK(save_group(changed));
  group->facts = changed.facts;
  return ok();
}

Status FileLogStore::create_stream(const std::string& group_name, const std::string& name,
                                   WallTime now) {
  const MutexLock lock(mutex_);
  TRIVET_TRY(Group* const group, find(group_name));
  if (group->streams.contains(name)) {
    return make_error(Errc::kAlreadyExists, "the log stream exists: " + name);
  }
  TRIVET_TRY([[maybe_unused]] Stream* const stream, make_stream(*group, name, now));
  return ok();
}

Status FileLogStore::delete_stream(const std::string& group_name, const std::string& name) {
  const MutexLock lock(mutex_);
  TRIVET_TRY(Group* const group, find(group_name));
  const auto it = group->streams.find(name);
  if (it == group->streams.end()) {
    return no_such("log stream", name);
  }
  total_bytes_ -= it->second.bytes();
  const std::string folder = it->second.folder;
  group->streams.erase(it);
  return remove_tree(folder);
}

Result<std::vector<LogStream>> FileLogStore::streams(const std::string& group_name) const {
  const MutexLock lock(mutex_);
  const auto group = groups_.find(group_name);
  if (group == groups_.end()) {
    return no_such("log group", group_name);
  }
  std::vector<LogStream> out;
  for (const auto& [name, stream] : group->second.streams) {
    LogStream& facts = out.emplace_back(LogStream{.name = name, .created = stream.created});
    for (const Segment& segment : stream.segments) {
      if (segment.events == 0) {
        continue;
      }
      facts.first_event = std::min(facts.first_event.value_or(segment.first), segment.first);
      facts.last_event = std::max(facts.last_event.value_or(segment.last), segment.last);
      facts.last_ingestion =
          std::max(facts.last_ingestion.value_or(segment.ingested), segment.ingested);
    }
    facts.stored_bytes = stream.bytes();
  }
  return out;
}

void FileLogStore::remove_segment(Stream& stream, std::size_t index) {
  const Segment& segment = stream.segments[index];
  const std::string path = stream.folder + "/" + segment.file_name();
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    log(Level::kWarning, "logs.not_removed",
        {{"path", path}, {"error", errno_message("unlink", errno)}});
  }
  total_bytes_ -= segment.bytes;
  stream.segments.erase(stream.segments.begin() + static_cast<std::ptrdiff_t>(index));
}

// The oldest segments go until a tenth of the space is free.
void FileLogStore::make_room() {
  if (total_bytes_ <= limits_.total_bytes) {
    return;
  }
  struct Candidate {
    WallTime last;
    Stream* stream;
    std::int64_t number;
  };
  std::vector<Candidate> all;
  for (auto& [name, group] : groups_) {
    for (auto& [stream_name, stream] : group.streams) {
      for (const Segment& segment : stream.segments) {
        all.push_back({segment.last, &stream, segment.number});
      }
    }
  }
  std::sort(all.begin(), all.end(),
            [](const Candidate& a, const Candidate& b) { return a.last < b.last; });
  const std::int64_t wanted = limits_.total_bytes / 10 * 9;
  for (const Candidate& oldest : all) {
    if (total_bytes_ <= wanted) {
      break;
    }
    auto& segments = oldest.stream->segments;
    const auto it = std::find_if(segments.begin(), segments.end(), [&](const Segment& segment) {
      return segment.number == oldest.number;
    });
    remove_segment(*oldest.stream, static_cast<std::size_t>(it - segments.begin()));
  }
  log(Level::kWarning, "logs.oldest_removed", {{"bytes", total_bytes_}});
}

void FileLogStore::expire(WallTime now) {
  const MutexLock lock(mutex_);
  for (auto& [name, group] : groups_) {
    if (!group.facts.retention_days) {
      continue;
    }
    const WallTime oldest = now - std::chrono::hours(24) * *group.facts.retention_days;
    for (auto it = group.streams.begin(); it != group.streams.end();) {
      Stream& stream = it->second;
      for (std::size_t i = stream.segments.size(); i > 0; --i) {
        if (stream.segments[i - 1].last < oldest) {
          remove_segment(stream, i - 1);
        }
      }
      if (stream.segments.empty() && stream.created < oldest) {
        (void)remove_tree(stream.folder);
        it = group.streams.erase(it);
      } else {
        ++it;
      }
    }
  }
}

void FileLogStore::expire_later() {
  worker_->post_after(kExpireEvery, [this] {
    expire(clock_.wall_now());
    expire_later();
  });
}

}  // namespace trivet::log_store
