// SPDX-License-Identifier: Apache-2.0
#include "daemon/network_admin.h"

#include <signal.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <vector>

#include "daemon/admin_answer.h"

namespace trivet::daemon {
namespace {

using nlohmann::json;

constexpr std::size_t kLeasesMax = 64;  // so that nobody empties a subnet by hand

bool is_gone(int pid) {
  return ::kill(pid, 0) != 0 && errno == ESRCH;
}

std::vector<std::string> strings(const json& body, const char* name) {
  std::vector<std::string> out;
  for (const json& item : body.value(name, json::array())) {
    if (item.is_string()) {
      out.push_back(item.get<std::string>());
    }
  }
  return out;
}

}  // namespace

std::string network_json(const service::NetworkReport& report) {
  return json{{"enforced", report.why_not_enforced.empty()},
              {"why_not", report.why_not_enforced},
              {"trouble", report.trouble},
              {"host_access", report.policy.host_obeys_groups ? "security-groups" : "open"},
              {"shut_out", report.shut_out},
              {"allow_unenforced", report.policy.allows_unenforced},
              {"vpcs", report.vpcs},
              {"environments", report.environments}}
      .dump();
}

std::optional<net::HttpResponse> NetworkAdmin::call(const net::HttpRequest& request) {
  if (request.target == "/network" && request.method == "GET") {
    return show();
  }
  if (request.method != "POST") {
    return std::nullopt;
  }
  if (request.target == "/network") {
    return change(request.body);
  }
  if (request.target == "/network/lease") {
    return lease(request.body);
  }
  if (request.target == "/network/release") {
    return release(request.body);
  }
  return std::nullopt;
}

net::HttpResponse NetworkAdmin::show() {
  release_of_the_dead();
  return admin_answer_text(200, network_json(driver_.report()));
}

net::HttpResponse NetworkAdmin::change(const std::string& body) {
  const json wanted = json::parse(body, nullptr, false);
  if (!wanted.is_object()) {
    return admin_bad_request("a JSON object is wanted");
  }
  const auto access = wanted.find("host_access");
  const bool has_access = access != wanted.end();
  if (has_access && *access != "open" && *access != "security-groups") {
    return admin_bad_request("host_access is open or security-groups");
  }
  const auto allow = wanted.find("allow_unenforced");
  if (allow != wanted.end() && !allow->is_boolean()) {
    return admin_bad_request("allow_unenforced is true or false");
  }
  const auto plan = [&](const service::NetworkState& state) -> Result<service::NetworkChange> {
    NetworkPolicy policy = state.policy;
    policy.host_obeys_groups = has_access ? *access == "security-groups" : policy.host_obeys_groups;
    policy.allows_unenforced =
        allow != wanted.end() ? allow->get<bool>() : policy.allows_unenforced;
    service::NetworkChange out;
    out.put(policy);
    return out;
  };
  const std::string why_not = driver_.why_not_enforced();
  if (has_access && *access == "security-groups" && !why_not.empty()) {
    return admin_refusal(make_error(Errc::kConflict, "networks are not enforced: " + why_not));
  }
  const Status changed = network_.change(plan);
  driver_.settle();
  return changed ? admin_answer(200, {{"changed", true}}) : admin_refusal(changed.error());
}

net::HttpResponse NetworkAdmin::lease(const std::string& body) {
  const json wanted = json::parse(body, nullptr, false);
  if (!wanted.is_object() || !wanted.value("pid", json()).is_number_integer()) {
    return admin_bad_request("pid is wanted");
  }
  release_of_the_dead();
  {
    const MutexLock lock(mutex_);
    if (holders_.size() >= kLeasesMax) {
      return admin_refusal(make_error(Errc::kConflict, "64 places are held already"));
    }
  }
  std::optional<VpcPlacement> place;
  if (!strings(wanted, "subnet_ids").empty()) {
    const auto state = network_.load();
    if (!state) {
      return admin_refusal(state.error());
    }
    place.emplace();
    place->subnet_ids = strings(wanted, "subnet_ids");
    place->security_group_ids = strings(wanted, "security_group_ids");
    const Subnet* subnet = state->find_subnet(place->subnet_ids.front());
    place->vpc_id = subnet == nullptr ? "" : subnet->vpc_id;
  }
  const auto leased = driver_.lease("trivet:network:exec", place);
  if (!leased) {
    return admin_refusal(leased.error());
  }
  const MutexLock lock(mutex_);
  if (!leased->id.empty()) {
    holders_[leased->id] = wanted["pid"].get<int>();
  }
  return admin_answer(200, {{"id", leased->id},
                            {"netns_path", leased->netns_path},
                            {"address", leased->address},
                            {"dns_server", leased->dns_server},
                            {"api_url", leased->api_url}});
}

net::HttpResponse NetworkAdmin::release(const std::string& body) {
  const json wanted = json::parse(body, nullptr, false);
  if (!wanted.is_object() || !wanted.value("id", json()).is_string()) {
    return admin_bad_request("id is wanted");
  }
  const std::string id = wanted["id"].get<std::string>();
  {
    const MutexLock lock(mutex_);
    if (holders_.erase(id) == 0) {
      return admin_refusal(make_error(Errc::kNotFound, "nobody holds " + id));
    }
  }
  driver_.release(id);
  return admin_answer(200, {{"released", true}});
}

void NetworkAdmin::release_of_the_dead() {
  std::vector<std::string> left;
  {
    const MutexLock lock(mutex_);
    for (auto it = holders_.begin(); it != holders_.end();) {
      if (is_gone(it->second)) {
        left.push_back(it->first);
        it = holders_.erase(it);
      } else {
        ++it;
      }
    }
  }
  for (const std::string& id : left) {
    driver_.release(id);
  }
}

}  // namespace trivet::daemon
