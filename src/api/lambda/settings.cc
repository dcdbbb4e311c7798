// SPDX-License-Identifier: Apache-2.0
//
// Tags, reserved concurrency, code signing, and the account's limits.
#include <utility>

#include "api/lambda/common.h"

namespace trivet::api::lambda {
namespace {

constexpr std::int32_t kConcurrentExecutions = 1'000;
constexpr std::int64_t kTotalCodeSize = 80'530'636'800;

void add_tag_actions(ActionTable& table, const LambdaServices& services) {
  table.add(make_action<TagResourceRequest>(
      [services](const Call& call, const TagResourceRequest& request) {
        Permission wanted =
            function_permission(services, call.realm, "lambda:TagResource", request.Resource);
        add_request_tags(request.Tags, wanted);
        return std::vector<Permission>{std::move(wanted)};
      },
      [services](const Call& call,
                 const TagResourceRequest& request) -> Result<TagResourceResponse> {
        TRIVET_TRY(const Target target, whole_function(call.realm, request.Resource));
        TRIVET_CHECK_OK(services.functions.change_tags(target.name, [&](trivet::Tags& tags) {
          for (const auto& [key, value] : request.Tags) {
            tags[key] = value;
          }
        }));
        return TagResourceResponse{};
      }));
  table.add(make_action<UntagResourceRequest>(
      [services](const Call& call, const UntagResourceRequest& request) {
        Permission wanted =
            function_permission(services, call.realm, "lambda:UntagResource", request.Resource);
        wanted.context["aws:TagKeys"] = request.TagKeys;
        return std::vector<Permission>{std::move(wanted)};
      },
      [services](const Call& call,
                 const UntagResourceRequest& request) -> Result<UntagResourceResponse> {
        TRIVET_TRY(const Target target, whole_function(call.realm, request.Resource));
        TRIVET_CHECK_OK(services.functions.change_tags(target.name, [&](trivet::Tags& tags) {
          for (const std::string& key : request.TagKeys) {
            tags.erase(key);
          }
        }));
        return UntagResourceResponse{};
      }));
  table.add(make_action<ListTagsRequest>(
      [services](const Call& call, const ListTagsRequest& request) {
        return std::vector<Permission>{
            function_permission(services, call.realm, "lambda:ListTags", request.Resource)};
      },
      [services](const Call& call, const ListTagsRequest& request) -> Result<ListTagsResponse> {
        TRIVET_TRY(const Target target, whole_function(call.realm, request.Resource));
        TRIVET_TRY(trivet::Tags tags, services.functions.tags(target.name));
        return ListTagsResponse{.Tags = std::move(tags)};
      }));
}

void add_concurrency_actions(ActionTable& table, const LambdaServices& services) {
  table.add(make_action<PutFunctionConcurrencyRequest>(
      [services](const Call& call, const PutFunctionConcurrencyRequest& request) {
        return std::vector<Permission>{function_permission(
            services, call.realm, "lambda:PutFunctionConcurrency", request.FunctionName)};
      },
      [services](const Call& call, const PutFunctionConcurrencyRequest& request)
          -> Result<PutFunctionConcurrencyResponse> {
        TRIVET_TRY(const Target target, whole_function(call.realm, request.FunctionName));
        TRIVET_CHECK_OK(services.functions.set_reserved_concurrency(
            target.name, request.ReservedConcurrentExecutions));
        return PutFunctionConcurrencyResponse{{request.ReservedConcurrentExecutions}};
      }));
  table.add(make_action<GetFunctionConcurrencyRequest>(
      [services](const Call& call, const GetFunctionConcurrencyRequest& request) {
        return std::vector<Permission>{function_permission(
            services, call.realm, "lambda:GetFunctionConcurrency", request.FunctionName)};
      },
      [services](const Call& call, const GetFunctionConcurrencyRequest& request)
          -> Result<GetFunctionConcurrencyResponse> {
        TRIVET_TRY(const Target target, whole_function(call.realm, request.FunctionName));
        TRIVET_TRY(const functions::Resolved found, services.functions.resolve(target.name, ""));
        return GetFunctionConcurrencyResponse{found.entry->function.reserved_concurrency};
      }));
  table.add(make_action<DeleteFunctionConcurrencyRequest>(
      [services](const Call& call, const DeleteFunctionConcurrencyRequest& request) {
        return std::vector<Permission>{function_permission(
            services, call.realm, "lambda:DeleteFunctionConcurrency", request.FunctionName)};
      },
      [services](const Call& call, const DeleteFunctionConcurrencyRequest& request)
          -> Result<DeleteFunctionConcurrencyResponse> {
        TRIVET_TRY(const Target target, whole_function(call.realm, request.FunctionName));
        TRIVET_CHECK_OK(services.functions.set_reserved_concurrency(target.name, std::nullopt));
        return DeleteFunctionConcurrencyResponse{};
      }));
}

// There is no code signing, and tools ask each function for it.
void add_code_signing_actions(ActionTable& table, const LambdaServices& services) {
  table.add(make_action<GetFunctionCodeSigningConfigRequest>(
      [services](const Call& call, const GetFunctionCodeSigningConfigRequest& request) {
        return std::vector<Permission>{function_permission(
            services, call.realm, "lambda:GetFunctionCodeSigningConfig", request.FunctionName)};
      },
      [services](const Call& call, const GetFunctionCodeSigningConfigRequest& request)
          -> Result<GetFunctionCodeSigningConfigResponse> {
        TRIVET_TRY(const Target target, whole_function(call.realm, request.FunctionName));
        TRIVET_CHECK_OK(services.functions.resolve(target.name, ""));
        return GetFunctionCodeSigningConfigResponse{.CodeSigningConfigArn = "",
                                                    .FunctionName = target.name};
      }));
}

GetAccountSettingsResponse account(const LambdaServices& services) {
  std::int64_t code_bytes = 0;
  const auto all = services.functions.state();
  for (const auto& [name, entry] : all->functions) {
    code_bytes += entry->function.latest.code.archive_bytes;
    for (const auto& [number, version] : entry->versions) {
      code_bytes += version.code.archive_bytes;
    }
  }
  for (const auto& [name, entry] : all->layers) {
    for (const auto& [number, layer] : entry->versions) {
      code_bytes += layer.code.archive_bytes;
    }
  }
  GetAccountSettingsResponse out;
  out.AccountLimit =
      AccountLimit{.TotalCodeSize = kTotalCodeSize,
                   .CodeSizeUnzipped = functions::kUnpackedBytesMax,
                   .CodeSizeZipped = functions::kArchiveBytesMax,
                   .ConcurrentExecutions = kConcurrentExecutions,
                   .UnreservedConcurrentExecutions = services.functions.unreserved_concurrency()};
  out.AccountUsage =
      AccountUsage{.TotalCodeSize = code_bytes,
                   .FunctionCount = static_cast<std::int64_t>(all->functions.size())};
  return out;
}

}  // namespace

void add_setting_actions(ActionTable& table, const LambdaServices& services) {
  add_tag_actions(table, services);
  add_concurrency_actions(table, services);
  add_code_signing_actions(table, services);
  table.add(make_action<GetAccountSettingsRequest>(
      [](const Call&, const GetAccountSettingsRequest&) {
        return std::vector<Permission>{{.action = "lambda:GetAccountSettings", .resource = "*"}};
      },
      [services](const Call&, const GetAccountSettingsRequest&)
          -> Result<GetAccountSettingsResponse> { return account(services); }));
}

}  // namespace trivet::api::lambda
