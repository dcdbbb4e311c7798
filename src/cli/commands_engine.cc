// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "adapter/engine/engine.h"
#include "adapter/engine/system_user.h"
#include "adapter/engine/template.h"
#include "cli/commands.h"

namespace trivet::cli {
namespace {

// What the daemon would do before its first cluster. Not being able to is no failure of the
// installation: the daemon says so again where it matters.
void prepare_template(const engine::Engine& engine) {
  if (engine::has_template(engine)) {
    return;
  }
  const auto server = engine::server_user();
  const auto admin = engine::current_user();
  Status made = ok();
  if (!server) {
    made = server.error();
  } else if (!admin) {
    made = admin.error();
  } else {
    made = engine::make_template(engine, {*server, *admin, say});
  }
  if (!made) {
    say(fmt::format("warning: the data directory for new members could not be prepared: {}",
                    made.error().message));
  }
}

}  // namespace

Result<int> run_engine_install(const Context& context, const EngineInstallOptions& options) {
  TRIVET_TRY(const engine::InstallResult installed,
             engine::install_mysql({context.paths.home, options.from, say}));
  prepare_template(installed.engine);
  const engine::Manifest& manifest = installed.engine.manifest;
  print(fmt::format("{} {} {} in {}\n", manifest.engine, manifest.version,
                    installed.was_there ? "was there already" : "is installed",
                    installed.engine.folder));
  return kExitOk;
}

Result<int> run_engine_list(const Context& context, const EngineListOptions& options) {
  TRIVET_TRY(const std::vector<engine::Engine> engines, engine::list(context.paths.home));
  if (options.json) {
    nlohmann::ordered_json j = {{"engines", nlohmann::ordered_json::array()}};
    for (const engine::Engine& engine : engines) {
      j["engines"].push_back({{"engine", engine.manifest.engine},
                              {"version", engine.manifest.version},
                              {"package_version", engine.manifest.package_version},
                              {"origin", engine.manifest.origin},
                              {"installed_at", engine.manifest.installed_at},
                              {"folder", engine.folder},
                              {"has_template", engine::has_template(engine)}});
    }
    print(j.dump() + "\n");
    return kExitOk;
  }
  if (engines.empty()) {
    say(fmt::format("no engines in {}: `{}` installs one", context.paths.home,
                    context.command("engine install mysql")));
  }
  for (const engine::Engine& engine : engines) {
    print(fmt::format("{} {}  package {}  {}\n", engine.manifest.engine, engine.manifest.version,
                      engine.manifest.package_version, engine.folder));
  }
  return kExitOk;
}

}  // namespace trivet::cli
