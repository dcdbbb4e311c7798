// SPDX-License-Identifier: Apache-2.0
//
// Tags of DB instances. A member has a record of its own for them: they change with the API alone
// and are nothing that a cluster's driver looks at. Records of members that are gone are dropped
// when the next one is written.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "base/mutex.h"
#include "base/result.h"
#include "model/cluster.h"
#include "ports/state_store.h"

namespace trivet::service {

// By DbiResourceId, which is never given twice. Thread-safe; calls block on the store.
class InstanceTags {
 public:
  explicit InstanceTags(StateStore& store) : store_(store) {}

  // Empty when there are none.
  Result<Tags> get(const std::string& resource_id);
  // Replaces them by what `change` makes of them. `present`: the members that there are, whose
  // records are kept.
  Status update(const std::string& resource_id, const std::set<std::string>& present,
                const std::function<Status(Tags&)>& change);

 private:
  StateStore& store_;
  Mutex mutex_;  // one change at a time
};

}  // namespace trivet::service
