// SPDX-License-Identifier: Apache-2.0
//
// CreateTags, DeleteTags, DescribeTags.
#include "api/ec2/common.h"

namespace trivet::api::ec2 {
namespace {

// The kind in a resource's ARN, by how its id begins.
std::string_view kind_of(std::string_view id) {
  constexpr std::pair<std::string_view, std::string_view> kKinds[] = {
      {"vpc-", "vpc"},
      {"subnet-", "subnet"},
      {"sg-", "security-group"},
      {"sgr-", "security-group-rule"},
      {"rtb-", "route-table"},
      {"igw-", "internet-gateway"},
      {"eni-", "network-interface"},
      {"vpce-", "vpc-endpoint"}};
  for (const auto& [prefix, kind] : kKinds) {
    if (id.starts_with(prefix)) {
      return kind;
    }
  }
  return "*";
}

template <typename Request>
std::vector<Permission> permissions(Ec2Service& service, const Request& request) {
  const Realm& realm = service.realm();
  const auto state = service.state();
  const std::string action = "ec2:" + std::string(Operation<Request>::kAction);
  std::vector<Permission> out;
  for (const std::string& id : request.Resources) {
    Permission permission = on_resource(realm, action, arn(realm, kind_of(id), id),
                                        state ? tags_now(*state, id) : Tags());
    add_request_tags(request.Tags, permission);
    out.push_back(std::move(permission));
  }
  if (out.empty()) {
    out.push_back(on_resource(realm, action, "*"));
  }
  return out;
}

// One tag of one resource.
struct Tagged {
  std::string id;  // of the resource
  std::string key;
  std::string value;
};

std::map<std::string, Tagged, std::less<>> all_tags(const NetworkState& state) {
  std::map<std::string, Tagged, std::less<>> all;
  const auto add = [&](const std::string& id, const Tags& tags) {
    for (const auto& [key, value] : tags) {
      all[id + " " + key] = {id, key, value};
    }
  };
  const auto add_all = [&](const auto& map) {
    for (const auto& [id, record] : map) {
      add(id, record.tags);
    }
  };
  add_all(state.vpcs);
  add_all(state.subnets);
  add_all(state.security_groups);
  add_all(state.route_tables);
  add_all(state.internet_gateways);
  add_all(state.interfaces);
  add_all(state.endpoints);
  for (const auto& [id, group] : state.security_groups) {
    for (const trivet::SecurityGroupRule& rule : group.rules) {
      add(rule.id, rule.tags);
    }
  }
  return all;
}

FilterValues tag_filter_values(const Tagged& tagged, std::string_view name) {
  if (name == "key") {
    return one(tagged.key);
  }
  if (name == "value") {
    return one(tagged.value);
  }
  if (name == "resource-id") {
    return one(tagged.id);
  }
  if (name == "resource-type") {
    return one(std::string(kind_of(tagged.id)));
  }
  return tag_filter({{tagged.key, tagged.value}}, name);
}

Result<DescribeTagsResponse> describe(Ec2Service& service, const DescribeTagsRequest& request) {
  TRIVET_TRY(const NetworkState state, service.state());
  TRIVET_TRY(std::vector<Tagged> found,
             select(all_tags(state), {{}, request.Filters}, tag_filter_values,
                    [](const std::string& id) { return bad_value(id); }));
  DescribeTagsResponse response{.NextToken = request.NextToken, .Tags = {}};
  TRIVET_CHECK_OK(cut_page(found, request.MaxResults, response.NextToken, false,
                           [](const Tagged& tagged) { return tagged.id + " " + tagged.key; }));
  for (const Tagged& tagged : found) {
    response.Tags.push_back({.Key = tagged.key,
                             .ResourceId = tagged.id,
                             .ResourceType = std::string(kind_of(tagged.id)),
                             .Value = tagged.value});
  }
  return response;
}

Result<DeleteTagsResponse> remove(Ec2Service& service, const DeleteTagsRequest& request) {
  if (request.Resources.empty()) {
    return aws_fault(Errc::kInvalidArgument, "MissingParameter",
                     "The request must contain the parameter resourceIdSet");
  }
  std::vector<Ec2Service::Untag> unwanted;
  for (const ec2::Tag& tag : request.Tags) {
    unwanted.push_back({.key = tag.Key.value_or(""), .value = tag.Value});
  }
  TRIVET_CHECK_OK(service.delete_tags(request.Resources, unwanted));
  return DeleteTagsResponse{};
}

}  // namespace

void add_tag_actions(ActionTable& table, Ec2Service& service) {
  table.add(make_action<DescribeTagsRequest>(
      [&service](const Call&, const DescribeTagsRequest&) {
        return describe_permission(service.realm(), "ec2:DescribeTags");
      },
      [&service](const Call&, const DescribeTagsRequest& request) {
        return describe(service, request);
      }));
  table.add(make_action<DeleteTagsRequest>(
      [&service](const Call&, const DeleteTagsRequest& request) {
        return permissions(service, request);
      },
      [&service](const Call&, const DeleteTagsRequest& request) {
        return remove(service, request);
      }));
  table.add(make_action<CreateTagsRequest>(
      [&service](const Call&, const CreateTagsRequest& request) {
        return permissions(service, request);
      },
      [&service](const Call&, const CreateTagsRequest& request) -> Result<CreateTagsResponse> {
        TRIVET_TRY(const Tags tags, tags_of(request.Tags));
        if (request.Resources.empty() || tags.empty()) {
          return aws_fault(Errc::kInvalidArgument, "MissingParameter",
                           request.Resources.empty()
                               ? "The request must contain the parameter resourceIdSet"
                               : "The request must contain the parameter tagSet");
        }
        TRIVET_CHECK_OK(service.create_tags(request.Resources, tags));
        return CreateTagsResponse{};
      }));
}

}  // namespace trivet::api::ec2
