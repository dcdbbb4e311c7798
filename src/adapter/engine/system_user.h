// SPDX-License-Identifier: Apache-2.0
//
// Whom mysqld runs as: never root.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace trivet::engine {

struct SystemUser {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

inline constexpr const char* kServerUser = "trivet";

// Errors: kNotFound.
Result<SystemUser> find_user(const std::string& name);
Result<SystemUser> current_user();  // the effective one
// The user `name`, made with useradd (system user, no home, no shell) when it is not there; two at
// once end up with the same one. Errors: kDenied when we are not root, kUnavailable with useradd's
// words.
Result<SystemUser> ensure_system_user(const std::string& name = kServerUser);
// kServerUser when we are root, else ourselves: the user of mysqld.
Result<SystemUser> server_user();

// Can `user` enter the folder, by its modes and those above it? The error names the one that it
// cannot and the cure.
Status check_can_enter(const std::string& folder, const SystemUser& user);

}  // namespace trivet::engine
