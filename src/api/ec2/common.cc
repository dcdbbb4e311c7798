// SPDX-License-Identifier: Apache-2.0
#include "api/ec2/common.h"

#include <fmt/format.h>

#include "api/ec2/actions.h"

namespace trivet::api {

void add_ec2_actions(ActionTable& table, service::Ec2Service& service) {
  ec2::add_vpc_actions(table, service);
  ec2::add_subnet_actions(table, service);
  ec2::add_security_group_actions(table, service);
  ec2::add_zone_actions(table, service);
  ec2::add_security_group_rule_actions(table, service);
  ec2::add_route_table_actions(table, service);
  ec2::add_route_actions(table, service);
  ec2::add_internet_gateway_actions(table, service);
  ec2::add_network_interface_actions(table, service);
  ec2::add_vpc_endpoint_actions(table, service);
  ec2::add_tag_actions(table, service);
}

}  // namespace trivet::api

namespace trivet::api::ec2 {

Error bad_value(std::string message) {
  return aws_fault(Errc::kInvalidArgument, "InvalidParameterValue", std::move(message));
}

Status refuse_unbuilt(const std::vector<Unbuilt>& parameters) {
  for (const Unbuilt& parameter : parameters) {
    if (parameter.is_set) {
      return aws_fault(Errc::kInvalidArgument, "NotImplemented",
                       fmt::format("The parameter {} is not implemented.", parameter.name));
    }
  }
  return ok();
}

bool glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // the last '*' of the pattern, and where its run ends
  std::size_t run_end = 0;
  while (t < text.size()) {
    const bool is_escaped = p + 1 < pattern.size() && pattern[p] == '\\';
    if (p < pattern.size() && !is_escaped && pattern[p] == '*') {
      star = p++;
      run_end = t;
    } else if (p < pattern.size() && ((!is_escaped && pattern[p] == '?') ||
                                      pattern[p + (is_escaped ? 1U : 0U)] == text[t])) {
      p += is_escaped ? 2 : 1;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++run_end;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') {
    ++p;
  }
  return p == pattern.size();
}

std::vector<std::string> one(std::string value) {
  return {std::move(value)};
}

std::vector<std::string> truth(bool value) {
  return {value ? "true" : "false"};
}

FilterValues tag_filter(const Tags& tags, std::string_view name) {
  if (name == "tag-key") {
    std::vector<std::string> keys;
    for (const auto& [key, value] : tags) {
      keys.push_back(key);
    }
    return keys;
  }
  if (!name.starts_with("tag:")) {
    return std::nullopt;
  }
  const auto it = tags.find(std::string(name.substr(4)));
  return it == tags.end() ? std::vector<std::string>() : one(it->second);
}

Result<bool> passes(const std::vector<Filter>& filters,
                    const std::function<FilterValues(std::string_view)>& values_of) {
  bool is_passing = true;
  for (const Filter& filter : filters) {
    const std::string name = filter.Name.value_or("");
    const FilterValues values = values_of(name);
    if (!values) {
      return bad_value(fmt::format("The filter '{}' is invalid", name));
    }
    if (filter.Values.empty()) {
      return bad_value("The request must contain the parameter Values of each filter");
    }
    is_passing =
        is_passing &&
        std::any_of(filter.Values.begin(), filter.Values.end(), [&](const std::string& wanted) {
          return std::any_of(values->begin(), values->end(),
                             [&](const std::string& have) { return glob(wanted, have); });
        });
  }
  return is_passing;
}

std::vector<ec2::Tag> tag_shapes(const Tags& tags) {
  std::vector<ec2::Tag> shapes;
  for (const auto& [key, value] : tags) {
    shapes.push_back({.Key = key, .Value = value});
  }
  return shapes;
}

Result<Tags> tags_of(const std::vector<ec2::Tag>& tags) {
  Tags out;
  for (const ec2::Tag& tag : tags) {
    const std::string key = tag.Key.value_or("");
    if (!out.emplace(key, tag.Value.value_or("")).second) {
      return bad_value(fmt::format("Duplicate tag key '{}' specified.", key));
    }
  }
  return out;
}

Result<Tags> new_tags(const std::vector<ec2::TagSpecification>& specifications,
                      std::string_view resource_type) {
  std::vector<ec2::Tag> all;
  for (const ec2::TagSpecification& specification : specifications) {
    const std::string type = specification.ResourceType.value_or("");
    if (type != resource_type) {
      return bad_value(
          fmt::format("'{}' is not a valid taggable resource type for this operation.", type));
    }
    all.insert(all.end(), specification.Tags.begin(), specification.Tags.end());
  }
  return tags_of(all);
}

std::string arn(const Realm& realm, std::string_view kind, std::string_view id) {
  return fmt::format("arn:{}:ec2:{}:{}:{}/{}", realm.partition, realm.region, realm.account.str(),
                     kind, id);
}

Permission on_resource(const Realm& realm, std::string_view action, std::string resource,
                       const Tags& tags) {
  Permission permission{.action = std::string(action), .resource = std::move(resource)};
  permission.context["ec2:Region"] = {realm.region};
  for (const auto& [key, value] : tags) {
    permission.context["aws:ResourceTag/" + key] = {value};
    permission.context["ec2:ResourceTag/" + key] = {value};
  }
  return permission;
}

std::vector<Permission> describe_permission(const Realm& realm, std::string_view action) {
  return {on_resource(realm, action, "*")};
}

void add_request_tags(const std::vector<ec2::Tag>& tags, Permission& permission) {
  for (const ec2::Tag& tag : tags) {
    const std::string key = tag.Key.value_or("");
    permission.context["aws:RequestTag/" + key] = {tag.Value.value_or("")};
    permission.context["aws:TagKeys"].push_back(key);
  }
}

std::vector<Permission> create_permissions(
    const Realm& realm, std::string_view action, std::string resource,
    const std::vector<ec2::TagSpecification>& specifications) {
  Permission create = on_resource(realm, action, resource);
  Permission tag = on_resource(realm, "ec2:CreateTags", std::move(resource));
  tag.context["ec2:CreateAction"] = {std::string(action.substr(action.find(':') + 1))};
  bool has_tags = false;
  for (const ec2::TagSpecification& specification : specifications) {
    has_tags = has_tags || !specification.Tags.empty();
    add_request_tags(specification.Tags, create);
    add_request_tags(specification.Tags, tag);
  }
  std::vector<Permission> permissions{std::move(create)};
  if (has_tags) {
    permissions.push_back(std::move(tag));
  }
  return permissions;
}

void add_vpc_keys(const Realm& realm, std::string_view vpc_id, Permission& permission) {
  permission.context["ec2:Vpc"] = {arn(realm, "vpc", vpc_id)};
  permission.context["ec2:VpcID"] = {std::string(vpc_id)};
}

Tags tags_now(const NetworkState& state, const std::string& id) {
  Tags tags;
  const auto look = [&](const auto& map) {
    const auto it = map.find(id);
    if (it != map.end()) {
      tags = it->second.tags;
    }
  };
  look(state.vpcs);
  look(state.subnets);
  look(state.security_groups);
  look(state.route_tables);
  look(state.internet_gateways);
  look(state.interfaces);
  look(state.endpoints);
  return tags;
}

std::string vpc_of(const NetworkState& state, const std::string& id) {
  std::string vpc_id = state.find_vpc(id) == nullptr ? "" : id;
  const auto look = [&](const auto& map) {
    const auto it = map.find(id);
    if (it != map.end()) {
      vpc_id = it->second.vpc_id;
    }
  };
  look(state.subnets);
  look(state.security_groups);
  look(state.route_tables);
  look(state.internet_gateways);
  look(state.interfaces);
  look(state.endpoints);
  return vpc_id;
}

Permission existing(Ec2Service& service, std::string_view action, std::string_view kind,
                    const std::string& id) {
  const Realm& realm = service.realm();
  const auto state = service.state();
  Permission permission =
      on_resource(realm, action, arn(realm, kind, id), state ? tags_now(*state, id) : Tags());
  const std::string vpc_id = state ? vpc_of(*state, id) : "";
  if (!vpc_id.empty()) {
    add_vpc_keys(realm, vpc_id, permission);
  }
  return permission;
}

}  // namespace trivet::api::ec2
