// SPDX-License-Identifier: Apache-2.0
#include "core/token/seen_tokens.h"

#include <gtest/gtest.h>

#include <string>

#include "base/crypto.h"

namespace trivet::token {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const WallTime kStart = wall_time_from_ms(1'700'000'000'000);

SeenTokens::Use use(SeenTokens& seen, const std::string& signature, WallTime signed_at,
                    const std::string& from = "127.0.0.1") {
  const std::string hash = sha256(signature);
  return seen.note({hash, signed_at, signed_at + minutes(15)}, from, signed_at);
}

TEST(SeenTokens, CountsUsesAndRemembersTheFirst) {
  SeenTokens seen(kStart);
  EXPECT_EQ(use(seen, "a", kStart, "127.0.0.7").count, 1);
  EXPECT_EQ(use(seen, "b", kStart, "127.0.0.8").count, 1);
  const auto again = use(seen, "a", kStart, "127.0.0.9");
  EXPECT_EQ(again.count, 2);
  EXPECT_EQ(again.first_from, "127.0.0.7");
  EXPECT_EQ(again.first_at, kStart);
}

TEST(SeenTokens, MemoryBeginsLaterThanAnyClockThatSignedBefore) {
  const SeenTokens seen(kStart);
  EXPECT_EQ(seen.memory_begins(), kStart + kOneTimeSkewMax);
}

TEST(SeenTokens, ForgetsWhatHasEnded) {
  SeenTokens seen(kStart);
  for (int i = 0; i < 100; ++i) {
    use(seen, std::to_string(i), kStart);
  }
  EXPECT_EQ(seen.size(), 100U);
  for (int i = 0; i < 50; ++i) {
    use(seen, "later" + std::to_string(i), kStart + minutes(30));
  }
  EXPECT_EQ(seen.size(), 50U);
  EXPECT_EQ(seen.memory_begins(), kStart + kOneTimeSkewMax) << "nothing of use was forgotten";
}

TEST(SeenTokens, WhatItMustForgetCountsAsUsed) {
  SeenTokens seen(kStart, 3);
  for (int i = 0; i < 3; ++i) {
    use(seen, std::to_string(i), kStart + seconds(10 + i));
  }
  EXPECT_EQ(seen.memory_begins(), kStart + kOneTimeSkewMax);
  use(seen, "3", kStart + seconds(13));
  EXPECT_EQ(seen.size(), 3U);
  EXPECT_GT(seen.memory_begins(), kStart + seconds(10)) << "of the token that was forgotten";
  EXPECT_EQ(use(seen, "1", kStart + seconds(11)).count, 2);
}

}  // namespace
}  // namespace trivet::token
