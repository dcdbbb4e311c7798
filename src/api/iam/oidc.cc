// SPDX-License-Identifier: Apache-2.0
//
// OIDC providers: Create, Get, List, Delete, thumbprints, client ids, tags.
#include "api/iam/common.h"

namespace trivet::api::iam {
namespace {

using Permissions = std::vector<Permission>;

template <typename Request>
auto provider_permission(IamService& service) {
  return [&service](const Call&, const Request& request) {
    Permission permission{.action = "iam:" + std::string(Operation<Request>::kAction),
                          .resource = request.OpenIDConnectProviderArn};
    if (const auto provider = service.get_oidc_provider(request.OpenIDConnectProviderArn)) {
      for (const auto& [key, value] : provider->tags) {
        permission.context["aws:ResourceTag/" + key] = {value};
        permission.context["iam:ResourceTag/" + key] = {value};
      }
    }
    if constexpr (requires { request.Tags; }) {
      add_request_tags(request.Tags, permission);
    }
    if constexpr (requires { request.TagKeys; }) {
      permission.context["aws:TagKeys"] = request.TagKeys;
    }
    return Permissions{permission};
  };
}

// An action that changes one thing of a provider; `change_of(request)` → OidcChange.
template <typename Request, typename ChangeOf>
Action change_action(IamService& service, ChangeOf change_of) {
  return make_action<Request>(
      provider_permission<Request>(service),
      [&service, change_of](const Call&, const Request& request) {
        return done<typename Operation<Request>::Response>(
            service.change_oidc_provider(request.OpenIDConnectProviderArn, change_of(request)));
      });
}

void add_create_oidc_provider(ActionTable& table, IamService& service) {
  table.add(make_action<CreateOpenIDConnectProviderRequest>(
      [&service](const Call&, const CreateOpenIDConnectProviderRequest& request) {
        const std::size_t scheme = request.Url.find("://");
        const std::string bare =
            scheme == std::string::npos ? request.Url : request.Url.substr(scheme + 3);
        Permission permission{.action = "iam:CreateOpenIDConnectProvider",
                              .resource = "arn:" + service.realm().partition + ":iam::" +
                                          service.realm().account.str() + ":oidc-provider/" + bare};
        add_request_tags(request.Tags, permission);
        return Permissions{permission};
      },
      [&service](const Call& call, const CreateOpenIDConnectProviderRequest& request)
          -> Result<CreateOpenIDConnectProviderResponse> {
        IamOidcProvider provider;
        provider.url = request.Url;
        provider.client_ids = request.ClientIDList;
        provider.thumbprints = request.ThumbprintList;
        TRIVET_TRY(const std::string arn,
                   service.create_oidc_provider(provider, tag_list(request.Tags), call.now));
        return CreateOpenIDConnectProviderResponse{.OpenIDConnectProviderArn = arn,
                                                   .Tags = request.Tags};
      }));
}

void add_get_oidc_provider(ActionTable& table, IamService& service) {
  table.add(make_action<GetOpenIDConnectProviderRequest>(
      provider_permission<GetOpenIDConnectProviderRequest>(service),
      [&service](const Call&, const GetOpenIDConnectProviderRequest& request)
          -> Result<GetOpenIDConnectProviderResponse> {
        TRIVET_TRY(const IamOidcProvider provider,
                   service.get_oidc_provider(request.OpenIDConnectProviderArn));
        return GetOpenIDConnectProviderResponse{.Url = provider.url,
                                                .ClientIDList = provider.client_ids,
                                                .ThumbprintList = provider.thumbprints,
                                                .CreateDate = provider.created,
                                                .Tags = tag_shapes(provider.tags)};
      }));
}

void add_lists(ActionTable& table, IamService& service) {
  table.add(make_action<ListOpenIDConnectProvidersRequest>(
      [](const Call&, const ListOpenIDConnectProvidersRequest&) {
        return Permissions{{.action = "iam:ListOpenIDConnectProviders", .resource = "*"}};
      },
      [&service](const Call&, const ListOpenIDConnectProvidersRequest&)
          -> Result<ListOpenIDConnectProvidersResponse> {
        ListOpenIDConnectProvidersResponse response;
        for (const std::string& arn : service.list_oidc_providers()) {
          response.OpenIDConnectProviderList.push_back({.Arn = arn});
        }
        return response;
      }));
  table.add(make_action<ListOpenIDConnectProviderTagsRequest>(
      provider_permission<ListOpenIDConnectProviderTagsRequest>(service),
      [&service](const Call&, const ListOpenIDConnectProviderTagsRequest& request)
          -> Result<ListOpenIDConnectProviderTagsResponse> {
        TRIVET_TRY(const IamOidcProvider provider,
                   service.get_oidc_provider(request.OpenIDConnectProviderArn));
        return ListOpenIDConnectProviderTagsResponse{.Tags = tag_shapes(provider.tags),
                                                     .IsTruncated = false};
      }));
}

void add_changes(ActionTable& table, IamService& service) {
  using service::OidcChange;
  table.add(change_action<UpdateOpenIDConnectProviderThumbprintRequest>(
      service, [](const UpdateOpenIDConnectProviderThumbprintRequest& request) {
        OidcChange change;
        change.thumbprints = request.ThumbprintList;
        return change;
      }));
  table.add(change_action<AddClientIDToOpenIDConnectProviderRequest>(
      service, [](const AddClientIDToOpenIDConnectProviderRequest& request) {
        OidcChange change;
        change.added_client_ids = {request.ClientID};
        return change;
      }));
  table.add(change_action<RemoveClientIDFromOpenIDConnectProviderRequest>(
      service, [](const RemoveClientIDFromOpenIDConnectProviderRequest& request) {
        OidcChange change;
        change.removed_client_ids = {request.ClientID};
        return change;
      }));
  table.add(change_action<TagOpenIDConnectProviderRequest>(
      service, [](const TagOpenIDConnectProviderRequest& request) {
        OidcChange change;
        change.added_tags = tag_list(request.Tags);
        return change;
      }));
  table.add(change_action<UntagOpenIDConnectProviderRequest>(
      service, [](const UntagOpenIDConnectProviderRequest& request) {
        OidcChange change;
        change.removed_tags = request.TagKeys;
        return change;
      }));
  table.add(make_action<DeleteOpenIDConnectProviderRequest>(
      provider_permission<DeleteOpenIDConnectProviderRequest>(service),
      [&service](const Call&, const DeleteOpenIDConnectProviderRequest& request) {
        return done<DeleteOpenIDConnectProviderResponse>(
            service.delete_oidc_provider(request.OpenIDConnectProviderArn));
      }));
}

}  // namespace

void add_oidc_actions(ActionTable& table, IamService& service) {
  add_create_oidc_provider(table, service);
  add_get_oidc_provider(table, service);
  add_lists(table, service);
  add_changes(table, service);
}

}  // namespace trivet::api::iam
