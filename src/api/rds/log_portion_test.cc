// SPDX-License-Identifier: Apache-2.0
#include "api/rds/log_portion.h"

#include <gtest/gtest.h>

namespace trivet::api::rds {
namespace {

TEST(LogPortion, HasWholeLinesFromTheHead) {
  EXPECT_EQ(head_of("a\nb\nc", 2).text, "a\nb\n");
  EXPECT_EQ(head_of("a\nb\nc", 2).end, 4U);
  EXPECT_EQ(head_of("a\nb\nc", 9).text, "a\nb\n") << "the rest is not whole yet";
  EXPECT_EQ(head_of("a", 9).text, "a") << "there is nothing else";
  EXPECT_EQ(head_of("", 9).text, "");
  EXPECT_EQ(head_of("", 9).end, 0U);
}

TEST(LogPortion, HasTheLastLines) {
  EXPECT_EQ(tail_of("a\nb\nc\n", 2, false).text, "b\nc\n");
  EXPECT_EQ(tail_of("a\nb\nc", 2, false).text, "b\nc");
  EXPECT_EQ(tail_of("a\nb\nc\n", 9, false).text, "a\nb\nc\n");
  EXPECT_EQ(tail_of("a\nb\nc\n", 9, true).text, "b\nc\n") << "the first may be half a line";
  EXPECT_EQ(tail_of("abc", 9, true).text, "");
  EXPECT_EQ(tail_of("\n\n", 1, false).text, "\n");
  EXPECT_EQ(tail_of("", 9, false).text, "");
  EXPECT_EQ(tail_of("a\nb\n", 1, false).end, 4U);
}

TEST(LogPortion, IsTextForXml) {
  EXPECT_EQ(head_of("\xC3\xA4\n", 1).text, "\xC3\xA4\n");
  EXPECT_EQ(head_of("a\xFF\n", 1).text, "a?\n");
  EXPECT_EQ(head_of("a\xFF\n", 1).end, 3U);
}

}  // namespace
}  // namespace trivet::api::rds
