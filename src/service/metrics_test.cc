// SPDX-License-Identifier: Apache-2.0
#include "service/metrics.h"

#include <gtest/gtest.h>

namespace trivet::service {
namespace {

LoginRecord login(const std::string& cluster, const std::string& reason, int aws_status) {
  LoginRecord record;
  record.cluster = cluster;
  record.is_accepted = reason.empty();
  record.reason = reason;
  record.aws_status = aws_status;
  return record;
}

std::string text_of(const Metrics& metrics) {
  MetricsText text;
  metrics.add_to(text);
  return std::move(text).str();
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, RdssSevenCountEveryLogin) {
  Metrics metrics;
  metrics.count(login("demo", "", 200));
  metrics.count(login("demo", "expired", 400));
  metrics.count(login("demo", "bad-signature", 400));
  metrics.count(login("demo", "implicit-deny", 403));
  metrics.count(login("demo", "throttled", 429));
  metrics.count(login("demo", "internal", 500));
  metrics.count(login("other", "expired", 400));
  const std::string text = text_of(metrics);
  for (const char* line : {R"(IamDbAuthConnectionRequests{cluster="demo"} 6)",
                           R"(IamDbAuthConnectionSuccess{cluster="demo"} 1)",
                           R"(IamDbAuthConnectionFailure{cluster="demo"} 5)",
                           R"(IamDbAuthConnectionFailureInvalidToken{cluster="demo"} 2)",
                           R"(IamDbAuthConnectionFailureInsufficientPermissions{cluster="demo"} 1)",
                           R"(IamDbAuthConnectionFailureThrottling{cluster="demo"} 1)",
                           R"(IamDbAuthConnectionFailureServerError{cluster="demo"} 1)",
                           R"(IamDbAuthConnectionFailure{cluster="other"} 1)",
                           R"(trivet_login_refusals_total{cluster="demo",reason="expired"} 1)",
                           R"(trivet_login_refusals_total{cluster="other",reason="expired"} 1)",
                           "# TYPE IamDbAuthConnectionSuccess counter"}) {
    EXPECT_TRUE(has_line(text, line)) << line << "\n" << text;
  }
}

TEST(Metrics, ApiCallsCountByActionAndVerdict) {
  Metrics metrics;
  ApiRecord record;
  record.service = "rds";
  record.action = "CreateDBCluster";
  record.verdict = "done";
  record.is_known_action = true;
  metrics.count(record);
  metrics.count(record);
  record.verdict = "rejected";
  record.is_known_action = false;
  for (const char* made_up : {"A", "B", "C"}) {
    record.action = made_up;
    metrics.count(record);
  }
  const std::string text = text_of(metrics);
  EXPECT_TRUE(has_line(
      text, R"(trivet_api_calls_total{service="rds",action="CreateDBCluster",verdict="done"} 2)"))
      << text;
  EXPECT_TRUE(has_line(
      text, R"(trivet_api_calls_total{service="rds",action="other",verdict="rejected"} 3)"))
      << text;
}

TEST(Metrics, ClustersSayTermRoleAndLag) {
  auto view = std::make_shared<ClusterView>();
  view->cluster.id = ClusterId("demo");
  view->topology.term = Term(7);
  view->writer = MemberId("a");
  view->members.resize(2);
  view->members[0].id = MemberId("a");
  view->members[0].is_writer = true;
  view->members[1].id = MemberId("b");
  view->members[1].apply_lag = Millis(40);
  for (const char* name : {"a", "b"}) {
    Member member;
    member.id = MemberId(name);
    view->cluster.members.push_back(member);
  }
  MetricsText out;
  add_cluster_metrics({view}, out);
  const std::string text = std::move(out).str();
  for (const char* line :
       {R"(trivet_cluster_term{cluster="demo"} 7)",
        R"(trivet_cluster_has_writer{cluster="demo"} 1)",
        R"(trivet_member_is_writer{cluster="demo",member="a"} 1)",
        R"(trivet_member_is_writer{cluster="demo",member="b"} 0)",
        R"(trivet_member_apply_lag_milliseconds{cluster="demo",member="b"} 40)"}) {
    EXPECT_TRUE(has_line(text, line)) << line << "\n" << text;
  }
  EXPECT_FALSE(text.find(R"(apply_lag_milliseconds{cluster="demo",member="a"})") !=
               std::string::npos);
}

TEST(MetricsText, LabelsAreEscaped) {
  MetricsText text;
  text.begin("m", "gauge", "help");
  text.value({{"l", "a\"b\\c\nd"}}, -1);
  text.value({}, 2);
  EXPECT_EQ(std::move(text).str(),
            "# HELP m help\n# TYPE m gauge\nm{l=\"a\\\"b\\\\c d\"} -1\nm 2\n");
}

}  // namespace
}  // namespace trivet::service
