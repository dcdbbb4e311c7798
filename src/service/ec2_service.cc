// SPDX-License-Identifier: Apache-2.0
#include "service/ec2_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/random.h"
#include "service/ipv4_net.h"
#include "service/security_group_rules.h"

namespace trivet::service {
namespace {

constexpr std::string_view kDefaultVpcCidr = "172.31.0.0/16";
constexpr std::array<std::string_view, 3> kDefaultSubnetCidrs = {"172.31.0.0/20", "172.31.16.0/20",
                                                                 "172.31.32.0/20"};
constexpr std::size_t kSubnetsMax = 200;          // AWS's quota for a VPC
constexpr std::size_t kSecurityGroupsMax = 2500;  // AWS's quota for a Region
constexpr std::size_t kTagsMax = 50;
constexpr int kSubnetPrefixMin = 16;
constexpr int kSubnetPrefixMax = 28;

std::string new_id(std::string_view kind) {
  return fmt::format("{}-{}", kind, random_text(17, "0123456789abcdef"));
}

Error no_such_vpc(std::string_view id) {
  return aws_fault(Errc::kNotFound, "InvalidVpcID.NotFound",
                   fmt::format("The vpc ID '{}' does not exist", id));
}

Error no_such_subnet(std::string_view id) {
  return aws_fault(Errc::kNotFound, "InvalidSubnetID.NotFound",
                   fmt::format("The subnet ID '{}' does not exist", id));
}

Error no_such_group(const SecurityGroupRef& ref, const NetworkState& state) {
  if (!ref.id.empty()) {
    return aws_fault(Errc::kNotFound, "InvalidGroup.NotFound",
                     fmt::format("The security group '{}' does not exist", ref.id));
  }
  const Vpc* vpc = state.default_vpc();
  return aws_fault(Errc::kNotFound, "InvalidGroup.NotFound",
                   fmt::format("The security group '{}' does not exist in default VPC '{}'",
                               ref.name, vpc == nullptr ? "none" : vpc->id));
}

Error bad_value(std::string message) {
  return aws_fault(Errc::kInvalidArgument, "InvalidParameterValue", std::move(message));
}

Result<SecurityGroup> find_group(const NetworkState& state, const SecurityGroupRef& ref) {
  if (const SecurityGroup* group = state.find_security_group(ref.id)) {
    return *group;
  }
  const Vpc* vpc = state.default_vpc();
  for (const auto& [id, group] : state.security_groups) {
    if (ref.id.empty() && vpc != nullptr && group.vpc_id == vpc->id && group.name == ref.name) {
      return group;
    }
  }
  return no_such_group(ref, state);
}

// The zone that a new subnet goes to: the one named, else the one with the fewest of its VPC.
Result<std::string> choose_zone(const NetworkState& state, const CreateSubnet& wanted,
                                const Realm& realm) {
  const auto zones = availability_zones(realm);
  for (const AvailabilityZone& zone : zones) {
    if ((!wanted.availability_zone.empty() && zone.name == wanted.availability_zone) ||
        (!wanted.availability_zone_id.empty() && zone.id == wanted.availability_zone_id)) {
      return zone.name;
    }
  }
  const bool by_name = !wanted.availability_zone.empty();
  if (by_name || !wanted.availability_zone_id.empty()) {
    return bad_value(fmt::format(
        "Value ({}) for parameter {} is invalid. Subnets can currently only be created in the "
        "following availability zones: {}.",
        by_name ? wanted.availability_zone : wanted.availability_zone_id,
        by_name ? "availabilityZone" : "availabilityZoneId",
        fmt::format("{}, {}, {}", zones[0].name, zones[1].name, zones[2].name)));
  }
  std::string best;
  std::size_t least = kSubnetsMax + 1;
  for (const AvailabilityZone& zone : zones) {
    const auto count = static_cast<std::size_t>(
        std::count_if(state.subnets.begin(), state.subnets.end(), [&](const auto& entry) {
          return entry.second.vpc_id == wanted.vpc_id &&
                 entry.second.availability_zone == zone.name;
        }));
    if (count < least) {
      best = zone.name;
      least = count;
    }
  }
  return best;
}

Result<Ipv4Net> check_subnet_cidr(const NetworkState& state, const Vpc& vpc,
                                  const std::string& cidr) {
  const auto net = parse_ipv4_net(cidr);
  if (!net) {
    return bad_value(fmt::format(
        "Value ({}) for parameter cidrBlock is invalid. This is not a valid CIDR block.", cidr));
  }
  const auto whole = parse_ipv4_net(vpc.cidr);
  if (net->prefix < kSubnetPrefixMin || net->prefix > kSubnetPrefixMax || !whole ||
      !whole->contains(*net)) {
    return aws_fault(Errc::kInvalidArgument, "InvalidSubnet.Range",
                     fmt::format("The CIDR '{}' is invalid.", cidr));
  }
  for (const auto& [id, subnet] : state.subnets) {
    const auto other = parse_ipv4_net(subnet.cidr);
    if (subnet.vpc_id == vpc.id && other && other->overlaps(*net)) {
      return aws_fault(Errc::kConflict, "InvalidSubnet.Conflict",
                       fmt::format("The CIDR '{}' conflicts with another subnet", cidr));
    }
  }
  return *net;
}

bool is_group_text(std::string_view text) {
  constexpr std::string_view kOthers = "._-:/()#,@[]+=&;{}!$* ";
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

Status check_group_texts(const CreateSecurityGroup& wanted) {
  struct Field {
    std::string_view name;
    const std::string& value;
  };
  for (const Field& field :
       {Field{"groupName", wanted.name}, Field{"GroupDescription", wanted.description}}) {
    if (field.value.empty()) {
      return aws_fault(Errc::kInvalidArgument, "MissingParameter",
                       fmt::format("The request must contain the parameter {}", field.name));
    }
    if (field.value.size() > 255 || !is_group_text(field.value)) {
      return bad_value(fmt::format(
          "Value ({}) for parameter {} is invalid. Character sets beyond ASCII are not supported.",
          field.value, field.name));
    }
  }
  if (wanted.name.starts_with("sg-")) {
    return bad_value(fmt::format(
        "Value ({}) for parameter groupName is invalid. Group names may not be in the format "
        "sg-*.",
        wanted.name));
  }
  if (wanted.name == "default") {
    return bad_value("Cannot use reserved security group name: default");
  }
  return ok();
}

bool refers_to(const SecurityGroup& group, const std::string& id) {
  return std::any_of(group.rules.begin(), group.rules.end(),
                     [&](const SecurityGroupRule& rule) { return rule.group_id == id; });
}

Status merge_tags(Tags& tags, const Tags& added) {
  for (const auto& [key, value] : added) {
    tags[key] = value;
  }
  if (tags.size() > kTagsMax) {
    return aws_fault(Errc::kInvalidArgument, "TagLimitExceeded",
                     "A resource can have no more than 50 tags.");
  }
  return ok();
}

// Tags the record with this id, if it is in `map`. Was it?
template <typename Map>
Result<bool> tag_in(Map& map, const std::string& id, const Tags& tags, NetworkChange& change) {
  const auto it = map.find(id);
  if (it == map.end()) {
    return false;
  }
  TRIVET_CHECK_OK(merge_tags(it->second.tags, tags));
  change.put(it->second);
  return true;
}

// A rule of a security group is no record of its own.
Result<bool> tag_rule(NetworkState& state, const std::string& id, const Tags& tags,
                      NetworkChange& change) {
  for (auto& [group_id, group] : state.security_groups) {
    for (SecurityGroupRule& rule : group.rules) {
      if (rule.id == id) {
        TRIVET_CHECK_OK(merge_tags(rule.tags, tags));
        change.put(group);
        return true;
      }
    }
  }
  return false;
}

Status tag_one(NetworkState& state, const std::string& id, const Tags& tags,
               NetworkChange& change) {
  TRIVET_TRY(bool found, tag_in(state.vpcs, id, tags, change));
  const auto try_next = [&](Result<bool> next) -> Status {
    if (!next) {
      return next.error();
    }
    found = found || *next;
    return ok();
  };
  TRIVET_CHECK_OK(try_next(tag_in(state.subnets, id, tags, change)));
  TRIVET_CHECK_OK(try_next(tag_in(state.security_groups, id, tags, change)));
  TRIVET_CHECK_OK(try_next(tag_in(state.route_tables, id, tags, change)));
  TRIVET_CHECK_OK(try_next(tag_rule(state, id, tags, change)));
  if (found) {
    return ok();
  }
  if (id.starts_with("vpc-")) {
    return no_such_vpc(id);
  }
  if (id.starts_with("subnet-")) {
    return no_such_subnet(id);
  }
  if (id.starts_with("sg-")) {
    return no_such_group({.id = id, .name = ""}, state);
  }
  if (id.starts_with("rtb-")) {
    return aws_fault(Errc::kNotFound, "InvalidRouteTableID.NotFound",
                     fmt::format("The routeTable ID '{}' does not exist", id));
  }
  return aws_fault(Errc::kInvalidArgument, "InvalidID",
                   fmt::format("The ID '{}' is not valid", id));
}

}  // namespace

std::vector<AvailabilityZone> availability_zones(const Realm& realm) {
  const std::string_view region = realm.region;
  // AWS shortens a region's words in the ids of its zones: us-east-1 → use1, ap-southeast-2 →
  // apse2.
  std::string prefix;
  std::size_t begin = 0;
  bool is_first = true;
  while (begin <= region.size()) {
    const std::size_t end = std::min(region.find('-', begin), region.size());
    const std::string_view word = region.substr(begin, end - begin);
    if (is_first || word == "gov" || word == "iso") {
      prefix += is_first ? word : word.substr(0, 1);
    } else if (word == "northeast" || word == "southeast" || word == "northwest" ||
               word == "southwest") {
      prefix += word[0];
      prefix += word[5];
    } else {
      prefix += word.substr(0, 1);
    }
    is_first = false;
    begin = end + 1;
  }
  std::vector<std::string> names = realm.availability_zones;
  for (const char letter : {'a', 'b', 'c'}) {
    if (realm.availability_zones.empty()) {
      names.push_back(fmt::format("{}{}", region, letter));
    }
  }
  std::vector<AvailabilityZone> zones;
  for (const std::string& name : names) {
    zones.push_back({name, fmt::format("{}-az{}", prefix, name.back() - 'a' + 1)});
  }
  return zones;
}

Status check_ec2_tags(const Tags& tags) {
  if (tags.size() > kTagsMax) {
    return aws_fault(Errc::kInvalidArgument, "TagLimitExceeded",
                     "A resource can have no more than 50 tags.");
  }
  for (const auto& [key, value] : tags) {
    if (key.empty() || key.size() > 127) {
      return bad_value("Tag key must be between 1 and 127 characters long.");
    }
    if (value.size() > 255) {
      return bad_value("Tag value exceeds the maximum length of 255 characters");
    }
    if (key.starts_with("aws:")) {
      return bad_value("Tag keys starting with 'aws:' are reserved for internal use");
    }
  }
  return ok();
}

Status Ec2Service::start() {
  return needs_.network.change([this](const NetworkState& state) -> Result<NetworkChange> {
    NetworkChange change;
    if (!state.vpcs.empty()) {
      return change;
    }
    const Vpc vpc{.id = new_id("vpc"),
                  .cidr = std::string(kDefaultVpcCidr),
                  .cidr_association_id = new_id("vpc-cidr-assoc"),
                  .is_default = true,
                  .tags = {}};
    change.put(vpc);
    const auto zones = availability_zones(needs_.realm);
    for (std::size_t i = 0; i < zones.size(); ++i) {
      change.put(Subnet{.id = new_id("subnet"),
                        .vpc_id = vpc.id,
                        .availability_zone = zones[i].name,
                        .cidr = std::string(kDefaultSubnetCidrs[i]),
                        .is_default = true,
                        .tags = {}});
    }
    SecurityGroup group{.id = new_id("sg"),
                        .vpc_id = vpc.id,
                        .name = "default",
                        .description = "default VPC security group",
                        .rules = {},
                        .tags = {}};
    SecurityGroupRule in_from_itself;
    in_from_itself.id = new_id("sgr");
    in_from_itself.protocol = "-1";
    in_from_itself.group_id = group.id;
    group.rules = {in_from_itself, egress_to_everywhere(new_id("sgr"))};
    change.put(group);
    change.put(RouteTable{
        .id = new_id("rtb"), .vpc_id = vpc.id, .association_id = new_id("rtbassoc"), .tags = {}});
    return change;
  });
}

Result<Subnet> Ec2Service::create_subnet(const CreateSubnet& wanted) {
  TRIVET_CHECK_OK(check_ec2_tags(wanted.tags));
  Subnet subnet;
  TRIVET_CHECK_OK(needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    const Vpc* vpc = state.find_vpc(wanted.vpc_id);
    if (vpc == nullptr) {
      return no_such_vpc(wanted.vpc_id);
    }
    TRIVET_TRY(const Ipv4Net net, check_subnet_cidr(state, *vpc, wanted.cidr));
    TRIVET_TRY(const std::string zone, choose_zone(state, wanted, needs_.realm));
    if (state.subnets.size() >= kSubnetsMax) {
      return aws_fault(Errc::kInvalidArgument, "SubnetLimitExceeded",
                       "The maximum number of subnets has been reached.");
    }
    subnet = {.id = new_id("subnet"),
              .vpc_id = vpc->id,
              .availability_zone = zone,
              .cidr = net.str(),
              .is_default = false,
              .tags = wanted.tags};
    NetworkChange change;
    change.put(subnet);
    return change;
  }));
  return subnet;
}

