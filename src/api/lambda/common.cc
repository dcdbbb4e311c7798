// SPDX-License-Identifier: Apache-2.0
#include "api/lambda/common.h"

#include <fmt/format.h>

#include <utility>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/iso8601.h"
#include "core/function_ref/function_ref.h"

namespace trivet::api {

void add_lambda_actions(ActionTable& table, LambdaServices services) {
  lambda::add_function_actions(table, services);
  lambda::add_code_actions(table, services);
  lambda::add_version_actions(table, services);
  lambda::add_alias_actions(table, services);
  lambda::add_layer_actions(table, services);
  lambda::add_permission_actions(table, services);
  lambda::add_setting_actions(table, services);
  lambda::add_event_config_actions(table, services);
  lambda::add_invoke_actions(table, services);
}

}  // namespace trivet::api

namespace trivet::api::lambda {

Error not_implemented(std::string what) {
  return aws_fault(Errc::kInvalidArgument, "NotImplemented", std::move(what));
}

Result<Target> target_of(const Realm& realm, const std::string& function_name,
                         const std::optional<std::string>& qualifier) {
  const auto ref = function_ref::parse(function_name);
  if (!ref) {
    return functions::bad_request(fmt::format(
        "1 validation error detected: Value '{}' at 'functionName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: "
        "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{{2}}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{{1}}:)?"
        "(\\d{{12}}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?",
        function_name));
  }
  if (!ref->region.empty() && ref->region != realm.region) {
    return aws_fault(Errc::kNotFound, "ResourceNotFoundException",
                     fmt::format("Functions from '{}' are not reachable in this region ('{}')",
                                 ref->region, realm.region));
  }
  if (!ref->account.empty() && ref->account != realm.account.str()) {
    return aws_fault(Errc::kDenied, "AccessDenied",
                     fmt::format("Account {} is not the one of this installation.", ref->account));
  }
  Target out{ref->name, ref->qualifier};
  if (qualifier && !qualifier->empty()) {
    if (!out.qualifier.empty() && out.qualifier != *qualifier) {
      return functions::bad_value(
          "The derived qualifier from the function name does not match the specified qualifier.");
    }
    out.qualifier = *qualifier;
  }
  return out;
}

Result<Target> whole_function(const Realm& realm, const std::string& function_name) {
  TRIVET_TRY(Target target, target_of(realm, function_name));
  if (!target.qualifier.empty()) {
    return functions::bad_value(
        "This operation is permitted on Lambda functions only. Aliases and versions do not support "
        "this operation. Please specify either a function name or an unqualified function ARN.");
  }
  return target;
}

Permission function_permission(const LambdaServices& services, const Realm& realm,
                               std::string_view action, const std::string& function_name,
                               const std::optional<std::string>& qualifier) {
  Permission out{.action = std::string(action), .resource = function_name};
  const auto target = target_of(realm, function_name, qualifier);
  if (!target) {
    return out;  // the call will be refused for its name; until then it is about just that
  }
  out.resource = function_ref::arn_of(realm, target->name, target->qualifier);
  const auto all = services.functions.state();
  if (const auto* entry = all->find(target->name)) {
    for (const auto& [key, value] : entry->function.tags) {
      out.context["aws:ResourceTag/" + key] = {value};
    }
  }
  return out;
}

Permission pass_role(const std::string& role_arn) {
  return {.action = "iam:PassRole",
          .resource = role_arn,
          .context = {{"iam:PassedToService", {"lambda.amazonaws.com"}}}};
}

void add_request_tags(const std::map<std::string, std::string>& tags, Permission& permission) {
  for (const auto& [key, value] : tags) {
    permission.context["aws:RequestTag/" + key] = {value};
    permission.context["aws:TagKeys"].push_back(key);
  }
}

std::string lambda_time(WallTime time) {
  std::string text = format_iso8601_millis(time);
  text.pop_back();  // 'Z'
  return text + "+0000";
}

std::string sha256_base64(const CodeRef& code) {
  return to_base64(from_hex(code.id).value_or(""));
}

FunctionConfiguration configuration_shape(const Realm& realm, functions::FunctionView view,
                                          bool shows_update) {
  const FunctionVersion& version = view.version;
  FunctionConfiguration out;
  out.FunctionName = view.name;
  out.FunctionArn = view.arn;
  out.Runtime = version.runtime;
  out.Role = version.role_arn;
  out.Handler = version.handler;
  out.CodeSize = version.code.archive_bytes;
  out.Description = version.description;
  out.Timeout = version.timeout_s;
  out.MemorySize = version.memory_mb;
  out.LastModified = lambda_time(version.modified);
  out.CodeSha256 = sha256_base64(version.code);
  out.Version = version.version;
  out.RevisionId = version.revision_id;
  out.PackageType = "Zip";
  out.Architectures = {version.architecture};
  out.EphemeralStorage = EphemeralStorage{version.ephemeral_mb};
  out.TracingConfig = TracingConfigResponse{version.tracing_mode};
  out.SnapStart = SnapStartResponse{"None", "Off"};
  out.RuntimeVersionConfig.emplace().RuntimeVersionArn =
      fmt::format("arn:{}:lambda:{}::runtime:{}", realm.partition, realm.region,
                  to_hex(sha256(version.runtime)));
  LoggingConfig& logging = out.LoggingConfig.emplace();
  logging.LogFormat = version.log_format == LogFormat::kJson ? "JSON" : "Text";
  logging.LogGroup = version.log_group;
  if (version.log_format == LogFormat::kJson) {
    logging.ApplicationLogLevel = version.application_log_level;
    logging.SystemLogLevel = version.system_log_level;
  }
  if (version.vpc) {
    out.VpcConfig = VpcConfigResponse{version.vpc->subnet_ids, version.vpc->security_group_ids,
                                      version.vpc->vpc_id, false};
  }
  if (!view.environment.empty()) {
    out.Environment.emplace().Variables = std::move(view.environment);
  }
  for (const LayerUse& layer : version.layers) {
    out.Layers.push_back({.Arn = layer.arn, .CodeSize = layer.code.archive_bytes});
  }
  out.State = version.is_active ? "Active" : "Pending";
  if (!version.is_active) {
    out.StateReason = "The function is being created.";
    out.StateReasonCode = "Creating";
  }
  if (shows_update) {
    out.LastUpdateStatus = version.is_updated ? "Successful" : "InProgress";
    if (!version.is_updated) {
      out.LastUpdateStatusReason = "The function is being created.";
      out.LastUpdateStatusReasonCode = "Creating";
    }
  }
  return out;
}

}  // namespace trivet::api::lambda
