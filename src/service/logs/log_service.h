// SPDX-License-Identifier: Apache-2.0
//
// CloudWatch Logs as far as `aws logs tail`, describing and reading need it: AWS's rules and faults
// over the log store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/ids.h"
#include "ports/log_store.h"

namespace trivet::logs {

// Indices into the events of a batch; unset: there are none.
struct RejectedEvents {
  std::optional<std::int32_t> too_new_from;  // the first that is too new
  std::optional<std::int32_t> too_old_end;   // behind the last that is too old
  std::optional<std::int32_t> expired_end;   // behind the last that is over the retention
  bool any() const { return too_new_from || too_old_end || expired_end; }
};

struct FilterQuery {
  std::string group;
  std::vector<std::string> streams;  // empty: all
  std::string stream_prefix;         // empty: all
  std::optional<WallTime> from;
  std::optional<WallTime> to;
  std::string pattern;
  std::string token;
  std::int32_t limit = 10'000;
};
struct FilterPage {
  std::vector<StoredLogEvent> events;
  std::string token;  // empty: that was all
};

struct GetQuery {
  std::string group;
  std::string stream;
  std::optional<WallTime> from;
  std::optional<WallTime> to;
  bool is_from_head = false;
  std::string token;
  std::int32_t limit = 10'000;
};
struct GetPage {
  std::vector<StoredLogEvent> events;
  std::string forward_token;
  std::string backward_token;
};

// Thread-safe; calls block on the disk. Faults: ResourceNotFoundException,
// ResourceAlreadyExistsException, InvalidParameterException, LimitExceededException.
class LogService {
 public:
  LogService(LogStore& store, Realm realm) : store_(store), realm_(std::move(realm)) {}

  const Realm& realm() const { return realm_; }
  // "arn:aws:logs:REGION:ACCOUNT:log-group:NAME", which policies see with ":*" behind it.
  std::string group_arn(const std::string& name) const;
  // The name in a group's ARN, or the text itself. InvalidParameterException.
  Result<std::string> group_name(const std::string& name_or_arn) const;

  Status create_group(const std::string& name, const Tags& tags, WallTime now);
  Status delete_group(const std::string& name);
  std::vector<LogGroup> groups() const { return store_.groups(); }
  Result<LogGroup> group(const std::string& name) const;
  Status set_retention(const std::string& name, std::optional<std::int32_t> days);
  Status tag(const std::string& name, const Tags& tags);
  Status untag(const std::string& name, const std::vector<std::string>& keys);

  Status create_stream(const std::string& group, const std::string& name, WallTime now);
  Status delete_stream(const std::string& group, const std::string& name);
  Result<std::vector<LogStream>> streams(const std::string& group) const;

  Result<RejectedEvents> put(const std::string& group, const std::string& stream,
                             std::vector<LogEvent> events, WallTime now);
  Result<GetPage> get(const GetQuery& query) const;
  Result<FilterPage> filter(const FilterQuery& query) const;

 private:
  LogStore& store_;
  const Realm realm_;
};

}  // namespace trivet::logs
