// SPDX-License-Identifier: Apache-2.0
#include "service/logs/log_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/log_filter/log_filter.h"

namespace trivet::logs {
namespace {

// AWS: "Log events" of PutLogEvents.
constexpr std::size_t kBatchBytesMax = 1'048'576;
constexpr std::size_t kEventOverhead = 26;
constexpr std::chrono::hours kTooNew{2};
constexpr std::chrono::hours kTooOld{14 * 24};
constexpr std::chrono::hours kSpanMax{24};
constexpr std::size_t kGroupsMax = 1'000;
constexpr std::size_t kTagsMax = 50;
constexpr std::int32_t kRetentions[] = {1,    3,    5,    7,    14,   30,  60,  90,
                                        120,  150,  180,  365,  400,  545, 731, 1096,
                                        1827, 2192, 2557, 2922, 3288, 3653};

Error invalid(std::string message) {
  return aws_fault(Errc::kInvalidArgument, "InvalidParameterException", std::move(message));
}

Error no_group() {
  return aws_fault(Errc::kNotFound, "ResourceNotFoundException",
                   "The specified log group does not exist.");
}
Error no_stream() {
  return aws_fault(Errc::kNotFound, "ResourceNotFoundException",
                   "The specified log stream does not exist.");
}

Status with(const Status& status, const Error& not_found) {
  return !status && status.error().code == Errc::kNotFound ? Status(not_found) : status;
}

}  // namespace

std::string LogService::group_arn(const std::string& name) const {
  return fmt::format("arn:{}:logs:{}:{}:log-group:{}", realm_.partition, realm_.region,
                     realm_.account.str(), name);
}

Result<std::string> LogService::group_name(const std::string& name_or_arn) const {
  if (!name_or_arn.starts_with("arn:")) {
    return name_or_arn;
  }
  const std::string prefix = group_arn("");
  if (!name_or_arn.starts_with(prefix) || name_or_arn.size() == prefix.size()) {
    return invalid(
        fmt::format("The ARN {} is no log group's of this account and region.", name_or_arn));
  }
  std::string name = name_or_arn.substr(prefix.size());
  if (name.ends_with(":*")) {
    name.resize(name.size() - 2);
  }
  return name;
}

Status LogService::create_group(const std::string& name, const Tags& tags, WallTime now) {
  if (store_.groups().size() >= kGroupsMax) {
    return aws_fault(Errc::kInvalidArgument, "LimitExceededException", "Resource limit exceeded.");
  }
  const Status made = store_.create_group(name, tags, now);
  if (!made && made.error().code == Errc::kAlreadyExists) {
    return aws_fault(Errc::kAlreadyExists, "ResourceAlreadyExistsException",
                     "The specified log group already exists");
  }
  return made;
}

Status LogService::delete_group(const std::string& name) {
  return with(store_.delete_group(name), no_group());
}

Result<LogGroup> LogService::group(const std::string& name) const {
  const auto found = store_.find_group(name);
  return found ? Result<LogGroup>(*found) : no_group();
}

Status LogService::set_retention(const std::string& name, std::optional<std::int32_t> days) {
  if (days &&
      std::find(std::begin(kRetentions), std::end(kRetentions), *days) == std::end(kRetentions)) {
    return invalid(fmt::format(
        "1 validation error detected: Value '{}' at 'retentionInDays' failed to satisfy "
        "constraint: Member must satisfy enum value set: [{}]",
        *days, fmt::join(kRetentions, ", ")));
  }
  return with(store_.set_retention(name, days), no_group());
}

Status LogService::tag(const std::string& name, const Tags& tags) {
  return with(store_.change_tags(name,
                                 [&](Tags& all) -> Status {
                                   for (const auto& [key, value] : tags) {
                                     all[key] = value;
                                   }
                                   if (all.size() > kTagsMax) {
                                     return aws_fault(Errc::kInvalidArgument,
                                                      "TooManyTagsException",
                                                      "A resource can have no more than 50 tags.");
                                   }
                                   return ok();
                                 }),
              no_group());
}

Status LogService::untag(const std::string& name, const std::vector<std::string>& keys) {
  return with(store_.change_tags(name,
                                 [&](Tags& all) {
                                   for (const std::string& key : keys) {
                                     all.erase(key);
                                   }
                                   return ok();
                                 }),
              no_group());
}

Status LogService::create_stream(const std::string& group_name, const std::string& name,
                                 WallTime now) {
  const Status made = store_.create_stream(group_name, name, now);
  if (!made && made.error().code == Errc::kAlreadyExists) {
    return aws_fault(Errc::kAlreadyExists, "ResourceAlreadyExistsException",
                     "The specified log stream already exists");
  }
  return with(made, no_group());
}

Status LogService::delete_stream(const std::string& group_name, const std::string& name) {
  if (!store_.find_group(group_name)) {
    return no_group();
  }
  return with(store_.delete_stream(group_name, name), no_stream());
}

Result<std::vector<LogStream>> LogService::streams(const std::string& group_name) const {
  auto found = store_.streams(group_name);
  if (!found && found.error().code == Errc::kNotFound) {
    return no_group();
  }
  return found;
}

namespace {

Status check_batch(const std::vector<LogEvent>& events) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    bytes += events[i].message.size() + kEventOverhead;
    if (i > 0 && events[i].at < events[i - 1].at) {
      return invalid("Log events in a single PutLogEvents request must be in chronological order.");
    }
  }
  if (bytes > kBatchBytesMax) {
    return invalid("Upload too large: " + std::to_string(bytes) + " bytes exceeds limit of " +
                   std::to_string(kBatchBytesMax));
  }
  if (!events.empty() && events.back().at - events.front().at > kSpanMax) {
    return invalid(
        "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.");
  }
  return ok();
}

}  // namespace

