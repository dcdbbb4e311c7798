// SPDX-License-Identifier: Apache-2.0
#include "daemon/host_entries.h"

namespace trivet::daemon {

std::vector<hosts::Entry> host_entries(const std::vector<service::ClusterViewPtr>& views) {
  std::vector<hosts::Entry> entries;
  const auto add = [&entries](const Endpoint& e) {
    if (e.name != e.address) {
      entries.push_back({e.address, {e.name}});
    }
  };
  for (const service::ClusterViewPtr& view : views) {
    if (view->cluster.status == ClusterStatus::kDeleting) {
      continue;
    }
    add(view->cluster.writer_endpoint);
    add(view->cluster.reader_endpoint);
    for (const Member& m : view->cluster.members) {
      add(m.endpoint);
    }
  }
  return entries;
}

}  // namespace trivet::daemon
