// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdlib>
#include <map>

#include "adapter/mysql/member_admin.h"

namespace trivet::mysql {
namespace {

ReceiverState receiver_state(const QueryResult& replica) {
  if (replica.rows.empty()) {
    return ReceiverState::kNotConfigured;
  }
  const std::string running = replica.text(0, "Replica_IO_Running");
  if (running == "Yes") {
    return ReceiverState::kConnected;
  }
  return running == "Connecting" ? ReceiverState::kConnecting : ReceiverState::kStopped;
}

std::optional<Millis> milliseconds_between(const std::string& from_s, const std::string& to_s) {
  char* end = nullptr;
  const double from = std::strtod(from_s.c_str(), &end);
  const double to = std::strtod(to_s.c_str(), &end);
  if (from <= 0 || to <= 0) {
    return std::nullopt;
  }
  return Millis(std::max<std::int64_t>(0, static_cast<std::int64_t>((to - from) * 1000)));
}

// Between two transactions nothing is being applied: then the newest applied commit is the oldest
// bound.
std::optional<Millis> apply_lag(const ReportParts& parts) {
  if (parts.apply_times.rows.empty()) {
    return Millis(0);
  }
  const std::string now = parts.apply_times.text(0, "now_s");
  if (const auto applying = milliseconds_between(parts.apply_times.text(0, "applying_s"), now)) {
    return applying;
  }
  return milliseconds_between(parts.apply_times.text(0, "applied_s"), now);
}

void add_semi_sync(MemberReport& report, const QueryResult& status) {
  std::map<std::string, std::string> values;
  for (const Row& row : status.rows) {
    if (row.size() == 2) {
      values[row[0].value_or("")] = row[1].value_or("");
    }
  }
  const auto number = [&values](const char* name) {
    return std::strtoull(values[name].c_str(), nullptr, 10);
  };
  report.semi_sync_source_active = values["Rpl_semi_sync_source_status"] == "ON";
  report.semi_sync_replica_active = values["Rpl_semi_sync_replica_status"] == "ON";
  report.semi_sync_clients = static_cast<unsigned>(number("Rpl_semi_sync_source_clients"));
  report.semi_sync_waiting = static_cast<unsigned>(number("Rpl_semi_sync_source_wait_sessions"));
  report.semi_sync_acknowledged = number("Rpl_semi_sync_source_yes_tx");
  report.semi_sync_unacknowledged = number("Rpl_semi_sync_source_no_tx");
}

}  // namespace

std::string without_line_breaks(std::string text) {
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
  return text;
}

MemberReport make_report(const ReportParts& parts) {
  const QueryResult& variables = parts.variables;
  const QueryResult& replica = parts.replica;
  MemberReport report;
  report.server_uuid = variables.text(0, "server_uuid");
  report.server_id = static_cast<std::uint32_t>(variables.number(0, "server_id"));
  report.executed = without_line_breaks(variables.text(0, "executed"));
  report.received = without_line_breaks(variables.text(0, "received"));
  report.retrieved = without_line_breaks(replica.text(0, "Retrieved_Gtid_Set"));
  report.read_only = variables.number(0, "read_only") == 1;
  report.super_read_only = variables.number(0, "super_read_only") == 1;
  report.offline_mode = variables.number(0, "offline_mode") == 1;
  report.event_scheduler = variables.text(0, "event_scheduler") == "ON";
  report.semi_sync_source_enabled = variables.number(0, "source_enabled") == 1;
  report.semi_sync_replica_enabled = variables.number(0, "replica_enabled") == 1;
  report.receiver = receiver_state(replica);
  report.applier_running = replica.text(0, "Replica_SQL_Running") == "Yes";
  report.source_host = replica.text(0, "Source_Host");
  report.source_port = static_cast<std::uint16_t>(replica.number(0, "Source_Port"));
  report.source_uuid = replica.text(0, "Source_UUID");
  report.receiver_errno = static_cast<unsigned>(replica.number(0, "Last_IO_Errno"));
  report.receiver_error = replica.text(0, "Last_IO_Error");
  report.applier_errno = static_cast<unsigned>(replica.number(0, "Last_SQL_Errno"));
  report.applier_error = replica.text(0, "Last_SQL_Error");
  report.apply_lag = apply_lag(parts);
  add_semi_sync(report, parts.semi_sync);
  return report;
}

}  // namespace trivet::mysql
