// SPDX-License-Identifier: Apache-2.0
//
// This process leaves no core dumps and other processes of its user cannot look into its memory;
// what it starts is as it would have been without that.
#pragma once

namespace trivet::process {

// Call it once, before other threads are there.
void forbid_core_dumps();

// While it lives, processes that are started have the limit that this one was started with. Core
// dumps stay forbidden: what counts for this process is that it is not dumpable.
class CoreLimitForChildren {
 public:
  CoreLimitForChildren();
  ~CoreLimitForChildren();
  CoreLimitForChildren(const CoreLimitForChildren&) = delete;
  CoreLimitForChildren& operator=(const CoreLimitForChildren&) = delete;
};

}  // namespace trivet::process
