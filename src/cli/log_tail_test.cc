// SPDX-License-Identifier: Apache-2.0
#include "cli/log_tail.h"

#include <gtest/gtest.h>

namespace trivet::cli {
namespace {

ShownLogEvent event(std::int64_t ms, const std::string& message) {
  char id[64];
  std::snprintf(id, sizeof id, "%014lld-%s", static_cast<long long>(ms), message.c_str());
  return {.id = id, .stream = "s", .at = wall_time_from_ms(ms), .message = message};
}

TEST(LogTail, ReadsAPage) {
  const auto page = parse_log_page(
      R"({"events": [{"eventId": "1", "logStreamName": "s", "timestamp": 5, "message": "m\n"}],
          "nextToken": "t"})");
  ASSERT_TRUE(page.has_value());
  EXPECT_EQ(page->next_token, "t");
  ASSERT_EQ(page->events.size(), 1U);
  EXPECT_EQ(render_log_events(page->events), "1970-01-01T00:00:00.005Z m\n");
  EXPECT_FALSE(parse_log_page("<html>").has_value());
}

TEST(LogTail, ShowsEachEventOnceAlsoWhenOneComesLate) {
  LogTail tail(wall_time_from_ms(0));
  EXPECT_EQ(tail.take({event(50'000, "a"), event(60'000, "b")}).size(), 2U);
  EXPECT_EQ(tail.from(), wall_time_from_ms(50'000));
  const auto more = tail.take({event(50'000, "a"), event(55'000, "late"), event(60'000, "b")});
  ASSERT_EQ(more.size(), 1U);
  EXPECT_EQ(more[0].message, "late");
  EXPECT_EQ(tail.take({event(50'000, "a"), event(55'000, "late")}).size(), 0U);
}

TEST(LogTail, SetsLinesOfAMessageOff) {
  EXPECT_EQ(render_log_events({event(0, "one\ntwo\n")}), "1970-01-01T00:00:00.000Z one\n  two\n");
  EXPECT_EQ(render_log_events({event(0, "Traceback:\r  File\r\nend\r")}),
            "1970-01-01T00:00:00.000Z Traceback:\n    File\n  end\n");
}

TEST(LogTail, ReadsAges) {
  EXPECT_EQ(parse_age("90"), Millis(90'000));
  EXPECT_EQ(parse_age("10m"), Millis(600'000));
  EXPECT_EQ(parse_age("2h"), Millis(7'200'000));
  for (const char* text : {"", "m", "-1m", "1w", "1 m", "99999999999d"}) {
    EXPECT_FALSE(parse_age(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace trivet::cli
