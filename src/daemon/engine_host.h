// SPDX-License-Identifier: Apache-2.0
//
// The engine that members run: found in the home, made ready (plugin folder, template) once, and
// then given out at once. It may be installed while the daemon runs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "adapter/engine/engine.h"
#include "adapter/engine/system_user.h"
#include "base/mutex.h"
#include "service/engine_catalog.h"

namespace trivet::daemon {

// Thread-safe.
class EngineHost {
 public:
  EngineHost(std::string home, std::string plugin, engine::SystemUser mysqld_user);

  // The newest installed MySQL 9.7, ready to run. The first call for an engine that has no template
  // yet takes some seconds. kNotFound names the command that installs one.
  Result<engine::Engine> ready();
  // What CreateDBCluster may ask for.
  std::vector<service::EngineVersion> versions() const;

 private:
  const std::string home_;
  const std::string plugin_;
  const engine::SystemUser mysqld_user_;
  Mutex mutex_;
  std::optional<engine::Engine> ready_ GUARDED_BY(mutex_);
};

}  // namespace trivet::daemon
