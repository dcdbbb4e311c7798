// SPDX-License-Identifier: Apache-2.0
#include "api/rds/common.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/pattern.h"
#include "model/arn.h"

namespace trivet::api {

void add_rds_actions(ActionTable& table, RdsServices services) {
  rds::add_create_db_cluster(table, services);
  rds::add_modify_db_cluster(table, services);
  rds::add_cluster_actions(table, services);
  rds::add_instance_actions(table, services);
  rds::add_lifecycle_actions(table, services);
  rds::add_event_actions(table, services);
  rds::add_log_file_actions(table, services);
  rds::add_subnet_group_actions(table, services);
  rds::add_engine_actions(table, services);
  rds::add_tag_actions(table, services);
}

}  // namespace trivet::api

namespace trivet::api::rds {
namespace {

constexpr std::size_t kTagsMax = 50;
constexpr std::int64_t kTagKeyMax = 128;
constexpr std::int64_t kTagValueMax = 256;

// Letters, digits, white space and _ . : / = + - @ (AddTagsToResource). Letters of all alphabets:
// what is not ASCII is let through.
bool is_tag_text(std::string_view text) {
  constexpr std::string_view kOthers = "_.:/=+-@ \t\n\r";
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           static_cast<unsigned char>(c) >= 0x80 || kOthers.find(c) != std::string_view::npos;
  });
}

std::string lower_name(const Realm& realm, std::string_view kind, std::string_view name_or_arn) {
  return name_of(realm, kind, name_or_arn).value_or(to_lower(name_or_arn));
}

}  // namespace

bool is_true(const std::optional<bool>& value) {
  return value.value_or(false);
}
bool has_text(const std::optional<std::string>& value) {
  return value && !value->empty();
}
bool differs(const std::optional<std::string>& value, std::string_view from) {
  return has_text(value) && to_lower(*value) != to_lower(from);
}

Error bad_value(std::string message) {
  return aws_fault(Errc::kInvalidArgument, "InvalidParameterValue", std::move(message));
}

Error bad_combination(std::string message) {
  return aws_fault(Errc::kInvalidArgument, "InvalidParameterCombination", std::move(message));
}

Error not_implemented(std::string message) {
  return aws_fault(Errc::kInvalidArgument, "NotImplemented", std::move(message));
}

Error no_such_cluster(std::string_view id) {
  return aws_fault(Errc::kNotFound, "DBClusterNotFoundFault",
                   fmt::format("DBCluster {} not found.", id));
}

Error no_such_instance(std::string_view id) {
  return aws_fault(Errc::kNotFound, "DBInstanceNotFound",
                   fmt::format("DBInstance {} not found.", id));
}

std::string arn(const Realm& realm, std::string_view kind, std::string_view name) {
  return fmt::format("arn:{}:rds:{}:{}:{}:{}", realm.partition, realm.region, realm.account.str(),
                     kind, name);
}

std::optional<std::string> name_of(const Realm& realm, std::string_view kind,
                                   std::string_view name_or_arn) {
  if (!name_or_arn.starts_with("arn:")) {
    return to_lower(name_or_arn);
  }
  const auto parsed = parse_arn(name_or_arn);
  const std::string prefix = std::string(kind) + ":";
  if (!parsed || parsed->partition != realm.partition || parsed->service != "rds" ||
      parsed->region != realm.region || parsed->account != realm.account.str() ||
      !parsed->resource.starts_with(prefix)) {
    return std::nullopt;
  }
  return to_lower(std::string_view(parsed->resource).substr(prefix.size()));
}

Result<ClusterViewPtr> find_cluster(const RdsServices& services, const Realm& realm,
                                    std::string_view name_or_arn) {
  const auto name = name_of(realm, "cluster", name_or_arn);
  ClusterViewPtr view = name ? services.clusters.find(ClusterId(*name)) : nullptr;
  if (!view) {
    return no_such_cluster(name_or_arn);
  }
  return view;
}

std::optional<FoundInstance> find_instance(const RdsServices& services, std::string_view id) {
  for (const ClusterViewPtr& view : services.clusters.views()) {
    for (const Member& member : view->cluster.members) {
      if (member.id.str() == id) {
        return FoundInstance{view, member};
      }
    }
  }
  return std::nullopt;
}

std::vector<std::string> instance_resource_ids(const RdsServices& services) {
  std::vector<std::string> ids;
  for (const ClusterViewPtr& view : services.clusters.views()) {
    for (const Member& member : view->cluster.members) {
      ids.push_back(member.resource_id);
    }
  }
  return ids;
}

void add_resource_tags(const Tags& tags, std::string_view kind, Permission& permission) {
  for (const auto& [key, value] : tags) {
    permission.context["aws:ResourceTag/" + key] = {value};
    permission.context[fmt::format("rds:{}-tag/{}", kind, key)] = {value};
  }
}

void add_request_tags(const std::vector<rds::Tag>& tags, Permission& permission) {
  for (const rds::Tag& tag : tags) {
    const std::string key = tag.Key.value_or("");
    permission.context["aws:RequestTag/" + key] = {tag.Value.value_or("")};
    permission.context["rds:req-tag/" + key] = {tag.Value.value_or("")};
    permission.context["aws:TagKeys"].push_back(key);
  }
}

