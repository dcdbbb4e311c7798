// SPDX-License-Identifier: Apache-2.0
#include "model/network.h"
#include "model/record_json.h"

namespace trivet {
namespace {

using nlohmann::json;

using record_json::decode;
using record_json::dump;
using record_json::get;
using record_json::kVersion;
using record_json::put;

json to_json(const SecurityGroupRule& r) {
  json j = {{"id", r.id},
            {"is_egress", r.is_egress},
            {"protocol", r.protocol},
            {"cidr_v4", r.cidr_v4},
            {"cidr_v6", r.cidr_v6},
            {"prefix_list_id", r.prefix_list_id},
            {"group_id", r.group_id},
            {"description", r.description},
            {"tags", r.tags}};
  put(j, "port_min", r.port_min);
  put(j, "port_max", r.port_max);
  return j;
}

SecurityGroupRule rule_of(const json& j) {
  SecurityGroupRule r;
  r.id = j.at("id");
  r.is_egress = j.at("is_egress");
  r.protocol = j.at("protocol");
  r.cidr_v4 = j.at("cidr_v4");
  r.cidr_v6 = j.at("cidr_v6");
  r.prefix_list_id = j.at("prefix_list_id");
  r.group_id = j.at("group_id");
  r.description = j.at("description");
  r.tags = j.at("tags").get<Tags>();
  get(j, "port_min", r.port_min);
  get(j, "port_max", r.port_max);
  return r;
}

}  // namespace

std::string encode(const Vpc& v) {
  return dump({{"v", kVersion},
               {"id", v.id},
               {"cidr", v.cidr},
               {"cidr_association_id", v.cidr_association_id},
               {"is_default", v.is_default},
               {"dns_support", v.dns_support},
               {"dns_hostnames", v.dns_hostnames},
               {"tags", v.tags}});
}

Result<Vpc> decode_vpc(std::string_view text) {
  return decode<Vpc>(text, [](const json& j, Vpc& v) {
    v.id = j.at("id");
    v.cidr = j.at("cidr");
    v.cidr_association_id = j.at("cidr_association_id");
    v.is_default = j.at("is_default");
    v.dns_support = j.value("dns_support", true);
    v.dns_hostnames = j.value("dns_hostnames", v.is_default);
    v.tags = j.at("tags").get<Tags>();
  });
}

std::string encode(const Subnet& s) {
  return dump({{"v", kVersion},
               {"id", s.id},
               {"vpc_id", s.vpc_id},
               {"availability_zone", s.availability_zone},
               {"cidr", s.cidr},
               {"is_default", s.is_default},
               {"maps_public_ip", s.maps_public_ip},
               {"tags", s.tags}});
}

Result<Subnet> decode_subnet(std::string_view text) {
  return decode<Subnet>(text, [](const json& j, Subnet& s) {
    s.id = j.at("id");
    s.vpc_id = j.at("vpc_id");
    s.availability_zone = j.at("availability_zone");
    s.cidr = j.at("cidr");
    s.is_default = j.at("is_default");
    s.maps_public_ip = j.value("maps_public_ip", s.is_default);
    s.tags = j.at("tags").get<Tags>();
  });
}

std::string encode(const SecurityGroup& g) {
  json j = {{"v", kVersion},
            {"id", g.id},
            {"vpc_id", g.vpc_id},
            {"name", g.name},
            {"description", g.description},
            {"tags", g.tags}};
  j["rules"] = json::array();
  for (const SecurityGroupRule& rule : g.rules) {
    j["rules"].push_back(to_json(rule));
  }
  return dump(j);
}

Result<SecurityGroup> decode_security_group(std::string_view text) {
  return decode<SecurityGroup>(text, [](const json& j, SecurityGroup& g) {
    g.id = j.at("id");
    g.vpc_id = j.at("vpc_id");
    g.name = j.at("name");
    g.description = j.at("description");
    g.tags = j.at("tags").get<Tags>();
    for (const json& rule : j.at("rules")) {
      g.rules.push_back(rule_of(rule));
    }
  });
}

std::string encode(const RouteTable& t) {
  json j = {{"v", kVersion},
            {"id", t.id},
            {"vpc_id", t.vpc_id},
            {"association_id", t.association_id},
            {"tags", t.tags}};
  j["routes"] = json::array();
  for (const Route& route : t.routes) {
    j["routes"].push_back({{"destination", route.destination}, {"gateway_id", route.gateway_id}});
  }
  j["associations"] = json::array();
  for (const RouteTableAssociation& association : t.associations) {
    j["associations"].push_back({{"id", association.id}, {"subnet_id", association.subnet_id}});
  }
  return dump(j);
}

Result<RouteTable> decode_route_table(std::string_view text) {
  return decode<RouteTable>(text, [](const json& j, RouteTable& t) {
    t.id = j.at("id");
    t.vpc_id = j.at("vpc_id");
    t.association_id = j.at("association_id");
    for (const json& route : j.value("routes", json::array())) {
      t.routes.push_back({route.at("destination"), route.at("gateway_id")});
    }
    for (const json& association : j.value("associations", json::array())) {
      t.associations.push_back({association.at("id"), association.at("subnet_id")});
    }
    t.tags = j.at("tags").get<Tags>();
  });
}

std::string encode(const InternetGateway& g) {
  return dump({{"v", kVersion}, {"id", g.id}, {"vpc_id", g.vpc_id}, {"tags", g.tags}});
}

Result<InternetGateway> decode_internet_gateway(std::string_view text) {
  return decode<InternetGateway>(text, [](const json& j, InternetGateway& g) {
    g.id = j.at("id");
    g.vpc_id = j.at("vpc_id");
    g.tags = j.at("tags").get<Tags>();
  });
}

std::string encode(const NetworkInterface& i) {
  return dump({{"v", kVersion},
               {"id", i.id},
               {"vpc_id", i.vpc_id},
               {"subnet_id", i.subnet_id},
               {"availability_zone", i.availability_zone},
               {"address", i.address},
               {"mac", i.mac},
               {"type", i.type},
               {"description", i.description},
               {"requester_id", i.requester_id},
               {"owner", i.owner},
               {"group_ids", i.group_ids},
               {"tags", i.tags}});
}

Result<NetworkInterface> decode_network_interface(std::string_view text) {
  return decode<NetworkInterface>(text, [](const json& j, NetworkInterface& i) {
    i.id = j.at("id");
    i.vpc_id = j.at("vpc_id");
    i.subnet_id = j.at("subnet_id");
    i.availability_zone = j.at("availability_zone");
    i.address = j.at("address");
    i.mac = j.at("mac");
    i.type = j.at("type");
    i.description = j.at("description");
    i.requester_id = j.at("requester_id");
    i.owner = j.at("owner");
    i.group_ids = j.at("group_ids").get<std::vector<std::string>>();
    i.tags = j.at("tags").get<Tags>();
  });
}

std::string encode(const VpcEndpoint& e) {
  return dump({{"v", kVersion},
               {"id", e.id},
               {"vpc_id", e.vpc_id},
               {"service_name", e.service_name},
               {"subnet_ids", e.subnet_ids},
               {"group_ids", e.group_ids},
               {"interface_ids", e.interface_ids},
               {"private_dns", e.private_dns},
               {"created_ms", e.created.time_since_epoch().count()},
               {"tags", e.tags}});
}

Result<VpcEndpoint> decode_vpc_endpoint(std::string_view text) {
  return decode<VpcEndpoint>(text, [](const json& j, VpcEndpoint& e) {
    e.id = j.at("id");
    e.vpc_id = j.at("vpc_id");
    e.service_name = j.at("service_name");
    e.subnet_ids = j.at("subnet_ids").get<std::vector<std::string>>();
    e.group_ids = j.at("group_ids").get<std::vector<std::string>>();
    e.interface_ids = j.at("interface_ids").get<std::vector<std::string>>();
    e.private_dns = j.at("private_dns");
    e.created = WallTime(Millis(j.at("created_ms").get<std::int64_t>()));
    e.tags = j.at("tags").get<Tags>();
  });
}

std::string encode(const DbSubnetGroup& g) {
  return dump({{"v", kVersion},
               {"name", g.name},
               {"description", g.description},
               {"vpc_id", g.vpc_id},
               {"subnet_ids", g.subnet_ids},
               {"tags", g.tags}});
}

Result<DbSubnetGroup> decode_db_subnet_group(std::string_view text) {
  return decode<DbSubnetGroup>(text, [](const json& j, DbSubnetGroup& g) {
    g.name = j.at("name");
    g.description = j.at("description");
    g.vpc_id = j.at("vpc_id");
    g.subnet_ids = j.at("subnet_ids").get<std::vector<std::string>>();
    g.tags = j.at("tags").get<Tags>();
  });
}

std::string encode(const NetworkPolicy& p) {
  return dump({{"v", kVersion},
               {"host_obeys_groups", p.host_obeys_groups},
               {"allows_unenforced", p.allows_unenforced}});
}

Result<NetworkPolicy> decode_network_policy(std::string_view text) {
  return decode<NetworkPolicy>(text, [](const json& j, NetworkPolicy& p) {
    p.host_obeys_groups = j.at("host_obeys_groups");
    p.allows_unenforced = j.at("allows_unenforced");
  });
}

std::string encode_tags(const Tags& tags) {
  return dump({{"v", kVersion}, {"tags", tags}});
}

Result<Tags> decode_tags(std::string_view text) {
  return decode<Tags>(text, [](const json& j, Tags& tags) { tags = j.at("tags").get<Tags>(); });
}

}  // namespace trivet
