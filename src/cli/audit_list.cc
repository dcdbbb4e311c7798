// SPDX-License-Identifier: Apache-2.0
#include "cli/audit_list.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/iso8601.h"

namespace trivet::cli {
namespace {

using nlohmann::json;

std::string text_of(const json& record, const char* name) {
  const auto found = record.find(name);
  if (found == record.end()) {
    return {};
  }
  return found->is_string() ? found->get<std::string>() : found->dump();
}

// A resource of the cluster's: itself, one of its members, an account of it.
bool is_about(const json& record, const std::string& cluster) {
  const std::string resource = text_of(record, "resource");
  const std::string instance = ":db:" + cluster + "-instance-";
  return text_of(record, "cluster") == cluster || resource.ends_with(":cluster:" + cluster) ||
         resource.find(instance) != std::string::npos;
}

bool asks_for_nothing(const AuditChoice& c) {
  return c.cluster.empty() && c.kind.empty() && c.verdict.empty() && c.reason.empty() &&
         c.user.empty() && c.principal.empty() && c.key.empty() && c.source.empty() &&
         c.action.empty();
}

// By its name alone, or as render_call shows it.
bool is_action(const json& record, const std::string& wanted) {
  const std::string action = text_of(record, "action");
  return wanted.empty() || action == wanted || text_of(record, "service") + ":" + action == wanted;
}

// " name value" for a field that is there.
std::string shown(const json& record, const char* name, std::string_view label) {
  const std::string text = text_of(record, name);
  return text.empty() ? "" : fmt::format("  {} {}", label, text);
}

std::string statement_of(const json& record) {
  std::string out = shown(record, "policy", "policy");
  if (record.contains("statement")) {
    out += fmt::format(" statement {}", text_of(record, "statement"));
  }
  return out;
}

std::string render_login(const json& record) {
  std::string out = fmt::format("login  {}  {}@{}",
                                text_of(record, record.contains("reason") ? "reason" : "verdict"),
                                text_of(record, "user"), text_of(record, "member"));
  out += shown(record, "role", "as");
  out += shown(record, "principal", "by");
  out += record.contains("principal") ? "" : shown(record, "access_key_id", "by key");
  out += shown(record, "source", "from") + statement_of(record);
  return out + shown(record, "detail", "because");
}

std::string render_call(const json& record) {
  std::string out = fmt::format("api    {}  {}:{}", text_of(record, "verdict"),
                                text_of(record, "service"), text_of(record, "action"));
  out += shown(record, "reason", "because");
  out += shown(record, "resource", "on") + shown(record, "principal", "by");
  out += record.contains("principal") ? "" : shown(record, "access_key_id", "by key");
  return out + shown(record, "source", "from") + statement_of(record);
}

}  // namespace

bool is_chosen(std::string_view line, const AuditChoice& choice) {
  const json record = json::parse(line, nullptr, false);
  if (!record.is_object()) {
    return asks_for_nothing(choice);
  }
  const auto has = [&record](const char* name, const std::string& wanted) {
    return wanted.empty() || text_of(record, name) == wanted;
  };
  const auto time = parse_iso8601(text_of(record, "time"));
  if (time && *time < choice.from) {
    return false;
  }
  if (text_of(record, "kind") == "dropped") {
    return true;  // what is asked for may be among them
  }
  return (choice.cluster.empty() || is_about(record, choice.cluster)) && has("kind", choice.kind) &&
         has("verdict", choice.verdict) && has("reason", choice.reason) &&
         has("user", choice.user) && has("access_key_id", choice.key) &&
         has("source", choice.source) && is_action(record, choice.action) &&
         text_of(record, "principal").find(choice.principal) != std::string::npos;
}

std::string render_audit(std::string_view line) {
  const json record = json::parse(line, nullptr, false);
  if (!record.is_object()) {
    return fmt::format("?  {}\n", line);
  }
  const std::string kind = text_of(record, "kind");
  const std::string what = kind == "login" ? render_login(record)
                           : kind == "api" ? render_call(record)
                                           : fmt::format(
                                                 "{} records were lost, because the disk "
                                                 "did not take them",
                                                 text_of(record, "records"));
  return fmt::format("{}  {}\n", text_of(record, "time"), what);
}

}  // namespace trivet::cli
