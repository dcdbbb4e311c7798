// SPDX-License-Identifier: Apache-2.0
//
// Pages of IAM's lists. A marker is the sort key of the page's last item, so that pages stay right
// while items come and go.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "service/iam_checks.h"
#include "service/iam_service.h"

namespace trivet::service {

// `items` are pairs of sort key and item, sorted by key.
template <typename T>
Result<Page<T>> make_page(std::vector<std::pair<std::string, T>> items,
                          const PageRequest& request) {
  if (request.items_max < 1 || request.items_max > 1000) {
    return constraint_error(std::to_string(request.items_max), "maxItems",
                            request.items_max < 1
                                ? "Member must have value greater than or equal to 1"
                                : "Member must have value less than or equal to 1000");
  }
  std::string after;
  if (!request.marker.empty()) {
    auto decoded = from_base64(request.marker);
    if (!decoded) {
      return validation_error("Invalid Marker.");
    }
    after = std::move(*decoded);
  }
  Page<T> page;
  std::string last;
  for (auto& [key, item] : items) {
    if (!request.marker.empty() && key <= after) {
      continue;
    }
    if (page.items.size() == static_cast<std::size_t>(request.items_max)) {
      page.marker = to_base64(last);
      break;
    }
    last = key;
    page.items.push_back(std::move(item));
  }
  return page;
}

}  // namespace trivet::service
