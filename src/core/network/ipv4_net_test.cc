// SPDX-License-Identifier: Apache-2.0
#include "core/network/ipv4_net.h"

#include <gtest/gtest.h>

namespace trivet::network {
namespace {

TEST(Ipv4Net, ReadsOnlyProperCidrBlocksAndCutsHostBits) {
  ASSERT_TRUE(parse_ipv4_net("10.0.1.0/24"));
  EXPECT_EQ(parse_ipv4_net("10.0.1.0/24")->str(), "10.0.1.0/24");
  EXPECT_EQ(parse_ipv4_net("100.68.0.18/18")->str(), "100.68.0.0/18");
  EXPECT_EQ(parse_ipv4_net("1.2.3.4/32")->size(), 1U);
  EXPECT_EQ(parse_ipv4_net("255.255.255.255/0")->str(), "0.0.0.0/0");
  for (const char* bad : {"", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "10.0.0.0.0/8", "256.0.0.0/8",
                          "010.0.0.0/8", "10.0.0.0/08", "10.0.0.-1/8", "10.0.0.0/", " 10.0.0.0/8",
                          "10.0.0.0/8 ", "a.b.c.d/8", "10.0.0.0/-1"}) {
    EXPECT_FALSE(parse_ipv4_net(bad)) << bad;
  }
}

TEST(Ipv4Net, KnowsWhatOverlaps) {
  const auto net = [](const char* text) { return *parse_ipv4_net(text); };
  EXPECT_TRUE(net("172.31.0.0/16").contains(net("172.31.16.0/20")));
  EXPECT_FALSE(net("172.31.16.0/20").contains(net("172.31.0.0/16")));
  EXPECT_TRUE(net("172.31.16.0/20").overlaps(net("172.31.0.0/16")));
  EXPECT_FALSE(net("172.31.0.0/20").overlaps(net("172.31.16.0/20")));
  EXPECT_TRUE(net("0.0.0.0/0").contains(net("255.255.255.255/32")));
}

TEST(Ipv4Net, ChecksIpv6Networks) {
  for (const char* good : {"::/0", "2001:db8::/32", "fe80::1/128", "1:2:3:4:5:6:7:8/64"}) {
    EXPECT_TRUE(is_ipv6_net(good)) << good;
  }
  for (const char* bad : {"::", "2001:db8::/129", "1:2:3:4:5:6:7:8:9/64", "1::2::3/64",
                          "12345::/16", "g::/16", "1:2:3:4:5:6:7::8/64/1"}) {
    EXPECT_FALSE(is_ipv6_net(bad)) << bad;
  }
}

TEST(Ipv4Net, GivesAwayWhatIsNeitherReservedNorTaken) {
  const Ipv4Net subnet = *parse_ipv4_net("10.0.1.0/28");
  const auto at = [](const char* text) { return *parse_ipv4(text); };
  for (const char* reserved : {"10.0.1.0", "10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.15"}) {
    EXPECT_TRUE(is_reserved(subnet, at(reserved))) << reserved;
  }
  EXPECT_FALSE(is_reserved(subnet, at("10.0.1.4")));
  EXPECT_FALSE(is_reserved(subnet, at("10.0.1.14")));
  std::set<std::uint32_t> taken;
  for (int i = 0; i < 11; ++i) {
    const auto free = lowest_free(subnet, taken);
    ASSERT_TRUE(free);
    EXPECT_EQ(ipv4_text(*free), "10.0.1." + std::to_string(4 + i));
    taken.insert(*free);
  }
  EXPECT_FALSE(lowest_free(subnet, taken));
  EXPECT_FALSE(highest_free(subnet, taken));
  taken.erase(at("10.0.1.9"));
  EXPECT_EQ(highest_free(subnet, taken), at("10.0.1.9"));
  EXPECT_EQ(ipv4_text(*highest_free(subnet, {})), "10.0.1.14");
}

}  // namespace
}  // namespace trivet::network
