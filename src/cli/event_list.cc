// SPDX-License-Identifier: Apache-2.0
#include "cli/event_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/iso8601.h"

namespace trivet::cli {
namespace {

using nlohmann::json;

// Members are called <cluster>-instance-<number>.
bool is_of(const ListedEvent& event, const std::string& cluster) {
  if (event.source_type == "db-cluster") {
    return event.source_identifier == cluster;
  }
  const std::string prefix = cluster + "-instance-";
  const std::string_view name = event.source_identifier;
  return name.starts_with(prefix) && name.size() > prefix.size() &&
         name.find_first_not_of("0123456789", prefix.size()) == std::string_view::npos;
}

}  // namespace

Result<std::vector<ListedEvent>> parse_events(std::string_view text) {
  try {
    std::vector<ListedEvent> out;
    const json parsed = json::parse(text);
    for (const json& j : parsed.at("events")) {
      const auto date = parse_iso8601(j.at("date").get<std::string>());
      if (!date) {
        return make_error(Errc::kCorrupt, "trivetd's events cannot be read: a date is none");
      }
      out.push_back({*date, j.at("event_id"), j.at("source_type"), j.at("source_identifier"),
                     j.at("source_arn"), j.at("category"), j.at("message")});
    }
    return out;
  } catch (const json::exception& e) {
    return make_error(Errc::kCorrupt, fmt::format("trivetd's events cannot be read: {}", e.what()));
  }
}

std::vector<ListedEvent> choose_events(std::vector<ListedEvent> events, const EventChoice& choice) {
  std::erase_if(events, [&](const ListedEvent& event) {
    return event.date < choice.from || (!choice.cluster.empty() && !is_of(event, choice.cluster));
  });
  return events;
}

std::string render_events(const std::vector<ListedEvent>& events) {
  std::size_t width = 0;
  for (const ListedEvent& event : events) {
    width = std::max(width, event.source_identifier.size());
  }
  std::string out;
  for (const ListedEvent& event : events) {
    out += fmt::format("{}  {}  {:<{}}  {}\n", format_iso8601_millis(event.date), event.event_id,
                       event.source_identifier, width, event.message);
  }
  return out;
}

std::string events_to_json(const std::vector<ListedEvent>& events) {
  json out = json::array();
  for (const ListedEvent& event : events) {
    out.push_back({{"date", format_iso8601_millis(event.date)},
                   {"event_id", event.event_id},
                   {"source_type", event.source_type},
                   {"source_identifier", event.source_identifier},
                   {"source_arn", event.source_arn},
                   {"category", event.category},
                   {"message", event.message}});
  }
  return json{{"events", std::move(out)}}.dump();
}

}  // namespace trivet::cli