Permission cluster_permission(const RdsServices& services, const Realm& realm,
                              std::string_view action, std::string_view name_or_arn) {
  const std::string name = name_or_arn.empty() ? "*" : lower_name(realm, "cluster", name_or_arn);
  Permission permission{.action = std::string(action), .resource = arn(realm, "cluster", name)};
  if (const ClusterViewPtr view = services.clusters.find(ClusterId(name))) {
    add_resource_tags(view->cluster.tags, "cluster", permission);
  }
  return permission;
}

Permission instance_permission(const RdsServices& services, const Realm& realm,
                               std::string_view action, std::string_view name_or_arn) {
  const std::string name = name_or_arn.empty() ? "*" : lower_name(realm, "db", name_or_arn);
  Permission permission{.action = std::string(action), .resource = arn(realm, "db", name)};
  const auto found = find_instance(services, name);
  if (!found) {
    return permission;
  }
  const Cluster& cluster = found->view->cluster;
  permission.context["rds:DatabaseClass"] = {cluster.instance_class};
  permission.context["rds:DatabaseEngine"] = {cluster.engine};
  permission.context["rds:StorageSize"] = {std::to_string(cluster.allocated_storage_gib)};
  permission.context["rds:StorageEncrypted"] = {cluster.storage_encrypted ? "true" : "false"};
  permission.context["rds:MultiAz"] = {"false"};
  permission.context["rds:Vpc"] = {"true"};
  if (!cluster.database_name.empty()) {
    permission.context["rds:DatabaseName"] = {cluster.database_name};
  }
  if (cluster.iops) {
    permission.context["rds:Piops"] = {std::to_string(*cluster.iops)};
  }
  if (const auto tags = services.instance_tags.get(found->member.resource_id)) {
    add_resource_tags(*tags, "db", permission);
  }
  return permission;
}

Permission subnet_group_permission(const RdsServices& services, const Realm& realm,
                                   std::string_view action, std::string_view name) {
  const std::string lower = name.empty() ? "*" : lower_name(realm, "subgrp", name);
  Permission permission{.action = std::string(action), .resource = arn(realm, "subgrp", lower)};
  if (const auto state = services.subnet_groups.state()) {
    if (const DbSubnetGroup* group = state->find_subnet_group(lower)) {
      add_resource_tags(group->tags, "subgrp", permission);
    }
  }
  return permission;
}

std::vector<rds::Tag> tag_shapes(const Tags& tags) {
  std::vector<rds::Tag> shapes;
  for (const auto& [key, value] : tags) {
    shapes.push_back({.Key = key, .Value = value});
  }
  return shapes;
}

Result<Tags> read_tags(const std::vector<rds::Tag>& tags) {
  Tags out;
  for (const rds::Tag& tag : tags) {
    const std::string key = tag.Key.value_or("");
    const std::string value = tag.Value.value_or("");
    if (key.empty() || count_characters(key) > kTagKeyMax || !is_tag_text(key)) {
      return bad_value(
          fmt::format("Invalid tag key '{}': 1 to 128 letters, digits, white space "
                      "and _ . : / = + - @ are allowed.",
                      key));
    }
    if (count_characters(value) > kTagValueMax || !is_tag_text(value)) {
      return bad_value(
          fmt::format("Invalid value of tag '{}': up to 256 letters, digits, white "
                      "space and _ . : / = + - @ are allowed.",
                      key));
    }
    const std::string lower = to_lower(key);
    if (lower.starts_with("aws:") || lower.starts_with("rds:")) {
      return bad_value(
          fmt::format("Tag key '{}' is invalid: keys that begin with 'aws:' or 'rds:' are reserved "
                      "for system use.",
                      key));
    }
    if (!out.emplace(key, value).second) {
      return bad_value(fmt::format("Duplicate tag key '{}'.", key));
    }
  }
  TRIVET_CHECK_OK(check_tag_count(out));
  return out;
}

Status check_tag_count(const Tags& tags) {
  if (tags.size() > kTagsMax) {
    return bad_value(fmt::format("A resource can have no more than {} tags.", kTagsMax));
  }
  return ok();
}

std::vector<std::string> one(std::string value) {
  return {std::move(value)};
}

Result<bool> passes(const std::vector<Filter>& filters,
                    const std::function<FilterValues(std::string_view)>& values_of) {
  bool is_passing = true;
  for (const Filter& filter : filters) {
    const FilterValues values = values_of(filter.Name);
    if (!values) {
      return bad_value(fmt::format("Unrecognized filter name: {}", filter.Name));
    }
    is_passing =
        is_passing &&
        std::any_of(filter.Values.begin(), filter.Values.end(), [&](const std::string& wanted) {
          return std::any_of(values->begin(), values->end(), [&](const std::string& have) {
            return equals_ignoring_case(wanted, have);
          });
        });
  }
  return is_passing;
}

}  // namespace trivet::api::rds