Status Ec2Service::delete_subnet(const std::string& id) {
  return needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    const Subnet* subnet = state.find_subnet(id);
    if (subnet == nullptr) {
      return no_such_subnet(id);
    }
    const bool is_used = needs_.is_subnet_used && needs_.is_subnet_used(id);
    if (is_used || !state.groups_with(id).empty()) {
      return aws_fault(Errc::kConflict, "DependencyViolation",
                       fmt::format("The subnet '{}' has dependencies and cannot be deleted.", id));
    }
    NetworkChange change;
    change.remove(*subnet);
    return change;
  });
}

Result<SecurityGroup> Ec2Service::create_security_group(const CreateSecurityGroup& wanted) {
  TRIVET_CHECK_OK(check_group_texts(wanted));
  TRIVET_CHECK_OK(check_ec2_tags(wanted.tags));
  SecurityGroup group;
  TRIVET_CHECK_OK(needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    const Vpc* vpc = wanted.vpc_id.empty() ? state.default_vpc() : state.find_vpc(wanted.vpc_id);
    if (vpc == nullptr) {
      return no_such_vpc(wanted.vpc_id);
    }
    for (const auto& [id, other] : state.security_groups) {
      if (other.vpc_id == vpc->id && other.name == wanted.name) {
        return aws_fault(Errc::kAlreadyExists, "InvalidGroup.Duplicate",
                         fmt::format("The security group '{}' already exists for VPC '{}'",
                                     wanted.name, vpc->id));
      }
    }
    if (state.security_groups.size() >= kSecurityGroupsMax) {
      return aws_fault(Errc::kInvalidArgument, "SecurityGroupLimitExceeded",
                       "The maximum number of security groups has been reached.");
    }
    group = {.id = new_id("sg"),
             .vpc_id = vpc->id,
             .name = wanted.name,
             .description = wanted.description,
             .rules = {egress_to_everywhere(new_id("sgr"))},
             .tags = wanted.tags};
    NetworkChange change;
    change.put(group);
    return change;
  }));
  return group;
}

