// SPDX-License-Identifier: Apache-2.0
#include "core/network/plan.h"

#include <gtest/gtest.h>

#include "core/network/group_rules.h"
#include "core/network/host_plan.h"
#include "core/network/names.h"

namespace trivet::network {
namespace {

SecurityGroupRule rule(bool is_egress, const std::string& protocol) {
  SecurityGroupRule out;
  out.is_egress = is_egress;
  out.protocol = protocol;
  out.cidr_v4 = "0.0.0.0/0";
  return out;
}

TEST(GroupRules, SayWhatEc2Means) {
  SecurityGroupRule tcp = rule(false, "tcp");
  tcp.port_min = tcp.port_max = 3306;
  EXPECT_EQ(rule_match(tcp), "tcp dport 3306 ");
  tcp.cidr_v4 = "10.0.0.0/8";
  tcp.port_max = 3310;
  EXPECT_EQ(rule_match(tcp), "ip saddr 10.0.0.0/8 tcp dport 3306-3310 ");
  tcp.port_min = 0;
  tcp.port_max = 65535;
  tcp.is_egress = true;
  EXPECT_EQ(rule_match(tcp), "ip daddr 10.0.0.0/8 meta l4proto tcp ");
  SecurityGroupRule from_group = rule(false, "-1");
  from_group.cidr_v4.clear();
  from_group.group_id = "sg-0a";
  EXPECT_EQ(rule_match(from_group), "ip saddr @group_sg_0a ");
  SecurityGroupRule icmp = rule(false, "icmp");
  icmp.port_min = icmp.port_max = -1;
  EXPECT_EQ(rule_match(icmp), "meta l4proto icmp ");
  icmp.port_min = 8;
  EXPECT_EQ(rule_match(icmp), "icmp type 8 ");
  icmp.port_max = 0;
  EXPECT_EQ(rule_match(icmp), "icmp type 8 icmp code 0 ");
  EXPECT_EQ(rule_match(rule(true, "50")), "meta l4proto 50 ");
  EXPECT_EQ(rule_match(rule(true, "-1")), "");
  SecurityGroupRule v6 = rule(false, "tcp");
  v6.cidr_v4.clear();
  v6.cidr_v6 = "::/0";
  EXPECT_EQ(rule_match(v6), std::nullopt);
  EXPECT_EQ(rule_match(rule(false, "icmpv6")), std::nullopt);
}

class PlanTest : public testing::Test {
 protected:
  PlanTest() {
    picture_.vpc = {.id = "vpc-1", .cidr = "10.0.0.0/16"};
    picture_.subnets = {{.id = "subnet-a", .vpc_id = "vpc-1", .cidr = "10.0.1.0/24"},
                        {.id = "subnet-b", .vpc_id = "vpc-1", .cidr = "10.0.2.0/24"}};
    picture_.gateway_id = "igw-1";
    RouteTable main;
    main.id = "rtb-main";
    main.association_id = "rtbassoc-1";
    RouteTable open;
    open.id = "rtb-open";
    open.routes = {{"0.0.0.0/0", "igw-1"}, {"192.0.2.0/24", "igw-gone"}};
    open.associations = {{"rtbassoc-2", "subnet-b"}};
    picture_.route_tables = {main, open};
    SecurityGroup group{.id = "sg-1", .vpc_id = "vpc-1", .rules = {rule(true, "-1")}};
    SecurityGroupRule mysql = rule(false, "tcp");
    mysql.cidr_v4.clear();
    mysql.group_id = "sg-1";
    mysql.port_min = mysql.port_max = 3306;
    group.rules.push_back(mysql);
    picture_.groups = {group};
    picture_.interfaces = {interface("10.0.1.4", "db/cluster-1/writer"),
                           interface("10.0.1.17", "arn:function")};
  }

  static NetworkInterface interface(const std::string& address, const std::string& owner) {
    NetworkInterface out;
    out.address = address;
    out.owner = owner;
    out.group_ids = {"sg-1"};
    return out;
  }
  Plan plan() { return make_plan(picture_, {.api_port = 4566}); }
  bool has(const std::string& text) { return plan().rules.find(text) != std::string::npos; }

