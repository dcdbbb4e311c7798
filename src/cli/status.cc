// SPDX-License-Identifier: Apache-2.0
#include "cli/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace trivet::cli {
namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? "" : found->get<std::string>();
}

std::int64_t number_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? 0 : found->get<std::int64_t>();
}

StatusEndpoint endpoint_of(const json& cluster, const char* name) {
  const auto found = cluster.find(name);
  if (found == cluster.end() || found->is_null()) {
    return {};
  }
  return {text_of(*found, "name"), text_of(*found, "address"),
          static_cast<std::uint16_t>(number_of(*found, "port"))};
}

StatusMember member_of(const json& j) {
  StatusMember out;
  out.identifier = j.at("identifier").get<std::string>();
  out.availability_zone = text_of(j, "availability_zone");
  out.role = text_of(j, "role");
  out.status = text_of(j, "status");
  out.address = text_of(j, "address");
  out.port = static_cast<std::uint16_t>(number_of(j, "port"));
  out.pid = number_of(j, "pid");
  out.guard_pid = number_of(j, "guard_pid");
  if (const auto lag = j.find("apply_lag_ms"); lag != j.end() && !lag->is_null()) {
    out.apply_lag_ms = lag->get<std::int64_t>();
  }
  out.trouble = text_of(j, "trouble");
  return out;
}

StatusCluster cluster_of(const json& j) {
  StatusCluster out;
  out.identifier = j.at("identifier").get<std::string>();
  out.resource_id = text_of(j, "resource_id");
  out.status = j.at("status").get<std::string>();
  out.term = number_of(j, "term");
  out.writer = text_of(j, "writer");
  out.master_username = text_of(j, "master_username");
  out.iam_authentication = j.value("iam_authentication", true);
  out.endpoint = endpoint_of(j, "endpoint");
  out.reader_endpoint = endpoint_of(j, "reader_endpoint");
  for (const json& member : j.value("members", json::array())) {
    out.members.push_back(member_of(member));
  }
  out.commit_delay_ms = number_of(j, "commit_delay_ms");
  out.waiting_for = text_of(j, "waiting_for");
  out.trouble = text_of(j, "trouble");
  return out;
}

std::string endpoint_line(std::string_view what, const StatusEndpoint& endpoint) {
  if (endpoint.name.empty()) {
    return "";
  }
  const std::string address =
      endpoint.name == endpoint.address ? "" : fmt::format("  ({})", endpoint.address);
  return fmt::format("  {:<6}  {}:{}{}\n", what, endpoint.name, endpoint.port, address);
}

using Row = std::vector<std::string>;

Row row_of(const StatusMember& member) {
  const auto number = [](std::int64_t value) {
    return value == 0 ? std::string("-") : std::to_string(value);
  };
  return {member.identifier,
          member.role.empty() ? "-" : member.role,
          member.status,
          member.availability_zone,
          fmt::format("{}:{}", member.address, member.port),
          number(member.pid),
          number(member.guard_pid),
          member.apply_lag_ms ? fmt::format("{} ms", *member.apply_lag_ms) : "-"};
}

