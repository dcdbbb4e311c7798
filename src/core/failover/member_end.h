// SPDX-License-Identifier: Apache-2.0
//
// How a member's mysqld ended. One that ends in order (SIGTERM, SHUTDOWN) answers commits that wait
// for an acknowledgement with OK on its way down (MySQL; incident T43), so what nobody else holds
// may count as committed, whatever cuts that way short. One that is killed while it serves answers
// nothing (I8).
#pragma once

#include <string>
#include <utility>

namespace trivet::failover {

struct MemberEnd {
  std::string how;          // "killed by signal 9"
  bool is_orderly = false;  // it had been told to end, and was on its way at least

  MemberEnd() = default;
  // Words alone are those of a sudden end.
  MemberEnd(std::string text, bool orderly = false) : how(std::move(text)), is_orderly(orderly) {}
  MemberEnd(const char* text) : how(text) {}
};

}  // namespace trivet::failover
