// SPDX-License-Identifier: Apache-2.0
#include "api/ec2/group_refs.h"

#include <fmt/format.h>

namespace trivet::api::ec2 {

Status check_group_ref(const service::SecurityGroupRef& ref) {
  if (ref.id.empty() && ref.name.empty()) {
    return aws_fault(Errc::kInvalidArgument, "MissingParameter",
                     "The request must contain the parameter groupName or groupId");
  }
  if (!ref.id.empty() && !ref.name.empty()) {
    return aws_fault(Errc::kInvalidArgument, "InvalidParameterCombination",
                     "The parameters groupName and groupId cannot be used together");
  }
  if (!ref.id.empty() && !ref.id.starts_with("sg-")) {
    return aws_fault(Errc::kInvalidArgument, "InvalidGroupId.Malformed",
                     fmt::format("Invalid id: \"{}\" (expecting \"sg-...\")", ref.id));
  }
  return ok();
}

std::string group_id(const NetworkState& state, const service::SecurityGroupRef& ref) {
  const trivet::Vpc* vpc = state.default_vpc();
  for (const auto& [id, group] : state.security_groups) {
    if (ref.id.empty() && vpc != nullptr && group.vpc_id == vpc->id && group.name == ref.name) {
      return id;
    }
  }
  return ref.id;
}

Permission group_permission(Ec2Service& service, std::string_view action,
                            const service::SecurityGroupRef& ref) {
  const auto state = service.state();
  const std::string id = state ? group_id(*state, ref) : ref.id;
  return existing(service, action, "security-group", id.empty() ? "*" : id);
}

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

}  // namespace trivet::api::ec2
