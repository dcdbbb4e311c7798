// SPDX-License-Identifier: Apache-2.0
//
// Takes a record of every login and every API call.
#pragma once

#include "model/audit.h"

namespace trivet {

// Thread-safe. Never waits: not for a disk, not for another caller longer than a few instructions.
class AuditSink {
 public:
  virtual ~AuditSink() = default;
  virtual void add(LoginRecord record) = 0;
  virtual void add(ApiRecord record) = 0;
};

}  // namespace trivet
