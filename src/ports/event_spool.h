// SPDX-License-Identifier: Apache-2.0
//
// Events for functions that somebody handed in without waiting for the answer: kept until they were
// dealt with, over restarts and kills of the daemon.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace trivet {

// Thread-safe; calls block on the disk.
class EventSpool {
 public:
  virtual ~EventSpool() = default;
  // Writes or replaces; durable when it returns. `id` is file-name text that sorts by time.
  virtual Status put(const std::string& id, std::string_view record) = 0;
  // Gone already is success.
  virtual Status remove(const std::string& id) = 0;
  // All ids and records, by id. What cannot be read is left out.
  virtual Result<std::vector<std::pair<std::string, std::string>>> list() = 0;
};

}  // namespace trivet
