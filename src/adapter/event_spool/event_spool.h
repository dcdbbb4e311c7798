// SPDX-License-Identifier: Apache-2.0
//
// Events as files of a folder: <root>/<id>.
#pragma once

#include <string>

#include "ports/event_spool.h"

namespace trivet::event_spool {

// Thread-safe as long as one id is not written and removed at once.
class FileSpool final : public EventSpool {
 public:
  // `root` is made when it is needed.
  explicit FileSpool(std::string root) : root_(std::move(root)) {}

  Status put(const std::string& id, std::string_view record) override;
  Status remove(const std::string& id) override;
  Result<std::vector<std::pair<std::string, std::string>>> list() override;

 private:
  const std::string root_;
};

}  // namespace trivet::event_spool
