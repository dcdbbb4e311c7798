// SPDX-License-Identifier: Apache-2.0
//
// CloudWatch Logs' actions over a log store in a temporary folder.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "adapter/log_store/log_store.h"
#include "api/error_map.h"
#include "api/logs/actions.h"
#include "base/iso8601.h"

namespace trivet::api {
namespace {

using nlohmann::json;

class FixedClock final : public Clock {
 public:
  Instant now() const override { return SystemClock().now(); }
  WallTime wall_now() const override { return *parse_iso8601("2026-01-02T03:04:05Z"); }
};

class LogsActionsTest : public testing::Test {
 protected:
  LogsActionsTest() {
    char path[] = "/tmp/trivet-logs-api-XXXXXX";
    EXPECT_NE(::mkdtemp(path), nullptr);
    root_ = path;
    auto opened = log_store::FileLogStore::open(root_ + "/logs", clock_);
    EXPECT_TRUE(opened.has_value());
    store_ = std::move(*opened);
    service_ = std::make_unique<trivet::logs::LogService>(*store_, realm_);
    add_logs_actions(table_, *service_);
  }
  ~LogsActionsTest() override {
    store_.reset();
    std::filesystem::remove_all(root_);
  }

  // The answer, or {"fault": …, "message": …}.
  json call(const std::string& action, const json& body) {
    const ServiceInfo& info = *find_service("logs");
    const Action* found = table_.find(info, action);
    EXPECT_NE(found, nullptr);
    const std::string text = body.dump();
    const net::Headers none;
    JsonRequest request;
    request.action = found->name;
    request.headers = &none;
    request.body = text;
    const Call facts{.request_id = "00000000-0000-4000-8000-000000000000",
                     .service = info,
                     .action = found->name,
                     .principal = principal_,
                     .realm = realm_,
                     .region = realm_.region,
                     .now = clock_.wall_now(),
                     .source_ip = "127.0.0.1"};
    json out;
    found->run_json(
        facts, request,
        [this](const std::vector<Permission>& permissions) {
          asked_ = permissions;
          return ok();
        },
        [&](Result<JsonAnswer> answer) {
          if (answer) {
            out = answer->body.empty() ? json::object() : json::parse(answer->body);
          } else {
            const AwsError error = map_error(&info, answer.error());
            out = {{"fault", error.code}, {"message", error.message}};
          }
        });
    return out;
  }
  std::string asked() const { return asked_[0].action + " " + asked_[0].resource; }
  void make_stream() {
    call("CreateLogGroup", {{"logGroupName", "/app/x"}});
    call("CreateLogStream", {{"logGroupName", "/app/x"}, {"logStreamName", "s"}});
  }
  json put(const json& events) {
    return call("PutLogEvents",
                {{"logGroupName", "/app/x"}, {"logStreamName", "s"}, {"logEvents", events}});
  }
  std::int64_t now_ms() const { return to_ms(clock_.wall_now()); }

