// SPDX-License-Identifier: Apache-2.0
#include "daemon/network_host.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "adapter/engine/system_user.h"
#include "net/socket.h"

namespace trivet::daemon {
namespace {

service::NetworkSettings settings_of(const Installation& installation) {
  service::NetworkSettings settings;
  settings.domain = installation.endpoint_domain;
  settings.api_host = installation.api_host;
  settings.api_port = installation.api_port;
  if (const auto mysqld_user = engine::server_user()) {
    settings.exempt.exempt_uids = {static_cast<std::uint32_t>(mysqld_user->uid)};
  }
  settings.exempt.exempt_mark = net::kOwnMark;
  settings.exempt.exempt_source = own_source(installation);
  settings.exempt.exempt_source_uid = ::geteuid();
  return settings;
}

}  // namespace

std::string own_source(const Installation& installation) {
  return installation.address_prefix + ".255.254";
}

bool uses_group(const std::vector<service::ClusterViewPtr>& views, const std::string& group) {
  return std::any_of(views.begin(), views.end(), [&](const service::ClusterViewPtr& view) {
    const auto& groups = view->cluster.security_group_ids;
    return std::find(groups.begin(), groups.end(), group) != groups.end();
  });
}

NetworkHost::NetworkHost(const Installation& installation, Needs needs)
    : fabric_({installation.id, installation.address_prefix}),
      doors_(installation.api_port),
      driver_({needs.network, fabric_, doors_, settings_of(installation), std::move(needs.views),
               std::move(needs.on_addresses)}),
      admin_(driver_, needs.network) {
  needs.network.on_change([this] { driver_.network_changed(); });
}

void NetworkHost::begin(net::HttpServer& api) {
  doors_.open_api(api);
  driver_.start();
}

void NetworkHost::stop(bool are_members_stopped) {
  driver_.stop(are_members_stopped);
  doors_.stop();
}

}  // namespace trivet::daemon
