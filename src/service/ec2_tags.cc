// SPDX-License-Identifier: Apache-2.0
#include "service/ec2_service.h"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <utility>

#include "service/ec2_faults.h"

namespace trivet::service {
namespace {

constexpr std::size_t kTagsOfOneMax = 50;

Status merge_tags(Tags& tags, const Tags& added) {
  for (const auto& [key, value] : added) {
    tags[key] = value;
  }
  if (tags.size() > kTagsOfOneMax) {
    return aws_fault(Errc::kInvalidArgument, "TagLimitExceeded",
                     "A resource can have no more than 50 tags.");
  }
  return ok();
}

using ChangeTags = std::function<Status(Tags&)>;

// Changes the tags of the record with this id, if it is in `map`. Is it?
template <typename Map>
Result<bool> change_in(Map& map, const std::string& id, const ChangeTags& change_tags,
                       NetworkChange& change) {
  const auto it = map.find(id);
  if (it == map.end()) {
    return false;
  }
  TRIVET_CHECK_OK(change_tags(it->second.tags));
  change.put(it->second);
  return true;
}

// A rule of a security group is no record of its own.
Result<bool> change_rule(NetworkState& state, const std::string& id, const ChangeTags& change_tags,
                         NetworkChange& change) {
  for (auto& [group_id, group] : state.security_groups) {
    for (SecurityGroupRule& rule : group.rules) {
      if (rule.id == id) {
        TRIVET_CHECK_OK(change_tags(rule.tags));
        change.put(group);
        return true;
      }
    }
  }
  return false;
}

Error nothing_with(const std::string& id, const NetworkState& state) {
  const auto is_of = [&](std::string_view prefix) { return id.starts_with(prefix); };
  return is_of("vpc-")      ? no_such_vpc(id)
         : is_of("subnet-") ? no_such_subnet(id)
         : is_of("sg-")     ? no_such_group({.id = id, .name = ""}, state)
         : is_of("rtb-")    ? no_such_route_table(id)
         : is_of("igw-")    ? no_such_internet_gateway(id)
         : is_of("eni-")    ? no_such_interface(id)
         : is_of("vpce-")   ? no_such_endpoint(id)
                            : aws_fault(Errc::kInvalidArgument, "InvalidID",
                                        fmt::format("The ID '{}' is not valid", id));
}

Status change_one(NetworkState& state, const std::string& id, const ChangeTags& change_tags,
                  NetworkChange& change) {
  bool is_found = false;
  const auto in = [&](auto& map) -> Status {
    TRIVET_TRY(const bool is_here, change_in(map, id, change_tags, change));
    is_found = is_found || is_here;
    return ok();
  };
  TRIVET_CHECK_OK(in(state.vpcs));
  TRIVET_CHECK_OK(in(state.subnets));
  TRIVET_CHECK_OK(in(state.security_groups));
  TRIVET_CHECK_OK(in(state.route_tables));
  TRIVET_CHECK_OK(in(state.internet_gateways));
  TRIVET_CHECK_OK(in(state.interfaces));
  TRIVET_CHECK_OK(in(state.endpoints));
  TRIVET_TRY(const bool is_rule, change_rule(state, id, change_tags, change));
  return is_found || is_rule ? ok() : Status(nothing_with(id, state));
}

Result<NetworkChange> change_all(const NetworkState& state, const std::vector<std::string>& ids,
                                 const ChangeTags& change_tags) {
  NetworkState next = state;
  NetworkChange change;
  for (const std::string& id : ids) {
    TRIVET_CHECK_OK(change_one(next, id, change_tags, change));
  }
  // A group may have been written for itself and for a rule: the last one has it all.
  std::map<std::string, std::string> last;
  for (Write& write : change.puts) {
    last[write.key] = std::move(write.value);
  }
  change.puts.clear();
  for (auto& [key, value] : last) {
    change.puts.push_back({key, std::move(value)});
  }
  return change;
}

}  // namespace

Status Ec2Service::create_tags(const std::vector<std::string>& ids, const Tags& tags) {
  TRIVET_CHECK_OK(check_ec2_tags(tags));
  return needs_.network.change([&](const NetworkState& state) {
    return change_all(state, ids, [&](Tags& now) { return merge_tags(now, tags); });
  });
}

Status Ec2Service::delete_tags(const std::vector<std::string>& ids,
                               const std::vector<Untag>& tags) {
  const auto take_away = [&](Tags& now) {
    if (tags.empty()) {
      now.clear();
    }
    for (const Untag& tag : tags) {
      const auto it = now.find(tag.key);
      if (it != now.end() && (!tag.value || *tag.value == it->second)) {
        now.erase(it);
      }
    }
    return ok();
  };
  return needs_.network.change(
      [&](const NetworkState& state) { return change_all(state, ids, take_away); });
}

}  // namespace trivet::service
