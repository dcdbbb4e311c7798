// SPDX-License-Identifier: Apache-2.0
//
// GetFunction, GetFunctionConfiguration, ListFunctions, UpdateFunctionConfiguration,
// DeleteFunction.
#include <utility>

#include "api/lambda/common.h"
#include "api/lambda/wishes.h"

namespace trivet::api::lambda {
namespace {

Result<GetFunctionResponse> get(const LambdaServices& services, const Realm& realm,
                                const GetFunctionRequest& request) {
  TRIVET_TRY(const Target target, target_of(realm, request.FunctionName, request.Qualifier));
  TRIVET_TRY(functions::FunctionView view, services.functions.get(target.name, target.qualifier));
  GetFunctionResponse response;
  FunctionCodeLocation& code = response.Code.emplace();
  code.RepositoryType = "S3";
  code.Location = services.code_url(view.version.code);
  TRIVET_TRY(response.Tags, services.functions.tags(target.name));
  const auto all = services.functions.state();
  const auto* entry = all->find(target.name);
  if (entry != nullptr && entry->function.reserved_concurrency) {
    response.Concurrency = Concurrency{entry->function.reserved_concurrency};
  }
  response.Configuration = configuration_shape(realm, std::move(view));
  return response;
}

Result<ListFunctionsResponse> list(const LambdaServices& services, const Realm& realm,
                                   const ListFunctionsRequest& request) {
  TRIVET_TRY(std::vector<functions::FunctionView> all,
             services.functions.list(request.FunctionVersion.has_value()));
  ListFunctionsResponse response;
  for (functions::FunctionView& view :
       page_of(std::move(all), request.Marker, request.MaxItems, response.NextMarker,
               [](const functions::FunctionView& item) { return item.arn; })) {
    response.Functions.push_back(configuration_shape(realm, std::move(view), false));
  }
  return response;
}

std::vector<Permission> may_configure(const LambdaServices& services, const Call& call,
                                      const UpdateFunctionConfigurationRequest& request) {
  std::vector<Permission> out = {function_permission(
      services, call.realm, "lambda:UpdateFunctionConfiguration", request.FunctionName)};
  if (request.Layers) {
    out[0].context["lambda:Layer"] = *request.Layers;
  }
  if (request.VpcConfig) {
    out[0].context["lambda:SubnetIds"] = request.VpcConfig->SubnetIds;
    out[0].context["lambda:SecurityGroupIds"] = request.VpcConfig->SecurityGroupIds;
  }
  if (request.Role) {
    out.push_back(pass_role(*request.Role));
  }
  return out;
}

Result<UpdateFunctionConfigurationResponse> configure(
    const LambdaServices& services, const Realm& realm,
    const UpdateFunctionConfigurationRequest& request) {
  TRIVET_TRY(const Target target, whole_function(realm, request.FunctionName));
  TRIVET_TRY(functions::ConfigurationWish wish, configuration_wish(request));
  TRIVET_TRY(functions::FunctionView view,
             services.functions.update_configuration(target.name, std::move(wish),
                                                     request.RevisionId.value_or("")));
  return UpdateFunctionConfigurationResponse{configuration_shape(realm, std::move(view))};
}

}  // namespace

void add_function_actions(ActionTable& table, const LambdaServices& services) {
  table.add(make_action<GetFunctionRequest>(
      [services](const Call& call, const GetFunctionRequest& request) {
        return std::vector<Permission>{function_permission(
            services, call.realm, "lambda:GetFunction", request.FunctionName, request.Qualifier)};
      },
      [services](const Call& call, const GetFunctionRequest& request) {
        return get(services, call.realm, request);
      }));
  table.add(make_action<GetFunctionConfigurationRequest>(
      [services](const Call& call, const GetFunctionConfigurationRequest& request) {
        return std::vector<Permission>{
            function_permission(services, call.realm, "lambda:GetFunctionConfiguration",
                                request.FunctionName, request.Qualifier)};
      },
      [services](const Call& call, const GetFunctionConfigurationRequest& request)
          -> Result<GetFunctionConfigurationResponse> {
        TRIVET_TRY(const Target target,
                   target_of(call.realm, request.FunctionName, request.Qualifier));
        TRIVET_TRY(functions::FunctionView view,
                   services.functions.get(target.name, target.qualifier));
        return GetFunctionConfigurationResponse{configuration_shape(call.realm, std::move(view))};
      }));
  table.add(make_action<ListFunctionsRequest>(
      [](const Call&, const ListFunctionsRequest&) {
        return std::vector<Permission>{{.action = "lambda:ListFunctions", .resource = "*"}};
      },
      [services](const Call& call, const ListFunctionsRequest& request) {
        return list(services, call.realm, request);
      }));
  table.add(make_action<UpdateFunctionConfigurationRequest>(
      [services](const Call& call, const UpdateFunctionConfigurationRequest& request) {
        return may_configure(services, call, request);
      },
      [services](const Call& call, const UpdateFunctionConfigurationRequest& request) {
        return configure(services, call.realm, request);
      }));
  table.add(make_action<DeleteFunctionRequest>(
      [services](const Call& call, const DeleteFunctionRequest& request) {
        return std::vector<Permission>{
            function_permission(services, call.realm, "lambda:DeleteFunction", request.FunctionName,
                                request.Qualifier)};
      },
      [services](const Call& call,
                 const DeleteFunctionRequest& request) -> Result<DeleteFunctionResponse> {
        TRIVET_TRY(const Target target,
                   target_of(call.realm, request.FunctionName, request.Qualifier));
        TRIVET_CHECK_OK(services.functions.remove(target.name, target.qualifier));
        return DeleteFunctionResponse{.StatusCode = 204};
      }));
}

}  // namespace trivet::api::lambda
