// SPDX-License-Identifier: Apache-2.0
#include "service/oidc_keys.h"

#include <gtest/gtest.h>

#include <future>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace trivet::service {
namespace {

constexpr const char* kUrl = "id.example.com/ci";
constexpr const char* kConfiguration = "https://id.example.com/ci/.well-known/openid-configuration";

class OidcKeysTest : public testing::Test, public Clock {
 protected:
  OidcKeysTest()
      : keys_({.fetch = [this](const std::string& url) { return fetch(url); },
               .count_keys = [](std::string_view jwks) -> Result<int> {
                 if (jwks.find("key") == std::string_view::npos) {
                   return make_error(Errc::kInvalidArgument, "there is no key in it");
                 }
                 return 1;
               },
               .clock = *this}) {
    provider_.url = kUrl;
    publish("key 1");
  }
  Instant now() const override { return now_; }
  WallTime wall_now() const override { return {}; }

  void publish(const std::string& jwks) {
    documents_[kConfiguration] =
        R"({"issuer":"https://id.example.com/ci","jwks_uri":"https://keys.example.com/jwks"})";
    documents_["https://keys.example.com/jwks"] = jwks;
  }
  Result<std::string> fetch(const std::string& url) {
    asked_.push_back(url);
    if (const auto once = std::exchange(on_fetch_, nullptr)) {
      once();
    }
    const auto found = documents_.find(url);
    if (found == documents_.end()) {
      return make_error(Errc::kUnavailable, url + " does not answer");
    }
    return found->second;
  }
  std::string find() {
    const auto found = keys_.find(provider_);
    return found ? *found : found.error().message;
  }

  Instant now_{std::chrono::hours(100)};
  std::map<std::string, std::string> documents_;
  std::vector<std::string> asked_;
  std::function<void()> on_fetch_;  // once
  IamOidcProvider provider_;
  OidcKeys keys_;
};

TEST_F(OidcKeysTest, KeysThatWereGivenNeedNoQuestion) {
  provider_.jwks = "key 0";
  EXPECT_EQ(find(), "key 0");
  EXPECT_FALSE(keys_.newer(provider_, "key 0").has_value());
  EXPECT_TRUE(asked_.empty());
}

TEST_F(OidcKeysTest, AreDiscoveredAndKeptForAnHour) {
  EXPECT_EQ(find(), "key 1");
  EXPECT_EQ(asked_, (std::vector<std::string>{kConfiguration, "https://keys.example.com/jwks"}));
  publish("key 2");
  now_ += std::chrono::minutes(59);
  EXPECT_EQ(find(), "key 1");
  now_ += std::chrono::minutes(1);
  EXPECT_EQ(find(), "key 2");
  EXPECT_EQ(asked_.size(), 4U);
}

TEST_F(OidcKeysTest, AProviderThatIsAwayIsNotAskedAtEachCall) {
  documents_.clear();
  EXPECT_NE(find().find("does not answer"), std::string::npos);
  publish("key 1");
  EXPECT_NE(find().find("does not answer"), std::string::npos);
  EXPECT_EQ(asked_.size(), 1U);
  now_ += OidcKeys::kFailedAgain;
  EXPECT_EQ(find(), "key 1");
}

TEST_F(OidcKeysTest, OldKeysAreGoodForADayWhileTheProviderIsAway) {
  EXPECT_EQ(find(), "key 1");
  documents_.clear();
  now_ += std::chrono::hours(23);
  EXPECT_EQ(find(), "key 1");
  now_ += std::chrono::hours(1);
  EXPECT_NE(find().find("does not answer"), std::string::npos);
}

TEST_F(OidcKeysTest, ChangedKeysAreSeenOnceAMinute) {
  EXPECT_EQ(find(), "key 1");
  publish("key 2");
  EXPECT_FALSE(keys_.newer(provider_, "key 1").has_value()) << "they were fetched just now";
  now_ += OidcKeys::kRefusedAgain;
  EXPECT_EQ(*keys_.newer(provider_, "key 1"), "key 2");
  EXPECT_EQ(*keys_.newer(provider_, "key 1"), "key 2") << "known by now";
  EXPECT_FALSE(keys_.newer(provider_, "key 2").has_value());
  EXPECT_EQ(find(), "key 2");
}

TEST_F(OidcKeysTest, WhatIsNoDiscoveryIsRefused) {
  for (const char* bad :
       {"", "[]", "{}", R"({"issuer":"https://id.example.com/ci"})",
        R"({"issuer":"https://else.example.com","jwks_uri":"https://keys.example.com/jwks"})",
        R"({"issuer":"https://id.example.com/ci","jwks_uri":"http://keys.example.com/jwks"})",
        R"({"issuer":["https://id.example.com/ci"],"jwks_uri":"https://keys.example.com/jwks"})"}) {
    documents_[kConfiguration] = bad;
    EXPECT_NE(find().find("are not there"), std::string::npos) << bad;
    now_ += OidcKeys::kFailedAgain;
  }
  publish("nothing");
  EXPECT_NE(find().find("there is no"), std::string::npos);
}

TEST_F(OidcKeysTest, NobodyElseWaitsForAProvider) {
  std::promise<void> began;
  std::promise<void> go_on;
  on_fetch_ = [&] {
    began.set_value();
    go_on.get_future().wait_for(std::chrono::seconds(10));
  };
  std::thread first([this] { EXPECT_EQ(find(), "key 1"); });
  began.get_future().wait();
  EXPECT_NE(find().find("it is being asked"), std::string::npos);
  go_on.set_value();
  first.join();
  EXPECT_EQ(find(), "key 1");
}

}  // namespace
}  // namespace trivet::service
