// SPDX-License-Identifier: Apache-2.0
#include "daemon/status_json.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/iso8601.h"
#include "daemon/function_host.h"
#include "daemon/network_admin.h"

namespace trivet::daemon {
namespace {

using nlohmann::json;

json to_json(const Endpoint& e) {
  return {{"name", e.name}, {"address", e.address}, {"port", e.port}};
}

json to_json(const service::ClusterView& view, const service::MemberStatus& member) {
  const Member& m = *view.cluster.find_member(member.id);
  return {{"identifier", m.id.str()},
          {"availability_zone", m.availability_zone},
          {"role", member.is_writer ? "writer" : "reader"},
          {"status", service::instance_status_text(view, member)},
          {"state", member.state},
          {"is_voter", member.is_voter},
          {"address", m.endpoint.address},
          {"name", m.endpoint.name},
          {"port", m.endpoint.port},
          {"pid", member.process.mysqld_pid},
          {"guard_pid", member.process.guard_pid},
          {"apply_lag_ms", member.apply_lag ? json(member.apply_lag->count()) : json(nullptr)},
          {"trouble", member.trouble}};
}

}  // namespace

EndpointFacts endpoint_facts(const router::Router& router, std::string why_not_steered) {
  EndpointFacts out;
  out.why_not_steered = std::move(why_not_steered);
  if (const auto stats = router.stats()) {
    for (const router::ListenerStats& found : stats->listeners) {
      if (found.is_steered) {
        out.steered.insert(found.listener.address);
      }
    }
  }
  return out;
}

std::string events_json(const std::vector<service::RecordedEvent>& events) {
  json out = json::array();
  for (const service::RecordedEvent& recorded : events) {
    const Event& event = recorded.event;
    out.push_back({{"date", format_iso8601_millis(event.at)},
                   {"event_id", event.id},
                   {"source_type", to_string(event.source)},
                   {"source_identifier", event.source_id},
                   {"source_arn", event.source_arn},
                   {"category", event.category},
                   {"message", event.message}});
  }
  return json{{"events", std::move(out)}}.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string status_json(const std::vector<service::ClusterViewPtr>& views,
                        const EndpointFacts& endpoints, const service::NetworkReport& network,
                        const runner::Runner& runner) {
  json clusters = json::array();
  for (const service::ClusterViewPtr& view : views) {
    json members = json::array();
    for (const service::MemberStatus& member : view->members) {
      members.push_back(to_json(*view, member));
    }
    const Endpoint& writer_endpoint = view->cluster.writer_endpoint;
    json endpoint = to_json(writer_endpoint);
    endpoint["steered"] =
        endpoints.steered.contains({writer_endpoint.address, writer_endpoint.port});
    clusters.push_back({{"identifier", view->cluster.id.str()},
                        {"resource_id", view->cluster.resource_id.str()},
                        {"status", service::status_text(*view)},
                        {"term", view->topology.term.value()},
                        {"writer", view->writer ? json(view->writer->str()) : json(nullptr)},
                        {"iam_authentication", view->cluster.iam_authentication},
                        {"master_username", view->cluster.master_username},
                        {"endpoint", std::move(endpoint)},
                        {"reader_endpoint", to_json(view->cluster.reader_endpoint)},
                        {"members", std::move(members)},
                        {"commit_delay_ms", view->commit_delay.count()},
                        {"waiting_for", view->waiting_for},
                        {"trouble", view->cluster.status_reason}});
  }
  return json{{"running", true},
              {"why_not_steered", endpoints.why_not_steered},
              {"clusters", std::move(clusters)},
              {"network", json::parse(network_json(network))},
              {"functions", json::parse(functions_json(runner))}}
      .dump();
}

}  // namespace trivet::daemon
