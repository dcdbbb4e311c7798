// SPDX-License-Identifier: Apache-2.0
#include "service/functions/checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/function_ref/function_ref.h"
#include "service/identity_access.h"

namespace trivet::functions {
namespace {

constexpr std::string_view kLambda = "lambda.amazonaws.com";
constexpr std::int32_t kTimeoutMax = 900;
constexpr std::int32_t kMemoryMax = 10'240;

// AWS: "Defined runtime environment variables" that are reserved.
constexpr std::string_view kReserved[] = {"AWS_ACCESS_KEY",
                                          "AWS_ACCESS_KEY_ID",
                                          "AWS_DEFAULT_REGION",
                                          "AWS_EXECUTION_ENV",
                                          "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                                          "AWS_LAMBDA_FUNCTION_NAME",
                                          "AWS_LAMBDA_FUNCTION_VERSION",
                                          "AWS_LAMBDA_INITIALIZATION_TYPE",
                                          "AWS_LAMBDA_LOG_GROUP_NAME",
                                          "AWS_LAMBDA_LOG_STREAM_NAME",
                                          "AWS_LAMBDA_RUNTIME_API",
                                          "AWS_REGION",
                                          "AWS_SECRET_ACCESS_KEY",
                                          "AWS_SECRET_KEY",
                                          "AWS_SESSION_TOKEN",
                                          "LAMBDA_RUNTIME_DIR",
                                          "LAMBDA_TASK_ROOT",
                                          "_HANDLER",
                                          "_X_AMZN_TRACE_ID"};

Error ec2_error(std::string_view call, std::string_view code, std::string_view message) {
  return bad_value(fmt::format("Error occurred while {}. EC2 Error Code: {}. EC2 Error Message: {}",
                               call, code, message));
}

Error too_large_value(std::string_view member, std::int32_t value, std::int32_t max) {
  return bad_request(
      fmt::format("1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: "
                  "Member must have value less than or equal to {}",
                  value, member, max));
}

}  // namespace

Error bad_value(std::string message) {
  return aws_fault(Errc::kInvalidArgument, "InvalidParameterValueException", std::move(message));
}

Error bad_request(std::string message) {
  return aws_fault(Errc::kInvalidArgument, "ValidationException", std::move(message));
}

const std::vector<std::string_view>& runtimes() {
  static const std::vector<std::string_view> kAll = {"nodejs20.x", "provided.al2023", "python3.11",
                                                     "python3.13"};
  return kAll;
}

Status check_runtime(const std::string& runtime) {
  if (std::find(runtimes().begin(), runtimes().end(), runtime) != runtimes().end()) {
    return ok();
  }
  return bad_value(
      fmt::format("Value {} at 'runtime' failed to satisfy constraint: Member must "
                  "satisfy enum value set: [{}] or be a valid ARN",
                  runtime, fmt::join(runtimes(), ", ")));
}

Status check_handler(const std::string& runtime, const std::string& handler) {
  if (handler.empty() && !runtime.starts_with("provided")) {
    return bad_value(
        "Runtime and Handler are mandatory parameters for functions created with "
        "deployment packages.");
  }
  return ok();
}

Status check_timeout(std::int32_t seconds) {
  return seconds > kTimeoutMax ? Status(too_large_value("timeout", seconds, kTimeoutMax)) : ok();
}

Status check_memory(std::int32_t mb) {
  return mb > kMemoryMax
             ? Status(bad_value(fmt::format("'MemorySize' value failed to satisfy constraint: "
                                            "Member must have value less than or equal to {}",
                                            kMemoryMax)))
             : ok();
}

Status check_environment(const Environment& environment) {
  std::string reserved;
  std::size_t bytes = 2;  // as the JSON object that AWS measures
  for (const auto& [key, value] : environment) {
    if (std::find(std::begin(kReserved), std::end(kReserved), key) != std::end(kReserved)) {
      reserved += (reserved.empty() ? "" : ", ") + key;
    }
    const std::string text(value.reveal());
    if (text.find('\0') != std::string::npos) {
      return bad_value(
          fmt::format("The value of the environment variable {} has a zero byte.", key));
    }
    bytes += nlohmann::json(key).dump().size() + nlohmann::json(text).dump().size() + 2;
  }
  if (!reserved.empty()) {
    return bad_value(fmt::format(
        "Lambda was unable to configure your environment variables because the environment "
        "variables you have provided contains reserved keys that are currently not supported for "
        "modification. Reserved keys used in this request: {}",
        reserved));
  }
  if (!environment.empty() && bytes - 1 > kEnvironmentBytesMax) {
    return bad_value(
        "Lambda was unable to configure your environment variables because the environment "
        "variables you have provided exceeded the 4KB limit.");
  }
  return ok();
}

Status check_tags(const Tags& tags) {
  if (tags.size() > kTagsMax) {
    return bad_value("Number of tags exceeds resource tag limit.");
  }
  for (const auto& [key, value] : tags) {
    if (key.empty() || key.size() > 128 || value.size() > 256 || key.starts_with("aws:")) {
      return bad_value(
          fmt::format("The tag '{}' is not valid: keys have 1 to 128 characters and do "
                      "not begin with aws:, values have at most 256.",
                      key.substr(0, 128)));
    }
  }
  return ok();
}

Result<std::vector<LayerUse>> find_layers(const BookState& state, const Realm& realm,
                                          const std::vector<std::string>& arns) {
  if (arns.size() > kLayersMax) {
    return bad_value("Cannot reference more than 5 layers.");
  }
  std::vector<LayerUse> out;
  std::map<std::string, std::string> seen;  // layer → the version that is there
  for (const std::string& arn : arns) {
    const auto ref = function_ref::parse_layer(arn);
    if (ref && !ref->region.empty() && ref->region != realm.region) {
      return bad_value(
          fmt::format("Layers are not in the same region as the function. Layers are "
                      "expected to be in region {}.",
                      realm.region));
    }
    const bool is_ours = ref && ref->account == realm.account.str() && !ref->version.empty();
    const LayerVersion* found =
        is_ours ? state.find_layer(ref->name, version_number(ref->version)) : nullptr;
    if (found == nullptr) {
      return bad_value(fmt::format("Layer version {} does not exist.", arn));
    }
    if (const auto [other, is_new] = seen.emplace(found->name, arn); !is_new) {
      return bad_value(fmt::format(
          "Two different versions of the same layer are not allowed to be referenced in the same "
          "function. {} and {} are versions of the same layer.",
          other->second, arn));
    }
    out.push_back({.arn = arn, .code = found->code});
  }
  return out;
}

Status check_unpacked_size(const CodeRef& code, const std::vector<LayerUse>& layers) {
  std::int64_t total = code.unpacked_bytes;
  for (const LayerUse& layer : layers) {
    total += layer.code.unpacked_bytes;
  }
  if (total > kUnpackedBytesMax) {
    return bad_value(fmt::format(
        "Function code combined with layers exceeds the maximum allowed size of {} bytes. The "
        "actual size is {} bytes.",
        kUnpackedBytesMax, total));
  }
  return ok();
}

Status check_role(const service::IdentitySnapshot& identities, const std::string& role_arn,
                  const std::string& function_arn, bool needs_network, WallTime now) {
  const service::Identity* role = identities.find_role_by_arn(role_arn);
  const service::ContextKeys context = {{"aws:SourceArn", {function_arn}},
                                        {"aws:SourceAccount", {identities.realm().account.str()}}};
  if (role == nullptr || !may_service_assume(identities, *role, kLambda, context, now)) {
    return bad_value("The role defined for the function cannot be assumed by Lambda.");
  }
  if (!needs_network) {
    return ok();
  }
  const Principal principal = role_session_principal(identities, *role, "AWSLambdaVPC", now);
  const service::ContextKeys none;
  for (const std::string_view action :
       {"CreateNetworkInterface", "DescribeNetworkInterfaces", "DeleteNetworkInterface"}) {
    const std::string name = fmt::format("ec2:{}", action);
    const policy::Decision decision = decide_access(
        identities,
        {.principal = principal, .action = name, .resource = "*", .context = none, .now = now});
    if (!decision.allowed()) {
      return bad_value(fmt::format(
          "The provided execution role does not have permissions to call {} on EC2", action));
    }
  }
  return ok();
}

Result<std::string> check_vpc(const service::NetworkState& network,
                              const std::vector<std::string>& subnet_ids,
                              const std::vector<std::string>& security_group_ids) {
  std::set<std::string> vpcs;
  for (const std::string& id : subnet_ids) {
    const Subnet* subnet = network.find_subnet(id);
    if (subnet == nullptr) {
      return ec2_error("DescribeSubnets", "InvalidSubnetID.NotFound",
                       fmt::format("The subnet ID '{}' does not exist", id));
    }
    vpcs.insert(subnet->vpc_id);
  }
  if (vpcs.size() > 1) {
    return bad_value("The subnets of a function must all be in one VPC.");
  }
  for (const std::string& id : security_group_ids) {
    const SecurityGroup* group = network.find_security_group(id);
    if (group == nullptr) {
      return ec2_error("DescribeSecurityGroups", "InvalidGroup.NotFound",
                       fmt::format("The security group '{}' does not exist", id));
    }
    if (!vpcs.contains(group->vpc_id)) {
      return ec2_error("CreateNetworkInterface", "InvalidParameter",
                       "You have specified two resources that belong to different networks.");
    }
  }
  return *vpcs.begin();
}

}  // namespace trivet::functions
