// SPDX-License-Identifier: Apache-2.0
//
// CreateAlias, GetAlias, UpdateAlias, DeleteAlias, ListAliases.
#include <utility>

#include "api/lambda/common.h"

namespace trivet::api::lambda {
namespace {

AliasConfiguration alias_shape(const functions::AliasView& view) {
  AliasConfiguration out;
  out.AliasArn = view.arn;
  out.Name = view.alias.name;
  out.FunctionVersion = view.alias.version;
  out.Description = view.alias.description;
  out.RevisionId = view.alias.revision_id;
  if (!view.alias.other_version.empty()) {
    out.RoutingConfig.emplace().AdditionalVersionWeights[view.alias.other_version] =
        view.alias.other_weight;
  }
  return out;
}

// An empty routing is one that takes the other version away.
Result<std::optional<std::pair<std::string, double>>> other_of(
    const std::optional<AliasRoutingConfiguration>& routing) {
  if (!routing) {
    return std::optional<std::pair<std::string, double>>();
  }
  const auto& weights = routing->AdditionalVersionWeights;
  if (weights.size() > 1) {
    return functions::bad_value(
        "Number of items in AdditionalVersionWeights cannot be greater than 1");
  }
  if (weights.empty()) {
    return std::optional(std::pair<std::string, double>("", 0.0));
  }
  return std::optional(std::pair<std::string, double>(*weights.begin()));
}

Permission alias_permission(const LambdaServices& services, const Call& call,
                            std::string_view action, const std::string& function_name) {
  return function_permission(services, call.realm, action, function_name);
}

Result<functions::AliasView> create(const LambdaServices& services, const Realm& realm,
                                    const CreateAliasRequest& request) {
  TRIVET_TRY(const Target target, target_of(realm, request.FunctionName));
  functions::AliasWish wish{.name = request.Name,
                            .version = request.FunctionVersion,
                            .description = request.Description.value_or("")};
  TRIVET_TRY(wish.other, other_of(request.RoutingConfig));
  return services.functions.create_alias(target.name, wish);
}

Result<functions::AliasView> update(const LambdaServices& services, const Realm& realm,
                                    const UpdateAliasRequest& request) {
  TRIVET_TRY(const Target target, target_of(realm, request.FunctionName));
  functions::AliasWish wish{.name = request.Name,
                            .version = request.FunctionVersion,
                            .description = request.Description,
                            .revision_id = request.RevisionId.value_or("")};
  TRIVET_TRY(wish.other, other_of(request.RoutingConfig));
  return services.functions.update_alias(target.name, wish);
}

Result<ListAliasesResponse> list(const LambdaServices& services, const Realm& realm,
                                 const ListAliasesRequest& request) {
  TRIVET_TRY(const Target target, target_of(realm, request.FunctionName));
  TRIVET_TRY(std::vector<functions::AliasView> all, services.functions.aliases(target.name));
  std::erase_if(all, [&](const functions::AliasView& view) {
    return request.FunctionVersion && view.alias.version != *request.FunctionVersion;
  });
  ListAliasesResponse response;
  for (const functions::AliasView& view :
       page_of(std::move(all), request.Marker, request.MaxItems, response.NextMarker,
               [](const functions::AliasView& item) { return item.alias.name; })) {
    response.Aliases.push_back(alias_shape(view));
  }
  return response;
}

}  // namespace

void add_alias_actions(ActionTable& table, const LambdaServices& services) {
  table.add(make_action<CreateAliasRequest>(
      [services](const Call& call, const CreateAliasRequest& request) {
        return std::vector<Permission>{
            alias_permission(services, call, "lambda:CreateAlias", request.FunctionName)};
      },
      [services](const Call& call,
                 const CreateAliasRequest& request) -> Result<CreateAliasResponse> {
        TRIVET_TRY(const functions::AliasView view, create(services, call.realm, request));
        return CreateAliasResponse{alias_shape(view)};
      }));
  table.add(make_action<UpdateAliasRequest>(
      [services](const Call& call, const UpdateAliasRequest& request) {
        return std::vector<Permission>{
            alias_permission(services, call, "lambda:UpdateAlias", request.FunctionName)};
      },
      [services](const Call& call,
                 const UpdateAliasRequest& request) -> Result<UpdateAliasResponse> {
        TRIVET_TRY(const functions::AliasView view, update(services, call.realm, request));
        return UpdateAliasResponse{alias_shape(view)};
      }));
  table.add(make_action<GetAliasRequest>(
      [services](const Call& call, const GetAliasRequest& request) {
        return std::vector<Permission>{
            alias_permission(services, call, "lambda:GetAlias", request.FunctionName)};
      },
      [services](const Call& call, const GetAliasRequest& request) -> Result<GetAliasResponse> {
        TRIVET_TRY(const Target target, target_of(call.realm, request.FunctionName));
        TRIVET_TRY(const functions::AliasView view,
                   services.functions.get_alias(target.name, request.Name));
        return GetAliasResponse{alias_shape(view)};
      }));
  table.add(make_action<DeleteAliasRequest>(
      [services](const Call& call, const DeleteAliasRequest& request) {
        return std::vector<Permission>{
            alias_permission(services, call, "lambda:DeleteAlias", request.FunctionName)};
      },
      [services](const Call& call,
                 const DeleteAliasRequest& request) -> Result<DeleteAliasResponse> {
        TRIVET_TRY(const Target target, target_of(call.realm, request.FunctionName));
        TRIVET_CHECK_OK(services.functions.remove_alias(target.name, request.Name));
        return DeleteAliasResponse{};
      }));
  table.add(make_action<ListAliasesRequest>(
      [services](const Call& call, const ListAliasesRequest& request) {
        return std::vector<Permission>{
            alias_permission(services, call, "lambda:ListAliases", request.FunctionName)};
      },
      [services](const Call& call, const ListAliasesRequest& request) {
        return list(services, call.realm, request);
      }));
}

}  // namespace trivet::api::lambda
