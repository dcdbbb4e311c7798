// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "model/installation.h"

namespace trivet {
namespace {

using nlohmann::json;

constexpr int kInstallationVersion = 1;

// Homes that are older than functions have none of these.
void read_functions(const json& j, Installation& i) {
  if (const auto uids = j.find("function_uids"); uids != j.end()) {
    i.function_uids = {uids->at(0).get<std::uint32_t>(), uids->at(1).get<std::uint32_t>()};
  }
  i.function_environments_max = j.value("function_environments_max", i.function_environments_max);
}

}  // namespace

std::string_view to_string(HostsFileUse use) {
  switch (use) {
    case HostsFileUse::kAuto:
      return "auto";
    case HostsFileUse::kYes:
      return "yes";
    case HostsFileUse::kNo:
      return "no";
  }
  return "auto";
}

std::string Installation::endpoint_url() const {
  return fmt::format("http://{}:{}", api_host, api_port);
}

std::string encode(const Installation& i) {
  return json{{"v", kInstallationVersion},
              {"id", i.id},
              {"account_id", i.realm.account.str()},
              {"region", i.realm.region},
              {"partition", i.realm.partition},
              {"availability_zones", i.realm.availability_zones},
              {"endpoint_domain", i.endpoint_domain},
              {"endpoint_hash", i.endpoint_hash},
              {"api_host", i.api_host},
              {"api_port", i.api_port},
              {"address_prefix", i.address_prefix},
              {"hosts_file", to_string(i.hosts_file)},
              {"function_uids", {i.function_uids.first, i.function_uids.count}},
              {"function_environments_max", i.function_environments_max}}
             .dump(2) +
         "\n";
}

Result<Installation> decode_installation(std::string_view text) {
  try {
    const json j = json::parse(text);
    const int version = j.at("v").get<int>();
    if (version > kInstallationVersion) {
      return make_error(
          Errc::kConflict,
          fmt::format("this home was written by a newer Trivet (format {}, this one knows {}):"
                      " use that version, or another home",
                      version, kInstallationVersion));
    }
    Installation i;
    i.id = j.at("id");
    i.realm.account = AccountId(j.at("account_id"));
    i.realm.region = j.at("region");
    i.realm.partition = j.at("partition");
    i.realm.availability_zones = j.at("availability_zones").get<std::vector<std::string>>();
    i.endpoint_domain = j.at("endpoint_domain");
    i.endpoint_hash = j.at("endpoint_hash");
    i.api_host = j.at("api_host");
    i.api_port = j.at("api_port").get<std::uint16_t>();
    i.address_prefix = j.at("address_prefix");
    const std::string hosts = j.at("hosts_file");
    i.hosts_file = hosts == "yes"  ? HostsFileUse::kYes
                   : hosts == "no" ? HostsFileUse::kNo
                                   : HostsFileUse::kAuto;
    read_functions(j, i);
    return i;
  } catch (const json::exception& e) {
    return make_error(Errc::kCorrupt, fmt::format("config.json cannot be read: {}", e.what()));
  }
}

std::string default_home(std::string_view trivet_home, bool is_root, std::string_view user_home) {
  if (!trivet_home.empty()) {
    return std::string(trivet_home);
  }
  return is_root ? "/var/lib/trivet" : std::string(user_home) + "/.local/share/trivet";
}

}  // namespace trivet
