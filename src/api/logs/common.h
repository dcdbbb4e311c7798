// SPDX-License-Identifier: Apache-2.0
//
// What the actions of CloudWatch Logs share.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "api/logs/actions.h"
#include "api/shapes/logs.h"

namespace trivet::api::logs {

using trivet::logs::LogService;

void add_group_actions(ActionTable& table, LogService& service);
void add_event_actions(ActionTable& table, LogService& service);

// With a name that may be an ARN. AWS's policies see a group with ":*" behind its ARN.
Permission group_permission(const LogService& service, std::string_view action,
                            const std::string& name_or_arn);
Permission stream_permission(const LogService& service, std::string_view action,
                             const std::string& group, const std::string& stream);

// Of the two ways to name a group the one that was used. InvalidParameterException.
Result<std::string> group_of(const LogService& service, const std::optional<std::string>& name,
                             const std::optional<std::string>& identifier);

std::optional<WallTime> time_of(const std::optional<std::int64_t>& ms);

// Cuts a page out of sorted items: those behind `token`, at most `limit`. The token of the next
// page is the name of this one's last item.
template <typename T, typename NameOf>
std::vector<T> page_of(std::vector<T> items, const std::optional<std::string>& token,
                       std::size_t limit, std::optional<std::string>& next, NameOf name_of) {
  if (token) {
    const auto first = std::find_if(items.begin(), items.end(),
                                    [&](const T& item) { return name_of(item) == *token; });
    items.erase(items.begin(), first == items.end() ? items.begin() : first + 1);
  }
  if (items.size() > limit) {
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(limit), items.end());
    next = name_of(items.back());
  }
  return items;
}

}  // namespace trivet::api::logs
