// SPDX-License-Identifier: Apache-2.0
#include "daemon/cluster_admin.h"

#include <nlohmann/json.hpp>
#include <string>

#include "base/iso8601.h"
#include "base/log.h"
#include "daemon/admin_answer.h"

namespace trivet::daemon {
namespace {

using nlohmann::json;

net::HttpResponse preview(const ClusterId& id, service::ClusterService& clusters) {
  const auto found = clusters.preview_loss(id);
  if (!found) {
    return admin_refusal(found.error());
  }
  json offers = json::array();
  for (const auto& offer : found->offers) {
    offers.push_back({{"member", offer.member.str()},
                      {"held", offer.held.str()},
                      {"lacks", offer.lacks.str()},
                      {"lacks_count", offer.lacks.count()}});
  }
  json absent = json::array();
  for (const auto& gone : found->absent) {
    absent.push_back({{"member", gone.member.str()},
                      {"last_heard", gone.last_heard ? json(format_iso8601_millis(*gone.last_heard))
                                                     : json(nullptr)}});
  }
  return admin_answer(
      200, {{"waiting_for", found->waiting_for}, {"offers", offers}, {"absent", absent}});
}

net::HttpResponse accept(const ClusterId& id, const net::HttpRequest& request,
                         service::ClusterService& clusters) {
  const json body = json::parse(request.body, nullptr, false);
  const bool is_whole = body.is_object() && body.contains("member") && body.contains("held") &&
                        body["member"].is_string() && body["held"].is_string();
  if (!is_whole) {
    return admin_bad_request("needs member and held, as they were shown");
  }
  const Status accepted = clusters.accept_loss(id, MemberId(body["member"].get<std::string>()),
                                               body["held"].get<std::string>());
  if (!accepted) {
    return admin_refusal(accepted.error());
  }
  log(Level::kWarning, "failover.loss_accepted_by",
      {{"cluster", id.str()}, {"uid", request.peer_credentials->uid}});
  return admin_answer(200, json::object());
}

}  // namespace

std::optional<net::HttpResponse> cluster_admin_call(const net::HttpRequest& request,
                                                    service::ClusterService& clusters) {
  constexpr std::string_view kBefore = "/clusters/";
  constexpr std::string_view kAfter = "/loss";
  const std::string_view target = request.target;
  if (!target.starts_with(kBefore) || !target.ends_with(kAfter) ||
      target.size() <= kBefore.size() + kAfter.size()) {
    return std::nullopt;
  }
  const ClusterId id{
      std::string(target.substr(kBefore.size(), target.size() - kBefore.size() - kAfter.size()))};
  if (request.method == "GET") {
    return preview(id, clusters);
  }
  if (request.method == "POST") {
    return accept(id, request, clusters);
  }
  return std::nullopt;
}

}  // namespace trivet::daemon
