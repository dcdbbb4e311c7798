// SPDX-License-Identifier: Apache-2.0
//
// What EC2's handlers share: filters, pages, tags, ARNs and condition keys. Only for this folder.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/action.h"
#include "api/shapes/ec2.h"
#include "base/bytes.h"
#include "model/network.h"
#include "service/ec2_service.h"

namespace trivet::api::ec2 {

using service::Ec2Service;
using service::NetworkState;

void add_vpc_actions(ActionTable& table, Ec2Service& service);
void add_subnet_actions(ActionTable& table, Ec2Service& service);
void add_security_group_actions(ActionTable& table, Ec2Service& service);
void add_zone_actions(ActionTable& table, Ec2Service& service);
void add_route_table_actions(ActionTable& table, Ec2Service& service);
void add_route_actions(ActionTable& table, Ec2Service& service);
void add_internet_gateway_actions(ActionTable& table, Ec2Service& service);
void add_network_interface_actions(ActionTable& table, Ec2Service& service);
void add_vpc_endpoint_actions(ActionTable& table, Ec2Service& service);
void add_security_group_rule_actions(ActionTable& table, Ec2Service& service);
void add_tag_actions(ActionTable& table, Ec2Service& service);

Error bad_value(std::string message);

// A parameter that AWS has and that nothing here acts on.
struct Unbuilt {
  std::string_view name;
  bool is_set;
};
// NotImplemented, with the name of the first that is set.
Status refuse_unbuilt(const std::vector<Unbuilt>& parameters);

// '*' is any run of characters, '?' any one, '\' takes the meaning from the next.
bool glob(std::string_view pattern, std::string_view text);

// What a resource has under a filter's name; nullopt when EC2 has no such filter for its kind.
using FilterValues = std::optional<std::vector<std::string>>;
std::vector<std::string> one(std::string value);
std::vector<std::string> truth(bool value);
// "tag:KEY" and "tag-key"; nullopt for any other name.
FilterValues tag_filter(const Tags& tags, std::string_view name);
// All filters hold: one of their values matches one of the resource's. Faults:
// InvalidParameterValue (no such filter, no name, no values).
Result<bool> passes(const std::vector<Filter>& filters,
                    const std::function<FilterValues(std::string_view)>& values_of);

// What a Describe request asks for: all resources when it names none.
struct Selection {
  const std::vector<std::string>& ids;
  const std::vector<Filter>& filters;
};

// The records that are asked for, sorted by id. `values_of(record, filter's name)` → FilterValues;
// `not_found(id)` → Error.
template <typename T, typename ValuesOf, typename NotFound>
Result<std::vector<T>> select(const std::map<std::string, T, std::less<>>& all,
                              const Selection& selection, ValuesOf values_of, NotFound not_found) {
  for (const std::string& id : selection.ids) {
    if (!all.contains(id)) {
      return not_found(id);
    }
  }
  // Wrong filters are told even when there is nothing to filter.
  const T nothing{};
  TRIVET_TRY(bool is_passing, passes(selection.filters, [&](std::string_view name) {
               return values_of(nothing, name);
             }));
  std::vector<T> found;
  for (const auto& [id, record] : all) {
    TRIVET_TRY(is_passing, passes(selection.filters, [&, &here = record](std::string_view name) {
                 return values_of(here, name);
               }));
    const bool is_named =
        selection.ids.empty() ||
        std::find(selection.ids.begin(), selection.ids.end(), id) != selection.ids.end();
    if (is_passing && is_named) {
      found.push_back(record);
    }
  }
  return found;
}

// The page of `items`, which are sorted by `id_of`, that `next_token` begins; sets the token of the
// next one. `has_ids`: the request names its resources, then it must not ask for pages.
template <typename T, typename IdOf>
Status cut_page(std::vector<T>& items, const std::optional<std::int32_t>& items_max,
                std::optional<std::string>& next_token, bool has_ids, IdOf id_of) {
  if (has_ids && items_max) {
    return aws_fault(
        Errc::kInvalidArgument, "InvalidParameterCombination",
        "The parameter MaxResults cannot be used together with a list of resource ids");
  }
  if (next_token) {
    const auto after = from_base64(*next_token);
    if (!after) {
      return bad_value("Value (" + *next_token + ") for parameter nextToken is invalid.");
    }
    std::erase_if(items, [&](const T& item) { return id_of(item) <= *after; });
  }
  next_token.reset();
  if (items_max && items.size() > static_cast<std::size_t>(*items_max)) {
    items.resize(static_cast<std::size_t>(*items_max));
    next_token = to_base64(id_of(items.back()));
  }
  return ok();
}

std::vector<ec2::Tag> tag_shapes(const Tags& tags);
// Faults: InvalidParameterValue (no key, a key twice).
Result<Tags> tags_of(const std::vector<ec2::Tag>& tags);
// The tags for the one kind of resource that an action makes. Faults: InvalidParameterValue
// (another kind).
Result<Tags> new_tags(const std::vector<ec2::TagSpecification>& specifications,
                      std::string_view resource_type);

// arn:aws:ec2:us-east-1:123456789012:subnet/subnet-0a1b…
std::string arn(const Realm& realm, std::string_view kind, std::string_view id);
// With aws:ResourceTag/… and ec2:ResourceTag/… of the resource's tags, and ec2:Region.
Permission on_resource(const Realm& realm, std::string_view action, std::string resource,
                       const Tags& tags = {});
// A Describe action has no resource level.
std::vector<Permission> describe_permission(const Realm& realm, std::string_view action);
// The permission to make the resource, with aws:RequestTag/… and aws:TagKeys, and the one to tag
// it, when it gets tags.
std::vector<Permission> create_permissions(
    const Realm& realm, std::string_view action, std::string resource,
    const std::vector<ec2::TagSpecification>& specifications);
void add_request_tags(const std::vector<ec2::Tag>& tags, Permission& permission);
// The tags that the resource with this id has now; none when there is no such resource.
Tags tags_now(const NetworkState& state, const std::string& id);
// The VPC that it lies in; empty when there is no such resource.
std::string vpc_of(const NetworkState& state, const std::string& id);
// The permission on a resource that is there, with its tags and, where it lies in one, its VPC.
// `kind` is the ARN's word.
Permission existing(Ec2Service& service, std::string_view action, std::string_view kind,
                    const std::string& id);
// ec2:Vpc and ec2:VpcID.
void add_vpc_keys(const Realm& realm, std::string_view vpc_id, Permission& permission);

}  // namespace trivet::api::ec2
