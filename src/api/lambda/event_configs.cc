// SPDX-License-Identifier: Apache-2.0
//
// How asynchronous events of a function are treated: retries, age, destinations.
#include <utility>

#include "api/lambda/common.h"
#include "core/function_ref/function_ref.h"

namespace trivet::api::lambda {
namespace {

std::optional<std::string> text_or_none(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

FunctionEventInvokeConfig shape(const Realm& realm, const Target& target,
                                const EventInvokeConfig& config) {
  FunctionEventInvokeConfig out;
  out.LastModified = config.modified;
  out.FunctionArn = function_ref::arn_of(
      realm, target.name,
      target.qualifier.empty() ? kLatestVersion : std::string_view(target.qualifier));
  out.MaximumRetryAttempts = config.retries_max;
  out.MaximumEventAgeInSeconds = config.age_max_s;
  DestinationConfig& destinations = out.DestinationConfig.emplace();
  destinations.OnSuccess.emplace().Destination = text_or_none(config.on_success);
  destinations.OnFailure.emplace().Destination = text_or_none(config.on_failure);
  return out;
}

template <typename Request>
functions::EventConfigWish wish_of(const Request& request) {
  functions::EventConfigWish wish{.retries_max = request.MaximumRetryAttempts,
                                  .age_max_s = request.MaximumEventAgeInSeconds};
  if (request.DestinationConfig) {
    const DestinationConfig& asked = *request.DestinationConfig;
    wish.on_success = asked.OnSuccess ? asked.OnSuccess->Destination.value_or("") : "";
    wish.on_failure = asked.OnFailure ? asked.OnFailure->Destination.value_or("") : "";
  }
  return wish;
}

// Put and Update, which differ in what becomes of what is not named.
template <typename Request>
void add_setting(ActionTable& table, const LambdaServices& services, std::string_view action,
                 bool replaces) {
  using Response = typename Operation<Request>::Response;
  table.add(make_action<Request>(
      [services, action](const Call& call, const Request& request) {
        return std::vector<Permission>{function_permission(
            services, call.realm, action, request.FunctionName, request.Qualifier)};
      },
      [services, replaces](const Call& call, const Request& request) -> Result<Response> {
        TRIVET_TRY(const Target target,
                   target_of(call.realm, request.FunctionName, request.Qualifier));
        TRIVET_TRY(const EventInvokeConfig config,
                   services.functions.set_event_config(target.name, target.qualifier,
                                                       wish_of(request), replaces));
        return Response{shape(call.realm, target, config)};
      }));
}

Result<ListFunctionEventInvokeConfigsResponse> list(
    const LambdaServices& services, const Realm& realm,
    const ListFunctionEventInvokeConfigsRequest& request) {
  TRIVET_TRY(const Target target, target_of(realm, request.FunctionName));
  const auto found = services.functions.resolve(target.name, "");
  if (!found) {
    return aws_fault(Errc::kNotFound, "ResourceNotFoundException", "The function doesn't exist.");
  }
  const auto& configs = found->entry->function.event_configs;
  std::vector<std::pair<std::string, EventInvokeConfig>> all(configs.begin(), configs.end());
  ListFunctionEventInvokeConfigsResponse response;
  for (const auto& [qualifier, config] :
       page_of(std::move(all), request.Marker, request.MaxItems, response.NextMarker,
               [](const auto& item) { return item.first.empty() ? "$LATEST" : item.first; })) {
    response.FunctionEventInvokeConfigs.push_back(shape(realm, {target.name, qualifier}, config));
  }
  return response;
}

}  // namespace

void add_event_config_actions(ActionTable& table, const LambdaServices& services) {
  add_setting<PutFunctionEventInvokeConfigRequest>(table, services,
                                                   "lambda:PutFunctionEventInvokeConfig", true);
  add_setting<UpdateFunctionEventInvokeConfigRequest>(
      table, services, "lambda:UpdateFunctionEventInvokeConfig", false);
  table.add(make_action<GetFunctionEventInvokeConfigRequest>(
      [services](const Call& call, const GetFunctionEventInvokeConfigRequest& request) {
        return std::vector<Permission>{
            function_permission(services, call.realm, "lambda:GetFunctionEventInvokeConfig",
                                request.FunctionName, request.Qualifier)};
      },
      [services](const Call& call, const GetFunctionEventInvokeConfigRequest& request)
          -> Result<GetFunctionEventInvokeConfigResponse> {
        TRIVET_TRY(const Target target,
                   target_of(call.realm, request.FunctionName, request.Qualifier));
        TRIVET_TRY(const EventInvokeConfig config,
                   services.functions.event_config(target.name, target.qualifier));
        return GetFunctionEventInvokeConfigResponse{shape(call.realm, target, config)};
      }));
  table.add(make_action<DeleteFunctionEventInvokeConfigRequest>(
      [services](const Call& call, const DeleteFunctionEventInvokeConfigRequest& request) {
        return std::vector<Permission>{
            function_permission(services, call.realm, "lambda:DeleteFunctionEventInvokeConfig",
                                request.FunctionName, request.Qualifier)};
      },
      [services](const Call& call, const DeleteFunctionEventInvokeConfigRequest& request)
          -> Result<DeleteFunctionEventInvokeConfigResponse> {
        TRIVET_TRY(const Target target,
                   target_of(call.realm, request.FunctionName, request.Qualifier));
        TRIVET_CHECK_OK(services.functions.remove_event_config(target.name, target.qualifier));
        return DeleteFunctionEventInvokeConfigResponse{};
      }));
  table.add(make_action<ListFunctionEventInvokeConfigsRequest>(
      [services](const Call& call, const ListFunctionEventInvokeConfigsRequest& request) {
        return std::vector<Permission>{function_permission(
            services, call.realm, "lambda:ListFunctionEventInvokeConfigs", request.FunctionName)};
      },
      [services](const Call& call, const ListFunctionEventInvokeConfigsRequest& request) {
        return list(services, call.realm, request);
      }));
}

}  // namespace trivet::api::lambda
