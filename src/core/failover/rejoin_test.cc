// SPDX-License-Identifier: Apache-2.0
#include "core/failover/rejoin.h"

#include <gtest/gtest.h>

namespace trivet::failover {
namespace {

gtid::GtidSet set(const std::string& numbers) {
  return *gtid::GtidSet::parse("3e11fa47-71ca-11e1-9e33-c80aa9429562:" + numbers);
}

binlog::Tail killed_with_a_tail() {
  binlog::Tail tail;
  tail.in_use = true;
  tail.lacking = set("8-9");
  tail.preamble = 200;
  tail.begins_at = 4'000;
  tail.file_bytes = 5'000;
  return tail;
}

void expect_clone(const binlog::Tail& tail, const std::string& why) {
  const RejoinPlan plan = plan_rejoin(tail);
  EXPECT_EQ(plan.way, RejoinWay::kClone);
  EXPECT_NE(plan.reason.find(why), std::string::npos) << plan.reason;
}

TEST(PlanRejoin, NothingThatTheWriterLacksReplicates) {
  binlog::Tail tail;
  EXPECT_EQ(plan_rejoin(tail).way, RejoinWay::kReplicate);
  tail.in_use = true;
  EXPECT_EQ(plan_rejoin(tail).way, RejoinWay::kReplicate);
  tail.begins_at = 4'000;  // a transaction that was not written to its end
  tail.obstacle = "whatever";
  EXPECT_EQ(plan_rejoin(tail).way, RejoinWay::kReplicate);
}

TEST(PlanRejoin, AKilledServersLastTransactionsAreRewound) {
  EXPECT_EQ(plan_rejoin(killed_with_a_tail()).way, RejoinWay::kRewind);
}

TEST(PlanRejoin, AnythingElseIsCloned) {
  auto tail = killed_with_a_tail();
  tail.unreadable = "it is encrypted";
  expect_clone(tail, "it is encrypted");
  tail = killed_with_a_tail();
  tail.is_in_last_file = false;
  expect_clone(tail, "before the last file");
  tail = killed_with_a_tail();
  tail.is_contiguous = false;
  expect_clone(tail, "not the end");
  tail = killed_with_a_tail();
  tail.in_use = false;
  expect_clone(tail, "not killed");
  tail = killed_with_a_tail();
  tail.obstacle = "a prepared XA transaction";
  expect_clone(tail, "a prepared XA transaction");
}

TEST(WhyClone, OnlyWhatTheWriterHoldsMayFollow) {
  EXPECT_FALSE(why_clone({set("1-7"), 0}, set("1-7")).has_value());
  EXPECT_FALSE(why_clone({set("1-5"), 0}, set("1-7")).has_value());
  EXPECT_TRUE(why_clone({set("1-8"), 0}, set("1-7")).has_value());
  EXPECT_TRUE(why_clone({set("1-5"), 1}, set("1-7")).has_value());
}

}  // namespace
}  // namespace trivet::failover
