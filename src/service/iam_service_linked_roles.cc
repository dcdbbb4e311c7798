// SPDX-License-Identifier: Apache-2.0
//
// Service-linked roles: roles that a service makes for itself, and that only it changes. Trivet has
// no need of one; scripts that prepare an account for RDS make RDS's.
#include <algorithm>
#include <utility>

#include "base/random.h"
#include "service/iam_ids.h"
#include "service/iam_service.h"

namespace trivet::service {
namespace {

constexpr std::string_view kRds = "rds.amazonaws.com";
constexpr std::string_view kRdsRole = "AWSServiceRoleForRDS";
constexpr std::string_view kRdsTrust =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":)"
    R"({"Service":["rds.amazonaws.com"]},"Action":["sts:AssumeRole"]}]})";
constexpr std::size_t kTasksKept = 100;

}  // namespace

bool is_service_linked(const IamRole& role) {
  return role.path.starts_with(kServiceLinkedPath);
}

Status check_modifiable(const IamRole& role) {
  if (!is_service_linked(role)) {
    return ok();
  }
  return aws_fault(Errc::kInvalidArgument, "UnmodifiableEntityException",
                   "Cannot perform the operation on the protected role '" + role.name +
                       "' - this role is only modifiable by AWS");
}

std::string service_linked_role_path(std::string_view service) {
  return std::string(kServiceLinkedPath) + std::string(service) + "/";
}

Result<IamRole> IamService::create_service_linked_role(std::string_view service,
                                                       std::string_view suffix,
                                                       std::string_view description, WallTime now) {
  if (service != kRds) {
    return aws_fault(Errc::kInvalidArgument, "NotImplemented",
                     "The service-linked role of " + std::string(service) +
                         " is not built: there is that of rds.amazonaws.com.");
  }
  if (!suffix.empty()) {
    return invalid_input("Custom suffix is not allowed for " + std::string(service));
  }
  TRIVET_CHECK_OK(check_description(description));
  IamRole role;
  role.name = kRdsRole;
  role.path = service_linked_role_path(service);
  role.id = make_unique_id("AROA");
  role.created = now;
  role.description = description;
  role.trust_policy = kRdsTrust;
  TRIVET_CHECK_OK(mutate([&](const IamState& state) -> Result<Commit> {
    if (state.find_role(role.name) != nullptr) {
      return invalid_input("Service role name " + role.name +
                           " has been taken in this account, please try a different suffix.");
    }
    if (state.roles.size() >= kRolesMax) {
      return limit_exceeded("Cannot exceed quota for RolesPerAccount: " +
                            std::to_string(kRolesMax));
    }
    return Commit{.compares = {{role_key(role.name), Revision(0)}},
                  .puts = {{role_key(role.name), encode(role)}}};
  }));
  return role;
}

Result<std::string> IamService::delete_service_linked_role(std::string_view name) {
  std::string task = "task";
  TRIVET_CHECK_OK(mutate([&](const IamState& state) -> Result<Commit> {
    const RoleEntry* entry = state.find_role(name);
    if (entry == nullptr || !is_service_linked(entry->record)) {
      return no_such_entity("The role with name " + std::string(name) + " cannot be found.");
    }
    task = "task" + entry->record.path + entry->record.name + "/" + random_uuid();
    return Commit{.compares = {{role_key(name), entry->modified}}, .deletes = {role_key(name)}};
  }));
  const MutexLock lock(use_mutex_);
  deletions_.push_back(task);
  if (deletions_.size() > kTasksKept) {
    deletions_.erase(deletions_.begin());
  }
  return task;
}

Status IamService::check_deletion(std::string_view task) const {
  const MutexLock lock(use_mutex_);
  if (std::find(deletions_.begin(), deletions_.end(), task) == deletions_.end()) {
    return no_such_entity("The deletion task " + std::string(task) + " cannot be found.");
  }
  return ok();
}

}  // namespace trivet::service
