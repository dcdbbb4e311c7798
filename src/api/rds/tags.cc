// SPDX-License-Identifier: Apache-2.0
//
// AddTagsToResource, RemoveTagsFromResource, ListTagsForResource: of clusters, members and DB
// subnet groups.
#include <fmt/format.h>

#include "api/rds/common.h"
#include "model/arn.h"

namespace trivet::api::rds {
namespace {

enum class Kind { kCluster, kInstance, kSubnetGroup };

struct Resource {
  Kind kind;
  std::string name;  // lower case
};

// What a ResourceName is. Faults: InvalidParameterValue; NotImplemented for AWS's other kinds.
Result<Resource> read_resource(const Realm& realm, const std::string& text) {
  const auto parsed = parse_arn(text);
  if (!parsed || parsed->service != "rds") {
    return bad_value(fmt::format("Invalid resource name: {}", text));
  }
  if (parsed->partition != realm.partition || parsed->region != realm.region ||
      parsed->account != realm.account.str()) {
    return bad_value("The specified resource name does not match an RDS resource in this region.");
  }
  constexpr std::pair<std::string_view, Kind> kKinds[] = {
      {"cluster", Kind::kCluster}, {"db", Kind::kInstance}, {"subgrp", Kind::kSubnetGroup}};
  for (const auto& [kind, value] : kKinds) {
    const auto name = name_of(realm, kind, text);
    if (name && !name->empty()) {
      return Resource{value, *name};
    }
  }
  return not_implemented(fmt::format(
      "Tags of '{}' are not implemented: those of cluster, db and subgrp are.", parsed->resource));
}

Permission permission(const RdsServices& services, const Realm& realm, std::string_view action,
                      const std::string& resource_name) {
  const auto resource = read_resource(realm, resource_name);
  if (!resource) {
    return {.action = std::string(action), .resource = resource_name};
  }
  switch (resource->kind) {
    case Kind::kCluster:
      return cluster_permission(services, realm, action, resource->name);
    case Kind::kInstance:
      return instance_permission(services, realm, action, resource->name);
    case Kind::kSubnetGroup:
      return subnet_group_permission(services, realm, action, resource->name);
  }
  return {.action = std::string(action), .resource = resource_name};
}

Result<Tags> tags_of(const RdsServices& services, const Resource& resource) {
  switch (resource.kind) {
    case Kind::kCluster: {
      const ClusterViewPtr view = services.clusters.find(ClusterId(resource.name));
      return view ? Result<Tags>(view->cluster.tags) : no_such_cluster(resource.name);
    }
    case Kind::kInstance: {
      const auto found = find_instance(services, resource.name);
      return found ? services.instance_tags.get(found->member.resource_id)
                   : no_such_instance(resource.name);
    }
    case Kind::kSubnetGroup: {
      TRIVET_TRY(const service::NetworkState network, services.subnet_groups.state());
      const DbSubnetGroup* group = network.find_subnet_group(resource.name);
      return group != nullptr
                 ? Result<Tags>(group->tags)
                 : aws_fault(Errc::kNotFound, "DBSubnetGroupNotFoundFault",
                             fmt::format("DB subnet group '{}' does not exist.", resource.name));
    }
  }
  return make_error(Errc::kInternal, "a kind of resource that is none");
}

Status change_tags(const RdsServices& services, const Resource& resource,
                   const std::function<Status(Tags&)>& change) {
  switch (resource.kind) {
    case Kind::kCluster:
      return services.clusters.update(ClusterId(resource.name),
                                      [&](Cluster& cluster) { return change(cluster.tags); });
    case Kind::kInstance: {
      const auto found = find_instance(services, resource.name);
      if (!found) {
        return no_such_instance(resource.name);
      }
      const auto ids = instance_resource_ids(services);
      return services.instance_tags.update(found->member.resource_id, {ids.begin(), ids.end()},
                                           change);
    }
    case Kind::kSubnetGroup:
      return services.subnet_groups.change_tags(resource.name, change);
  }
  return make_error(Errc::kInternal, "a kind of resource that is none");
}

Result<AddTagsToResourceResponse> add(const RdsServices& services, const Realm& realm,
                                      const AddTagsToResourceRequest& request) {
  TRIVET_TRY(const Resource resource, read_resource(realm, request.ResourceName));
  TRIVET_TRY(const Tags added, read_tags(request.Tags));
  TRIVET_CHECK_OK(change_tags(services, resource, [&](Tags& tags) {
    for (const auto& [key, value] : added) {
      tags[key] = value;
    }
    return check_tag_count(tags);
  }));
  return AddTagsToResourceResponse{};
}

Result<RemoveTagsFromResourceResponse> remove(const RdsServices& services, const Realm& realm,
                                              const RemoveTagsFromResourceRequest& request) {
  TRIVET_TRY(const Resource resource, read_resource(realm, request.ResourceName));
  TRIVET_CHECK_OK(change_tags(services, resource, [&](Tags& tags) {
    for (const std::string& key : request.TagKeys) {
      tags.erase(key);
    }
    return ok();
  }));
  return RemoveTagsFromResourceResponse{};
}

Result<ListTagsForResourceResponse> list(const RdsServices& services, const Realm& realm,
                                         const ListTagsForResourceRequest& request) {
  TRIVET_TRY(const Resource resource, read_resource(realm, request.ResourceName));
  // AWS: "This parameter isn't currently supported."
  TRIVET_TRY([[maybe_unused]] const bool is_passing,
             passes(request.Filters, [](std::string_view) { return std::nullopt; }));
  TRIVET_TRY(const Tags tags, tags_of(services, resource));
  return ListTagsForResourceResponse{.TagList = tag_shapes(tags)};
}

}  // namespace

void add_tag_actions(ActionTable& table, const RdsServices& services) {
  table.add(make_action<AddTagsToResourceRequest>(
      [services](const Call& call, const AddTagsToResourceRequest& request) {
        Permission wanted =
            permission(services, call.realm, "rds:AddTagsToResource", request.ResourceName);
        add_request_tags(request.Tags, wanted);
        return std::vector<Permission>{std::move(wanted)};
      },
      [services](const Call& call, const AddTagsToResourceRequest& request) {
        return add(services, call.realm, request);
      }));
  table.add(make_action<RemoveTagsFromResourceRequest>(
      [services](const Call& call, const RemoveTagsFromResourceRequest& request) {
        Permission wanted =
            permission(services, call.realm, "rds:RemoveTagsFromResource", request.ResourceName);
        if (!request.TagKeys.empty()) {
          wanted.context["aws:TagKeys"] = request.TagKeys;
        }
        return std::vector<Permission>{std::move(wanted)};
      },
      [services](const Call& call, const RemoveTagsFromResourceRequest& request) {
        return remove(services, call.realm, request);
      }));
  table.add(make_action<ListTagsForResourceRequest>(
      [services](const Call& call, const ListTagsForResourceRequest& request) {
        return std::vector<Permission>{
            permission(services, call.realm, "rds:ListTagsForResource", request.ResourceName)};
      },
      [services](const Call& call, const ListTagsForResourceRequest& request) {
        return list(services, call.realm, request);
      }));
}

}  // namespace trivet::api::rds
