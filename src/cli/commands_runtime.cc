// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "adapter/runtimes/runtimes.h"
#include "cli/admin_client.h"
#include "cli/api_client.h"
#include "cli/commands.h"

namespace trivet::cli {

Result<int> run_runtime_install(const Context& context, const RuntimeInstallOptions& options) {
  TRIVET_TRY(const runtimes::InstallResult installed,
             runtimes::install({context.paths.home, options.name, options.from, say}));
  const runtimes::Runtime& runtime = installed.runtime;
  print(fmt::format("{} ({}) {} in {}\n", runtime.kind->name, runtime.manifest.version,
                    installed.was_there ? "was there already" : "is installed", runtime.folder));
  return kExitOk;
}

Result<int> run_runtime_list(const Context& context, const RuntimeListOptions& options) {
  TRIVET_TRY(const std::vector<runtimes::Runtime> installed, runtimes::list(context.paths.home));
  if (options.json) {
    nlohmann::ordered_json j = {{"runtimes", nlohmann::ordered_json::array()}};
    for (const runtimes::Runtime& runtime : installed) {
      j["runtimes"].push_back({{"runtime", runtime.kind->name},
                               {"version", runtime.manifest.version},
                               {"origin", runtime.manifest.origin},
                               {"installed_at", runtime.manifest.installed_at},
                               {"folder", runtime.folder}});
    }
    print(j.dump() + "\n");
    return kExitOk;
  }
  if (installed.empty()) {
    say(fmt::format("no runtimes in {}: `{}` installs one", context.paths.home,
                    context.command("runtime install python3.13")));
  }
  for (const runtimes::Runtime& runtime : installed) {
    print(
        fmt::format("{}  {}  {}\n", runtime.kind->name, runtime.manifest.version, runtime.folder));
  }
  return kExitOk;
}

// Whoever runs on it would go on with its files gone. Without a daemon nobody runs.
static Status check_unused(const Context& context, const std::string& runtime) {
  constexpr std::size_t kNamesMax = 3;
  TRIVET_TRY(const std::optional<AdminClient> admin, AdminClient::open(context.paths));
  if (!admin) {
    return ok();
  }
  TRIVET_TRY(const ApiClient api, ApiClient::open(*admin));
  TRIVET_TRY(std::vector<std::string> names, api.functions_on(runtime));
  if (names.empty()) {
    return ok();
  }
  const std::size_t count = names.size();
  names.resize(std::min(count, kNamesMax));
  return make_error(
      Errc::kConflict,
      fmt::format("{} function{} on {}: {}{}. Delete them or give them another runtime; to install "
                  "it anew, `{}` first",
                  count, count == 1 ? " runs" : "s run", runtime, fmt::join(names, ", "),
                  count > kNamesMax ? ", …" : "", context.command("down")));
}

Result<int> run_runtime_remove(const Context& context, const RuntimeRemoveOptions& options) {
  TRIVET_CHECK_OK(check_unused(context, options.name));
  TRIVET_CHECK_OK(runtimes::remove(context.paths.home, options.name));
  print(fmt::format("{} is removed\n", options.name));
  return kExitOk;
}

}  // namespace trivet::cli
