// SPDX-License-Identifier: Apache-2.0
//
// PublishVersion, ListVersionsByFunction.
#include <utility>

#include "api/lambda/common.h"

namespace trivet::api::lambda {
namespace {

Result<ListVersionsByFunctionResponse> list(const LambdaServices& services, const Realm& realm,
                                            const ListVersionsByFunctionRequest& request) {
  TRIVET_TRY(const Target target, target_of(realm, request.FunctionName));
  TRIVET_TRY(std::vector<functions::FunctionView> all, services.functions.versions(target.name));
  ListVersionsByFunctionResponse response;
  for (functions::FunctionView& view :
       page_of(std::move(all), request.Marker, request.MaxItems, response.NextMarker,
               [](const functions::FunctionView& item) { return item.version.version; })) {
    response.Versions.push_back(configuration_shape(realm, std::move(view), false));
  }
  return response;
}

}  // namespace

void add_version_actions(ActionTable& table, const LambdaServices& services) {
  table.add(make_action<PublishVersionRequest>(
      [services](const Call& call, const PublishVersionRequest& request) {
        return std::vector<Permission>{function_permission(
            services, call.realm, "lambda:PublishVersion", request.FunctionName)};
      },
      [services](const Call& call,
                 const PublishVersionRequest& request) -> Result<PublishVersionResponse> {
        if (request.PublishTo) {
          return not_implemented("PublishTo is not implemented.");
        }
        TRIVET_TRY(Target target, whole_function(call.realm, request.FunctionName));
        TRIVET_TRY(functions::FunctionView view,
                   services.functions.publish({.name = std::move(target.name),
                                               .description = request.Description,
                                               .code_sha256 = request.CodeSha256.value_or(""),
                                               .revision_id = request.RevisionId.value_or("")}));
        return PublishVersionResponse{configuration_shape(call.realm, std::move(view))};
      }));
  table.add(make_action<ListVersionsByFunctionRequest>(
      [services](const Call& call, const ListVersionsByFunctionRequest& request) {
        return std::vector<Permission>{function_permission(
            services, call.realm, "lambda:ListVersionsByFunction", request.FunctionName)};
      },
      [services](const Call& call, const ListVersionsByFunctionRequest& request) {
        return list(services, call.realm, request);
      }));
}

}  // namespace trivet::api::lambda
