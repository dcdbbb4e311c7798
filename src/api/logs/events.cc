// SPDX-License-Identifier: Apache-2.0
//
// Log streams and the events in them.
#include <algorithm>
#include <utility>

#include "api/logs/common.h"

namespace trivet::api::logs {
namespace {

constexpr std::size_t kStreamsDefault = 50;
constexpr std::int32_t kEventsDefault = 10'000;

std::optional<std::int64_t> ms_of(const std::optional<WallTime>& time) {
  return time ? std::optional(to_ms(*time)) : std::nullopt;
}

LogStream stream_shape(const LogService& service, const std::string& group,
                       const trivet::LogStream& stream) {
  return {.logStreamName = stream.name,
          .creationTime = to_ms(stream.created),
          .firstEventTimestamp = ms_of(stream.first_event),
          .lastEventTimestamp = ms_of(stream.last_event),
          .lastIngestionTime = ms_of(stream.last_ingestion),
          .arn = service.group_arn(group) + ":log-stream:" + stream.name,
          .storedBytes = 0};  // AWS has not told it for streams since 2019
}

Result<DescribeLogStreamsResponse> describe(const LogService& service,
                                            const DescribeLogStreamsRequest& request) {
  const bool by_time = request.orderBy.value_or("LogStreamName") == "LastEventTime";
  if (by_time && request.logStreamNamePrefix) {
    return aws_fault(Errc::kInvalidArgument, "InvalidParameterException",
                     "Cannot order by LastEventTime with a logStreamNamePrefix.");
  }
  TRIVET_TRY(const std::string group,
             group_of(service, request.logGroupName, request.logGroupIdentifier));
  TRIVET_TRY(std::vector<trivet::LogStream> streams, service.streams(group));
  std::erase_if(streams, [&](const trivet::LogStream& stream) {
    return !stream.name.starts_with(request.logStreamNamePrefix.value_or(""));
  });
  if (by_time) {
    std::sort(streams.begin(), streams.end(),
              [](const trivet::LogStream& a, const trivet::LogStream& b) {
                return std::pair(a.last_event.value_or(WallTime{}), std::string_view(a.name)) <
                       std::pair(b.last_event.value_or(WallTime{}), std::string_view(b.name));
              });
  }
  if (request.descending.value_or(false)) {
    std::reverse(streams.begin(), streams.end());
  }
  DescribeLogStreamsResponse response;
  const auto limit = static_cast<std::size_t>(request.limit.value_or(kStreamsDefault));
  for (const trivet::LogStream& stream :
       page_of(std::move(streams), request.nextToken, limit, response.nextToken,
               [](const trivet::LogStream& item) { return item.name; })) {
    response.logStreams.push_back(stream_shape(service, group, stream));
  }
  return response;
}

Result<PutLogEventsResponse> put(LogService& service, WallTime now,
                                 const PutLogEventsRequest& request) {
  std::vector<LogEvent> events;
  for (const InputLogEvent& event : request.logEvents) {
    events.push_back({time_of(event.timestamp).value_or(WallTime{}), event.message});
  }
  TRIVET_TRY(const trivet::logs::RejectedEvents rejected,
             service.put(request.logGroupName, request.logStreamName, std::move(events), now));
  PutLogEventsResponse response;
  // Tokens mean nothing any more, but clients expect one.
  response.nextSequenceToken = std::to_string(to_ms(now));
  if (rejected.any()) {
    response.rejectedLogEventsInfo =
        RejectedLogEventsInfo{.tooNewLogEventStartIndex = rejected.too_new_from,
                              .tooOldLogEventEndIndex = rejected.too_old_end,
                              .expiredLogEventEndIndex = rejected.expired_end};
  }
  return response;
}

Result<GetLogEventsResponse> get(const LogService& service, const GetLogEventsRequest& request) {
  TRIVET_TRY(std::string group,
             group_of(service, request.logGroupName, request.logGroupIdentifier));
  TRIVET_TRY(const trivet::logs::GetPage page,
             service.get({.group = std::move(group),
                          .stream = request.logStreamName,
                          .from = time_of(request.startTime),
                          .to = time_of(request.endTime),
                          .is_from_head = request.startFromHead.value_or(false),
                          .token = request.nextToken.value_or(""),
                          .limit = request.limit.value_or(kEventsDefault)}));
  GetLogEventsResponse response;
  for (const StoredLogEvent& event : page.events) {
    response.events.push_back({.timestamp = to_ms(event.at),
                               .message = event.message,
                               .ingestionTime = to_ms(event.ingested)});
  }
  response.nextForwardToken = page.forward_token;
  response.nextBackwardToken = page.backward_token;
  return response;
}

Result<FilterLogEventsResponse> filter(const LogService& service,
                                       const FilterLogEventsRequest& request) {
  TRIVET_TRY(std::string group,
             group_of(service, request.logGroupName, request.logGroupIdentifier));
  TRIVET_TRY(const trivet::logs::FilterPage page,
             service.filter({.group = std::move(group),
                             .streams = request.logStreamNames,
                             .stream_prefix = request.logStreamNamePrefix.value_or(""),
                             .from = time_of(request.startTime),
                             .to = time_of(request.endTime),
                             .pattern = request.filterPattern.value_or(""),
                             .token = request.nextToken.value_or(""),
                             .limit = request.limit.value_or(kEventsDefault)}));
  FilterLogEventsResponse response;
  for (const StoredLogEvent& event : page.events) {
    response.events.push_back({.logStreamName = event.stream,
                               .timestamp = to_ms(event.at),
                               .message = event.message,
                               .ingestionTime = to_ms(event.ingested),
                               .eventId = event.id});
  }
  if (!page.token.empty()) {
    response.nextToken = page.token;
  }
  return response;
}

// The group that a request names in one way or the other, for its permission.
template <typename Request>
std::string named_group(const Request& request) {
  return request.logGroupName.value_or(request.logGroupIdentifier.value_or("*"));
}

void add_stream_actions(ActionTable& table, LogService& service) {
  table.add(make_action<CreateLogStreamRequest>(
      [&service](const Call&, const CreateLogStreamRequest& request) {
        return std::vector<Permission>{
            group_permission(service, "logs:CreateLogStream", request.logGroupName)};
      },
      [&service](const Call& call,
                 const CreateLogStreamRequest& request) -> Result<CreateLogStreamResponse> {
        TRIVET_CHECK_OK(
            service.create_stream(request.logGroupName, request.logStreamName, call.now));
        return CreateLogStreamResponse{};
      }));
  table.add(make_action<DeleteLogStreamRequest>(
      [&service](const Call&, const DeleteLogStreamRequest& request) {
        return std::vector<Permission>{stream_permission(
            service, "logs:DeleteLogStream", request.logGroupName, request.logStreamName)};
      },
      [&service](const Call&,
                 const DeleteLogStreamRequest& request) -> Result<DeleteLogStreamResponse> {
        TRIVET_CHECK_OK(service.delete_stream(request.logGroupName, request.logStreamName));
        return DeleteLogStreamResponse{};
      }));
  table.add(make_action<DescribeLogStreamsRequest>(
      [&service](const Call&, const DescribeLogStreamsRequest& request) {
        return std::vector<Permission>{
            group_permission(service, "logs:DescribeLogStreams", named_group(request))};
      },
      [&service](const Call&, const DescribeLogStreamsRequest& request) {
        return describe(service, request);
      }));
}

}  // namespace

void add_event_actions(ActionTable& table, LogService& service) {
  add_stream_actions(table, service);
  table.add(make_action<PutLogEventsRequest>(
      [&service](const Call&, const PutLogEventsRequest& request) {
        return std::vector<Permission>{stream_permission(
            service, "logs:PutLogEvents", request.logGroupName, request.logStreamName)};
      },
      [&service](const Call& call, const PutLogEventsRequest& request) {
        return put(service, call.now, request);
      }));
  table.add(make_action<GetLogEventsRequest>(
      [&service](const Call&, const GetLogEventsRequest& request) {
        return std::vector<Permission>{stream_permission(
            service, "logs:GetLogEvents", named_group(request), request.logStreamName)};
      },
      [&service](const Call&, const GetLogEventsRequest& request) {
        return get(service, request);
      }));
  table.add(make_action<FilterLogEventsRequest>(
      [&service](const Call&, const FilterLogEventsRequest& request) {
        return std::vector<Permission>{
            group_permission(service, "logs:FilterLogEvents", named_group(request))};
      },
      [&service](const Call&, const FilterLogEventsRequest& request) {
        return filter(service, request);
      }));
}

}  // namespace trivet::api::logs