  Picture picture_;
};

TEST_F(PlanTest, GivesTheNamespaceRoutersResolverAndEndpoints) {
  EXPECT_EQ(plan().addresses, (std::vector<std::string>{"10.0.0.2/32", "10.0.1.1/24", "10.0.1.4/32",
                                                        "10.0.2.1/24", "169.254.171.2/32"}));
  picture_.vpc.dns_support = false;
  EXPECT_EQ(plan().addresses.front(), "10.0.1.1/24");
  EXPECT_FALSE(has("dport 53"));
}

TEST_F(PlanTest, OnlySubnetsWithARouteHaveAWayOut) {
  EXPECT_TRUE(plan().has_way_out);
  EXPECT_FALSE(make_plan(picture_, {.opens_ways_out = false}).has_way_out);
  EXPECT_FALSE(has_way_out(picture_, "subnet-a"));
  EXPECT_TRUE(has_way_out(picture_, "subnet-b"));
  EXPECT_TRUE(
      has("set with_way_out {\n    type ipv4_addr\n    flags interval\n"
          "    elements = { 10.0.2.0/24 }\n"));
  // The longer prefix decides, also when its gateway is gone.
  EXPECT_TRUE(has("chain routes_2 {\n    ip daddr 192.0.2.0/24 drop\n    accept\n    drop\n  }"));
  EXPECT_TRUE(has("chain routes_1 {\n    drop\n  }"));
  picture_.gateway_id.clear();
  EXPECT_FALSE(plan().has_way_out);
  EXPECT_FALSE(has_way_out(picture_, "subnet-b"));
}

TEST_F(PlanTest, InterfacesWithTheSameGroupsShareChains) {
  EXPECT_TRUE(has("set group_sg_1 {\n    type ipv4_addr\n    elements = { 10.0.1.17, 10.0.1.4 }"));
  EXPECT_TRUE(has("chain in_1 {\n    ip saddr @group_sg_1 tcp dport 3306 accept\n    drop\n  }"));
  EXPECT_TRUE(has("chain out_1 {\n    return\n    drop\n  }"));
  EXPECT_TRUE(has("ingress { 10.0.1.4 : jump in_1, 10.0.1.17 : jump in_1 }"));
  EXPECT_FALSE(has("in_2"));
  picture_.interfaces.back().group_ids = {};
  EXPECT_TRUE(has("chain in_2 {\n    drop\n  }"));
}

TEST_F(PlanTest, NothingForAVpcOrALinkGoesOutThroughTheHost) {
  const auto drops = [&](std::vector<std::string> networks, const char* list) {
    const std::string rules =
        make_plan(picture_, {.api_port = 4566, .vpc_networks = std::move(networks)}).rules;
    return rules.find(std::string("oifname \"up0\" ip daddr { 169.254.0.0/16") + list +
                      " } drop\n    oifname \"up0\" ip saddr vmap @routes") != std::string::npos;
  };
  EXPECT_TRUE(drops({}, ""));
  // An interval that lies in another one is an error to nft.
  EXPECT_TRUE(drops({"10.0.0.0/16", "10.0.0.0/16", "172.31.0.0/16", "10.0.128.0/17"},
                    ", 10.0.0.0/16, 172.31.0.0/16"));
}

TEST_F(PlanTest, IsTheSameForTheSamePicture) {
  const Plan first = plan();
  EXPECT_EQ(plan(), first);
  picture_.groups.front().rules.pop_back();
  EXPECT_FALSE(plan() == first);
}

TEST_F(PlanTest, ResolvesWhatTheClientMayReach) {
  const auto at = [](const char* text) { return *parse_ipv4(text); };
  NameBook book{.api_name = "api.trivet.internal", .domain = "trivet.internal"};
  book.addresses["demo.trivet.internal"] = at("10.0.1.4");
  book.vpcs["vpc-1"] = names_of(picture_, {});
  const auto ask = [&](const char* client, const char* name) {
    return resolve(book, "vpc-1", at(client), name);
  };
  using Kind = NameAnswer::Kind;
  EXPECT_EQ(ask("10.0.1.17", "demo.trivet.internal").address, at("10.0.1.4"));
  EXPECT_EQ(ask("10.0.1.17", "example.com").kind, Kind::kNoSuchName);
  EXPECT_EQ(ask("10.0.2.17", "example.com").kind, Kind::kForward);
  EXPECT_EQ(ask("10.0.2.17", "other.trivet.internal").kind, Kind::kNoSuchName);
  EXPECT_EQ(ask("10.0.1.17", "api.trivet.internal").kind, Kind::kNoSuchName);
  EXPECT_EQ(ask("10.0.2.17", "api.trivet.internal").address, at("169.254.171.2"));
  EXPECT_EQ(resolve(book, "vpc-2", at("10.0.2.17"), "example.com").kind, Kind::kNoSuchName);

  picture_.interfaces.push_back(interface("10.0.1.9", "vpce-1"));
  VpcEndpoint endpoint{.id = "vpce-1", .vpc_id = "vpc-1"};
  book.vpcs["vpc-1"] = names_of(picture_, {endpoint});
  EXPECT_EQ(ask("10.0.1.17", "api.trivet.internal").address, at("10.0.1.9"));
  endpoint.private_dns = false;
  book.vpcs["vpc-1"] = names_of(picture_, {endpoint});
  EXPECT_EQ(ask("10.0.1.17", "api.trivet.internal").kind, Kind::kNoSuchName);
}

TEST(HostPlan, IsNothingWhenNothingIsWanted) {
  const HostNames names{.table = "tv1", .uplinks = "tv1u", .link_net = "169.254.30.0/24"};
  EXPECT_EQ(host_rules(names, {}, {}), "table inet tv1\ndelete table inet tv1\n");
  const std::string out = host_rules(names, {.has_uplinks = true, .was_forwarding = false}, {});
  EXPECT_NE(out.find("ip saddr 169.254.30.0/24 oifname != \"tv1u*\" masquerade"),
            std::string::npos);
  // A host that forwarded nothing still forwards nothing of others.
  EXPECT_NE(out.find("iifname != \"tv*\" oifname != \"tv*\" drop"), std::string::npos);
  EXPECT_EQ(host_rules(names, {.has_uplinks = true}, {}).find("oifname != \"tv*\" drop"),
            std::string::npos);
}

TEST(HostPlan, LetsHostsInWhereTheClusterIsPublicAndAGroupNamesThem) {
  SecurityGroupRule local = rule(false, "tcp");
  local.port_min = local.port_max = 3306;
  local.cidr_v4 = "127.0.0.0/8";
  HostAccess access{.is_enforced = true,
                    .endpoints = {{.cluster = "demo",
                                   .address = "127.30.0.5",
                                   .port = 3306,
                                   .is_public = true,
                                   .ingress = {local}}},
                    .exempt_uids = {105},
                    .exempt_mark = 7};
  const HostNames names{.table = "tv1", .uplinks = "tv1u", .link_net = "169.254.30.0/24"};
  const auto has = [&](const char* text) {
    return host_rules(names, {}, access).find(text) != std::string::npos;
  };
  EXPECT_TRUE(has("ip saddr 127.0.0.0/8 tcp dport 3306 accept\n    drop"));
  EXPECT_TRUE(has("ip daddr 127.30.0.5 tcp dport 3306 jump endpoint_1"));
  EXPECT_TRUE(has("meta mark 7 accept\n    meta skuid 105 accept"));
  access.endpoints[0].is_public = false;
  EXPECT_TRUE(has("chain endpoint_1 {\n    drop"));
}

TEST(HostPlan, SaysWhichClustersThisHostDoesNotReach) {
  SecurityGroupRule given = rule(false, "tcp");
  given.cidr_v4 = "127.0.0.0/8";
  HostAccess access{.is_enforced = true,
                    .endpoints = {{.cluster = "demo", .port = 3306, .is_public = true}}};
  const auto is_shut_out = [&] {
    access.endpoints[0].ingress = {given};
    return shut_out(access).contains("demo");
  };
  EXPECT_FALSE(is_shut_out());
  given.port_min = given.port_max = 3306;
  EXPECT_FALSE(is_shut_out());
  given.port_min = given.port_max = 22;
  EXPECT_TRUE(is_shut_out());
  given.protocol = "-1";
  EXPECT_FALSE(is_shut_out());
  given.protocol = "udp";
  given.port_min = given.port_max = 3306;
  EXPECT_TRUE(is_shut_out());
  given.protocol = "tcp";
  given.cidr_v4 = "127.0.0.2/32";
  EXPECT_TRUE(is_shut_out());
  given.cidr_v4 = "0.0.0.0/0";
  EXPECT_FALSE(is_shut_out());
  given.is_egress = true;
  EXPECT_TRUE(is_shut_out());
  given.is_egress = false;
  access.endpoints[0].is_public = false;
  EXPECT_TRUE(is_shut_out());
  access.is_enforced = false;
  EXPECT_FALSE(is_shut_out()) << "everybody gets in";
}

}  // namespace
}  // namespace trivet::network
