// SPDX-License-Identifier: Apache-2.0
#include "core/failover/reader_lag.h"

#include <gtest/gtest.h>

namespace trivet::failover {
namespace {

class ReaderLagTest : public testing::Test {
 protected:
  std::optional<Millis> after(std::int64_t ms, ReaderLag::Seen seen) {
    now_ += Millis(ms);
    return lag_.on_report(seen, now_);
  }
  static ReaderLag::Seen receiving(std::int64_t applying_ms) {
    return {.is_receiving = true, .is_writer_serving = true, .applying = Millis(applying_ms)};
  }
  static ReaderLag::Seen standing(bool is_writer_serving) {
    return {.is_receiving = false, .is_writer_serving = is_writer_serving, .applying = Millis(0)};
  }

  ReaderLag lag_;
  Instant now_{};
};

TEST_F(ReaderLagTest, BelievesAReaderOfWhichNothingElseIsKnown) {
  EXPECT_EQ(after(0, receiving(40'000)), Millis(40'000));
  EXPECT_EQ(after(500, standing(true)), Millis(0));
  EXPECT_EQ(after(500, {.is_receiving = true, .is_writer_serving = true, .applying = {}}),
            std::nullopt);
}

TEST_F(ReaderLagTest, WhatArrivesAfterIdlenessIsNotOld) {
  EXPECT_EQ(after(0, receiving(0)), Millis(0));
  EXPECT_EQ(after(500, receiving(60'000)), Millis(500));
  EXPECT_EQ(after(500, receiving(700)), Millis(700));
  EXPECT_EQ(after(500, receiving(0)), Millis(0));
}

TEST_F(ReaderLagTest, OneThatReceivesNothingFallsBehind) {
  EXPECT_EQ(after(0, receiving(0)), Millis(0));
  EXPECT_EQ(after(20'000, standing(true)), Millis(20'000));
  EXPECT_EQ(after(20'000, standing(true)), Millis(40'000));
  EXPECT_EQ(after(500, receiving(40'400)), Millis(40'400)) << "it has begun to catch up";
  EXPECT_EQ(after(500, receiving(0)), Millis(0));
}

TEST_F(ReaderLagTest, NobodyFallsBehindWhileNobodyWrites) {
  EXPECT_EQ(after(0, receiving(0)), Millis(0));
  EXPECT_EQ(after(60'000, standing(false)), Millis(0));
  EXPECT_EQ(after(500, standing(true)), Millis(500));
}

}  // namespace
}  // namespace trivet::failover
