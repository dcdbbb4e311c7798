// SPDX-License-Identifier: Apache-2.0
//
// What nobody has here: passwords of a console, MFA devices, SSH keys, signing certificates,
// credentials of single services. Tools ask for each before they delete a user:
// GetLoginProfile, DeleteLoginProfile, ListMFADevices, ListVirtualMFADevices, ListSSHPublicKeys,
// ListSigningCertificates, ListServiceSpecificCredentials.
#include "api/iam/common.h"

namespace trivet::api::iam {
namespace {

using Permissions = std::vector<Permission>;

template <typename Request>
auto user_permission(IamService& service) {
  return [&service](const Call&, const Request& request) {
    const std::string action = "iam:" + std::string(Operation<Request>::kAction);
    return request.UserName ? Permissions{entity_permission(
                                  service, action, {EntityRef::Kind::kUser, *request.UserName})}
                            : Permissions{{.action = action, .resource = "*"}};
  };
}

// An empty list, of a user that is there.
template <typename Request>
void add_empty_list(ActionTable& table, IamService& service) {
  using Response = typename Operation<Request>::Response;
  table.add(
      make_action<Request>(user_permission<Request>(service),
                           [&service](const Call&, const Request& request) -> Result<Response> {
                             if (request.UserName) {
                               TRIVET_CHECK_OK(service.get_user(*request.UserName));
                             }
                             Response response;
                             set_page_end("", response);
                             return response;
                           }));
}

template <typename Request>
void add_no_login_profile(ActionTable& table, IamService& service) {
  using Response = typename Operation<Request>::Response;
  table.add(make_action<Request>(
      user_permission<Request>(service),
      [&service](const Call&, const Request& request) -> Result<Response> {
        const std::string name = request.UserName.value_or("");
        if (!name.empty()) {
          TRIVET_CHECK_OK(service.get_user(name));
        }
        return service::no_such_entity("Login Profile for User " + name + " cannot be found.");
      }));
}

}  // namespace

void add_absent_actions(ActionTable& table, IamService& service) {
  add_no_login_profile<GetLoginProfileRequest>(table, service);
  add_no_login_profile<DeleteLoginProfileRequest>(table, service);
  add_empty_list<ListMFADevicesRequest>(table, service);
  add_empty_list<ListSSHPublicKeysRequest>(table, service);
  add_empty_list<ListSigningCertificatesRequest>(table, service);
  add_empty_list<ListServiceSpecificCredentialsRequest>(table, service);
  table.add(make_action<ListVirtualMFADevicesRequest>(
      [](const Call&, const ListVirtualMFADevicesRequest&) {
        return Permissions{{.action = "iam:ListVirtualMFADevices", .resource = "*"}};
      },
      [](const Call&,
         const ListVirtualMFADevicesRequest&) -> Result<ListVirtualMFADevicesResponse> {
        ListVirtualMFADevicesResponse response;
        set_page_end("", response);
        return response;
      }));
}

}  // namespace trivet::api::iam
