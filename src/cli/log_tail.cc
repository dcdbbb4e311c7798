// SPDX-License-Identifier: Apache-2.0
#include "cli/log_tail.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/iso8601.h"

namespace trivet::cli {
namespace {

// How far back events of another stream may still come.
constexpr Millis kOverlap{10'000};
constexpr std::size_t kIdTimeDigits = 14;

}  // namespace

Result<LogEventPage> parse_log_page(std::string_view text) {
  try {
    const auto parsed = nlohmann::json::parse(text);
    LogEventPage page;
    page.next_token = parsed.value("nextToken", "");
    for (const auto& event : parsed.at("events")) {
      page.events.push_back({.id = event.at("eventId"),
                             .stream = event.at("logStreamName"),
                             .at = wall_time_from_ms(event.at("timestamp").get<std::int64_t>()),
                             .message = event.at("message")});
    }
    return page;
  } catch (const nlohmann::json::exception& e) {
    return make_error(Errc::kCorrupt, fmt::format("the log events cannot be read: {}", e.what()));
  }
}

WallTime LogTail::from() const {
  return std::max(from_, latest_ - kOverlap);
}

std::vector<ShownLogEvent> LogTail::take(std::vector<ShownLogEvent> events) {
  std::vector<ShownLogEvent> out;
  for (ShownLogEvent& event : events) {
    if (shown_.insert(event.id).second) {
      latest_ = std::max(latest_, event.at);
      out.push_back(std::move(event));
    }
  }
  const std::string oldest = fmt::format("{:0{}}", to_ms(from()), kIdTimeDigits);
  shown_.erase(shown_.begin(), shown_.lower_bound(oldest));
  return out;
}

std::string render_log_events(const std::vector<ShownLogEvent>& events) {
  std::string out;
  for (const ShownLogEvent& event : events) {
    std::string message = event.message;
    while (message.ends_with('\n') || message.ends_with('\r')) {
      message.pop_back();
    }
    out += format_iso8601_millis(event.at) + " ";
    // Runtimes end the lines of a traceback with \r, so that it stays one event.
    for (std::size_t i = 0; i < message.size(); ++i) {
      if (message[i] == '\r' && i + 1 < message.size() && message[i + 1] == '\n') {
        continue;
      }
      const bool is_end = message[i] == '\n' || message[i] == '\r';
      out += is_end ? "\n  " : std::string(1, message[i]);
    }
    out += '\n';
  }
  return out;
}

std::optional<Millis> parse_age(std::string_view text) {
  constexpr std::int64_t kNumberMax = 1'000'000;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error != std::errc() || number < 0 || number > kNumberMax) {
    return std::nullopt;
  }
  constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"", 1'000}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  for (const auto& [name, ms] : kUnits) {
    if (unit == name) {
      return Millis(number * ms);
    }
  }
  return std::nullopt;
}

}  // namespace trivet::cli
