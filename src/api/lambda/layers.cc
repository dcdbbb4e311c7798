// SPDX-License-Identifier: Apache-2.0
//
// GetLayerVersion, GetLayerVersionByArn, ListLayers, ListLayerVersions, DeleteLayerVersion.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "api/lambda/layer_shapes.h"

namespace trivet::api::lambda {
namespace {

bool fits(const LayerVersion& layer, const std::optional<std::string>& runtime,
          const std::optional<std::string>& architecture) {
  const auto has = [](const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
  };
  return (!runtime || has(layer.runtimes, *runtime)) &&
         (!architecture || has(layer.architectures, *architecture));
}

// Of one layer, the newest first.
std::vector<LayerVersion> versions_of(const functions::LayerEntry& entry,
                                      const std::optional<std::string>& runtime,
                                      const std::optional<std::string>& architecture) {
  std::vector<LayerVersion> out;
  for (auto it = entry.versions.rbegin(); it != entry.versions.rend(); ++it) {
    if (fits(it->second, runtime, architecture)) {
      out.push_back(it->second);
    }
  }
  return out;
}

Result<ListLayersResponse> list(const LambdaServices& services, const Realm& realm,
                                const ListLayersRequest& request) {
  std::vector<LayerVersion> newest;
  const auto all = services.functions.state();
  for (const auto& [name, entry] : all->layers) {
    const auto versions =
        versions_of(*entry, request.CompatibleRuntime, request.CompatibleArchitecture);
    if (!versions.empty()) {
      newest.push_back(versions.front());
    }
  }
  ListLayersResponse response;
  for (const LayerVersion& layer :
       page_of(std::move(newest), request.Marker, request.MaxItems, response.NextMarker,
               [](const LayerVersion& item) { return item.name; })) {
    response.Layers.push_back({.LayerName = layer.name,
                               .LayerArn = function_ref::layer_arn(realm, layer.name),
                               .LatestMatchingVersion = layer_item(realm, layer)});
  }
  return response;
}

Result<ListLayerVersionsResponse> list_versions(const LambdaServices& services, const Realm& realm,
                                                const ListLayerVersionsRequest& request) {
  TRIVET_TRY(const std::string name, layer_of(realm, request.LayerName));
  const auto all = services.functions.state();
  const auto entry = all->layers.find(name);
  std::vector<LayerVersion> versions;
  if (entry != all->layers.end()) {
    versions =
        versions_of(*entry->second, request.CompatibleRuntime, request.CompatibleArchitecture);
  }
  ListLayerVersionsResponse response;
  for (const LayerVersion& layer :
       page_of(std::move(versions), request.Marker, request.MaxItems, response.NextMarker,
               [](const LayerVersion& item) { return std::to_string(item.number); })) {
    response.LayerVersions.push_back(layer_item(realm, layer));
  }
  return response;
}

Result<GetLayerVersionByArnResponse> get_by_arn(const LambdaServices& services, const Realm& realm,
                                                const GetLayerVersionByArnRequest& request) {
  const auto ref = function_ref::parse_layer(request.Arn);
  TRIVET_TRY(const std::string name, layer_of(realm, request.Arn));
  TRIVET_TRY(const LayerVersion layer,
             services.functions.get_layer(name, functions::version_number(ref->version)));
  return layer_shape<GetLayerVersionByArnResponse>(services, realm, layer);
}

}  // namespace

Result<std::string> layer_of(const Realm& realm, const std::string& name_or_arn) {
  const auto ref = function_ref::parse_layer(name_or_arn);
  if (!ref) {
    return functions::bad_request(fmt::format(
        "1 validation error detected: Value '{}' at 'layerName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: "
        "(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{{12}}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+",
        name_or_arn));
  }
  if (!ref->account.empty() && ref->account != realm.account.str()) {
    return aws_fault(Errc::kDenied, "AccessDenied",
                     fmt::format("Account {} is not the one of this installation.", ref->account));
  }
  if (!ref->region.empty() && ref->region != realm.region) {
    return aws_fault(Errc::kNotFound, "ResourceNotFoundException",
                     "The resource you requested does not exist.");
  }
  return ref->name;
}

Permission layer_permission(const Realm& realm, std::string_view action,
                            const std::string& name_or_arn, std::optional<std::int64_t> version) {
  const auto name = layer_of(realm, name_or_arn);
  std::string resource = name ? function_ref::layer_arn(realm, *name) : name_or_arn;
  if (name && version) {
    resource += ":" + std::to_string(*version);
  }
  return {.action = std::string(action), .resource = std::move(resource)};
}

std::string layer_version_arn(const Realm& realm, const LayerVersion& layer) {
  return function_ref::layer_arn(realm, layer.name) + ":" + std::to_string(layer.number);
}

LayerVersionsListItem layer_item(const Realm& realm, const LayerVersion& layer) {
  LayerVersionsListItem out{.LayerVersionArn = layer_version_arn(realm, layer),
                            .Version = layer.number,
                            .Description = layer.description,
                            .CreatedDate = lambda_time(layer.created),
                            .CompatibleArchitectures = layer.architectures,
                            .CompatibleRuntimes = layer.runtimes};
  if (!layer.license.empty()) {
    out.LicenseInfo = layer.license;
  }
  return out;
}

void add_layer_actions(ActionTable& table, const LambdaServices& services) {
  table.add(make_action<GetLayerVersionRequest>(
      [](const Call& call, const GetLayerVersionRequest& request) {
        return std::vector<Permission>{layer_permission(call.realm, "lambda:GetLayerVersion",
                                                        request.LayerName, request.VersionNumber)};
      },
      [services](const Call& call,
                 const GetLayerVersionRequest& request) -> Result<GetLayerVersionResponse> {
        TRIVET_TRY(const std::string name, layer_of(call.realm, request.LayerName));
        TRIVET_TRY(const LayerVersion layer,
                   services.functions.get_layer(name, request.VersionNumber));
        return layer_shape<GetLayerVersionResponse>(services, call.realm, layer);
      }));
  table.add(make_action<GetLayerVersionByArnRequest>(
      [](const Call&, const GetLayerVersionByArnRequest& request) {
        return std::vector<Permission>{
            {.action = "lambda:GetLayerVersion", .resource = request.Arn}};
      },
      [services](const Call& call, const GetLayerVersionByArnRequest& request) {
        return get_by_arn(services, call.realm, request);
      }));
  table.add(make_action<ListLayersRequest>(
      [](const Call&, const ListLayersRequest&) {
        return std::vector<Permission>{{.action = "lambda:ListLayers", .resource = "*"}};
      },
      [services](const Call& call, const ListLayersRequest& request) {
        return list(services, call.realm, request);
      }));
  table.add(make_action<ListLayerVersionsRequest>(
      [](const Call& call, const ListLayerVersionsRequest& request) {
        return std::vector<Permission>{
            layer_permission(call.realm, "lambda:ListLayerVersions", request.LayerName)};
      },
      [services](const Call& call, const ListLayerVersionsRequest& request) {
        return list_versions(services, call.realm, request);
      }));
  table.add(make_action<DeleteLayerVersionRequest>(
      [](const Call& call, const DeleteLayerVersionRequest& request) {
        return std::vector<Permission>{layer_permission(call.realm, "lambda:DeleteLayerVersion",
                                                        request.LayerName, request.VersionNumber)};
      },
      [services](const Call& call,
                 const DeleteLayerVersionRequest& request) -> Result<DeleteLayerVersionResponse> {
        TRIVET_TRY(const std::string name, layer_of(call.realm, request.LayerName));
        TRIVET_CHECK_OK(services.functions.remove_layer(name, request.VersionNumber));
        return DeleteLayerVersionResponse{};
      }));
}

}  // namespace trivet::api::lambda
