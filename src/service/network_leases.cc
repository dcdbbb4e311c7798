// SPDX-License-Identifier: Apache-2.0
//
// NetworkDriver's part for functions: places of environments.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/log.h"
#include "core/network/ipv4_net.h"
#include "service/ec2_faults.h"
#include "service/network_driver.h"

namespace trivet::service {
namespace {

Error gone(std::string_view what, const std::string& id) {
  return make_error(Errc::kNotFound, fmt::format("there is no {} {}", what, id));
}

// The subnets and groups of a placement are there and in its VPC.
Status check_placement(const NetworkState& state, const VpcPlacement& vpc) {
  for (const std::string& id : vpc.subnet_ids) {
    const Subnet* subnet = state.find_subnet(id);
    if (subnet == nullptr || subnet->vpc_id != vpc.vpc_id) {
      return gone("subnet", id);
    }
  }
  for (const std::string& id : vpc.security_group_ids) {
    const SecurityGroup* group = state.find_security_group(id);
    if (group == nullptr || group->vpc_id != vpc.vpc_id) {
      return gone("security group", id);
    }
  }
  return ok();
}

std::vector<Subnet> subnets_of(const NetworkState& state, const std::optional<VpcPlacement>& vpc) {
  std::vector<Subnet> out;
  if (!vpc) {
    return network::outside_picture().subnets;
  }
  for (const std::string& id : vpc->subnet_ids) {
    out.push_back(state.subnets.at(id));
  }
  return out;
}

}  // namespace

Result<NetworkDriver::Lease> NetworkDriver::choose_place(const NetworkState& state,
                                                         const std::string& function_arn,
                                                         const std::optional<VpcPlacement>& vpc) {
  std::vector<NetworkInterface> others;
  std::map<std::string, int> crowd;
  for (const auto& [id, lease] : leases_) {
    others.push_back(lease.interface);
    ++crowd[lease.interface.subnet_id];
  }
  std::vector<Subnet> subnets = subnets_of(state, vpc);
  std::sort(subnets.begin(), subnets.end(), [&](const Subnet& a, const Subnet& b) {
    return std::pair(crowd[a.id], std::string_view(a.id)) <
           std::pair(crowd[b.id], std::string_view(b.id));
  });
  for (const Subnet& subnet : subnets) {
    const auto net = network::parse_ipv4_net(subnet.cidr);
    const auto taken = taken_addresses(state, others, subnet.id);
    // From the other end than those that stay: an address is not reused at once.
    const auto free = net ? network::highest_free(*net, taken) : std::nullopt;
    if (!free) {
      continue;
    }
    const std::uint64_t number = ++last_number_;
    Lease lease;
    lease.network = subnet.vpc_id;
    lease.name = fmt::format("e{}", number);
    lease.router = network::router_address(subnet);
    NetworkInterface& interface = lease.interface;
    interface.id = new_ec2_id("eni");
    interface.vpc_id = subnet.vpc_id;
    interface.subnet_id = subnet.id;
    interface.availability_zone = subnet.availability_zone;
    interface.address = network::ipv4_text(*free);
    interface.mac = fmt::format("0a:58:{:02x}:{:02x}:{:02x}:{:02x}", *free >> 24,
                                (*free >> 16) & 255, (*free >> 8) & 255, *free & 255);
    interface.type = "lambda";
    interface.description = fmt::format(
        "AWS Lambda VPC ENI-{}-{}", function_arn.substr(function_arn.rfind(':') + 1), lease.name);
    interface.requester_id = "awslambda";
    interface.owner = function_arn;
    interface.group_ids =
        vpc ? vpc->security_group_ids : std::vector<std::string>{network::outside_group_id()};
    return lease;
  }
  return aws_fault(
      Errc::kUnavailable, "SubnetIPAddressLimitReachedException",
      "Lambda was not able to set up VPC access for the Lambda function because one or more "
      "configured subnets has no available IP addresses.");
}

Result<FunctionNetwork> NetworkDriver::lease(const std::string& function_arn,
                                             const std::optional<VpcPlacement>& vpc) {
  const std::string why_not = needs_.fabric.why_not();
  if (!why_not.empty()) {
    TRIVET_TRY(const NetworkState state, needs_.network.load());
    if (vpc && !state.policy.allows_unenforced) {
      return make_error(
          Errc::kUnavailable,
          fmt::format("networks are not enforced here ({}), so a function with a VPC configuration "
                      "does not run; `trivet network --allow-unenforced yes` lets it run, without "
                      "any network",
                      why_not));
    }
    FunctionNetwork alone;
    alone.api_url = fmt::format("http://{}:{}", needs_.settings.api_host, needs_.settings.api_port);
    return alone;
  }
  TRIVET_TRY(const NetworkState state, needs_.network.load());
  if (vpc) {
    TRIVET_CHECK_OK(check_placement(state, *vpc));
  }
  const MutexLock lock(mutex_);
  if (!is_begun_) {
    return make_error(Errc::kUnavailable, "networks are being taken down");
  }
  TRIVET_TRY(Lease lease, choose_place(state, function_arn, vpc));
  const std::string id = lease.interface.id;
  leases_.emplace(id, std::move(lease));
  auto connected = connect(state, id);
  if (!connected) {
    leases_.erase(id);
  }
  return connected;
}

Result<FunctionNetwork> NetworkDriver::connect(const NetworkState& state, const std::string& id) {
  const Lease& lease = leases_.at(id);
  const bool is_new = !generations_.contains(lease.network);
  lived_in_.insert(lease.network);
  TRIVET_CHECK_OK(apply(state, lease.network));
  if (is_new) {
    publish_names(state);
  }
  FunctionNetwork out;
  TRIVET_TRY(out.netns_path,
             needs_.fabric.add_environment(lease.network,
                                           {lease.name, lease.interface.address, lease.router}));
  out.id = id;
  out.address = lease.interface.address;
  out.dns_server = network::dns_address(picture_of(state, lease.network).vpc);
  out.api_url = fmt::format("http://api.{}:{}", needs_.settings.domain, needs_.settings.api_port);
  return out;
}

void NetworkDriver::release(const std::string& id) {
  const auto state = needs_.network.load();
  const MutexLock lock(mutex_);
  const auto it = leases_.find(id);
  if (it == leases_.end()) {
    return;
  }
  const Lease lease = it->second;
  const Status removed = needs_.fabric.remove_environment(lease.network, lease.name);
  leases_.erase(it);
  const bool is_wanted =
      state && (lease.network == network::kOutside || state->vpcs.contains(lease.network));
  const Status applied = is_wanted ? apply(*state, lease.network) : ok();
  for (const Status& status : {removed, applied}) {
    if (!status) {
      log(Level::kWarning, "network.not_released",
          {{"environment", lease.name}, {"error", status.error().message}});
    }
  }
}

}  // namespace trivet::service
