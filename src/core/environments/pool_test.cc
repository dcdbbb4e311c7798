// SPDX-License-Identifier: Apache-2.0
#include "core/environments/pool.h"

#include <gtest/gtest.h>

namespace trivet::environments {
namespace {

constexpr Millis kTimeout{3'000};
const PoolKey kReport{"arn:report", "$LATEST", "1"};
const PoolKey kOther{"arn:other", "$LATEST", "1"};

Instant at(std::int64_t ms) {
  return Instant(Millis(ms));
}
const Instant kNever = at(1'000'000'000);

template <typename Kind>
const Kind* only(const PoolActions& actions) {
  return actions.size() == 1 ? std::get_if<Kind>(&actions.front()) : nullptr;
}

// One that has started and is idle.
EnvironmentId warm(Pool& pool, const PoolKey& key, Instant now) {
  const PoolActions actions = pool.ask(now, key, kTimeout, 1'000);
  const EnvironmentId id = std::get<StartEnvironment>(actions.back()).id;
  EXPECT_NE(only<Dispatch>(pool.ready(now, id, kNever)), nullptr);
  EXPECT_TRUE(pool.ready(now, id, kNever).empty());
  return id;
}

TEST(EnvironmentPool, AnEventWaitsForTheEnvironmentThatIsStartedForIt) {
  Pool pool({});
  const PoolActions asked = pool.ask(at(0), kReport, kTimeout, 7);
  const auto* start = only<StartEnvironment>(asked);
  ASSERT_NE(start, nullptr);
  EXPECT_EQ(pool.waiting(), 1U);
  const PoolActions started = pool.ready(at(100), start->id, kNever);
  const auto* dispatch = only<Dispatch>(started);
  ASSERT_NE(dispatch, nullptr);
  EXPECT_EQ(dispatch->ticket, 7U);
  EXPECT_EQ(pool.waiting(), 0U);
}

TEST(EnvironmentPool, AnIdleEnvironmentOfTheSameRevisionIsUsedAgain) {
  Pool pool({});
  const EnvironmentId id = warm(pool, kReport, at(0));
  const PoolActions same = pool.ask(at(1), kReport, kTimeout, 2);
  ASSERT_NE(only<Dispatch>(same), nullptr);
  EXPECT_EQ(only<Dispatch>(same)->id, id);
  EXPECT_NE(only<StartEnvironment>(pool.ask(at(1), {"arn:report", "$LATEST", "2"}, kTimeout, 3)),
            nullptr);
}

TEST(EnvironmentPool, OneEnvironmentHasOneEventAtATime) {
  Pool pool({});
  warm(pool, kReport, at(0));
  EXPECT_NE(only<Dispatch>(pool.ask(at(1), kReport, kTimeout, 2)), nullptr);
  EXPECT_NE(only<StartEnvironment>(pool.ask(at(1), kReport, kTimeout, 3)), nullptr);
}

TEST(EnvironmentPool, AnEventThatWaitsTakesWhicheverEnvironmentIsFreeFirst) {
  Pool pool({});
  const EnvironmentId id = warm(pool, kReport, at(0));
  EXPECT_NE(only<Dispatch>(pool.ask(at(1), kReport, kTimeout, 2)), nullptr);
  const EnvironmentId second =
      std::get<StartEnvironment>(pool.ask(at(2), kReport, kTimeout, 3).front()).id;
  const PoolActions freed = pool.ready(at(3), id, kNever);
  ASSERT_NE(only<Dispatch>(freed), nullptr);
  EXPECT_EQ(only<Dispatch>(freed)->ticket, 3U);
  EXPECT_TRUE(pool.ready(at(4), second, kNever).empty());
  EXPECT_EQ(pool.idle(), 1U);
}

TEST(EnvironmentPool, AtTheLimitTheLongestIdleOneMakesRoom) {
  Pool pool({.environments_max = 2});
  const EnvironmentId oldest = warm(pool, kReport, at(0));
  warm(pool, kOther, at(5));
  const PoolActions actions = pool.ask(at(9), {"arn:third", "$LATEST", "1"}, kTimeout, 4);
  ASSERT_EQ(actions.size(), 2U);
  EXPECT_EQ(std::get<EndEnvironment>(actions[0]).id, oldest);
  EXPECT_EQ(std::get<EndEnvironment>(actions[0]).why, EndReason::kRoom);
}

TEST(EnvironmentPool, WhenAllAreBusyAnEventIsRefused) {
  Pool pool({.environments_max = 1});
  EXPECT_NE(only<StartEnvironment>(pool.ask(at(0), kReport, kTimeout, 1)), nullptr);
  const PoolActions actions = pool.ask(at(0), kOther, kTimeout, 2);
  ASSERT_NE(only<Refuse>(actions), nullptr);
  EXPECT_EQ(only<Refuse>(actions)->ticket, 2U);
}

TEST(EnvironmentPool, AStartThatFailedGivesBackTheEventThatNobodyElseStartsFor) {
  Pool pool({});
  const EnvironmentId first =
      std::get<StartEnvironment>(pool.ask(at(0), kReport, kTimeout, 1).front()).id;
  const EnvironmentId second =
      std::get<StartEnvironment>(pool.ask(at(0), kReport, kTimeout, 2).front()).id;
  EXPECT_EQ(pool.gone(first).failed, 1U);
  EXPECT_EQ(pool.gone(second).failed, 2U);
  EXPECT_EQ(pool.gone(second).failed, std::nullopt);
  EXPECT_EQ(pool.busy(), 0U);
}

TEST(EnvironmentPool, AnEnvironmentTooManyThatFailsTakesNoEventWithIt) {
  Pool pool({});
  const EnvironmentId id = warm(pool, kReport, at(0));
  EXPECT_NE(only<Dispatch>(pool.ask(at(1), kReport, kTimeout, 2)), nullptr);
  const EnvironmentId second =
      std::get<StartEnvironment>(pool.ask(at(2), kReport, kTimeout, 3).front()).id;
  EXPECT_NE(only<Dispatch>(pool.ready(at(3), id, kNever)), nullptr);
  EXPECT_EQ(pool.gone(second).failed, std::nullopt);
}

TEST(EnvironmentPool, WhoeverAsksAfterAnAnswerWaitsForThatEnvironment) {
  Pool pool({});
  const EnvironmentId id = warm(pool, kReport, at(0));
  EXPECT_NE(only<Dispatch>(pool.ask(at(1), kReport, kTimeout, 2)), nullptr);
  pool.answered(id);
  EXPECT_TRUE(pool.ask(at(2), kReport, kTimeout, 3).empty());
  // One more is one too many for it.
  EXPECT_NE(only<StartEnvironment>(pool.ask(at(2), kReport, kTimeout, 4)), nullptr);
  const PoolActions freed = pool.ready(at(3), id, kNever);
  ASSERT_NE(only<Dispatch>(freed), nullptr);
  EXPECT_EQ(only<Dispatch>(freed)->ticket, 3U);
}

TEST(EnvironmentPool, AnEnvironmentThatEndsAfterItsAnswerIsReplacedForWhoeverWaits) {
  Pool pool({});
  const EnvironmentId id = warm(pool, kReport, at(0));
  EXPECT_NE(only<Dispatch>(pool.ask(at(1), kReport, kTimeout, 2)), nullptr);
  pool.answered(id);
  EXPECT_TRUE(pool.ask(at(2), kReport, kTimeout, 3).empty());
  const Pool::Gone gone = pool.gone(id);
  EXPECT_EQ(gone.failed, std::nullopt);
  ASSERT_NE(only<StartEnvironment>(gone.actions), nullptr);
  EXPECT_EQ(only<StartEnvironment>(gone.actions)->ticket, 3U);
}

TEST(EnvironmentPool, NobodyWaitsLongForAnEnvironmentThatDoesNotComeBack) {
  Pool pool({});
  const EnvironmentId id = warm(pool, kReport, at(0));
  EXPECT_NE(only<Dispatch>(pool.ask(at(1), kReport, kTimeout, 2)), nullptr);
  pool.answered(id);
  EXPECT_TRUE(pool.ask(at(2), kReport, kTimeout, 3).empty());
  EXPECT_NE(only<StartEnvironment>(pool.tick(at(1'000))), nullptr);
  EXPECT_TRUE(pool.tick(at(2'000)).empty());
}

TEST(EnvironmentPool, ARetiredRevisionEndsWithItsEvent) {
  Pool pool({});
  const EnvironmentId busy = warm(pool, kReport, at(0));
  EXPECT_NE(only<Dispatch>(pool.ask(at(1), kReport, kTimeout, 2)), nullptr);
  EXPECT_TRUE(pool.retire("arn:report", "2").empty());
  const PoolActions done = pool.ready(at(2), busy, kNever);
  ASSERT_NE(only<EndEnvironment>(done), nullptr);
  EXPECT_EQ(only<EndEnvironment>(done)->why, EndReason::kRetired);
}

TEST(EnvironmentPool, RetiringKeepsTheRevisionThatIsExcepted) {
  Pool pool({});
  warm(pool, kReport, at(0));
  warm(pool, kOther, at(0));
  EXPECT_TRUE(pool.retire("arn:report", "1").empty());
  EXPECT_EQ(pool.retire("arn:report", std::nullopt).size(), 1U);
  EXPECT_EQ(pool.idle(), 1U);
}

TEST(EnvironmentPool, AllAreRetiredTogether) {
  Pool pool({});
  warm(pool, kReport, at(0));
  const EnvironmentId busy = warm(pool, kOther, at(0));
  EXPECT_NE(only<Dispatch>(pool.ask(at(1), kOther, kTimeout, 2)), nullptr);
  EXPECT_EQ(pool.retire_all().size(), 1U) << "the idle one";
  EXPECT_NE(only<EndEnvironment>(pool.ready(at(2), busy, kNever)), nullptr);
}

TEST(EnvironmentPool, AnEventThatWaitedStillRunsInARetiredEnvironment) {
  Pool pool({});
  const EnvironmentId id =
      std::get<StartEnvironment>(pool.ask(at(0), kReport, kTimeout, 9).front()).id;
  EXPECT_TRUE(pool.retire("arn:report", std::nullopt).empty());
  EXPECT_NE(only<Dispatch>(pool.ready(at(1), id, kNever)), nullptr);
  EXPECT_NE(only<EndEnvironment>(pool.ready(at(2), id, kNever)), nullptr);
}

TEST(EnvironmentPool, NoEventGoesWhereTheCredentialsWouldEndBeforeIt) {
  Pool pool({});
  const EnvironmentId id = warm(pool, kReport, at(0));
  EXPECT_NE(only<Dispatch>(pool.ask(at(1), kReport, kTimeout, 2)), nullptr);
  EXPECT_TRUE(pool.ready(at(2), id, at(5'000)).empty());
  EXPECT_NE(only<StartEnvironment>(pool.ask(at(3'000), kReport, kTimeout, 3)), nullptr);
  const PoolActions later = pool.tick(at(5'000));
  ASSERT_NE(only<EndEnvironment>(later), nullptr);
  EXPECT_EQ(only<EndEnvironment>(later)->why, EndReason::kExpired);
}

TEST(EnvironmentPool, IdleEnvironmentsEndAfterAWhile) {
  Pool pool({.idle_max = Millis(1'000)});
  warm(pool, kReport, at(0));
  EXPECT_TRUE(pool.tick(at(999)).empty());
  EXPECT_EQ(pool.tick(at(1'000)).size(), 1U);
  EXPECT_EQ(pool.idle(), 0U);
}

}  // namespace
}  // namespace trivet::environments
