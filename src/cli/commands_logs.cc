// SPDX-License-Identifier: Apache-2.0
//
// `trivet logs`: what a function wrote, from CloudWatch Logs' API.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "cli/admin_client.h"
#include "cli/api_client.h"
#include "cli/commands.h"
#include "cli/log_tail.h"

namespace trivet::cli {
namespace {

constexpr Millis kLookEvery{500};
// A session of the API is good for a quarter of an hour; a new one is asked for well before.
constexpr Millis kSessionUsed{600'000};
constexpr int kPagesMax = 1'000;

// Everything since `tail.from()`, printed; nothing when the group is not there yet.
Status show_new(const ApiClient& api, const LogsOptions& options, const std::string& group,
                LogTail& tail) {
  nlohmann::json query = {{"logGroupName", group}, {"startTime", to_ms(tail.from())}};
  if (!options.filter.empty()) {
    query["filterPattern"] = options.filter;
  }
  for (int page_number = 0; page_number < kPagesMax; ++page_number) {
    const auto answer = api.call_logs("FilterLogEvents", query.dump());
    if (!answer) {
      const bool is_no_group = answer.error().message.starts_with("ResourceNotFoundException");
      return is_no_group ? ok() : Status(answer.error());
    }
    TRIVET_TRY(LogEventPage page, parse_log_page(*answer));
    print(render_log_events(tail.take(std::move(page.events))));
    if (page.next_token.empty()) {
      return ok();
    }
    query["nextToken"] = page.next_token;
  }
  return ok();
}

// kNotFound when neither function nor group is there. A function that has not run has no group.
Status check_source(const ApiClient& api, const std::string& function, const std::string& group) {
  const auto found = api.call_logs(
      "DescribeLogGroups", nlohmann::json{{"logGroupNamePrefix", group}, {"limit", 1}}.dump());
  if (!found || found->find(nlohmann::json(group).dump()) != std::string::npos) {
    return ok();
  }
  if (!function.starts_with('/') && api.get_function(function)) {
    return ok();
  }
  return make_error(
      Errc::kNotFound,
      function.starts_with('/')
          ? fmt::format("there is no log group {}", group)
          : fmt::format("there is no function '{}', nor a log group {}", function, group));
}

}  // namespace

Result<int> run_logs(const Context& context, const LogsOptions& options) {
  const auto age = parse_age(options.since);
  if (!age) {
    return make_error(Errc::kInvalidArgument,
                      fmt::format("--since {}: 30s, 10m, 2h or 3d are such times", options.since));
  }
  TRIVET_TRY(const std::optional<AdminClient> admin, AdminClient::open(context.paths));
  if (!admin) {
    return say_not_running(context);
  }
  const std::string group =
      options.function.starts_with('/') ? options.function : "/aws/lambda/" + options.function;
  const SystemClock clock;
  LogTail tail(clock.wall_now() - *age);
  do {
    TRIVET_TRY(const ApiClient api, ApiClient::open(*admin));
    if (!options.follow) {
      TRIVET_CHECK_OK(check_source(api, options.function, group));
    }
    const Instant renewed = clock.now();
    do {
      TRIVET_CHECK_OK(show_new(api, options, group, tail));
      if (options.follow) {
        wait_for(kLookEvery);
      }
    } while (options.follow && since(renewed, clock.now()) < kSessionUsed);
  } while (options.follow);
  return kExitOk;
}

}  // namespace trivet::cli
