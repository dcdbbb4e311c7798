// SPDX-License-Identifier: Apache-2.0
#include "core/environments/log_lines.h"

#include <gtest/gtest.h>

#include <vector>

namespace trivet::environments {
namespace {

TEST(LogLines, AReportIsWhatAwsWrites) {
  EXPECT_EQ(report_line({.request_id = "id",
                         .duration = std::chrono::microseconds(3'011),
                         .memory_mb = 128,
                         .memory_used_bytes = 35 * (1 << 20) + 1,
                         .init_duration = std::chrono::microseconds(110'100)}),
            "REPORT RequestId: id\tDuration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\t"
            "Max Memory Used: 36 MB\tInit Duration: 110.10 ms\t");
}

TEST(LogLines, NoMoreMemoryIsReportedThanThereIs) {
  const std::string line =
      report_line({.request_id = "id", .memory_mb = 128, .memory_used_bytes = 130 << 20});
  EXPECT_NE(line.find("Max Memory Used: 128 MB"), std::string::npos);
}

TEST(LogLines, ATimeoutIsSaidInSeconds) {
  EXPECT_EQ(timeout_line("2026-01-02T03:04:05.678Z", "id", Millis(3'000)),
            "2026-01-02T03:04:05.678Z id Task timed out after 3.00 seconds");
}

TEST(LogTail, KeepsTheLastFourKibibytes) {
  LogTail tail;
  for (int i = 0; i < 10'000; ++i) {
    tail.add("line " + std::to_string(i));
  }
  EXPECT_EQ(tail.text().size(), LogTail::kBytesMax);
  EXPECT_EQ(tail.text().substr(tail.text().size() - 10), "line 9999\n");
  tail.add(std::string(100'000, 'x'));
  EXPECT_EQ(tail.text(), std::string(LogTail::kBytesMax - 1, 'x') + "\n");
}

TEST(LineSplitter, GivesWholeLinesAndCutsEndlessOnes) {
  LineSplitter splitter;
  std::vector<std::string> lines;
  const auto take = [&lines](std::string line) { lines.push_back(std::move(line)); };
  splitter.add("one\ntw", take);
  splitter.add("o\n\nthree", take);
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", ""}));
  splitter.flush(take);
  EXPECT_EQ(lines.back(), "three");
  lines.clear();
  splitter.add(std::string(2 * LineSplitter::kLineBytesMax + 10, 'y'), take);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines.front().size(), LineSplitter::kLineBytesMax);
}

}  // namespace
}  // namespace trivet::environments
