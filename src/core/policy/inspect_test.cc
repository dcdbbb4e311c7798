// SPDX-License-Identifier: Apache-2.0
#include "core/policy/inspect.h"

#include <gtest/gtest.h>

namespace trivet::policy {
namespace {

TEST(StatementSpans, FindsEachStatementOfAList) {
  const auto spans = statement_spans(
      "{\"Version\":\"2012-10-17\",\n \"Statement\":[\n  "
      "{\"Sid\":\"a}\\\"\",\"Condition\":{\"x\":{}}},\n  "
      "{\"Sid\":\"Statement\"}]}");
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(spans[0].begin.line, 3);
  EXPECT_EQ(spans[0].begin.column, 3);
  EXPECT_EQ(spans[1].begin.line, 4);
  EXPECT_EQ(spans[1].end.line, 4);
  EXPECT_EQ(spans[1].end.column, 22);
}

TEST(StatementSpans, FindsOneThatStandsAlone) {
  const auto spans = statement_spans(R"({"Statement":{"Effect":"Allow"},"Id":"{"})");
  ASSERT_EQ(spans.size(), 1U);
  EXPECT_EQ(spans[0].begin.column, 14);
  EXPECT_EQ(spans[0].end.column, 32);
  EXPECT_TRUE(statement_spans("{").empty());
  EXPECT_TRUE(statement_spans("[1]").empty());
}

TEST(ContextKeys, AreThoseOfConditionsAndVariablesEachOnce) {
  const auto keys = context_keys(R"({"Version":"2012-10-17","Statement":{"Effect":"Allow",
      "Action":"*","Resource":"arn:aws:iam::1:user/${aws:username}${*}${aws:PrincipalTag/a, 'x'}",
      "Condition":{"StringEquals":{"AWS:UserName":"${aws:PrincipalTag/b}"}}}})");
  ASSERT_TRUE(keys.has_value());
  EXPECT_EQ(*keys,
            (std::vector<std::string>{"AWS:UserName", "aws:PrincipalTag/b", "aws:PrincipalTag/a"}));
}

}  // namespace
}  // namespace trivet::policy
