// SPDX-License-Identifier: Apache-2.0
#include "model/event.h"
#include "model/record_json.h"

namespace trivet {

std::string_view to_string(Event::Source source) {
  switch (source) {
    case Event::Source::kCluster:
      return "db-cluster";
    case Event::Source::kInstance:
      return "db-instance";
  }
  return "db-cluster";
}

// The message may hold what a server said, so it need not be UTF-8.
std::string encode(const Event& event) {
  return record_json::dump({{"v", record_json::kVersion},
                            {"at_ms", to_ms(event.at)},
                            {"source", to_string(event.source)},
                            {"source_id", event.source_id},
                            {"source_arn", event.source_arn},
                            {"id", event.id},
                            {"category", event.category},
                            {"message", event.message}});
}

Result<Event> decode_event(std::string_view text) {
  return record_json::decode<Event>(text, [](const nlohmann::json& j, Event& event) {
    event.at = wall_time_from_ms(j.at("at_ms"));
    event.source = j.at("source").get<std::string>() == to_string(Event::Source::kInstance)
                       ? Event::Source::kInstance
                       : Event::Source::kCluster;
    event.source_id = j.at("source_id");
    event.source_arn = j.at("source_arn");
    event.id = j.at("id");
    event.category = j.at("category");
    event.message = j.at("message");
  });
}

}  // namespace trivet
