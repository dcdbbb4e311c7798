// SPDX-License-Identifier: Apache-2.0
#include "daemon/token_admin.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "base/bytes.h"
#include "daemon/admin_answer.h"

namespace trivet::daemon {
namespace {

using nlohmann::json;
using service::ClusterViewPtr;

std::string text_in(const json& body, const char* member) {
  return body.is_object() && body.contains(member) && body[member].is_string()
             ? body[member].get<std::string>()
             : std::string();
}

bool is_reached_by(const Cluster& cluster, const token::HostPort& host) {
  std::vector<Endpoint> endpoints = {cluster.writer_endpoint, cluster.reader_endpoint};
  for (const Member& member : cluster.members) {
    endpoints.push_back(member.endpoint);
  }
  return std::any_of(endpoints.begin(), endpoints.end(), [&](const Endpoint& e) {
    return token::matches({to_lower(e.name), e.port}, host) ||
           token::matches({e.address, e.port}, host);
  });
}

// The cluster that is meant; null when that cannot be told.
ClusterViewPtr find_cluster(const std::vector<ClusterViewPtr>& views, const std::string& name,
                            const std::string& text) {
  if (!name.empty()) {
    const auto found = std::find_if(views.begin(), views.end(), [&](const ClusterViewPtr& view) {
      return view->cluster.id.str() == name;
    });
    return found == views.end() ? nullptr : *found;
  }
  // What is no token is none anywhere.
  const bool is_token =
      text.find('?') != std::string::npos && text.find("://") == std::string::npos;
  if (!is_token && !views.empty()) {
    return views.front();
  }
  if (const auto host = token::parse_host_port(text.substr(0, text.find_first_of("/?")))) {
    for (const ClusterViewPtr& view : views) {
      if (is_reached_by(view->cluster, *host)) {
        return view;
      }
    }
  }
  return views.size() == 1 ? views.front() : nullptr;
}

}  // namespace

net::HttpResponse explain_token(const net::HttpRequest& request,
                                const service::TokenVerifier& verifier,
                                const std::vector<ClusterViewPtr>& views, WallTime now) {
  const json body = json::parse(request.body, nullptr, false);
  const std::string text = text_in(body, "token");
  const std::string name = text_in(body, "cluster");
  const ClusterViewPtr view = find_cluster(views, name, text);
  if (!view) {
    return admin_bad_request(name.empty()
                                 ? "the token's host is no endpoint of ours: name the cluster"
                                 : "there is no DB cluster " + name);
  }
  if (view->cluster.members.empty()) {
    return admin_bad_request("the cluster has no members");
  }
  return admin_answer_text(200, token::to_json(verifier.explain(view->cluster.members.front().id,
                                                                text_in(body, "user"), text, now)));
}

}  // namespace trivet::daemon
