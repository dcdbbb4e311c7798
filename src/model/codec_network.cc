// SPDX-License-Identifier: Apache-2.0
#include "model/network.h"
#include "model/record_json.h"

namespace trivet {
namespace {

using nlohmann::json;

using record_json::decode;
using record_json::dump;
using record_json::kVersion;

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
  if (r.port_min) {
    j["port_min"] = *r.port_min;
  }
  if (r.port_max) {
    j["port_max"] = *r.port_max;
  }
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
  if (j.contains("port_min")) {
    r.port_min = j.at("port_min").get<std::int32_t>();
  }
  if (j.contains("port_max")) {
    r.port_max = j.at("port_max").get<std::int32_t>();
  }
  return r;
}

}  // namespace

std::string encode(const Vpc& v) {
  return dump({{"v", kVersion},
               {"id", v.id},
               {"cidr", v.cidr},
               {"cidr_association_id", v.cidr_association_id},
               {"is_default", v.is_default},
               {"tags", v.tags}});
}

Result<Vpc> decode_vpc(std::string_view text) {
  return decode<Vpc>(text, [](const json& j, Vpc& v) {
    v.id = j.at("id");
    v.cidr = j.at("cidr");
    v.cidr_association_id = j.at("cidr_association_id");
    v.is_default = j.at("is_default");
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
               {"tags", s.tags}});
}

Result<Subnet> decode_subnet(std::string_view text) {
  return decode<Subnet>(text, [](const json& j, Subnet& s) {
    s.id = j.at("id");
    s.vpc_id = j.at("vpc_id");
    s.availability_zone = j.at("availability_zone");
    s.cidr = j.at("cidr");
    s.is_default = j.at("is_default");
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
  return dump({{"v", kVersion},
               {"id", t.id},
               {"vpc_id", t.vpc_id},
               {"association_id", t.association_id},
               {"tags", t.tags}});
}

Result<RouteTable> decode_route_table(std::string_view text) {
  return decode<RouteTable>(text, [](const json& j, RouteTable& t) {
    t.id = j.at("id");
    t.vpc_id = j.at("vpc_id");
    t.association_id = j.at("association_id");
    t.tags = j.at("tags").get<Tags>();
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

std::string encode_tags(const Tags& tags) {
  return dump({{"v", kVersion}, {"tags", tags}});
}

Result<Tags> decode_tags(std::string_view text) {
  return decode<Tags>(text, [](const json& j, Tags& tags) { tags = j.at("tags").get<Tags>(); });
}

}  // namespace trivet
