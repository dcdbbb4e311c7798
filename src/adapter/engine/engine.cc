// SPDX-License-Identifier: Apache-2.0
#include "adapter/engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "adapter/engine/files.h"
#include "base/file.h"

namespace trivet::engine {

namespace fs = std::filesystem;

std::string engines_folder(const std::string& home) {
  return home + "/engines";
}

Result<std::vector<Engine>> list(const std::string& home) {
  std::vector<Engine> out;
  const std::string folder = engines_folder(home);
  std::error_code error;
  for (auto at = fs::directory_iterator(folder, error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    const std::string path = at->path();
    const std::string name = at->path().filename();
    if (name.front() == '.' || name.find(".partial") != std::string::npos) {
      continue;
    }
    const Result<std::string> text = read_file(path + "/manifest.json");
    const Result<Manifest> manifest = text ? parse_manifest(*text) : Result<Manifest>(text.error());
    Result<EngineLayout> layout = find_layout(path + "/root");
    if (manifest && layout && name == fmt::format("{}-{}", manifest->engine, manifest->version)) {
      out.push_back(Engine{path, *manifest, std::move(*layout)});
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return make_error(Errc::kDenied, fmt::format("list {}: {}", folder, error.message()));
  }
  std::sort(out.begin(), out.end(), [](const Engine& a, const Engine& b) {
    if (a.manifest.engine != b.manifest.engine) {
      return a.manifest.engine < b.manifest.engine;
    }
    return ::strverscmp(a.manifest.version.c_str(), b.manifest.version.c_str()) > 0;
  });
  return out;
}

Result<Engine> find_mysql(const std::string& home) {
  TRIVET_TRY(std::vector<Engine> engines, list(home));
  for (Engine& engine : engines) {
    if (engine.manifest.engine == "mysql" && engine.manifest.series == kMysqlSeries) {
      return std::move(engine);
    }
  }
  return make_error(Errc::kNotFound,
                    fmt::format("no MySQL {} in {}: run `trivet engine install mysql`",
                                kMysqlSeries, engines_folder(home)));
}

}  // namespace trivet::engine
