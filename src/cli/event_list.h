// SPDX-License-Identifier: Apache-2.0
//
// What happened, as `trivetd` tells it (GET /events): read, chosen from and printed. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace trivet::cli {

struct ListedEvent {
  WallTime date{};
  std::string event_id;
  std::string source_type;  // "db-cluster" or "db-instance"
  std::string source_identifier;
  std::string source_arn;
  std::string category;
  std::string message;
};

struct EventChoice {
  std::string cluster;  // it and its members; empty: all
  WallTime from{};
};

// In their order. Errors: kCorrupt.
Result<std::vector<ListedEvent>> parse_events(std::string_view json);
std::vector<ListedEvent> choose_events(std::vector<ListedEvent> events, const EventChoice& choice);
// One line each: when, id, what it is about, the message.
std::string render_events(const std::vector<ListedEvent>& events);
std::string events_to_json(const std::vector<ListedEvent>& events);

}  // namespace trivet::cli
