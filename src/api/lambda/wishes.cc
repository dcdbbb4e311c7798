// SPDX-License-Identifier: Apache-2.0
#include "api/lambda/wishes.h"

#include <utility>

#include "api/lambda/common.h"

namespace trivet::api::lambda {
namespace {

// What both requests have and nothing here does.
template <typename Request>
Status refuse_unbuilt(const Request& request) {
  const bool has_dead_letters =
      request.DeadLetterConfig && !request.DeadLetterConfig->TargetArn.value_or("").empty();
  const std::pair<bool, std::string_view> asked[] = {
      {has_dead_letters, "DeadLetterConfig (an on-failure destination is)"},
      {!request.KMSKeyArn.value_or("").empty(), "KMSKeyArn"},
      {request.TracingConfig && request.TracingConfig->Mode == "Active", "TracingConfig Active"},
      {request.ImageConfig.has_value(), "ImageConfig"},
      {request.SnapStart && request.SnapStart->ApplyOn.value_or("None") != "None", "SnapStart"},
      {request.CapacityProviderConfig.has_value(), "CapacityProviderConfig"},
      {request.DurableConfig.has_value(), "DurableConfig"},
      {request.VpcConfig && request.VpcConfig->Ipv6AllowedForDualStack.value_or(false),
       "Ipv6AllowedForDualStack"}};
  for (const auto& [is_asked, what] : asked) {
    if (is_asked) {
      return not_implemented(std::string(what) + " is not implemented.");
    }
  }
  return ok();
}

template <typename Request>
functions::ConfigurationWish common_wish(const Request& request) {
  functions::ConfigurationWish wish;
  wish.description = request.Description;
  wish.runtime = request.Runtime;
  wish.handler = request.Handler;
  wish.role_arn = request.Role;
  wish.timeout_s = request.Timeout;
  wish.memory_mb = request.MemorySize;
  if (request.EphemeralStorage) {
    wish.ephemeral_mb = request.EphemeralStorage->Size;
  }
  if (request.Environment) {
    functions::Environment& variables = wish.environment.emplace();
    for (const auto& [key, value] : request.Environment->Variables) {
      variables.emplace(key, value.copy());
    }
  }
  if (request.VpcConfig) {
    wish.vpc =
        functions::VpcWish{request.VpcConfig->SubnetIds, request.VpcConfig->SecurityGroupIds};
  }
  if (request.TracingConfig) {
    wish.tracing_mode = request.TracingConfig->Mode;
  }
  if (request.LoggingConfig) {
    const LoggingConfig& logging = *request.LoggingConfig;
    if (logging.LogFormat) {
      wish.logging.format = *logging.LogFormat == "JSON" ? LogFormat::kJson : LogFormat::kText;
    }
    wish.logging.application_level = logging.ApplicationLogLevel;
    wish.logging.system_level = logging.SystemLogLevel;
    wish.logging.group = logging.LogGroup;
  }
  return wish;
}

}  // namespace

std::optional<std::string> architecture_of(const std::vector<std::string>& architectures) {
  return architectures.empty() ? std::nullopt : std::optional(architectures.front());
}

Result<std::string> archive_of(std::optional<std::string>& zip,
                               const std::optional<std::string>& s3,
                               const std::optional<std::string>& image) {
  if (s3) {
    return not_implemented("Code in S3 is not implemented: send it as ZipFile.");
  }
  if (image) {
    return not_implemented("Container images are not implemented: send a ZipFile.");
  }
  return std::move(zip).value_or("");
}

Result<functions::ConfigurationWish> configuration_wish(const CreateFunctionRequest& request) {
  TRIVET_CHECK_OK(refuse_unbuilt(request));
  if (request.PackageType.value_or("Zip") != "Zip") {
    return not_implemented("Container images are not implemented: PackageType must be Zip.");
  }
  if (!request.FileSystemConfigs.empty() || request.CodeSigningConfigArn || request.TenancyConfig ||
      request.PublishTo) {
    return not_implemented(
        "FileSystemConfigs, CodeSigningConfigArn, TenancyConfig and PublishTo are not "
        "implemented.");
  }
  functions::ConfigurationWish wish = common_wish(request);
  wish.architecture = architecture_of(request.Architectures);
  if (!request.Layers.empty()) {
    wish.layers = request.Layers;
  }
  return wish;
}

Result<functions::ConfigurationWish> configuration_wish(
    const UpdateFunctionConfigurationRequest& request) {
  TRIVET_CHECK_OK(refuse_unbuilt(request));
  if (request.FileSystemConfigs && !request.FileSystemConfigs->empty()) {
    return not_implemented("FileSystemConfigs is not implemented.");
  }
  functions::ConfigurationWish wish = common_wish(request);
  wish.layers = request.Layers;
  return wish;
}

}  // namespace trivet::api::lambda
