// SPDX-License-Identifier: Apache-2.0
//
// An initialised data directory, made once for each engine and copied for each member: initialising
// takes seconds, copying a tenth of one. Its only account is kAdminAccount, which the operating
// system vouches for: the daemon's user over the unix socket, no password. root@localhost is gone.
// It has no binary log, no executed GTID, no server id of its own and no key, so copies have
// nothing in common that they should not have.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "adapter/engine/engine.h"
#include "adapter/engine/subprocess.h"
#include "adapter/engine/system_user.h"
#include "base/result.h"

namespace trivet::engine {

inline constexpr std::string_view kAdminAccount = "trivet_admin";  // @localhost

struct TemplateOptions {
  SystemUser server_user;  // as server_user() gives; runs mysqld when we are root
  SystemUser admin_user;   // as current_user() gives; who may log in as kAdminAccount
  Progress progress;
};
// Makes engine.template_folder() unless it is there for the same admin user. Waits for another
// process that makes it. The folder appears by one rename; a half-made one is made again. Errors:
// kDenied when the server's user cannot enter the engine's folder (with the cure), kUnavailable
// with mysqld's own errors, kTimeout.
Status make_template(const Engine& engine, const TemplateOptions& options);
bool has_template(const Engine& engine);

// A new data directory `target` (its parent exists, it does not) owned by `owner` (nullopt: us). It
// appears by one rename, and is on disk when `durable`.
// Errors: kNotFound without a template, kAlreadyExists, kInternal (disk full: nothing is left).
struct CopyTemplateOptions {
  std::string target;
  std::optional<RunAs> owner;
  bool durable = true;
};
Status copy_template(const Engine& engine, const CopyTemplateOptions& options);

}  // namespace trivet::engine