Result<std::string> Ec2Service::delete_security_group(const SecurityGroupRef& ref) {
  std::string deleted;
  TRIVET_CHECK_OK(needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    TRIVET_TRY(const SecurityGroup group, find_group(state, ref));
    if (group.name == "default") {
      return aws_fault(
          Errc::kInvalidArgument, "CannotDelete",
          fmt::format("the specified group: \"{}\" name: \"default\" cannot be deleted by a user",
                      group.id));
    }
    const bool is_referred_to = std::any_of(
        state.security_groups.begin(), state.security_groups.end(),
        [&](const auto& e) { return e.first != group.id && refers_to(e.second, group.id); });
    if (is_referred_to || (needs_.is_group_used && needs_.is_group_used(group.id))) {
      return aws_fault(Errc::kConflict, "DependencyViolation",
                       fmt::format("resource {} has a dependent object", group.id));
    }
    deleted = group.id;
    NetworkChange change;
    change.remove(group);
    return change;
  }));
  return deleted;
}

Result<std::vector<SecurityGroupRule>> Ec2Service::authorize_ingress(
    const SecurityGroupRef& ref, std::vector<SecurityGroupRule> rules) {
  TRIVET_CHECK_OK(check_rules(rules));
  for (SecurityGroupRule& rule : rules) {
    rule.id = new_id("sgr");
    TRIVET_CHECK_OK(check_ec2_tags(rule.tags));
  }
  const auto plan = [&](const NetworkState& state) -> Result<NetworkChange> {
    TRIVET_TRY(SecurityGroup group, find_group(state, ref));
    for (const SecurityGroupRule& rule : rules) {
      if (!rule.group_id.empty() && state.find_security_group(rule.group_id) == nullptr) {
        return no_such_group({.id = rule.group_id, .name = ""}, state);
      }
    }
    TRIVET_CHECK_OK(add_rules(group, rules));
    NetworkChange change;
    change.put(group);
    return change;
  };
  TRIVET_CHECK_OK(needs_.network.change(plan));
  return rules;
}

Status Ec2Service::create_tags(const std::vector<std::string>& ids, const Tags& tags) {
  TRIVET_CHECK_OK(check_ec2_tags(tags));
  return needs_.network.change([&](const NetworkState& state) -> Result<NetworkChange> {
    NetworkState next = state;
    NetworkChange change;
    for (const std::string& id : ids) {
      TRIVET_CHECK_OK(tag_one(next, id, tags, change));
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
  });
}

}  // namespace trivet::service
