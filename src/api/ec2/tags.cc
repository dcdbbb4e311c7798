// SPDX-License-Identifier: Apache-2.0
//
// CreateTags.
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
      {"rtb-", "route-table"}};
  for (const auto& [prefix, kind] : kKinds) {
    if (id.starts_with(prefix)) {
      return kind;
    }
  }
  return "*";
}

Tags tags_now(const NetworkState& state, const std::string& id) {
  if (const trivet::Vpc* vpc = state.find_vpc(id)) {
    return vpc->tags;
  }
  if (const trivet::Subnet* subnet = state.find_subnet(id)) {
    return subnet->tags;
  }
  if (const trivet::SecurityGroup* group = state.find_security_group(id)) {
    return group->tags;
  }
  const auto route_table = state.route_tables.find(id);
  return route_table == state.route_tables.end() ? Tags() : route_table->second.tags;
}

std::vector<Permission> permissions(Ec2Service& service, const CreateTagsRequest& request) {
  const Realm& realm = service.realm();
  const auto state = service.state();
  std::vector<Permission> out;
  for (const std::string& id : request.Resources) {
    Permission permission = on_resource(realm, "ec2:CreateTags", arn(realm, kind_of(id), id),
                                        state ? tags_now(*state, id) : Tags());
    add_request_tags(request.Tags, permission);
    out.push_back(std::move(permission));
  }
  if (out.empty()) {
    out.push_back(on_resource(realm, "ec2:CreateTags", "*"));
  }
  return out;
}

}  // namespace

void add_tag_actions(ActionTable& table, Ec2Service& service) {
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
