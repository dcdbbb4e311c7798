// SPDX-License-Identifier: Apache-2.0
//
// Which layer a call means, and how layers look in answers.
#pragma once

#include <string>
#include <string_view>

#include "api/lambda/common.h"
#include "core/function_ref/function_ref.h"

namespace trivet::api::lambda {

// The name of a layer, of a name or an ARN. ValidationException; AccessDenied and
// ResourceNotFoundException for those of other accounts and regions.
Result<std::string> layer_of(const Realm& realm, const std::string& name_or_arn);
// On the layer as a whole, or on one version of it.
Permission layer_permission(const Realm& realm, std::string_view action,
                            const std::string& name_or_arn,
                            std::optional<std::int64_t> version = std::nullopt);

std::string layer_version_arn(const Realm& realm, const LayerVersion& layer);
LayerVersionsListItem layer_item(const Realm& realm, const LayerVersion& layer);

// PublishLayerVersionResponse, GetLayerVersionResponse, GetLayerVersionByArnResponse: all alike.
template <typename Response>
Response layer_shape(const LambdaServices& services, const Realm& realm,
                     const LayerVersion& layer) {
  Response out;
  LayerVersionContentOutput& content = out.Content.emplace();
  content.Location = services.code_url(layer.code);
  content.CodeSha256 = sha256_base64(layer.code);
  content.CodeSize = layer.code.archive_bytes;
  out.LayerArn = function_ref::layer_arn(realm, layer.name);
  out.LayerVersionArn = layer_version_arn(realm, layer);
  out.Description = layer.description;
  out.CreatedDate = lambda_time(layer.created);
  out.Version = layer.number;
  out.CompatibleRuntimes = layer.runtimes;
  out.CompatibleArchitectures = layer.architectures;
  if (!layer.license.empty()) {
    out.LicenseInfo = layer.license;
  }
  return out;
}

}  // namespace trivet::api::lambda
