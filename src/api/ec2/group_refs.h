// SPDX-License-Identifier: Apache-2.0
//
// How requests name a security group: by id or, in the default VPC, by name. Only for this folder.
#pragma once

#include <optional>
#include <string>

#include "api/ec2/common.h"

namespace trivet::api::ec2 {

template <typename Request>
service::SecurityGroupRef group_ref(const Request& request) {
  service::SecurityGroupRef ref;
  if constexpr (requires { request.GroupName; }) {
    ref.id = request.GroupId.value_or("");
    ref.name = request.GroupName.value_or("");
  } else {
    ref.id = request.GroupId;
  }
  return ref;
}

// Faults: MissingParameter, InvalidParameterCombination, InvalidGroupId.Malformed.
Status check_group_ref(const service::SecurityGroupRef& ref);
// The id that it means; the one that it names when there is no such group.
std::string group_id(const NetworkState& state, const service::SecurityGroupRef& ref);
// The permission on an existing group.
Permission group_permission(Ec2Service& service, std::string_view action,
                            const service::SecurityGroupRef& ref);
std::optional<std::string> unless_empty(const std::string& text);

}  // namespace trivet::api::ec2
