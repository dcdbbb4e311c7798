// SPDX-License-Identifier: Apache-2.0
#include "daemon/engine_host.h"

#include "adapter/engine/plugins.h"
#include "adapter/engine/template.h"
#include "base/log.h"

namespace trivet::daemon {

EngineHost::EngineHost(std::string home, std::string plugin, engine::SystemUser mysqld_user)
    : home_(std::move(home)), plugin_(std::move(plugin)), mysqld_user_(std::move(mysqld_user)) {}

Result<engine::Engine> EngineHost::ready() {
  const MutexLock lock(mutex_);
  TRIVET_TRY(engine::Engine found, engine::find_mysql(home_));
  if (ready_ && ready_->folder == found.folder && engine::has_template(found)) {
    return *ready_;
  }
  TRIVET_TRY(const std::string plugins, engine::prepare_plugin_dir(found, plugin_));
  TRIVET_TRY(const engine::SystemUser self, engine::current_user());
  const auto progress = [](std::string_view line) {
    log(Level::kInfo, "engine.template", {{"doing", line}});
  };
  TRIVET_CHECK_OK(engine::make_template(found, {mysqld_user_, self, progress}));
  log(Level::kInfo, "engine.ready", {{"version", found.manifest.version}, {"plugins", plugins}});
  ready_ = found;
  return found;
}

std::vector<service::EngineVersion> EngineHost::versions() const {
  std::vector<service::EngineVersion> out;
  const auto engines = engine::list(home_);
  if (engines) {
    for (const engine::Engine& e : *engines) {
      out.push_back({e.manifest.engine, e.manifest.version});
    }
  }
  return out;
}

}  // namespace trivet::daemon
