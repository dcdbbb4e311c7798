// SPDX-License-Identifier: Apache-2.0
#include "core/rate/limiter.h"

#include <gtest/gtest.h>

#include <string>

namespace trivet::rate {
namespace {

using std::chrono::seconds;

const WallTime kStart = wall_time_from_ms(1'700'000'000'000);

int taken(RateLimiter& limiter, const std::string& key, int tries, WallTime now) {
  int count = 0;
  for (int i = 0; i < tries; ++i) {
    count += limiter.take(key, 6, now) ? 1 : 0;
  }
  return count;
}

TEST(RateLimiter, GivesAMinutesWorthAtOnceThenAsTimeGoesBy) {
  RateLimiter limiter;
  EXPECT_EQ(taken(limiter, "a", 20, kStart), 6);
  EXPECT_EQ(taken(limiter, "a", 1, kStart + seconds(9)), 0);
  EXPECT_EQ(taken(limiter, "a", 5, kStart + seconds(10)), 1);
  EXPECT_EQ(taken(limiter, "a", 5, kStart + seconds(30)), 2);
  EXPECT_EQ(taken(limiter, "a", 20, kStart + seconds(3600)), 6) << "no more than a minute's";
}

TEST(RateLimiter, KeysDoNotShare) {
  RateLimiter limiter;
  EXPECT_EQ(taken(limiter, "a", 20, kStart), 6);
  EXPECT_EQ(taken(limiter, "b", 20, kStart), 6);
}

TEST(RateLimiter, NoLimitIsNoLimitAndRemembersNothing) {
  RateLimiter limiter;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(limiter.take("a", 0, kStart));
  }
  EXPECT_EQ(limiter.size(), 0U);
}

TEST(RateLimiter, AClockThatGoesBackLocksNobodyOut) {
  RateLimiter limiter;
  EXPECT_EQ(taken(limiter, "a", 20, kStart), 6);
  EXPECT_EQ(taken(limiter, "a", 5, kStart - seconds(3600)), 0);
  EXPECT_EQ(taken(limiter, "a", 5, kStart - seconds(3590)), 1);
}

TEST(RateLimiter, ALowerLimitHoldsAtOnce) {
  RateLimiter limiter;
  EXPECT_TRUE(limiter.take("a", 1000, kStart));
  EXPECT_EQ(taken(limiter, "a", 20, kStart), 6);
}

TEST(RateLimiter, IsBoundedAndForgetsTheQuietest) {
  RateLimiter limiter(3);
  EXPECT_EQ(taken(limiter, "a", 6, kStart), 6);
  EXPECT_EQ(taken(limiter, "b", 6, kStart + seconds(1)), 6);
  EXPECT_EQ(taken(limiter, "c", 6, kStart + seconds(1)), 6);
  EXPECT_EQ(taken(limiter, "d", 1, kStart + seconds(1)), 1);
  EXPECT_EQ(limiter.size(), 3U);
  EXPECT_EQ(taken(limiter, "b", 1, kStart + seconds(2)), 0);
  EXPECT_EQ(taken(limiter, "a", 1, kStart + seconds(2)), 1) << "forgotten";
}

TEST(FailureSlowdown, TheFirstFailuresCostNothing) {
  FailureSlowdown slowdown;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(slowdown.failed("a", kStart), Millis(0)) << i;
  }
  EXPECT_EQ(slowdown.failed("a", kStart), Millis(100));
  EXPECT_EQ(slowdown.failed("a", kStart), Millis(200));
  EXPECT_EQ(slowdown.failed("b", kStart), Millis(0)) << "another address";
}

TEST(FailureSlowdown, IsBoundedAndForgives) {
  FailureSlowdown slowdown;
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_LE(slowdown.failed("a", kStart), Millis(1'000));
  }
  EXPECT_EQ(slowdown.failed("a", kStart), Millis(1'000));
  EXPECT_EQ(slowdown.failed("a", kStart + seconds(30)), Millis(600));
  EXPECT_EQ(slowdown.failed("a", kStart + seconds(150)), Millis(0));
}

TEST(FailureSlowdown, SlowFailuresAreNeverDelayed) {
  FailureSlowdown slowdown;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(slowdown.failed("a", kStart + i * seconds(6)), Millis(0)) << i;
  }
}

}  // namespace
}  // namespace trivet::rate
