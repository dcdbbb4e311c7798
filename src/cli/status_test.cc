// SPDX-License-Identifier: Apache-2.0
#include "cli/status.h"

#include <gtest/gtest.h>

namespace trivet::cli {
namespace {

constexpr std::string_view kDemo = R"({"clusters":[{"identifier":"demo","resource_id":"cluster-AB",
  "status":"available","term":3,"writer":"demo-instance-1","master_username":"admin","iam_authentication":false,
  "waiting_for":"","trouble":null,"news":[1],
  "endpoint":{"name":"demo.cluster-x.local","address":"127.47.0.1","port":3306},
  "reader_endpoint":{"name":"127.47.0.2","address":"127.47.0.2","port":3306},
  "members":[
    {"identifier":"demo-instance-1","availability_zone":"us-east-1a","role":"writer",
     "status":"available","address":"127.47.0.11","port":3306,"pid":4711,"guard_pid":4710,
     "apply_lag_ms":null},
    {"identifier":"demo-instance-2","availability_zone":"us-east-1b","role":"reader",
     "status":"rebooting","address":"127.47.0.12","port":3306,"pid":0,"guard_pid":0,
     "apply_lag_ms":12,"trouble":"cannot connect"}]}]})";

DaemonStatus demo() {
  auto status = parse_status(kDemo);
  EXPECT_TRUE(status.has_value());
  return status ? std::move(*status) : DaemonStatus();
}

TEST(Status, FunctionsAreShownWhenThereIsSomethingToSay) {
  const auto status = parse_status(
      R"({"clusters":[],"functions":{"why_none":"","weaknesses":["no cgroup"],"idle":2,"busy":1,)"
      R"("resident_bytes":45000000}})");
  ASSERT_TRUE(status.has_value());
  const std::string text = render_status(*status);
  EXPECT_NE(text.find("functions: 1 environments busy, 2 idle, 45 MB\n"), std::string::npos);
  EXPECT_NE(text.find("sandboxes of functions are weaker: no cgroup\n"), std::string::npos);
}

TEST(Status, ReadsWhatTheDaemonSays) {
  const DaemonStatus status = demo();
  const StatusCluster* cluster = status.find("demo");
  ASSERT_NE(cluster, nullptr);
  EXPECT_EQ(cluster->term, 3);
  EXPECT_EQ(cluster->writer, "demo-instance-1");
  EXPECT_EQ(cluster->master_username, "admin");
  EXPECT_FALSE(cluster->iam_authentication);
  EXPECT_EQ(cluster->endpoint.address, "127.47.0.1");
  EXPECT_EQ(cluster->trouble, "");
  ASSERT_EQ(cluster->members.size(), 2U);
  EXPECT_EQ(cluster->members[0].pid, 4711);
  EXPECT_FALSE(cluster->members[0].apply_lag_ms.has_value());
  EXPECT_EQ(cluster->members[1].apply_lag_ms, 12);
  EXPECT_EQ(status.find("other"), nullptr);
}

TEST(Status, RefusesWhatIsNoStatus) {
  for (const char* text : {"", "{}", "[]", R"({"clusters":[{}]})",
                           R"({"clusters":[{"identifier":1,"status":"available"}]})"}) {
    const auto status = parse_status(text);
    ASSERT_FALSE(status.has_value()) << text;
    EXPECT_EQ(status.error().code, Errc::kCorrupt);
  }
}

TEST(Status, TableAlignsColumnsAndNamesTrouble) {
  EXPECT_EQ(render_status(demo()),
            "demo  available  term 3  cluster-AB\n"
            "  writer  demo.cluster-x.local:3306  (127.47.0.1)\n"
            "  reader  127.47.0.2:3306\n"
            "  MEMBER           ROLE    STATUS     ZONE        ADDRESS           PID   GUARD  "
            "APPLY LAG\n"
            "  demo-instance-1  writer  available  us-east-1a  127.47.0.11:3306  4711  4710   -\n"
            "  demo-instance-2  reader  rebooting  us-east-1b  127.47.0.12:3306  -     -      "
            "12 ms\n"
            "  demo-instance-2: cannot connect\n");
  EXPECT_EQ(render_status({}), "trivetd is running; there are no clusters\n");
}

TEST(Status, SaysThatCommitsAreDelayed) {
  const auto status = parse_status(
      R"({"clusters":[{"identifier":"demo","status":"available","commit_delay_ms":12}]})");
  ASSERT_TRUE(status.has_value());
  EXPECT_NE(render_status(*status).find("commits are delayed by 12 ms"), std::string::npos);
  EXPECT_EQ(render_status(demo()).find("delayed"), std::string::npos);
}

TEST(Status, SaysWhyWriterEndpointsAreCopied) {
  const auto status = parse_status(
      R"({"why_not_steered":"no privilege","clusters":[{"identifier":"demo","status":"creating"}]})");
  ASSERT_TRUE(status.has_value());
  EXPECT_TRUE(render_status(*status).ends_with(
      "\nwriter endpoints cost time, their bytes are copied: no privilege\n"));
}

TEST(Status, NotReadyIsWhatShouldServeAndDoesNot) {
  DaemonStatus status = demo();
  EXPECT_TRUE(clusters_not_ready(status).empty());
  EXPECT_EQ(members_not_ready(status),
            std::vector<std::string>{"demo: demo-instance-2 is rebooting; cannot connect"});

  status.clusters[0].status = "failing-over";
  status.clusters[0].waiting_for = "one more voter";
  EXPECT_EQ(clusters_not_ready(status),
            std::vector<std::string>{
                "demo: failing-over, 1 of 2 members run; waiting for one more voter"});
  EXPECT_TRUE(members_not_ready(status).empty());

  for (const char* settled : {"failed", "deleting"}) {
    status.clusters[0].status = settled;
    EXPECT_TRUE(clusters_not_ready(status).empty()) << settled;
    EXPECT_TRUE(members_not_ready(status).empty()) << settled;
  }
}

TEST(Status, JsonOfNoDaemonCanBeReadAsAStatus) {
  const auto status = parse_status(kNotRunningJson);
  ASSERT_TRUE(status.has_value());
  EXPECT_TRUE(status->clusters.empty());
}

TEST(CheckMember, OfThisClusterOnly) {
  StatusCluster shop;
  shop.identifier = "shop";
  shop.members.emplace_back().identifier = "shop-instance-1";
  EXPECT_TRUE(check_member(shop, "shop-instance-1"));
  EXPECT_EQ(check_member(shop, "demo-instance-1").error().message,
            "demo-instance-1 is no member of shop: see `trivet status`");
}

}  // namespace
}  // namespace trivet::cli
