// SPDX-License-Identifier: Apache-2.0
//
// Functions as they are: what calls show, what runs, what is in use.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/function_ref/function_ref.h"
#include "service/functions/faults.h"
#include "service/functions/function_service.h"

namespace trivet::functions {
namespace {

Result<Environment> open_environment(const Sealer& sealer, const std::string& name,
                                     const std::string& sealed) {
  Environment out;
  if (sealed.empty()) {
    return out;
  }
  TRIVET_TRY(const SecretString clear, sealer.open(environment_context(name), sealed));
  const auto all = nlohmann::json::parse(clear.reveal(), nullptr, false);
  if (!all.is_object()) {
    return make_error(Errc::kCorrupt, "the variables of function " + name + " cannot be read");
  }
  for (const auto& [key, value] : all.items()) {
    out.emplace(key, SecretString(value.get<std::string>()));
  }
  return out;
}

}  // namespace

Error no_such_function(const std::string& arn) {
  return not_found("Function not found: " + arn);
}

std::string FunctionService::arn(const std::string& name, std::string_view qualifier) const {
  return function_ref::arn_of(needs_.realm, name, qualifier);
}

Result<FunctionView> FunctionService::view_of(const FunctionEntry& entry,
                                              const FunctionVersion& version,
                                              std::string function_arn) const {
  FunctionView out;
  out.name = entry.function.name;
  out.arn = std::move(function_arn);
  out.version = version;
  TRIVET_TRY(out.environment,
             open_environment(*needs_.sealer, out.name, version.sealed_environment));
  return out;
}

Result<FunctionView> FunctionService::get(const std::string& name,
                                          const std::string& qualifier) const {
  TRIVET_TRY(const Resolved found, resolve(name, qualifier));
  return view_of(*found.entry, *found.version, arn(name, qualifier));
}

Result<std::vector<FunctionView>> FunctionService::list(bool all_versions) const {
  std::vector<FunctionView> out;
  const auto all = state();
  for (const auto& [name, entry] : all->functions) {
    TRIVET_TRY(FunctionView latest,
               view_of(*entry, entry->function.latest,
                       arn(name, all_versions ? kLatestVersion : std::string_view())));
    out.push_back(std::move(latest));
    for (const auto& [number, version] : entry->versions) {
      if (all_versions) {
        TRIVET_TRY(FunctionView view, view_of(*entry, version, arn(name, version.version)));
        out.push_back(std::move(view));
      }
    }
  }
  return out;
}

Result<std::vector<FunctionView>> FunctionService::versions(const std::string& name) const {
  TRIVET_TRY(const Resolved found, resolve(name, ""));
  std::vector<FunctionView> out;
  TRIVET_TRY(FunctionView latest, view_of(*found.entry, *found.version, arn(name, kLatestVersion)));
  out.push_back(std::move(latest));
  for (const auto& [number, version] : found.entry->versions) {
    TRIVET_TRY(FunctionView view, view_of(*found.entry, version, arn(name, version.version)));
    out.push_back(std::move(view));
  }
  return out;
}

Result<Resolved> FunctionService::resolve(const std::string& name,
                                          const std::string& qualifier) const {
  Resolved out{.state = state()};
  out.entry = out.state->find(name);
  if (out.entry == nullptr) {
    return no_such_function(arn(name, qualifier));
  }
  std::string version = qualifier;
  if (function_ref::is_alias(qualifier)) {
    const auto it = out.entry->function.aliases.find(qualifier);
    if (it == out.entry->function.aliases.end()) {
      return no_such_function(arn(name, qualifier));
    }
    out.alias = &it->second;
    version = it->second.version;
  }
  out.version = out.entry->find_version(version);
  if (out.version == nullptr) {
    return no_such_function(arn(name, qualifier));
  }
  return out;
}

Result<FunctionImage> FunctionService::image_of(const std::string& name,
                                                const FunctionVersion& version) const {
  FunctionImage out;
  out.name = name;
  out.version = version.version;
  out.arn = arn(name);
  out.revision = version.content_revision + "/" + version.version;
  out.runtime = version.runtime;
  out.handler = version.handler;
  out.role_arn = version.role_arn;
  out.code_folder = needs_.code.folder(version.code.id);
  for (const LayerUse& layer : version.layers) {
    out.layer_folders.push_back(needs_.code.folder(layer.code.id));
  }
  TRIVET_TRY(const Environment environment,
             open_environment(*needs_.sealer, name, version.sealed_environment));
  for (const auto& [key, value] : environment) {
    out.environment.emplace(key, value.reveal());
  }
  out.memory_mb = version.memory_mb;
  out.ephemeral_mb = version.ephemeral_mb;
  out.timeout = std::chrono::seconds(version.timeout_s);
  out.log_group = version.log_group;
  if (version.vpc) {
    out.vpc =
        VpcPlacement{version.vpc->vpc_id, version.vpc->subnet_ids, version.vpc->security_group_ids};
  }
  return out;
}

bool FunctionService::uses_subnet(const std::string& subnet_id) const {
  return uses([&](const FunctionVpc& vpc) {
    return std::find(vpc.subnet_ids.begin(), vpc.subnet_ids.end(), subnet_id) !=
           vpc.subnet_ids.end();
  });
}

bool FunctionService::uses_security_group(const std::string& group_id) const {
  return uses([&](const FunctionVpc& vpc) {
    return std::find(vpc.security_group_ids.begin(), vpc.security_group_ids.end(), group_id) !=
           vpc.security_group_ids.end();
  });
}

bool FunctionService::uses(const std::function<bool(const FunctionVpc&)>& is_used) const {
  const auto all = state();
  return std::any_of(all->functions.begin(), all->functions.end(), [&](const auto& named) {
    const FunctionEntry& entry = *named.second;
    const auto in = [&](const FunctionVersion& version) {
      return version.vpc && is_used(*version.vpc);
    };
    return in(entry.function.latest) ||
           std::any_of(entry.versions.begin(), entry.versions.end(),
                       [&](const auto& numbered) { return in(numbered.second); });
  });
}

}  // namespace trivet::functions
