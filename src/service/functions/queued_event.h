// SPDX-License-Identifier: Apache-2.0
//
// An event that somebody handed in and does not wait for: what is kept of it, and what becomes of
// it after each attempt. Pure. AWS: "How Lambda handles errors and retries with asynchronous
// invocation".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/function.h"

namespace trivet::functions {

// Plain value.
struct QueuedEvent {
  std::string request_id;
  std::string function;
  std::string qualifier;
  std::string payload;  // JSON
  std::string client_context;
  WallTime received{};
  WallTime due{};             // when it is tried next
  std::int32_t attempts = 0;  // of the function, that ended with an error of it
  std::int32_t delays = 0;    // how often it could not be tried at all
  // Of the last attempt, for the record of a failure.
  std::string last_error;  // "Unhandled"; empty: there was none
  std::string last_payload;
  std::string last_version;
};

struct RetryRules {
  // After the first error of the function, after the second. AWS's.
  std::vector<Millis> after_errors = {Millis(60'000), Millis(120'000)};
  // When it was throttled or could not be run: doubled each time, up to the second.
  Millis first_delay{1'000};
  Millis longest_delay{300'000};
};

inline constexpr std::int32_t kRetriesDefault = 2;
inline constexpr std::int32_t kAgeMaxDefault_s = 21'600;

// What becomes of an event. "RetriesExhausted" and "EventAgeExceeded" are AWS's conditions.
enum class Fate { kSucceeded, kAgain, kRetriesExhausted, kEventAgeExceeded };

// The function was run: did it end with an error?
Fate after_run(QueuedEvent& event, bool is_error, const EventInvokeConfig& config,
               const RetryRules& rules, WallTime now);
// It could not be run, now.
Fate after_refusal(QueuedEvent& event, const EventInvokeConfig& config, const RetryRules& rules,
                   WallTime now);
bool is_too_old(const QueuedEvent& event, const EventInvokeConfig& config, WallTime now);

// What a destination is told, as AWS words it.
std::string failure_record(const QueuedEvent& event, std::string_view function_arn, Fate fate,
                           WallTime now);

// JSON with a version field. kCorrupt.
std::string encode(const QueuedEvent& event);
Result<QueuedEvent> decode_queued_event(std::string_view text);

}  // namespace trivet::functions
