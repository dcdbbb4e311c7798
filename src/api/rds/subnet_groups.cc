// SPDX-License-Identifier: Apache-2.0
//
// CreateDBSubnetGroup, DescribeDBSubnetGroups, ModifyDBSubnetGroup, DeleteDBSubnetGroup.
#include <fmt/format.h>

#include "api/rds/common.h"
#include "api/rds/shapes.h"

namespace trivet::api::rds {
namespace {

Result<CreateDBSubnetGroupResponse> create(const RdsServices& services, const Realm& realm,
                                           const CreateDBSubnetGroupRequest& request) {
  TRIVET_TRY(const Tags tags, read_tags(request.Tags));
  TRIVET_TRY(const DbSubnetGroup group,
             services.subnet_groups.create({.name = request.DBSubnetGroupName,
                                            .description = request.DBSubnetGroupDescription,
                                            .subnet_ids = request.SubnetIds,
                                            .tags = tags}));
  TRIVET_TRY(const service::NetworkState network, services.subnet_groups.state());
  return CreateDBSubnetGroupResponse{.DBSubnetGroup = subnet_group_shape(group, network, realm)};
}

Result<DescribeDBSubnetGroupsResponse> describe(const RdsServices& services, const Realm& realm,
                                                const DescribeDBSubnetGroupsRequest& request) {
  TRIVET_TRY(const service::NetworkState network, services.subnet_groups.state());
  // AWS: "This parameter isn't currently supported."
  TRIVET_TRY([[maybe_unused]] const bool is_passing,
             passes(request.Filters, [](std::string_view) { return std::nullopt; }));
  std::vector<DbSubnetGroup> found;
  const std::string wanted = request.DBSubnetGroupName.value_or("");
  const auto name = name_of(realm, "subgrp", wanted);
  for (const auto& [key, group] : network.subnet_groups) {
    if (wanted.empty() || key == name) {
      found.push_back(group);
    }
  }
  if (!wanted.empty() && found.empty()) {
    return aws_fault(Errc::kNotFound, "DBSubnetGroupNotFoundFault",
                     fmt::format("DB subnet group '{}' does not exist.", wanted));
  }
  DescribeDBSubnetGroupsResponse response{.Marker = request.Marker, .DBSubnetGroups = {}};
  TRIVET_CHECK_OK(cut_page(found, request.MaxRecords, response.Marker,
                           [](const DbSubnetGroup& group) { return group.name; }));
  for (const DbSubnetGroup& group : found) {
    response.DBSubnetGroups.push_back(subnet_group_shape(group, network, realm));
  }
  return response;
}

std::vector<Permission> create_permissions(const Realm& realm,
                                           const CreateDBSubnetGroupRequest& request) {
  const std::string resource = arn(realm, "subgrp", to_lower(request.DBSubnetGroupName));
  std::vector<Permission> all{{.action = "rds:CreateDBSubnetGroup", .resource = resource}};
  add_request_tags(request.Tags, all.front());
  if (!request.Tags.empty()) {
    all.push_back({.action = "rds:AddTagsToResource", .resource = resource});
    add_request_tags(request.Tags, all.back());
  }
  return all;
}

}  // namespace

void add_subnet_group_actions(ActionTable& table, const RdsServices& services) {
  table.add(make_action<CreateDBSubnetGroupRequest>(
      [](const Call& call, const CreateDBSubnetGroupRequest& request) {
        return create_permissions(call.realm, request);
      },
      [services](const Call& call, const CreateDBSubnetGroupRequest& request) {
        return create(services, call.realm, request);
      }));
  table.add(make_action<DescribeDBSubnetGroupsRequest>(
      [services](const Call& call, const DescribeDBSubnetGroupsRequest& request) {
        return std::vector<Permission>{
            subnet_group_permission(services, call.realm, "rds:DescribeDBSubnetGroups",
                                    request.DBSubnetGroupName.value_or(""))};
      },
      [services](const Call& call, const DescribeDBSubnetGroupsRequest& request) {
        return describe(services, call.realm, request);
      }));
  table.add(make_action<ModifyDBSubnetGroupRequest>(
      [services](const Call& call, const ModifyDBSubnetGroupRequest& request) {
        return std::vector<Permission>{subnet_group_permission(
            services, call.realm, "rds:ModifyDBSubnetGroup", request.DBSubnetGroupName)};
      },
      [services](const Call& call,
                 const ModifyDBSubnetGroupRequest& request) -> Result<ModifyDBSubnetGroupResponse> {
        TRIVET_TRY(const DbSubnetGroup group,
                   services.subnet_groups.modify(request.DBSubnetGroupName, request.SubnetIds,
                                                 request.DBSubnetGroupDescription.value_or("")));
        TRIVET_TRY(const service::NetworkState network, services.subnet_groups.state());
        return ModifyDBSubnetGroupResponse{.DBSubnetGroup =
                                               subnet_group_shape(group, network, call.realm)};
      }));
  table.add(make_action<DeleteDBSubnetGroupRequest>(
      [services](const Call& call, const DeleteDBSubnetGroupRequest& request) {
        return std::vector<Permission>{subnet_group_permission(
            services, call.realm, "rds:DeleteDBSubnetGroup", request.DBSubnetGroupName)};
      },
      [services](const Call&,
                 const DeleteDBSubnetGroupRequest& request) -> Result<DeleteDBSubnetGroupResponse> {
        TRIVET_CHECK_OK(services.subnet_groups.remove(request.DBSubnetGroupName));
        return DeleteDBSubnetGroupResponse{};
      }));
}

}  // namespace trivet::api::rds
