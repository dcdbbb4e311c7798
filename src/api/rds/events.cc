// SPDX-License-Identifier: Apache-2.0
//
// DescribeEvents: what happened to clusters and their members in the last fourteen days.
#include <fmt/format.h>

#include <algorithm>

#include "api/rds/common.h"
#include "service/event_log.h"

namespace trivet::api::rds {
namespace {

constexpr std::int32_t kMinutesDefault = 60;
constexpr std::int32_t kMinutesMax =
    static_cast<std::int32_t>(std::chrono::minutes(service::kEventsKept).count());

// From when to when. Of StartTime, EndTime and Duration the two times win; with one of them the
// duration says how long before the end, or after the start.
Status read_times(const DescribeEventsRequest& request, WallTime now, service::EventQuery& query) {
  if (request.Duration && (*request.Duration < 1 || *request.Duration > kMinutesMax)) {
    return bad_value(fmt::format("Invalid value {} for Duration. Must be between 1 and {}.",
                                 *request.Duration, kMinutesMax));
  }
  const std::chrono::minutes duration(request.Duration.value_or(kMinutesDefault));
  if (request.StartTime) {
    query.from = *request.StartTime;
    query.to = request.EndTime ? *request.EndTime : request.Duration ? query.from + duration : now;
  } else {
    query.to = request.EndTime.value_or(now);
    query.from = query.to - duration;
  }
  if (request.StartTime && request.EndTime && query.to < query.from) {
    return bad_combination("The EndTime must not be earlier than the StartTime.");
  }
  if (request.StartTime && query.from < now - service::kEventsKept) {
    return bad_value("The StartTime must be within the last 14 days.");
  }
  if (request.StartTime && query.from > now) {
    return bad_value("The StartTime must not be in the future.");
  }
  return ok();
}

// An RDS name: a letter, then letters, digits and hyphens, none doubled or at the end.
bool is_name(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && text.size() <= 255 && is_letter(text.front()) && text.back() != '-' &&
         text.find("--") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
}

// Whether there can be any event of the source; what it is called need not exist any more.
Result<bool> read_source(const DescribeEventsRequest& request, service::EventQuery& query) {
  const std::string id = request.SourceIdentifier.value_or("");
  const std::string type = request.SourceType.value_or("");
  if (!id.empty() && type.empty()) {
    return bad_combination("SourceType must be specified when SourceIdentifier is specified.");
  }
  if (!id.empty() && !is_name(id)) {
    return bad_value(fmt::format(
        "The parameter SourceIdentifier is not a valid identifier: {}. Identifiers begin with a "
        "letter; have only ASCII letters, digits, and hyphens; and must not end with a hyphen or "
        "contain two consecutive hyphens.",
        id));
  }
  query.source_id = to_lower(id);
  for (const auto source : {trivet::Event::Source::kCluster, trivet::Event::Source::kInstance}) {
    if (type == to_string(source)) {
      query.source = source;
    }
  }
  return type.empty() || query.source.has_value();
}

rds::Event event_shape(const trivet::Event& event) {
  return {.SourceIdentifier = event.source_id,
          .SourceType = std::string(to_string(event.source)),
          .Message = event.message,
          .EventCategories = {event.category},
          .Date = event.at,
          .SourceArn = event.source_arn};
}

Result<DescribeEventsResponse> describe(const RdsServices& services, WallTime now,
                                        const DescribeEventsRequest& request) {
  TRIVET_TRY([[maybe_unused]] const bool none,
             passes(request.Filters, [](std::string_view) { return std::nullopt; }));
  service::EventQuery query;
  TRIVET_CHECK_OK(read_times(request, now, query));
  TRIVET_TRY(const bool has_events, read_source(request, query));
  query.categories.insert(request.EventCategories.begin(), request.EventCategories.end());
  std::vector<service::RecordedEvent> found;
  if (has_events) {
    found = services.clusters.events().find(query);
  }
  DescribeEventsResponse response{.Marker = request.Marker, .Events = {}};
  TRIVET_CHECK_OK(cut_page(found, request.MaxRecords, response.Marker,
                           [](const service::RecordedEvent& recorded) { return recorded.key; }));
  for (const service::RecordedEvent& recorded : found) {
    response.Events.push_back(event_shape(recorded.event));
  }
  return response;
}

}  // namespace

void add_event_actions(ActionTable& table, const RdsServices& services) {
  table.add(make_action<DescribeEventsRequest>(
      [](const Call&, const DescribeEventsRequest&) -> std::vector<Permission> {
        return {{.action = "rds:DescribeEvents", .resource = "*"}};
      },
      [services](const Call& call, const DescribeEventsRequest& request) {
        return describe(services, call.now, request);
      }));
}

}  // namespace trivet::api::rds
