// SPDX-License-Identifier: Apache-2.0
//
// The names of all endpoints, as /etc/hosts is to have them.
#pragma once

#include <vector>

#include "adapter/hosts/hosts_file.h"
#include "service/cluster_view.h"

namespace trivet::daemon {

// Without those of clusters that are being deleted.
std::vector<hosts::Entry> host_entries(const std::vector<service::ClusterViewPtr>& views);

}  // namespace trivet::daemon
