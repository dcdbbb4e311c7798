// SPDX-License-Identifier: Apache-2.0
//
// Lines of the audit log: which are asked for, and how people read them. docs/logins.md has the
// fields.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace trivet::cli {

// What is empty, or 0, asks for nothing.
struct AuditChoice {
  std::string cluster;    // logins to it; calls about it
  std::string kind;       // "login", "api"
  std::string verdict;    // "refused"
  std::string reason;     // "expired", "AccessDenied"
  std::string user;       // of the database
  std::string principal;  // a part of the ARN
  std::string key;        // access key id
  std::string source;     // address
  std::string action;     // "CreateDBCluster" or "rds:CreateDBCluster"
  WallTime from{};
};

// Whether a line is asked for; one that is no record is, when nothing is asked for but a time: it
// must not be hidden.
bool is_chosen(std::string_view line, const AuditChoice& choice);

// One line for people, with its end.
std::string render_audit(std::string_view line);

}  // namespace trivet::cli
