// SPDX-License-Identifier: Apache-2.0
#include "adapter/engine/manifest.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace trivet::engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;

// Empty when it is not there or not a text.
std::string text_member(const Json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

}  // namespace

std::string to_json(const Manifest& manifest) {
  Json packages = Json::array();
  for (const ManifestPackage& package : manifest.packages) {
    packages.push_back(
        {{"name", package.name}, {"version", package.version}, {"sha256", package.sha256}});
  }
  const Json out = {{"format", kFormat},
                    {"engine", manifest.engine},
                    {"version", manifest.version},
                    {"series", manifest.series},
                    {"package_version", manifest.package_version},
                    {"origin", manifest.origin},
                    {"installed_at", manifest.installed_at},
                    {"packages", std::move(packages)}};
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Manifest> parse_manifest(std::string_view json) {
  const Json object = Json::parse(json, nullptr, false);
  if (!object.is_object()) {
    return make_error(Errc::kCorrupt, "manifest.json is not a JSON object");
  }
  const auto format = object.find("format");
  if (format == object.end() || !format->is_number_integer() || format->get<int>() != kFormat) {
    return make_error(
        Errc::kCorrupt,
        fmt::format("manifest.json is not of format {}: a newer Trivet made it?", kFormat));
  }
  Manifest out;
  out.engine = text_member(object, "engine");
  out.version = text_member(object, "version");
  out.series = text_member(object, "series");
  out.package_version = text_member(object, "package_version");
  out.origin = text_member(object, "origin");
  out.installed_at = text_member(object, "installed_at");
  if (out.engine.empty() || out.version.empty() || out.series.empty()) {
    return make_error(Errc::kCorrupt, "manifest.json does not say which engine it is");
  }
  const auto packages = object.find("packages");
  if (packages != object.end() && packages->is_array()) {
    for (const Json& package : *packages) {
      if (package.is_object()) {
        out.packages.push_back({text_member(package, "name"), text_member(package, "version"),
                                text_member(package, "sha256")});
      }
    }
  }
  return out;
}

}  // namespace trivet::engine
