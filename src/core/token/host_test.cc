// SPDX-License-Identifier: Apache-2.0
#include "core/token/host.h"

#include <gtest/gtest.h>

namespace trivet::token {
namespace {

TEST(ParseHostPort, ReadsNamesAndAddresses) {
  EXPECT_EQ(parse_host_port("DB.Example.com:3306")->host, "db.example.com");
  EXPECT_EQ(parse_host_port("DB.Example.com:3306")->port, 3306);
  EXPECT_EQ(parse_host_port("db")->port, std::nullopt);
  EXPECT_EQ(parse_host_port("[::1]:3306")->host, "::1");
  EXPECT_EQ(parse_host_port("[::1]:3306")->port, 3306);
  EXPECT_EQ(parse_host_port("[::1]")->port, std::nullopt);
  EXPECT_EQ(parse_host_port("::1:3306")->host, "::1");
  for (const char* bad : {"", ":3306", "db:", "db:0", "db:65536", "db:+1", "db:x", "[]:1", "[::1",
                          "[::1]3306", "db:123456"}) {
    EXPECT_FALSE(parse_host_port(bad).has_value()) << bad;
  }
}

bool is_allowed(std::string_view allowed, std::string_view text) {
  return matches(*parse_allowed_host(allowed), *parse_host_port(text));
}

TEST(AllowedHost, MatchesNamePortAndWildcards) {
  EXPECT_TRUE(is_allowed("db.example.com:3306", "DB.example.COM:3306"));
  EXPECT_FALSE(is_allowed("db.example.com:3306", "db.example.com:3307"));
  EXPECT_FALSE(is_allowed("db.example.com:3306", "db.example.com"));
  EXPECT_FALSE(is_allowed("db.example.com:3306", "db2.example.com:3306"));
  EXPECT_TRUE(is_allowed("db.example.com:*", "db.example.com:1"));
  EXPECT_TRUE(is_allowed("localhost", "localhost:13306"));
  EXPECT_TRUE(is_allowed("*.example.com:3306", "a.b.example.com:3306"));
  EXPECT_FALSE(is_allowed("*.example.com:3306", "example.com:3306"));
  EXPECT_FALSE(is_allowed("*.example.com:3306", "evilexample.com:3306"));
  EXPECT_TRUE(is_allowed("*:*", "anything:1"));
  EXPECT_TRUE(is_allowed("[::1]:3306", "::1:3306"));
  EXPECT_TRUE(is_allowed("db:443", "db"));  // SDKs leave a default port out
  EXPECT_TRUE(is_allowed("db:80", "db"));
}

TEST(AllowedHost, RefusesWhatWouldNeverMatch) {
  for (const char* bad :
       {"", "a*.example.com", "db.*", "*x", "*.a.*.b:1", ":3306", "db:99999", "db:1:*"}) {
    EXPECT_FALSE(parse_allowed_host(bad).has_value()) << bad;
  }
  EXPECT_EQ(parse_allowed_host("DB:3306")->str(), "db:3306");
  EXPECT_EQ(parse_allowed_host("[::1]")->str(), "[::1]:*");
}

TEST(SignedHostCandidates, AreTheSdksHabits) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(signed_host_candidates("db:3306"), (Names{"db:3306"}));
  EXPECT_EQ(signed_host_candidates("DB:3306"), (Names{"DB:3306", "db:3306"}));
  EXPECT_EQ(signed_host_candidates("DB:443"), (Names{"DB:443", "db:443", "DB", "db"}));
  EXPECT_EQ(signed_host_candidates("db:80"), (Names{"db:80", "db"}));
  EXPECT_EQ(signed_host_candidates("[::1]:3306"), (Names{"[::1]:3306", "::1:3306"}));
}

}  // namespace
}  // namespace trivet::token
