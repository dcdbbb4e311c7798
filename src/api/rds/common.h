// SPDX-License-Identifier: Apache-2.0
//
// What RDS's handlers share: ARNs, permissions, filters, pages and the rules for tags. Only for
// this folder.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/action.h"
#include "api/rds/actions.h"
#include "api/shapes/rds.h"
#include "base/bytes.h"

namespace trivet::api::rds {

using service::ClusterView;
using service::ClusterViewPtr;

void add_create_db_cluster(ActionTable& table, const RdsServices& services);
void add_modify_db_cluster(ActionTable& table, const RdsServices& services);
void add_cluster_actions(ActionTable& table, const RdsServices& services);
void add_instance_actions(ActionTable& table, const RdsServices& services);
void add_lifecycle_actions(ActionTable& table, const RdsServices& services);
void add_event_actions(ActionTable& table, const RdsServices& services);
void add_log_file_actions(ActionTable& table, const RdsServices& services);
void add_subnet_group_actions(ActionTable& table, const RdsServices& services);
void add_engine_actions(ActionTable& table, const RdsServices& services);
void add_tag_actions(ActionTable& table, const RdsServices& services);

// Of parameters that may be missing. `differs` does not look at the case.
bool is_true(const std::optional<bool>& value);
bool has_text(const std::optional<std::string>& value);
bool differs(const std::optional<std::string>& value, std::string_view from);

Error bad_value(std::string message);
Error bad_combination(std::string message);
Error not_implemented(std::string message);
Error no_such_cluster(std::string_view id);
Error no_such_instance(std::string_view id);

// arn:aws:rds:us-east-1:123456789012:cluster:demo
std::string arn(const Realm& realm, std::string_view kind, std::string_view name);
// The name in lower case of what a parameter calls by its name or its ARN; nullopt for an ARN of
// another kind, account or region, where nothing can be.
std::optional<std::string> name_of(const Realm& realm, std::string_view kind,
                                   std::string_view name_or_arn);
// The view of the cluster that a parameter names. DBClusterNotFoundFault.
Result<ClusterViewPtr> find_cluster(const RdsServices& services, const Realm& realm,
                                    std::string_view name_or_arn);

// A member and the cluster that it is in.
struct FoundInstance {
  ClusterViewPtr view;
  Member member;
};
std::optional<FoundInstance> find_instance(const RdsServices& services, std::string_view id);
// The DbiResourceIds of all members.
std::vector<std::string> instance_resource_ids(const RdsServices& services);

// Adds aws:ResourceTag/… and rds:<kind>-tag/….
void add_resource_tags(const Tags& tags, std::string_view kind, Permission& permission);
// Adds aws:RequestTag/…, rds:req-tag/… and aws:TagKeys.
void add_request_tags(const std::vector<rds::Tag>& tags, Permission& permission);
// On a cluster by name or ARN, with its tags if it is there; on all clusters for an empty name.
Permission cluster_permission(const RdsServices& services, const Realm& realm,
                              std::string_view action, std::string_view name_or_arn);
// On a member, with its tags and what can be asked of a DB instance.
Permission instance_permission(const RdsServices& services, const Realm& realm,
                               std::string_view action, std::string_view name_or_arn);
Permission subnet_group_permission(const RdsServices& services, const Realm& realm,
                                   std::string_view action, std::string_view name);

std::vector<rds::Tag> tag_shapes(const Tags& tags);
// Faults: InvalidParameterValue (key or value too long, reserved or forbidden characters, a key
// twice).
Result<Tags> read_tags(const std::vector<rds::Tag>& tags);
// At most 50 on one resource. InvalidParameterValue.
Status check_tag_count(const Tags& tags);

using FilterValues = std::optional<std::vector<std::string>>;
std::vector<std::string> one(std::string value);
// All filters hold: one of their values is one of the record's. `values_of(name)` is nullopt where
// AWS has no such filter. Faults: InvalidParameterValue.
Result<bool> passes(const std::vector<Filter>& filters,
                    const std::function<FilterValues(std::string_view)>& values_of);

// The page of `items`, which are sorted by `key_of`, that `marker` begins. Sets the marker of the
// next one. Faults: InvalidParameterValue.
template <typename T, typename KeyOf>
Status cut_page(std::vector<T>& items, const std::optional<std::int32_t>& records_max,
                std::optional<std::string>& marker, KeyOf key_of, std::int32_t most = 100) {
  const std::int32_t count = records_max.value_or(100);
  if (count < 20 || count > most) {
    return bad_value("Invalid value " + std::to_string(count) +
                     " for MaxRecords. Must be between 20 and " + std::to_string(most));
  }
  if (marker && !marker->empty()) {
    const auto after = from_base64(*marker);
    if (!after) {
      return bad_value("Invalid Marker: " + *marker);
    }
    std::erase_if(items, [&](const T& item) { return key_of(item) <= *after; });
  }
  marker.reset();
  if (items.size() > static_cast<std::size_t>(count)) {
    items.resize(static_cast<std::size_t>(count));
    marker = to_base64(key_of(items.back()));
  }
  return ok();
}

}  // namespace trivet::api::rds
