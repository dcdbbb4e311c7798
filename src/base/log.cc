// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/iso8601.h"
#include "base/json_line.h"
#include "base/uri.h"

namespace trivet {
namespace {

constexpr std::size_t kFileBytesMax = 10U << 20;
constexpr std::size_t kFilesKept = 5;

struct Sink {
  std::shared_ptr<spdlog::logger> logger;
  bool json = false;
};

std::shared_ptr<spdlog::logger> standard_error() {
  auto logger =
      std::make_shared<spdlog::logger>("trivet", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%v");
  logger->flush_on(spdlog::level::trace);
  return logger;
}

std::shared_ptr<const Sink>& current() {
  static auto* sink =
      new std::shared_ptr<const Sink>(std::make_shared<const Sink>(Sink{standard_error(), false}));
  return *sink;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view name_of(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warn";
    case Level::kError:
      return "error";
  }
  return "info";
}

bool is_plain(std::string_view text) {
  if (text.empty() || !is_valid_utf8(text)) {
    return false;
  }
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == '"' || c == '=' || c == 0x7f || c == '\\') {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string log_line(bool json, std::string_view time, Level level, std::string_view event,
                     std::initializer_list<LogField> fields) {
  if (json) {
    JsonLine line;
    line.add("time", time);
    line.add("level", name_of(level));
    line.add("event", event);
    for (const auto& [name, value] : fields) {
      line.add_written(name, value.is_number() ? value.text() : json_quoted(value.text()));
    }
    return std::move(line).str();
  }
  std::string line = fmt::format("{} {:<5} {}", time, name_of(level), event);
  for (const auto& [name, value] : fields) {
    line += fmt::format(" {}={}", name,
                        is_plain(value.text()) ? value.text() : json_quoted(value.text()));
  }
  return line;
}

void log(Level level, std::string_view event, std::initializer_list<LogField> fields) {
  const std::shared_ptr<const Sink> sink = std::atomic_load(&current());
  if (!sink->logger->should_log(to_spdlog(level))) {
    return;
  }
  const std::string time = format_iso8601_millis(SystemClock().wall_now());
  sink->logger->log(to_spdlog(level), "{}", log_line(sink->json, time, level, event, fields));
}

bool configure_log(const LogOptions& options) {
  try {
    std::shared_ptr<spdlog::logger> logger;
    if (options.file.empty()) {
      logger = standard_error();
    } else {
      logger = std::make_shared<spdlog::logger>(
          "trivet", std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
                        options.file, kFileBytesMax, kFilesKept));
      logger->set_pattern("%v");
      logger->flush_on(spdlog::level::trace);
    }
    logger->set_level(to_spdlog(options.least));
    std::atomic_store(&current(), std::shared_ptr<const Sink>(std::make_shared<const Sink>(
                                      Sink{std::move(logger), options.json})));
    return true;
  } catch (const spdlog::spdlog_ex&) {
    return false;
  }
}

}  // namespace trivet
