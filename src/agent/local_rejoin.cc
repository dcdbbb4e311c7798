// SPDX-License-Identifier: Apache-2.0
//
// LocalAgent::rejoin. The order is what makes it safe to be cut off anywhere: the copy of the tail
// is on disk before the tail is cut, what was cut is noted before as well, and whatever happened
// before, the started server itself is asked at the end what it holds.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "adapter/engine/files.h"
#include "agent/local_agent.h"
#include "base/file.h"
#include "base/iso8601.h"
#include "base/random.h"

namespace trivet::agent {
namespace {

constexpr Millis kRejoinLook{3'000};
constexpr Millis kRejoinGuard{5'000};
constexpr Millis kStart{60'000};

// What was cut off before and nobody may have been told of yet.
void read_rewound(const std::string& path, failover::Rejoined& out) {
  const auto text = read_file(path);
  const auto json = nlohmann::json::parse(text ? *text : "", nullptr, false);
  if (json.is_object() && json.contains("discarded") && json["discarded"].is_number_unsigned() &&
      json.contains("kept") && json["kept"].is_string()) {
    out.discarded = json["discarded"].get<std::uint64_t>();
    out.kept = json["kept"].get<std::string>();
  }
}

Status write_rewound(const std::string& path, const failover::Rejoined& rejoined) {
  return write_file_atomically(
      path,
      nlohmann::json{{"v", 1}, {"discarded", rejoined.discarded}, {"kept", rejoined.kept}}.dump() +
          "\n",
      0600);
}

}  // namespace

Status LocalAgent::rewind(const LogEnd& log, failover::Rejoined& out) {
  const std::string stamp = format_amz_date(agents_.settings().clock->wall_now());
  const std::string folder =
      paths_.lost_and_found() + "/" + stamp + "-" + random_text(4, kLowerAlphanumerics);
  TRIVET_CHECK_OK(engine::make_folders_exactly(paths_.lost_and_found(), 0700));
  TRIVET_CHECK_OK(make_folders(folder, 0700));
  const std::string kept = folder + log.file.substr(log.file.rfind('/'));
  TRIVET_CHECK_OK(copy_tail(log, kept));
  out.discarded += log.tail.lacking.count();
  out.kept += (out.kept.empty() ? "" : ", ") + kept;
  TRIVET_CHECK_OK(write_rewound(paths_.rewind(), out));
  return cut_tail(log);
}

Result<failover::RejoinLook> LocalAgent::look_closed() {
  failover::RejoinLook out;
  TRIVET_TRY(out.held, look());
  TRIVET_TRY(const mysql::QueryResult prepared, admin_.query("XA RECOVER", kRejoinLook));
  out.prepared = prepared.rows.size();
  return out;
}

Result<failover::Rejoined> LocalAgent::rejoin(const Stamp& stamp,
                                              const gtid::GtidSet& writer_held) {
  using failover::RejoinWay;
  TRIVET_CHECK_OK(admit(stamp));
  TRIVET_CHECK_OK(kill(kRejoinGuard));
  TRIVET_CHECK_OK(end_guard(kRejoinGuard));
  failover::Rejoined out;
  read_rewound(paths_.rewind(), out);
  const auto clone = [&out](std::string why) {
    out.way = RejoinWay::kClone;
    out.reason = std::move(why);
    return out;
  };
  if (has_unfinished_clone()) {
    return clone("an earlier clone was not completed");
  }
  TRIVET_TRY(const LogEnd log, read_log_end(paths_.data(), writer_held));
  const failover::RejoinPlan plan = failover::plan_rejoin(log.tail);
  if (plan.way == RejoinWay::kClone) {
    out.discarded += log.tail.lacking.count();
    return clone(plan.reason);
  }
  if (plan.way == RejoinWay::kRewind) {
    TRIVET_CHECK_OK(rewind(log, out));
  }
  out.way = out.kept.empty() ? RejoinWay::kReplicate : RejoinWay::kRewind;
  const auto started = start(std::min(left(stamp), kStart));
  if (!started) {
    return started.error();
  }
  TRIVET_TRY(const failover::RejoinLook seen, look_closed());
  const auto why = failover::why_clone(seen, writer_held);
  if (!why) {
    return out;
  }
  const std::uint64_t errant = gtid::minus(seen.held, writer_held).count();
  out.discarded = std::max(out.discarded, errant);
  TRIVET_CHECK_OK(kill(kRejoinGuard));
  TRIVET_CHECK_OK(end_guard(kRejoinGuard));
  return clone(*why);
}

}  // namespace trivet::agent