  FixedClock clock_;
  const Realm realm_{.account = AccountId("123456789012")};
  const Principal principal_;
  std::string root_;
  std::unique_ptr<log_store::FileLogStore> store_;
  std::unique_ptr<trivet::logs::LogService> service_;
  ActionTable table_;
  std::vector<Permission> asked_;
};

TEST_F(LogsActionsTest, GroupsAreMadeDescribedTaggedAndDeleted) {
  EXPECT_EQ(call("CreateLogGroup", {{"logGroupName", "/app/x"}, {"tags", {{"team", "blue"}}}}),
            json::object());
  EXPECT_EQ(asked(), "logs:CreateLogGroup arn:aws:logs:us-east-1:123456789012:log-group:/app/x:*");
  EXPECT_EQ(call("CreateLogGroup", {{"logGroupName", "/app/x"}})["fault"],
            "ResourceAlreadyExistsException");
  call("CreateLogGroup", {{"logGroupName", "/app/y"}});
  call("PutRetentionPolicy", {{"logGroupName", "/app/x"}, {"retentionInDays", 7}});
  EXPECT_EQ(
      call("PutRetentionPolicy", {{"logGroupName", "/app/x"}, {"retentionInDays", 8}})["fault"],
      "InvalidParameterException");

  const json described = call("DescribeLogGroups", {{"logGroupNamePrefix", "/app/"}, {"limit", 1}});
  ASSERT_EQ(described["logGroups"].size(), 1U);
  EXPECT_EQ(described["logGroups"][0]["arn"],
            "arn:aws:logs:us-east-1:123456789012:log-group:/app/x:*");
  EXPECT_EQ(described["logGroups"][0]["retentionInDays"], 7);
  EXPECT_EQ(described["logGroups"][0]["creationTime"], now_ms());
  const json rest = call("DescribeLogGroups", {{"nextToken", described["nextToken"]}});
  ASSERT_EQ(rest["logGroups"].size(), 1U);
  EXPECT_EQ(rest["logGroups"][0]["logGroupName"], "/app/y");
  EXPECT_FALSE(rest.contains("nextToken"));

  const std::string arn = "arn:aws:logs:us-east-1:123456789012:log-group:/app/x";
  call("TagResource", {{"resourceArn", arn}, {"tags", {{"a", "b"}}}});
  call("UntagResource", {{"resourceArn", arn}, {"tagKeys", {"team"}}});
  EXPECT_EQ(call("ListTagsForResource", {{"resourceArn", arn}})["tags"], json({{"a", "b"}}));
  EXPECT_EQ(call("DeleteLogGroup", {{"logGroupName", "/app/x"}}), json::object());
  EXPECT_EQ(call("DeleteLogGroup", {{"logGroupName", "/app/x"}})["fault"],
            "ResourceNotFoundException");
}

TEST_F(LogsActionsTest, EventsAreWrittenReadAndFiltered) {
  make_stream();
  const std::int64_t at = now_ms();
  put({{{"timestamp", at - 2}, {"message", "START"}},
       {{"timestamp", at - 1}, {"message", "an ERROR"}},
       {{"timestamp", at}, {"message", "END"}}});
  EXPECT_EQ(asked(),
            "logs:PutLogEvents "
            "arn:aws:logs:us-east-1:123456789012:log-group:/app/x:log-stream:s");
  const json got = call(
      "GetLogEvents",
      {{"logGroupName", "/app/x"}, {"logStreamName", "s"}, {"startFromHead", true}, {"limit", 2}});
  ASSERT_EQ(got["events"].size(), 2U);
  EXPECT_EQ(got["events"][1]["message"], "an ERROR");
  EXPECT_EQ(got["events"][1]["ingestionTime"], at);
  const json next = call(
      "GetLogEvents",
      {{"logGroupName", "/app/x"}, {"logStreamName", "s"}, {"nextToken", got["nextForwardToken"]}});
  ASSERT_EQ(next["events"].size(), 1U);
  EXPECT_EQ(next["events"][0]["message"], "END");
  const json last =
      call("GetLogEvents", {{"logGroupName", "/app/x"}, {"logStreamName", "s"}, {"limit", 1}});
  EXPECT_EQ(last["events"][0]["message"], "END");

  const json errors = call("FilterLogEvents", {{"logGroupName", "/app/x"},
                                               {"filterPattern", "ERROR"},
                                               {"startTime", at - 10},
                                               {"interleaved", true}});
  ASSERT_EQ(errors["events"].size(), 1U);
  EXPECT_EQ(errors["events"][0]["logStreamName"], "s");
  EXPECT_EQ(errors["events"][0]["timestamp"], at - 1);
  const json first = call("FilterLogEvents", {{"logGroupName", "/app/x"}, {"limit", 2}});
  ASSERT_TRUE(first.contains("nextToken"));
  const json second =
      call("FilterLogEvents", {{"logGroupName", "/app/x"}, {"nextToken", first["nextToken"]}});
  ASSERT_EQ(second["events"].size(), 1U);
  EXPECT_NE(second["events"][0]["eventId"], first["events"][1]["eventId"]);

  const json streams =
      call("DescribeLogStreams",
           {{"logGroupName", "/app/x"}, {"orderBy", "LastEventTime"}, {"descending", true}});
  EXPECT_EQ(streams["logStreams"][0]["lastEventTimestamp"], at);
}

TEST_F(LogsActionsTest, WhatAwsRefusesIsRefused) {
  make_stream();
  const std::int64_t at = now_ms();
  EXPECT_EQ(put({{{"timestamp", at}, {"message", "b"}},
                 {{"timestamp", at - 1}, {"message", "a"}}})["message"],
            "Log events in a single PutLogEvents request must be in chronological order.");
  EXPECT_EQ(put({{{"timestamp", at - 100'000'000}, {"message", "a"}},
                 {{"timestamp", at}, {"message", "b"}}})["fault"],
            "InvalidParameterException");
  const json rejected = put({{{"timestamp", at - 15LL * 86'400'000}, {"message", "old"}}});
  EXPECT_EQ(rejected["rejectedLogEventsInfo"]["tooOldLogEventEndIndex"], 1);
  EXPECT_EQ(put({{{"timestamp", at + 8'000'000},
                  {"message", "new"}}})["rejectedLogEventsInfo"]["tooNewLogEventStartIndex"],
            0);
  EXPECT_EQ(call("GetLogEvents", {{"logGroupName", "/app/x"}, {"logStreamName", "t"}})["message"],
            "The specified log stream does not exist.");
  EXPECT_EQ(call("FilterLogEvents", {{"logGroupName", "/none"}})["message"],
            "The specified log group does not exist.");
  EXPECT_EQ(call("FilterLogEvents",
                 {{"logGroupName", "/app/x"}, {"filterPattern", "{ $.a = 1 }"}})["fault"],
            "InvalidParameterException");
  EXPECT_EQ(call("GetLogEvents",
                 {{"logGroupName", "/app/x"}, {"logStreamName", "s"}, {"nextToken", "x"}})["fault"],
            "InvalidParameterException");
}

}  // namespace
}  // namespace trivet::api
