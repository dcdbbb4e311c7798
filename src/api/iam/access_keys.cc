// SPDX-License-Identifier: Apache-2.0
//
// CreateAccessKey, ListAccessKeys, UpdateAccessKey, DeleteAccessKey, GetAccessKeyLastUsed.
#include "api/iam/common.h"
#include "service/iam_ids.h"

namespace trivet::api::iam {
namespace {

using Permissions = std::vector<Permission>;

// Whose keys are meant: the named user's, else the caller's own ("" is root).
Result<std::string> owner_of(const Call& call, const std::optional<std::string>& user) {
  if (user) {
    return *user;
  }
  if (call.principal.kind == Principal::Kind::kRoleSession) {
    return service::validation_error(
        "Must specify userName when calling with non-User credentials");
  }
  return call.principal.kind == Principal::Kind::kRoot ? std::string() : call.principal.name;
}

template <typename Request>
Permissions key_permission(const IamService& service, const Call& call, const Request& request,
                           std::string_view action) {
  const auto owner = owner_of(call, request.UserName);
  if (!owner || owner->empty()) {
    return {{.action = std::string(action), .resource = service::root_arn(service.realm())}};
  }
  return {entity_permission(service, action, {EntityRef::Kind::kUser, *owner})};
}

std::string status_word(bool active) {
  return active ? "Active" : "Inactive";
}

void add_create_access_key(ActionTable& table, IamService& service) {
  table.add(make_action<CreateAccessKeyRequest>(
      [&service](const Call& call, const CreateAccessKeyRequest& request) {
        return key_permission(service, call, request, "iam:CreateAccessKey");
      },
      [&service](const Call& call,
                 const CreateAccessKeyRequest& request) -> Result<CreateAccessKeyResponse> {
        TRIVET_TRY(const std::string owner, owner_of(call, request.UserName));
        TRIVET_TRY(service::NewAccessKey made, service.create_access_key(owner, call.now));
        CreateAccessKeyResponse response;
        response.AccessKey.UserName = made.record.owner_name;
        response.AccessKey.AccessKeyId = made.record.id.str();
        response.AccessKey.Status = status_word(made.record.active);
        response.AccessKey.SecretAccessKey = std::move(made.secret);
        response.AccessKey.CreateDate = made.record.created;
        return response;
      }));
}

void add_list_access_keies(ActionTable& table, IamService& service) {
  table.add(make_action<ListAccessKeysRequest>(
      [&service](const Call& call, const ListAccessKeysRequest& request) {
        return key_permission(service, call, request, "iam:ListAccessKeys");
      },
      [&service](const Call& call,
                 const ListAccessKeysRequest& request) -> Result<ListAccessKeysResponse> {
        TRIVET_TRY(const std::string owner, owner_of(call, request.UserName));
        TRIVET_TRY(const auto page, service.list_access_keys(owner, page_of(request)));
        ListAccessKeysResponse response;
        for (const IamAccessKey& key : page.items) {
          iam::AccessKeyMetadata& shape = response.AccessKeyMetadata.emplace_back();
          if (!key.owner_name.empty()) {
            shape.UserName = key.owner_name;
          }
          shape.AccessKeyId = key.id.str();
          shape.Status = status_word(key.active);
          shape.CreateDate = key.created;
        }
        set_page_end(page.marker, response);
        return response;
      }));
}

void add_update_access_key(ActionTable& table, IamService& service) {
  table.add(make_action<UpdateAccessKeyRequest>(
      [&service](const Call& call, const UpdateAccessKeyRequest& request) {
        return key_permission(service, call, request, "iam:UpdateAccessKey");
      },
      [&service](const Call& call,
                 const UpdateAccessKeyRequest& request) -> Result<UpdateAccessKeyResponse> {
        TRIVET_TRY(const std::string owner, owner_of(call, request.UserName));
        if (request.Status != "Active" && request.Status != "Inactive") {
          return service::validation_error(
              "1 validation error detected: Value at 'status' failed to satisfy constraint: Member "
              "must satisfy enum value set: [Active, Inactive]");
        }
        return done<UpdateAccessKeyResponse>(
            service.update_access_key(owner, request.AccessKeyId, request.Status == "Active"));
      }));
}

void add_delete_access_key(ActionTable& table, IamService& service) {
  table.add(make_action<DeleteAccessKeyRequest>(
      [&service](const Call& call, const DeleteAccessKeyRequest& request) {
        return key_permission(service, call, request, "iam:DeleteAccessKey");
      },
      [&service](const Call& call,
                 const DeleteAccessKeyRequest& request) -> Result<DeleteAccessKeyResponse> {
        TRIVET_TRY(const std::string owner, owner_of(call, request.UserName));
        return done<DeleteAccessKeyResponse>(service.delete_access_key(owner, request.AccessKeyId));
      }));
}

void add_last_used(ActionTable& table, IamService& service) {
  table.add(make_action<GetAccessKeyLastUsedRequest>(
      [&service](const Call&, const GetAccessKeyLastUsedRequest& request) {
        const auto owner = service.user_of_access_key(request.AccessKeyId);
        const bool has_user = owner.has_value() && !owner->empty();
        return Permissions{
            {.action = "iam:GetAccessKeyLastUsed",
             .resource = has_user ? entity_arn(service, {EntityRef::Kind::kUser, *owner}) : "*"}};
      },
      [&service](const Call& call, const GetAccessKeyLastUsedRequest& request)
          -> Result<GetAccessKeyLastUsedResponse> {
        TRIVET_TRY(const auto last, service.access_key_last_used(request.AccessKeyId));
        GetAccessKeyLastUsedResponse response;
        response.UserName = last.user_name.empty() ? call.realm.account.str() : last.user_name;
        // AWS writes N/A for what it does not know.
        iam::AccessKeyLastUsed& shape = response.AccessKeyLastUsed.emplace();
        shape.ServiceName = last.use ? last.use->service : "N/A";
        shape.Region = last.use ? last.use->region : "N/A";
        if (last.use) {
          shape.LastUsedDate = last.use->time;
        }
        return response;
      }));
}

}  // namespace

void add_access_key_actions(ActionTable& table, IamService& service) {
  add_create_access_key(table, service);
  add_list_access_keies(table, service);
  add_update_access_key(table, service);
  add_delete_access_key(table, service);
  add_last_used(table, service);
}

}  // namespace trivet::api::iam
