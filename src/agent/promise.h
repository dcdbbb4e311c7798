// SPDX-License-Identifier: Apache-2.0
//
// The highest term that a member's agent promised, on disk before it acts (failover.md I4).
#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"
#include "model/ids.h"
#include "ports/member_agent.h"

namespace trivet::agent {

// Thread-compatible.
class PromiseFile {
 public:
  explicit PromiseFile(std::string path) : path_(std::move(path)) {}

  // Refuses a command of a lower term (kConflict) and one that comes too late (kTimeout); keeps a
  // higher term durably before it returns.
  Status admit(const Stamp& stamp, Instant now);
  // What the file says; a member that never promised has term 0. kCorrupt when it cannot be read.
  Status load();

 private:
  std::string path_;
  Term promised_;
};

}  // namespace trivet::agent
