// SPDX-License-Identifier: Apache-2.0
#include "cli/event_list.h"

#include <gtest/gtest.h>

#include "base/iso8601.h"
#include "cli/api_client.h"

namespace trivet::cli {
namespace {

std::string event_json(const std::string& type, const std::string& source,
                       const std::string& date) {
  return R"({"date":")" + date + R"(","event_id":"RDS-EVENT-0071","source_type":")" + type +
         R"(","source_identifier":")" + source +
         R"(","source_arn":"arn","category":"failover","message":"Completed failover."})";
}

TEST(EventList, ChoosesByClusterAndTime) {
  const auto events = parse_events(
      R"({"events":[)" + event_json("db-cluster", "demo", "2026-01-02T03:04:05.678Z") + "," +
      event_json("db-instance", "demo-instance-1", "2026-01-02T03:04:06.000Z") + "," +
      event_json("db-instance", "demo-instance-1-instance-2", "2026-01-02T03:04:07.000Z") + "," +
      event_json("db-cluster", "demo-instance-1", "2026-01-02T03:04:08.000Z") + "]}");
  ASSERT_TRUE(events) << events.error().message;
  EXPECT_EQ(events->size(), 4U);
  const auto of_demo = choose_events(*events, {.cluster = "demo"});
  ASSERT_EQ(of_demo.size(), 2U);
  EXPECT_EQ(of_demo[1].source_identifier, "demo-instance-1");
  EXPECT_EQ(choose_events(*events, {.cluster = "demo-instance-1"}).size(), 2U);
  EXPECT_EQ(choose_events(*events, {.from = *parse_iso8601("2026-01-02T03:04:07Z")}).size(), 2U);
  EXPECT_EQ(render_events(of_demo),
            "2026-01-02T03:04:05.678Z  RDS-EVENT-0071  demo             Completed failover.\n"
            "2026-01-02T03:04:06.000Z  RDS-EVENT-0071  demo-instance-1  Completed failover.\n");
  EXPECT_EQ(parse_events(events_to_json(of_demo))->size(), 2U);
}

TEST(EventList, RefusesWhatIsNone) {
  for (const char* text : {"", "{}", R"({"events":[{}]})", R"({"events":[{"date":"now"}]})"}) {
    EXPECT_EQ(parse_events(text).error().code, Errc::kCorrupt) << text;
  }
}

TEST(EventList, ShowsWhatTheApiRefused) {
  EXPECT_EQ(refusal_text("<ErrorResponse><Error><Type>Sender</Type><Code>A</Code>"
                         "<Message>b &lt;c&gt; &amp;amp; d</Message></Error></ErrorResponse>"),
            "A: b <c> &amp; d");
  EXPECT_EQ(refusal_text("no XML"), "no XML");
}

}  // namespace
}  // namespace trivet::cli
