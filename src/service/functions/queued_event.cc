// SPDX-License-Identifier: Apache-2.0
#include "service/functions/queued_event.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/iso8601.h"

namespace trivet::functions {
namespace {

using nlohmann::json;

std::string_view condition_of(Fate fate) {
  switch (fate) {
    case Fate::kSucceeded:
      return "Success";
    case Fate::kRetriesExhausted:
      return "RetriesExhausted";
    case Fate::kEventAgeExceeded:
    case Fate::kAgain:
      break;
  }
  return "EventAgeExceeded";
}

// A payload as JSON; one that is none, as text.
json value_of(const std::string& text) {
  json parsed = json::parse(text, nullptr, false);
  return parsed.is_discarded() ? json(text) : parsed;
}

}  // namespace

bool is_too_old(const QueuedEvent& event, const EventInvokeConfig& config, WallTime now) {
  return now - event.received > std::chrono::seconds(config.age_max_s.value_or(kAgeMaxDefault_s));
}

Fate after_run(QueuedEvent& event, bool is_error, const EventInvokeConfig& config,
               const RetryRules& rules, WallTime now) {
  ++event.attempts;
  if (!is_error) {
    return Fate::kSucceeded;
  }
  if (event.attempts > config.retries_max.value_or(kRetriesDefault)) {
    return Fate::kRetriesExhausted;
  }
  const auto last = static_cast<std::int32_t>(rules.after_errors.size()) - 1;
  const auto index = static_cast<std::size_t>(std::clamp(event.attempts - 1, 0, last));
  event.due = now + rules.after_errors[index];
  return is_too_old(event, config, event.due) ? Fate::kEventAgeExceeded : Fate::kAgain;
}

Fate after_refusal(QueuedEvent& event, const EventInvokeConfig& config, const RetryRules& rules,
                   WallTime now) {
  if (is_too_old(event, config, now)) {
    return Fate::kEventAgeExceeded;
  }
  Millis delay = rules.first_delay;
  for (std::int32_t i = 0; i < event.delays && delay < rules.longest_delay; ++i) {
    delay *= 2;
  }
  ++event.delays;
  event.due = now + std::min(delay, rules.longest_delay);
  return Fate::kAgain;
}

std::string failure_record(const QueuedEvent& event, std::string_view function_arn, Fate fate,
                           WallTime now) {
  json record = {{"version", "1.0"},
                 {"timestamp", format_iso8601_millis(now)},
                 {"requestContext",
                  {{"requestId", event.request_id},
                   {"functionArn", function_arn},
                   {"condition", condition_of(fate)},
                   {"approximateInvokeCount", event.attempts}}},
                 {"requestPayload", value_of(event.payload)}};
  if (event.attempts > 0) {
    record["responseContext"] = {{"statusCode", 200}, {"executedVersion", event.last_version}};
    if (!event.last_error.empty()) {
      record["responseContext"]["functionError"] = event.last_error;
    }
    record["responsePayload"] = value_of(event.last_payload);
  }
  return record.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string encode(const QueuedEvent& e) {
  const json record = {{"v", 1},
                       {"request_id", e.request_id},
                       {"function", e.function},
                       {"qualifier", e.qualifier},
                       {"payload", e.payload},
                       {"client_context", e.client_context},
                       {"received", to_ms(e.received)},
                       {"due", to_ms(e.due)},
                       {"attempts", e.attempts},
                       {"delays", e.delays},
                       {"last_error", e.last_error},
                       {"last_payload", e.last_payload},
                       {"last_version", e.last_version}};
  return record.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<QueuedEvent> decode_queued_event(std::string_view text) {
  try {
    const json j = json::parse(text);
    QueuedEvent e;
    if (j.at("v").get<int>() > 1) {
      return make_error(Errc::kCorrupt, "written by a newer version of Trivet");
    }
    e.request_id = j.at("request_id");
    e.function = j.at("function");
    e.qualifier = j.at("qualifier");
    e.payload = j.at("payload");
    e.client_context = j.at("client_context");
    e.received = wall_time_from_ms(j.at("received").get<std::int64_t>());
    e.due = wall_time_from_ms(j.at("due").get<std::int64_t>());
    e.attempts = j.at("attempts");
    e.delays = j.at("delays");
    e.last_error = j.at("last_error");
    e.last_payload = j.at("last_payload");
    e.last_version = j.at("last_version");
    return e;
  } catch (const json::exception& e) {
    return make_error(Errc::kCorrupt, std::string("an event cannot be read: ") + e.what());
  }
}

}  // namespace trivet::functions