// Columns as wide as their widest cell; no blanks at the end of a line.
std::string table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string out;
  for (const Row& row : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += fmt::format(" {:<{}} ", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string render_cluster(const StatusCluster& cluster) {
  std::string out = fmt::format("{}  {}  term {}  {}\n", cluster.identifier, cluster.status,
                                cluster.term, cluster.resource_id);
  out += endpoint_line("writer", cluster.endpoint);
  out += endpoint_line("reader", cluster.reader_endpoint);
  std::vector<Row> rows = {
      {"MEMBER", "ROLE", "STATUS", "ZONE", "ADDRESS", "PID", "GUARD", "APPLY LAG"}};
  for (const StatusMember& member : cluster.members) {
    rows.push_back(row_of(member));
  }
  if (rows.size() > 1) {
    out += table(rows);
  }
  if (cluster.commit_delay_ms > 0) {
    out += fmt::format("  commits are delayed by {} ms, so that readers keep up\n",
                       cluster.commit_delay_ms);
  }
  if (!cluster.waiting_for.empty()) {
    out += fmt::format("  waiting for: {}\n", cluster.waiting_for);
  }
  if (!cluster.trouble.empty()) {
    out += fmt::format("  trouble: {}\n", cluster.trouble);
  }
  for (const StatusMember& member : cluster.members) {
    if (!member.trouble.empty()) {
      out += fmt::format("  {}: {}\n", member.identifier, member.trouble);
    }
  }
  return out;
}

bool is_settled(const StatusCluster& cluster) {
  return cluster.status == "available" || cluster.status == "failed" ||
         cluster.status == "deleting" || cluster.status == "stopping" ||
         cluster.status == "stopped";
}

}  // namespace

const StatusCluster* DaemonStatus::find(std::string_view identifier) const {
  const auto found = std::find_if(clusters.begin(), clusters.end(), [&](const StatusCluster& c) {
    return c.identifier == identifier;
  });
  return found == clusters.end() ? nullptr : &*found;
}

std::string host_is_shut_out(std::string_view cluster) {
  return fmt::format(
      "logins from this host to {} will time out: host-access is security-groups, and it is not "
      "publicly accessible or none of its groups lets 127.0.0.1 in; `trivet network --host-access "
      "open` undoes it",
      cluster);
}

Status check_member(const StatusCluster& cluster, std::string_view member) {
  const bool is_there =
      std::any_of(cluster.members.begin(), cluster.members.end(),
                  [&](const StatusMember& each) { return each.identifier == member; });
  return is_there ? ok()
                  : Status(make_error(Errc::kNotFound,
                                      fmt::format("{} is no member of {}: see `trivet status`",
                                                  member, cluster.identifier)));
}

Result<DaemonStatus> parse_status(std::string_view text) {
  try {
    DaemonStatus out;
    const json j = json::parse(text);
    for (const json& cluster : j.at("clusters")) {
      out.clusters.push_back(cluster_of(cluster));
    }
    out.why_not_steered = text_of(j, "why_not_steered");
    const json network = j.value("network", json::object());
    out.why_not_enforced = text_of(network, "why_not");
    out.network_trouble = text_of(network, "trouble");
    out.shut_out = network.value("shut_out", out.shut_out);
    const json functions = j.value("functions", json::object());
    out.why_no_functions = text_of(functions, "why_none");
    out.function_weaknesses = functions.value("weaknesses", out.function_weaknesses);
    out.environments_idle = number_of(functions, "idle");
    out.environments_busy = number_of(functions, "busy");
    out.environments_bytes = number_of(functions, "resident_bytes");
    return out;
  } catch (const json::exception& e) {
    return make_error(Errc::kCorrupt, fmt::format("trivetd's status cannot be read: {}", e.what()));
  }
}

std::string render_functions(const DaemonStatus& status) {
  std::string out;
  if (status.environments_idle + status.environments_busy > 0) {
    out +=
        fmt::format("\nfunctions: {} environments busy, {} idle, {} MB\n", status.environments_busy,
                    status.environments_idle, status.environments_bytes / 1'000'000);
  }
  if (!status.why_no_functions.empty()) {
    out += fmt::format("\nfunctions do not run here: {}\n", status.why_no_functions);
  }
  for (const std::string& weakness : status.function_weaknesses) {
    out += fmt::format("\nsandboxes of functions are weaker: {}\n", weakness);
  }
  return out;
}

std::string render_status(const DaemonStatus& status) {
  std::string out = status.clusters.empty() ? "trivetd is running; there are no clusters\n" : "";
  for (const StatusCluster& cluster : status.clusters) {
    out += (out.empty() ? "" : "\n") + render_cluster(cluster);
  }
  if (!status.why_not_steered.empty()) {
    out += fmt::format("\nwriter endpoints cost time, their bytes are copied: {}\n",
                       status.why_not_steered);
  }
  if (!status.why_not_enforced.empty()) {
    out += fmt::format("\nnetworks are not enforced: {}\n", status.why_not_enforced);
  }
  if (!status.network_trouble.empty()) {
    out += fmt::format("\nnetworks are not as wanted: {}\n", status.network_trouble);
  }
  return out + render_functions(status);
}

std::vector<std::string> clusters_not_ready(const DaemonStatus& status) {
  std::vector<std::string> out;
  for (const StatusCluster& cluster : status.clusters) {
    if (is_settled(cluster)) {
      continue;
    }
    const auto running = std::count_if(cluster.members.begin(), cluster.members.end(),
                                       [](const StatusMember& m) { return m.pid != 0; });
    std::string line = fmt::format("{}: {}, {} of {} members run", cluster.identifier,
                                   cluster.status, running, cluster.members.size());
    if (!cluster.waiting_for.empty()) {
      line += "; waiting for " + cluster.waiting_for;
    }
    if (!cluster.trouble.empty()) {
      line += "; " + cluster.trouble;
    }
    out.push_back(std::move(line));
  }
  return out;
}

std::vector<std::string> members_not_ready(const DaemonStatus& status) {
  std::vector<std::string> out;
  for (const StatusCluster& cluster : status.clusters) {
    if (cluster.status != "available") {
      continue;
    }
    for (const StatusMember& member : cluster.members) {
      if (member.status != "available") {
        out.push_back(fmt::format("{}: {} is {}{}", cluster.identifier, member.identifier,
                                  member.status,
                                  member.trouble.empty() ? "" : "; " + member.trouble));
      }
    }
  }
  return out;
}

}  // namespace trivet::cli
