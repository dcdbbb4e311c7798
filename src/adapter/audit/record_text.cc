// SPDX-License-Identifier: Apache-2.0
#include "adapter/audit/record_text.h"

#include <string_view>
#include <utility>

#include "base/iso8601.h"
#include "base/json_line.h"

namespace trivet::audit {
namespace {

// Far above any name; what a client sends may be longer.
constexpr std::size_t kTextMax = 512;

void put(JsonLine& line, std::string_view name, std::string_view text) {
  if (!text.empty()) {
    line.add(name, text.substr(0, kTextMax));
  }
}

void put(JsonLine& line, const DecidedBy& by) {
  put(line, "policy_type", by.kind);
  put(line, "policy", by.policy);
  if (by.statement >= 0) {
    line.add("statement", by.statement);
  }
  put(line, "sid", by.sid);
}

// Nothing in it may end the line.
std::string one_line(std::string text) {
  for (char& c : text) {
    c = static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
  }
  return text;
}

}  // namespace

std::string audit_line(const LoginRecord& record) {
  JsonLine line;
  line.add("time", format_iso8601_millis(record.at));
  line.add("kind", "login");
  line.add("verdict", record.is_accepted ? "accepted" : "refused");
  put(line, "reason", record.reason);
  put(line, "detail", record.detail);
  put(line, "cluster", record.cluster);
  put(line, "member", record.member);
  put(line, "user", record.user);
  put(line, "principal", record.principal_arn);
  put(line, "session", record.session_name);
  put(line, "access_key_id", record.access_key_id);
  put(line, "source", record.peer_address);
  if (record.peer_port != 0) {
    line.add("source_port", record.peer_port);
  }
  line.add("connection_id", record.connection_id);
  put(line, "tls", record.tls_version);
  put(line, "cipher", record.tls_cipher);
  put(line, "role", record.role);
  put(line, record.decided_by);
  if (record.token_uses > 0) {
    line.add("token_uses", record.token_uses);
  }
  if (record.token_uses > 1) {
    line.add("token_first_used", format_iso8601_millis(record.token_first_used));
    put(line, "token_first_from", record.token_first_from);
  }
  line.add("status", record.aws_status);
  line.add_thousandths("ms", record.microseconds);
  return std::move(line).str();
}

std::string audit_line(const ApiRecord& record) {
  JsonLine line;
  line.add("time", format_iso8601_millis(record.at));
  line.add("kind", "api");
  line.add("verdict", record.verdict);
  put(line, "reason", record.code);
  put(line, "request_id", record.request_id);
  put(line, "service", record.service);
  put(line, "action", record.action);
  put(line, "permission", record.permission);
  put(line, "resource", record.resource);
  put(line, "principal", record.principal_arn);
  put(line, "session", record.session_name);
  put(line, "access_key_id", record.access_key_id);
  put(line, "source", record.source);
  put(line, record.decided_by);
  line.add("status", record.status);
  line.add("ms", record.milliseconds);
  return std::move(line).str();
}

std::string dropped_line(WallTime at, std::uint64_t count) {
  JsonLine line;
  line.add("time", format_iso8601_millis(at));
  line.add("kind", "dropped");
  line.add("records", count);
  return std::move(line).str();
}

std::string error_log_line(const LoginRecord& record) {
  std::string time = format_iso8601_millis(record.at);
  time[19] = ',';   // 2026-01-02T03:04:05,678, as RDS writes it
  time.pop_back();  // 'Z'
  std::string line = time + " [ERROR] " + record.aws_text + " [" + record.reason;
  line += record.detail.empty() ? "" : ": " + record.detail;
  line += "; member " + record.member;
  line += record.access_key_id.empty() ? "" : "; access key " + record.access_key_id;
  line += record.peer_address.empty() ? "" : "; from " + record.peer_address;
  return one_line(line + "]");
}

}  // namespace trivet::audit
