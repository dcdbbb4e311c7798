// SPDX-License-Identifier: Apache-2.0
//
// What users, roles and groups have alike, one template for each family of actions: inline
// policies, attached policies, boundaries, tags.
#include "api/iam/common.h"
#include "base/uri.h"

namespace trivet::api::iam {
namespace {

using Permissions = std::vector<Permission>;

// The permission of an action that only names the user, role or group.
template <typename Request>
auto plain_permission(IamService& service) {
  return [&service](const Call&, const Request& request) {
    const std::string action = "iam:" + std::string(Operation<Request>::kAction);
    return Permissions{entity_permission(service, action, entity_of(request))};
  };
}

// The same for attaching and detaching: conditions may ask which policy.
template <typename Request>
auto attach_permission(IamService& service) {
  return [&service](const Call&, const Request& request) {
    const std::string action = "iam:" + std::string(Operation<Request>::kAction);
    Permission permission = entity_permission(service, action, entity_of(request));
    permission.context["iam:PolicyARN"] = {request.PolicyArn};
    return Permissions{permission};
  };
}

template <typename Request>
Action put_policy(IamService& service) {
  return make_action<Request>(
      plain_permission<Request>(service), [&service](const Call&, const Request& request) {
        return done<typename Operation<Request>::Response>(service.put_inline_policy(
            entity_of(request), request.PolicyName, request.PolicyDocument));
      });
}

template <typename Request>
Action get_policy(IamService& service) {
  using Response = typename Operation<Request>::Response;
  return make_action<Request>(
      plain_permission<Request>(service),
      [&service](const Call&, const Request& request) -> Result<Response> {
        TRIVET_TRY(const std::string document,
                   service.get_inline_policy(entity_of(request), request.PolicyName));
        Response response;
        if constexpr (requires { response.UserName; }) {
          response.UserName = request.UserName;
        } else if constexpr (requires { response.GroupName; }) {
          response.GroupName = request.GroupName;
        } else {
          response.RoleName = request.RoleName;
        }
        response.PolicyName = request.PolicyName;
        response.PolicyDocument = percent_encode(document);
        return response;
      });
}

template <typename Request>
Action list_policies(IamService& service) {
  using Response = typename Operation<Request>::Response;
  return make_action<Request>(
      plain_permission<Request>(service),
      [&service](const Call&, const Request& request) -> Result<Response> {
        TRIVET_TRY(auto page, service.list_inline_policies(entity_of(request), page_of(request)));
        Response response;
        response.PolicyNames = std::move(page.items);
        set_page_end(page.marker, response);
        return response;
      });
}

template <typename Request>
Action delete_policy(IamService& service) {
  return make_action<Request>(
      plain_permission<Request>(service), [&service](const Call&, const Request& request) {
        return done<typename Operation<Request>::Response>(
            service.delete_inline_policy(entity_of(request), request.PolicyName));
      });
}

template <typename Request>
Action attach_policy(IamService& service) {
  return make_action<Request>(attach_permission<Request>(service),
                              [&service](const Call&, const Request& request) {
                                return done<typename Operation<Request>::Response>(
                                    service.attach_policy(entity_of(request), request.PolicyArn));
                              });
}

template <typename Request>
Action detach_policy(IamService& service) {
  return make_action<Request>(attach_permission<Request>(service),
                              [&service](const Call&, const Request& request) {
                                return done<typename Operation<Request>::Response>(
                                    service.detach_policy(entity_of(request), request.PolicyArn));
                              });
}

template <typename Request>
Action list_attached(IamService& service) {
  using Response = typename Operation<Request>::Response;
  return make_action<Request>(
      plain_permission<Request>(service),
      [&service](const Call&, const Request& request) -> Result<Response> {
        TRIVET_TRY(const auto page,
                   service.list_attached_policies(entity_of(request), page_of(request)));
        Response response;
        for (const service::AttachedPolicy& policy : page.items) {
          response.AttachedPolicies.push_back({.PolicyName = policy.name, .PolicyArn = policy.arn});
        }
        set_page_end(page.marker, response);
        return response;
      });
}

template <typename Request>
Action put_boundary(IamService& service) {
  return make_action<Request>(
      [&service](const Call&, const Request& request) {
        const std::string action = "iam:" + std::string(Operation<Request>::kAction);
        Permission permission = entity_permission(service, action, entity_of(request));
        // AWS: the key is the boundary that is asked for.
        permission.context["iam:PermissionsBoundary"] = {request.PermissionsBoundary};
        return Permissions{permission};
      },
      [&service](const Call&, const Request& request) {
        return done<typename Operation<Request>::Response>(
            service.set_boundary(entity_of(request), request.PermissionsBoundary));
      });
}

template <typename Request>
Action delete_boundary(IamService& service) {
  return make_action<Request>(plain_permission<Request>(service),
                              [&service](const Call&, const Request& request) {
                                return done<typename Operation<Request>::Response>(
                                    service.set_boundary(entity_of(request), ""));
                              });
}

template <typename Request>
Action tag_entity(IamService& service) {
  return make_action<Request>(
      [&service](const Call&, const Request& request) {
        const std::string action = "iam:" + std::string(Operation<Request>::kAction);
        Permission permission = entity_permission(service, action, entity_of(request));
        add_request_tags(request.Tags, permission);
        return Permissions{permission};
      },
      [&service](const Call&, const Request& request) {
        return done<typename Operation<Request>::Response>(
            service.tag(entity_of(request), tag_list(request.Tags)));
      });
}

template <typename Request>
Action untag_entity(IamService& service) {
  return make_action<Request>(
      [&service](const Call&, const Request& request) {
        const std::string action = "iam:" + std::string(Operation<Request>::kAction);
        Permission permission = entity_permission(service, action, entity_of(request));
        permission.context["aws:TagKeys"] = request.TagKeys;
        return Permissions{permission};
      },
      [&service](const Call&, const Request& request) {
        return done<typename Operation<Request>::Response>(
            service.untag(entity_of(request), request.TagKeys));
      });
}

template <typename Request>
Action list_tags(IamService& service) {
  using Response = typename Operation<Request>::Response;
  return make_action<Request>(plain_permission<Request>(service),
                              [&service](const Call&, const Request& request) -> Result<Response> {
                                // At most 50: always one page.
                                TRIVET_TRY(const Tags tags, service.list_tags(entity_of(request)));
                                Response response;
                                response.Tags = tag_shapes(tags);
                                response.IsTruncated = false;
                                return response;
                              });
}

}  // namespace

void add_entity_actions(ActionTable& table, IamService& service) {
  table.add(put_policy<PutUserPolicyRequest>(service));
  table.add(put_policy<PutRolePolicyRequest>(service));
  table.add(put_policy<PutGroupPolicyRequest>(service));
  table.add(get_policy<GetUserPolicyRequest>(service));
  table.add(get_policy<GetRolePolicyRequest>(service));
  table.add(get_policy<GetGroupPolicyRequest>(service));
  table.add(list_policies<ListUserPoliciesRequest>(service));
  table.add(list_policies<ListRolePoliciesRequest>(service));
  table.add(list_policies<ListGroupPoliciesRequest>(service));
  table.add(delete_policy<DeleteUserPolicyRequest>(service));
  table.add(delete_policy<DeleteRolePolicyRequest>(service));
  table.add(delete_policy<DeleteGroupPolicyRequest>(service));
  table.add(attach_policy<AttachUserPolicyRequest>(service));
  table.add(attach_policy<AttachRolePolicyRequest>(service));
  table.add(attach_policy<AttachGroupPolicyRequest>(service));
  table.add(detach_policy<DetachUserPolicyRequest>(service));
  table.add(detach_policy<DetachRolePolicyRequest>(service));
  table.add(detach_policy<DetachGroupPolicyRequest>(service));
  table.add(list_attached<ListAttachedUserPoliciesRequest>(service));
  table.add(list_attached<ListAttachedRolePoliciesRequest>(service));
  table.add(list_attached<ListAttachedGroupPoliciesRequest>(service));
  table.add(put_boundary<PutUserPermissionsBoundaryRequest>(service));
  table.add(put_boundary<PutRolePermissionsBoundaryRequest>(service));
  table.add(delete_boundary<DeleteUserPermissionsBoundaryRequest>(service));
  table.add(delete_boundary<DeleteRolePermissionsBoundaryRequest>(service));
  table.add(tag_entity<TagUserRequest>(service));
  table.add(tag_entity<TagRoleRequest>(service));
  table.add(untag_entity<UntagUserRequest>(service));
  table.add(untag_entity<UntagRoleRequest>(service));
  table.add(list_tags<ListUserTagsRequest>(service));
  table.add(list_tags<ListRoleTagsRequest>(service));
}

}  // namespace trivet::api::iam