Result<RejectedEvents> LogService::put(const std::string& group_name, const std::string& stream,
                                       std::vector<LogEvent> events, WallTime now) {
  TRIVET_CHECK_OK(check_batch(events));
  TRIVET_TRY(const LogGroup found, group(group_name));
  const WallTime oldest = now - kTooOld;
  const WallTime newest = now + kTooNew;
  const WallTime expired =
      found.retention_days ? now - std::chrono::hours(24) * *found.retention_days : oldest;
  RejectedEvents rejected;
  std::vector<LogEvent> kept;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto index = static_cast<std::int32_t>(i);
    if (events[i].at > newest) {
      rejected.too_new_from = rejected.too_new_from.value_or(index);
    } else if (events[i].at < oldest) {
      rejected.too_old_end = index + 1;
    } else if (events[i].at < expired) {
      rejected.expired_end = index + 1;
    } else {
      kept.push_back(std::move(events[i]));
    }
  }
  TRIVET_CHECK_OK(with(store_.put(group_name, stream, std::move(kept), now), no_stream()));
  return rejected;
}

// Tokens are a direction and a position: a token means the same whatever startFromHead says.
Result<GetPage> LogService::get(const GetQuery& query) const {
  TRIVET_TRY([[maybe_unused]] const LogGroup found, group(query.group));
  LogRead read{.group = query.group,
               .stream = query.stream,
               .from = query.from.value_or(WallTime{}),
               .to = query.to.value_or(WallTime::max()),
               .events_max = static_cast<std::size_t>(query.limit),
               .is_forward = query.is_from_head};
  if (!query.token.empty()) {
    if (!query.token.starts_with("f/") && !query.token.starts_with("b/")) {
      return invalid("The specified nextToken is invalid.");
    }
    read.is_forward = query.token.starts_with("f/");
    read.position = query.token.substr(2);
  }
  auto page = store_.read(read);
  if (!page) {
    return page.error().code == Errc::kNotFound ? no_stream()
           : page.error().code == Errc::kInvalidArgument
               ? invalid("The specified nextToken is invalid.")
               : page.error();
  }
  return GetPage{std::move(page->events), "f/" + page->forward, "b/" + page->backward};
}

Result<FilterPage> LogService::filter(const FilterQuery& query) const {
  auto filter = log_filter::parse(query.pattern);
  if (!filter) {
    return invalid(filter.error().message);
  }
  if (!query.streams.empty() && !query.stream_prefix.empty()) {
    return invalid("logStreamNamePrefix and logStreamNames may not both be specified.");
  }
  LogSearch search{
      .group = query.group,
      .wants_stream =
          [&](const std::string& name) {
            return name.starts_with(query.stream_prefix) &&
                   (query.streams.empty() || std::find(query.streams.begin(), query.streams.end(),
                                                       name) != query.streams.end());
          },
      .wants_message = [&](std::string_view message) { return filter->matches(message); },
      .from = query.from.value_or(WallTime{}),
      .to = query.to.value_or(WallTime::max()),
      .events_max = static_cast<std::size_t>(query.limit),
      .after = query.token};
  auto found = store_.search(search);
  if (!found) {
    return found.error().code == Errc::kNotFound ? no_group() : found.error();
  }
  FilterPage page{.events = std::move(found->events)};
  if (!found->is_complete && !page.events.empty()) {
    page.token = page.events.back().id;
  }
  return page;
}

}  // namespace trivet::logs
